// Where formats and roundings have an edge: tensors whose sizes are no multiple of an alignment, doubles just beside the middle
// of two numbers, names that are cut.
import Foundation
import Tensors
import Testing
import TestSupport

@testable import Checkpoints

@Suite struct EdgesOfFormatsTests {
  /// What is written stands at multiples of 32, each tensor behind the padding of the one before.
  @Test func whatIsWrittenIsAligned() throws {
    #expect([0, 1, 31, 32, 33, 64, 65].map(GGUFLayout.padding(behind:)) == [0, 31, 1, 0, 31, 0, 31])
    try TestFiles.withTemporaryFolder { folder in
      let tensors = Dictionary(
        uniqueKeysWithValues: [1, 3, 8, 9, 17].map { ("t\($0)", Tensor(repeating: Float($0), [$0])) })
      try SafetensorsOutput.write(tensors, to: "\(folder)/a")
      try Conversion(try Checkpoint.open(path: "\(folder)/a")).write(to: "\(folder)/b.gguf", as: .gguf)
      let file = try Checkpoint.open(path: "\(folder)/b.gguf")
      let contents = try #require(file.contents as? GGUFFile)
      #expect(file.entries.count == 5)
      for (index, entry) in file.entries.enumerated() {
        #expect((contents.place(at: index)?.lowerBound ?? 1) % 32 == 0, "\(entry.name)")
        #expect(try file.float32(entry.name).elements == tensors[entry.name]?.elements)
      }
    }
  }

  /// Doubles a little to either side of the middle of two bfloat16 numbers, and of two halves: by a Float in between they
  /// would become the middle, and then the even one. Expected values by exact fractions.
  @Test func aFilesDoublesAreRoundedOnce() throws {
    let cases: [(Double, bfloat16: UInt16, half: UInt16)] = [
      (1 + 0x1p-8 + 0x1p-40, 0x3f81, 0x3c04), (1 + 0x1p-8 - 0x1p-40, 0x3f80, 0x3c04),
      (-1 - 0x1p-8 - 0x1p-40, 0xbf81, 0xbc04), (1 + 0x1p-8, 0x3f80, 0x3c04),
      (1 + 0x3p-8 + 0x1p-45, 0x3f82, 0x3c0c), (1 + 0x3p-8 - 0x1p-45, 0x3f81, 0x3c0c),
      (1 + 0x1p-11 + 0x1p-40, 0x3f80, 0x3c01), (1 + 0x1p-11 - 0x1p-40, 0x3f80, 0x3c00),
      (1 + 0x3p-11 - 0x1p-40, 0x3f80, 0x3c01), (-1 - 0x1p-11 - 0x1p-40, 0xbf80, 0xbc01),
    ]
    try TestFiles.withTemporaryFolder { folder in
      var numbers = [Double](repeating: 0, count: 4096)
      for (index, (number, _, _)) in cases.enumerated() { numbers[index] = number }
      let doubles = numbers.withUnsafeBytes { Tensor([64, 64], of: .float64, copying: $0) }
      try SafetensorsOutput.write(["w": doubles], to: "\(folder)/in.safetensors")
      let source = try Checkpoint.open(path: "\(folder)/in.safetensors")
      #expect(source["w"]?.elementType == .float64)
      for rounding in [WeightRounding.bfloat16, .float16] {
        let found = try source.rounded(to: rounding).copy(of: "w")
        for (index, (number, brain, half)) in cases.enumerated() {
          let bits = UInt16(found[2 * index]) | UInt16(found[2 * index + 1]) << 8
          #expect(bits == (rounding == .bfloat16 ? brain : half), "\(number) as \(rounding)")
        }
      }
      // To Float32 once, too: just above the middle of two.
      let number = 1 + 0x1p-24 + 0x1p-50
      let single = [number].withUnsafeBytes { Tensor([1], of: .float64, copying: $0) }
      #expect(single.converted(to: .float32).elements == [1 + 0x1p-23])
    }
  }

  /// Of a name's end as many whole parts as fit into 63 bytes beside the number.
  @Test func shortenedNamesBeginWithAWholePart() {
    for index in [0, 7, 123] {
      for length in 50...90 {
        let full = (0..<length).map { $0 % 9 == 4 ? "." : "abcdefghi".dropFirst($0 % 9).prefix(1) }.joined()
        let stored = GGUFNames.stored(full, at: index)
        guard full.utf8.count > 63 else {
          #expect(stored == full)
          continue
        }
        #expect(stored.utf8.count <= 63 && stored.hasPrefix("\(index)~"))
        let end = stored.dropFirst("\(index)~".utf8.count)
        #expect(full.hasSuffix(".\(end)"), "\(full): \(stored)")
        // The part before would not have fitted.
        let before = full.dropLast(end.utf8.count + 1).split(separator: ".").last ?? ""
        #expect("\(index)~\(before).\(end)".utf8.count > 62, "\(full): \(stored)")
      }
    }
  }
}
