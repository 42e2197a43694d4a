import Foundation
import Tensors
import Testing
import TestSupport

@testable import Checkpoints

@Suite struct WeightRoundingTests {
  /// A matrix of 4096 numbers, and `Tensor.half()` and `.bfloat16()` of it by PyTorch; by tools/fixtures/make_gguf.py.
  private static let official = "genuine/rounding.safetensors"

  private func write(_ tensors: [String: Tensor], in folder: String) throws -> Checkpoint {
    try SafetensorsOutput.write(tensors, to: "\(folder)/in.safetensors")
    return try Checkpoint.open(path: "\(folder)/in.safetensors")
  }

  @Test(arguments: [WeightRounding.float16, .bfloat16])
  func roundsAsPyTorchDoes(_ rounding: WeightRounding) throws {
    let source = try Fixtures.open(Self.official)
    let rounded = source.rounded(to: rounding)
    #expect(rounded["float32"]?.elementType == rounding.elementType)
    let found = try rounded.copy(of: "float32")
    let expected = try source.copy(of: rounding == .float16 ? "float16" : "bfloat16")
    let numbers = try source.float32("float32").elements
    for (index, number) in numbers.enumerated() {
      let pair = 2 * index..<2 * index + 2
      if number.isNaN {
        #expect(try rounded.float32("float32").elements[index].isNaN)
      } else {
        #expect(found[pair] == expected[pair], "\(number)")
      }
    }
  }

  @Test(arguments: WeightRounding.allCases, [Checkpoint.Format.torch, .safetensors, .hdf5, .gguf])
  func readingBackGivesTheRoundedNumbers(_ rounding: WeightRounding, _ format: Checkpoint.Format) throws {
    try TestFiles.withTemporaryFolder { folder in
      let numbers = try Fixtures.open(Self.official).tensor("float32")
      let source = try write(["w": numbers], in: folder).rounded(to: rounding)
      let path = "\(folder)/out.\(format.rawValue)"
      try Conversion(source).write(to: path, as: format)
      let result = try Checkpoint.open(path: path)
      for entry in source.entries {
        #expect(result[entry.name]?.elementType == rounding.elementType)
        #expect(try result.copy(of: entry.name) == source.copy(of: entry.name))
      }
      // What is rounded already stays as it is.
      let again = result.rounded(to: rounding)
      for entry in source.entries {
        #expect(try again.copy(of: entry.name) == result.copy(of: entry.name))
      }
    }
  }

  @Test func widensExactly() throws {
    let source = try Fixtures.open(Self.official)
    let rounded = source.rounded(to: .float32)
    for name in ["float16", "bfloat16"] {
      #expect(rounded[name]?.elementType == .float32)
      let (wide, narrow) = (try rounded.float32(name).elements, try source.float32(name).elements)
      for (a, b) in zip(wide, narrow) { #expect(a.bitPattern == b.bitPattern) }
    }
    #expect(try rounded.copy(of: "float32") == source.copy(of: "float32"))
  }

  @Test func smallTensorsVectorsAndWholeNumbersAreNotRounded() {
    let half = WeightRounding.float16
    #expect(half.elementType(of: .float32, [64, 64]) == .float16)
    #expect(half.elementType(of: .float64, [64, 64]) == .float16)
    #expect(half.elementType(of: .bfloat16, [64, 64]) == .float16)
    #expect(half.elementType(of: .float32, [64, 64, 1, 1]) == .float16)
    #expect(half.elementType(of: .float32, [63, 65]) == .float32)
    #expect(half.elementType(of: .float32, [1 << 20]) == .float32)
    #expect(half.elementType(of: .float32, [1, 1 << 20, 1]) == .float32)
    #expect(half.elementType(of: .float64, [8]) == .float32)
    #expect(half.elementType(of: .float16, [8]) == .float32)
    #expect(half.elementType(of: .int64, [64, 64]) == .int64)
    #expect(half.elementType(of: .float8E5M2, [64, 64]) == .float8E5M2)
  }

  @Test func numbersThatOverflowAreNamedAndNothingIsWritten() throws {
    try TestFiles.withTemporaryFolder { folder in
      var numbers = [Float](repeating: 1, count: 4096)
      // 65520 is the middle between the largest half and what would be the next.
      (numbers[7], numbers[64 * 3 + 5], numbers[4000]) = (65519.996, 65520, -1e30)
      numbers[9] = .infinity
      let source = try write(["w": Tensor([64, 64], numbers)], in: folder)
      #expect(throws: Never.self) { try source.rounded(to: .bfloat16).bytes(of: "w") }
      let expected = CheckpointError.overflow(
        path: source.path, name: "w", index: [3, 5], value: 65520, count: 2, type: .float16)
      #expect(throws: expected) {
        try Conversion(source.rounded(to: .float16)).write(to: "\(folder)/out.pt", as: .torch)
      }
      #expect(expected.description.contains("'w' to fit float16, found 65520.0 at [3, 5] and 1 more"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["in.safetensors"])
    }
  }

  @Test func doublesAreRoundedOnce() {
    // Just above the middle between two halves; as a Float it would be the middle, and the even one is below.
    let above = 1 + 0x1p-11 + 0x1p-40
    #expect(Half.bits(rounding: Float(above)) == 0x3c00)
    #expect(Half.bits(rounding: Rounding.odd(above)) == 0x3c01)
    #expect(Half.bits(rounding: Rounding.odd(-above)) == 0xbc01)
    #expect(BFloat16.bits(rounding: Rounding.odd(1 + 0x1p-8 + 0x1p-50)) == 0x3f81)
    #expect(BFloat16.bits(rounding: Rounding.odd(1 + 0x1p-8)) == 0x3f80)
    #expect(BFloat16.bits(rounding: Rounding.odd(1e300)) == 0x7f80)
    #expect(Half.bits(rounding: Rounding.odd(1e-300)) == 0)
    #expect(Rounding.odd(0.5) == 0.5)
  }

  @Test func nanStaysNaN() {
    for bits: UInt32 in [0x7f80_0001, 0xffff_ffff, 0x7fc0_0000, 0xff80_1000] {
      let number = Float(bitPattern: bits)
      #expect(Half.float(Half.bits(rounding: number)).isNaN)
      #expect(Float(bitPattern: UInt32(BFloat16.bits(rounding: number)) << 16).isNaN)
    }
  }

  /// Every half is the rounding of itself.
  @Test func everyHalfComesBack() {
    for bits in UInt16.min ... .max where !Half.float(bits).isNaN {
      #expect(Half.bits(rounding: Half.float(bits)) == bits)
    }
  }
}
