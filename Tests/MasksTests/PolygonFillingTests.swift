import Foundation
import Masks
import Testing
import TestSupport

/// Fixtures/polygons.json, of tools/fixtures/make_polygons.py.
private struct PolygonCase: Decodable {
  let width: Int
  let height: Int
  let polygons: [[Double]]
  let counts: String
}

@Test func polygonsAreFilledAsPycocotoolsFillsThem() throws {
  let path = TestFiles.package("Tests/MasksTests/Fixtures/polygons.json")
  let cases = try JSONDecoder().decode([PolygonCase].self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  #expect(cases.count == 40)
  for (index, expected) in cases.enumerated() {
    let mask = try BinaryMask(width: expected.width, height: expected.height, polygons: expected.polygons)
    #expect(RunLengthEncoding(mask).compressed == expected.counts, "case \(index)")
  }
}
