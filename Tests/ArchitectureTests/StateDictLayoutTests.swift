import Architecture
import Files
import Foundation
import Tensors
import Testing
import TestSupport

/// What the official code builds, written by tools/fixtures/make_layouts.py.
private struct Layouts: Decodable {
  struct Layout: Decodable {
    let tensors: Int
    let parameters: Int
    let sha256: String
  }
  let layouts: [String: Layout]
}

@Test(arguments: Variant.allCases) func layoutIsTheOfficialModels(variant: Variant) throws {
  let data = try Data(contentsOf: URL(fileURLWithPath: TestFiles.fixture("layouts.json")))
  let official = try #require(try JSONDecoder().decode(Layouts.self, from: data).layouts[variant.rawValue])
  let layout = StateDictLayout(variant.configuration)
  #expect(layout.tensors.count == official.tensors)
  #expect(layout.tensors.reduce(0) { $0 + $1.shape.count } == official.parameters)
  let lines = layout.tensors.map { "\($0.name) \($0.shape)\n" }.sorted().joined()
  #expect(Array(lines.utf8).withUnsafeBytes { SHA256.hex(of: $0) } == official.sha256)
}

@Test func layoutHasNoNameTwice() {
  let layout = StateDictLayout(Variant.sam21Large.configuration)
  #expect(layout.shapes.count == layout.tensors.count)
}
