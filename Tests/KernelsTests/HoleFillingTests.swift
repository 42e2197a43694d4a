// Against SciPy's labelling, recorded by tools/fixtures/make_videos.py.
import Foundation
import Kernels
import Tensors
import Testing

@Suite struct HoleFillingTests {
  private struct Recorded: Decodable {
    struct Entry: Decodable {
      let height: Int
      let width: Int
      let area: Int
      let logits: Data
      let filled: Data
    }
    let entries: [Entry]
  }

  private func floats(_ data: Data) -> [Float] {
    data.withUnsafeBytes { bytes in
      (0..<data.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }

  @Test func smallComponentsAreFilledAsSciPyLabelsThem() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/holes.json")
    let recorded = try JSONDecoder().decode(Recorded.self, from: Data(contentsOf: file))
    #expect(recorded.entries.count == 6)
    for entry in recorded.entries {
      let logits = Tensor([1, entry.height, entry.width], floats(entry.logits))
      #expect(logits.elements != floats(entry.filled))
      #expect(logits.fillingHoles(area: entry.area).elements == floats(entry.filled))
    }
  }

  @Test func cornersConnect() {
    let diagonal = Tensor([1, 2, 2], [-1, 1, 1, 0])
    #expect(diagonal.fillingHoles(area: 1).elements == [-1, 1, 1, 0])
    #expect(diagonal.fillingHoles(area: 2).elements == [0.1, 1, 1, 0.1])
  }

  @Test func planesAreApart() {
    let planes = Tensor([2, 1, 2], [-1, 1, -1, -1])
    #expect(planes.fillingHoles(area: 1).elements == [0.1, 1, -1, -1])
  }

  @Test func noAreaFillsNothing() {
    #expect(Tensor([1, 1, 2], [-1, 1]).fillingHoles(area: 0).elements == [-1, 1])
  }

  /// A comb whose teeth meet only in the last row: all runs are one component, whatever they seemed at first.
  @Test func branchesThatMeetLateAreOne() {
    let comb: [Float] = [-1, 1, -1, 1, -1, -1, 1, -1, 1, -1, -1, -1, -1, -1, -1]
    #expect(Tensor([1, 3, 5], comb).fillingHoles(area: 10).elements == comb)
    #expect(Tensor([1, 3, 5], comb).fillingHoles(area: 11).elements.allSatisfy { $0 > 0 })
  }
}
