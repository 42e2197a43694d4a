import Tensors
import Testing

@testable import Checkpoints

@Suite struct Float8TableTests {
  // torch.tensor([bits], dtype=torch.uint8).view(torch.float8_…).to(torch.float64)
  static let cases: [(ElementType, [(UInt8, Double)])] = [
    (.float8E4M3FN, [(0x01, 0.001953125), (0x38, 1), (0x7e, 448), (0xb9, -1.125)]),
    (.float8E5M2, [(0x01, 1.52587890625e-05), (0x3c, 1), (0x7b, 57344), (0xfc, -.infinity)]),
    (.float8E4M3FNUZ, [(0x01, 0.0009765625), (0x40, 1), (0x7f, 240), (0xc1, -1.125)]),
    (.float8E5M2FNUZ, [(0x01, 7.62939453125e-06), (0x40, 1), (0x7f, 57344)]),
    (.float8E8M0FNU, [(0x00, 5.877471754111438e-39), (0x7f, 1), (0xfe, 1.7014118346046923e38)]),
  ]

  @Test(arguments: cases) func matchesPyTorch(_ type: ElementType, _ numbers: [(UInt8, Double)]) throws {
    let table = try #require(Float8Table(type))
    for (bits, number) in numbers { #expect(table[bits] == number) }
  }

  @Test func knowsNaNs() {
    let patterns: [(ElementType, UInt8)] = [
      (.float8E4M3FN, 0x7f), (.float8E4M3FN, 0xff), (.float8E5M2, 0x7d), (.float8E4M3FNUZ, 0x80),
      (.float8E5M2FNUZ, 0x80), (.float8E8M0FNU, 0xff),
    ]
    for (type, bits) in patterns { #expect(Float8Table(type)?[bits].isNaN == true) }
  }
}
