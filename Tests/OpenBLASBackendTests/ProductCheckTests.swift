// The check must find what is wrong with a library, and nothing wrong with one that is right.
import Testing

@testable import OpenBLASBackend

/// How a library may multiply wrongly.
enum Fault: CaseIterable {
  case ignoresTranspositionOfA, ignoresTranspositionOfB, neverAccumulates, alwaysAccumulates, ignoresScale
  case leavesOutTheLastRow, leavesOutTheLastColumn, leavesOutTheLastProduct, leavesOutProductsBeyond320
  case writesBesideTheResult, roundsTo16Bits, writesNothing, isWrongWhereThereIsMuchWork
}

/// By triple loops in double precision, element by element.
private func plain(_ fault: Fault?) -> Product {
  { a, b, rows, columns, inner, scale, accumulating, out, stride in
    let aTransposed = a.transposed && fault != .ignoresTranspositionOfA
    let bTransposed = b.transposed && fault != .ignoresTranspositionOfB
    let accumulating = (accumulating && fault != .neverAccumulates) || fault == .alwaysAccumulates
    let products =
      fault == .leavesOutTheLastProduct
      ? inner - 1 : fault == .leavesOutProductsBeyond320 ? min(inner, 320) : inner
    func rounded(_ value: Float) -> Float {
      fault == .roundsTo16Bits ? Float(bitPattern: (value.bitPattern &+ 0x8000) & 0xFFFF_0000) : value
    }
    for row in 0..<(fault == .leavesOutTheLastRow ? rows - 1 : rows) {
      for column in 0..<(fault == .leavesOutTheLastColumn ? columns - 1 : columns) {
        var sum = 0.0
        for k in 0..<products {
          let left = aTransposed ? a.start[k * a.stride + row] : a.start[row * a.stride + k]
          let right = bTransposed ? b.start[column * b.stride + k] : b.start[k * b.stride + column]
          sum += Double(rounded(left)) * Double(rounded(right))
        }
        if fault == .isWrongWhereThereIsMuchWork && rows * columns * inner > 1_000_000 { sum += 1 }
        let place = row * stride + column
        let scaled = fault == .ignoresScale ? sum : Double(scale) * sum
        if fault != .writesNothing { out[place] = Float(scaled + (accumulating ? Double(out[place]) : 0)) }
      }
    }
    if fault == .writesBesideTheResult { out[columns] = 0.5 }
  }
}

@Test func aRightProductPasses() {
  #expect(ProductCheck.firstWrong(plain(nil)) == nil)
}

@Test(arguments: Fault.allCases) func aWrongProductIsFound(_ fault: Fault) throws {
  let words = try #require(ProductCheck.firstWrong(plain(fault)))
  #expect(words.contains("expected") && words.contains("found") && words.contains(" × "), "\(words)")
}
