// Logits against SciPy's labelling, recorded by tools/fixtures/make_videos.py, masks against OpenCV's.
import Foundation
import Masks
import Tensors
import Testing
import TestSupport

@Suite struct ComponentsTests {
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
    let file = URL(filePath: TestFiles.fixture("holes.json"))
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

  @Test func smallHolesAndIslandsGoAsInTheOfficialMaskGenerator() throws {
    for recorded in try RecordedMask.all() {
      for cleaned in recorded.cleaned {
        let name = Comment(rawValue: "\(recorded.name), \(cleaned.area)")
        #expect(recorded.binary.fillingHoles(area: cleaned.area) == cleaned.withoutHoles, name)
        #expect(recorded.binary.removingIslands(area: cleaned.area) == cleaned.withoutIslands, name)
      }
    }
  }

  @Test func ofIslandsThatAreAllSmallTheFirstOfTheLargestStays() {
    let mask = BinaryMask(["##..", "...#", "...#"])
    #expect(mask.removingIslands(area: 2) == BinaryMask(["##..", "....", "...."]))
    #expect(mask.removingIslands(area: 1) == mask)
  }

  /// A spiral of a million pixels is one component; what isn't linear in them would take minutes.
  @Test func aSpiralIsOneComponent() {
    let side = 1001
    var pixels = [UInt8](repeating: 0, count: side * side)
    for y in 0..<side {
      for x in 0..<side where min(x, y, side - 1 - x, side - 1 - y) % 2 == 0 { pixels[y * side + x] = 1 }
    }
    // A bridge from every ring to the next.
    for ring in stride(from: 1, to: side / 2, by: 2) { pixels[ring * side + ring] = 1 }
    let mask = BinaryMask(width: side, height: side, pixels: pixels)
    #expect(mask.removingIslands(area: mask.area - 1) == mask)
    let cut = Tensor([side, side], pixels.map { $0 == 1 ? -1 : 1 })
    #expect(cut.fillingHoles(area: mask.area - 1).elements == cut.elements)
    #expect(cut.fillingHoles(area: mask.area).count(above: 0) == side * side)
  }
}
