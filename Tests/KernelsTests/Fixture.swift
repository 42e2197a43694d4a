// Results recorded from PyTorch by tools/fixtures/make_kernels.py.
import Foundation
import Tensors
import Testing

/// The recorded tensor of that name.
func recorded(_ name: String) throws -> Tensor {
  let entry = try #require(Fixture.entries.get()[name], "no fixture \(name)")
  return Tensor(Shape(entry.shape), entry.values)
}

/// Expects the recorded shape, and elements within `tolerance` of the recorded ones.
func expectClose(
  _ found: Tensor, _ expected: Tensor, tolerance: Float, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.shape == expected.shape, sourceLocation: sourceLocation)
  let worst = zip(found.elements, expected.elements).reduce(0) { max($0, abs($1.0 - $1.1)) }
  #expect(worst <= tolerance, sourceLocation: sourceLocation)
}

/// A tensor whose elements are their own positions.
func positions(_ shape: Shape) -> Tensor { Tensor(shape, (0..<shape.count).map(Float.init)) }

private struct Fixture: Decodable {
  let shape: [Int]
  let values: [Float]

  static let entries = Result {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/kernels.json")
    return try JSONDecoder().decode([String: Fixture].self, from: Data(contentsOf: file))
  }
}
