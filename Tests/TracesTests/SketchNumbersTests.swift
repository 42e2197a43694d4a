// Sketches against tools/sketch.py, of arrays that end within a block, that hold what is no number, and that are small.
import Foundation
import Taps
import Tensors
import Testing
import TestSupport

@testable import Traces

/// What tools/fixtures/make_sketches.py recorded.
private struct RecordedSketches: Decodable {
  struct Case: Decodable {
    let name: String
    let count: Int
    /// Numbers that are none, by their positions.
    let nan: [Int]
    let infinite: [Int]
    let counts: [Int]
    let statistics: [Double]
    let projections: [Double]
    /// Positions of the first and last samples.
    let samples: [Float?]
  }
  let cases: [Case]
}

@Test func sketchesAreThoseOfTheRecorder() throws {
  let file = URL(filePath: TestFiles.package("Tests/Fixtures/sketches.json"))
  let recorded = try JSONDecoder().decode(RecordedSketches.self, from: Data(contentsOf: file))
  #expect(recorded.cases.count == 8)
  for expected in recorded.cases {
    // Every number has an exact sum, whatever its order.
    var elements = (0..<expected.count).map { Float($0 * 37 % 101) - 40 }
    for place in expected.nan { elements[place] = .nan }
    for place in expected.infinite { elements[place] = place % 2 == 0 ? .infinity : -.infinity }
    let found = Sketch(of: Tensor([expected.count], elements))
    #expect([found.count, found.nan, found.infinite] == expected.counts, "\(expected.name)")
    #expect(found.projections == expected.projections, "\(expected.name)")
    let statistics = [found.least, found.largest, found.mean, found.deviation, found.norm]
    for (ours, theirs) in zip(statistics, expected.statistics) {
      #expect(abs(ours - theirs) <= 1e-12 * max(1, abs(theirs)), "\(expected.name): \(statistics)")
    }
    #expect(found.samples.count == expected.samples.count)
    for (ours, theirs) in zip(found.samples, expected.samples) {
      #expect(theirs.map { $0 == ours } ?? !ours.isFinite, "\(expected.name)")
    }
  }
}

/// Rows of a file's tables are told apart: each tap has its own, the last ones too.
@Test func everyRowOfAFileComesBackWhole() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/x.h5"
    let tensors = (0..<5).map { row in
      Tensor([300 + row], (0..<300 + row).map { Float(($0 + row) * (row + 3) % 17) - 5 })
    }
    let writer = try SketchWriter(path: path, provenance: sample)
    for (row, tensor) in tensors.enumerated() {
      try writer.write(ModulePath("m\(row)"), call: 0, sequence: row, inputs: [], output: tensor)
    }
    try writer.finish()
    let reader = try SketchReader(path: path)
    for (row, tensor) in tensors.enumerated() {
      let (found, expected) = (try reader.sketch(of: reader.taps[row].id), Sketch(of: tensor))
      #expect(found.projections == expected.projections && found.samples == expected.samples)
      #expect(found == expected && found.projections.count == 8, "row \(row)")
    }
    #expect(Set(reader.taps.map(\.name)).count == 5)
  }
}
