import Checkpoints
import Foundation
import Tensors
import Testing
import TestSupport

@Suite struct CheckpointDifferenceTests {
  /// A safetensors file of Float32 tensors.
  private func write(_ tensors: KeyValuePairs<String, (Shape, [Float])>, to path: String) throws -> Checkpoint {
    var writer = try TorchWriter(path: path, tensors.map { TorchWriter.Item(name: $0.key, shape: $0.value.0) })
    for (_, (_, numbers)) in tensors { try numbers.withUnsafeBytes { try writer.write($0) } }
    try writer.finish()
    return try Checkpoint.open(path: path)
  }

  @Test func namesEveryKindOfDifference() throws {
    try TestFiles.withTemporaryFolder { folder in
      let first = try write(
        [
          "same": ([2], [1, 2]), "gone": ([1], [0]), "shape": ([2, 1], [1, 2]),
          "value": ([2, 2], [1, 2, 3, 4]),
        ],
        to: "\(folder)/a.pt")
      let second = try write(
        [
          "value": ([2, 2], [1, 2.5, 1, 4]), "same": ([2], [1, 2]), "new": ([3], [0, 0, 0]),
          "shape": ([2], [1, 2]),
        ],
        to: "\(folder)/b.pt")
      let difference = try CheckpointDifference(first, second)
      #expect(!difference.isEmpty && difference.equal == 1 && difference.retyped.isEmpty)
      #expect(difference.added.map(\.name) == ["new"] && difference.added.map(\.shape) == [[3]])
      #expect(difference.missing.map(\.name) == ["gone"])
      #expect(difference.reshaped.map(\.name) == ["shape"])
      #expect(difference.reshaped[0].shapes == ([2, 1], [2]))
      let changed = try #require(difference.changed.first)
      #expect(changed.name == "value" && changed.change.differing == 2 && changed.change.largest == 2)
      #expect(changed.place == [1, 0] && changed.change.values == (3, 1))
      // (1 + 5 + 3 + 16) / √(30 · 24.25)
      #expect(abs(changed.change.cosine - 25 / (30 * 24.25).squareRoot()) < 1e-12)
      #expect(try CheckpointDifference(first, first).isEmpty)
    }
  }

  @Test func comparesTensorsOfAnotherTypeAsNumbers() throws {
    try TestFiles.withTemporaryFolder { folder in
      let source = try Fixtures.open("genuine/rounding.safetensors")
      let name = try #require(source.entries.first { $0.shape.count >= WeightRounding.threshold }?.name)
      try Conversion(source.rounded(to: .bfloat16)).write(to: "\(folder)/a.pt", as: .torch)
      let rounded = try Checkpoint.open(path: "\(folder)/a.pt")
      let difference = try CheckpointDifference(source, rounded)
      let change = try #require(difference.retyped.first { $0.name == name })
      #expect(change.elementTypes.1 == .bfloat16)
    }
  }

  /// Signs of zeros and payloads of NaNs are bits, but no numbers.
  @Test func bitsCountThoughNumbersDoNot() throws {
    try TestFiles.withTemporaryFolder { folder in
      let quiet = Float(bitPattern: 0x7fc0_0001)
      let first = try write(["a": ([4], [0, .nan, 1, .infinity])], to: "\(folder)/a.pt")
      let second = try write(["a": ([4], [-0.0, quiet, 1, .infinity])], to: "\(folder)/b.pt")
      let changed = try #require(try CheckpointDifference(first, second).changed.first)
      #expect(changed.change.differing == 0 && changed.change.largest == 0 && changed.change.cosine == 1)
    }
  }

  @Test func aNumberBesideNoneIsInfinitelyFar() throws {
    try TestFiles.withTemporaryFolder { folder in
      let first = try write(["a": ([3], [1, 2, 0])], to: "\(folder)/a.pt")
      let second = try write(["a": ([3], [5, .nan, 0])], to: "\(folder)/b.pt")
      let changed = try #require(try CheckpointDifference(first, second).changed.first)
      #expect(changed.change.differing == 2 && changed.change.largest == .infinity && changed.place == [1])
      #expect(changed.change.values.0 == 2 && changed.change.values.1.isNaN && changed.change.cosine == 1)
    }
  }

  @Test func findsTheLargestChangeOfALargeTensorOnTwoThreads() throws {
    try TestFiles.withTemporaryFolder { folder in
      var numbers = [Float](repeating: 1, count: 600_000)
      let first = try write(["a": ([600, 1000], numbers)], to: "\(folder)/a.pt")
      numbers[3] = 2
      numbers[451_234] = 4
      numbers[599_999] = 0
      let second = try write(["a": ([600, 1000], numbers)], to: "\(folder)/b.pt")
      let changed = try #require(try CheckpointDifference(first, second).changed.first)
      #expect(changed.change.differing == 3 && changed.change.largest == 3 && changed.place == [451, 234])
    }
  }

  @Test func everyTypeHasNumbers() throws {
    try TestFiles.withTemporaryFolder { folder in
      // Its byte i is (37 i + 11) mod 256, so that the first int16 is 0x300b; the copy's is 0x310b.
      let source = try Fixtures.open("genuine/dtypes.pt")
      let items = source.entries.map {
        TorchWriter.Item(name: $0.name, elementType: $0.elementType, shape: $0.shape)
      }
      var writer = try TorchWriter(path: "\(folder)/a.pt", items)
      for entry in source.entries {
        var bytes = try source.copy(of: entry.name)
        bytes[entry.elementType.byteCount - 1] ^= 1
        try bytes.withUnsafeBytes { try writer.write($0) }
      }
      try writer.finish()
      let difference = try CheckpointDifference(source, try Checkpoint.open(path: "\(folder)/a.pt"))
      #expect(difference.changed.count == ElementType.allCases.count)
      for tensor in difference.changed {
        #expect(tensor.change.differing == 1 && tensor.change.largest > 0, "\(tensor.name)")
        #expect(tensor.place == [0])
      }
      #expect(difference.changed.first { $0.name == "int16" }?.change.largest == 256)
    }
  }
}
