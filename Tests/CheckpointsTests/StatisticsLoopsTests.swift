// CVector's loops over doubles against their scalar twins, at lengths around the vector width.
import CVector
import Testing

private let lengths = [0, 1, 7, 8, 9, 16, 31, 2048, 2051]

/// Every 16-bit pattern: all halves and bfloat16, each NaN, infinity and subnormal among them.
@Test func widenedPatternsAreTheirTwins() {
  let patterns = (0...UInt16.max).map { $0 }
  typealias Widen = (UnsafeRawPointer?, UnsafeMutablePointer<Double>?, Int) -> Void
  let pairs: [(Widen, Widen)] = [
    (cvector_widen_half, cvector_widen_half_scalar), (cvector_widen_bfloat16, cvector_widen_bfloat16_scalar),
  ]
  for (widen, twin) in pairs {
    var found = [Double](repeating: 0, count: patterns.count)
    var expected = found
    widen(patterns, &found, patterns.count)
    twin(patterns, &expected, patterns.count)
    for (found, expected) in zip(found, expected) {
      #expect(found.bitPattern == expected.bitPattern || found.isNaN && expected.isNaN)
    }
  }
}

@Test(arguments: lengths) func widenedFloatsAreTheirTwinsWhereverTheyLie(count: Int) {
  var bytes = [UInt8](repeating: 0, count: 4 * count + 1)
  for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: index * 7919 >> 3) }
  var found = [Double](repeating: 0, count: count)
  var expected = found
  bytes.withUnsafeBytes { bytes in
    cvector_widen_float(bytes.baseAddress.map { $0 + 1 }, &found, count)
    cvector_widen_float_scalar(bytes.baseAddress.map { $0 + 1 }, &expected, count)
  }
  for (found, expected) in zip(found, expected) { #expect(found == expected || found.isNaN && expected.isNaN) }
}

@Test(arguments: lengths, [false, true]) func talliesAgreeWithTheirTwins(count: Int, odd: Bool) {
  var numbers = (0..<count).map { Double($0 * 7919 % 24001) / 1000 - 12 }
  if odd {
    for (index, number) in [Double.nan, .infinity, -.infinity, .nan].enumerated() {
      for place in stride(from: index * 3, to: count, by: 29) { numbers[place] = number }
    }
  }
  let (found, expected) = (cvector_tally(numbers, count), cvector_tally_scalar(numbers, count))
  #expect(found.finite == expected.finite && found.nans == expected.nans)
  #expect(found.minimum == expected.minimum && found.maximum == expected.maximum)
  // Sums of up to 2051 numbers below 12 in another order.
  #expect(abs(found.sum - expected.sum) <= 1e-10)
  let spread = cvector_spread_scalar(numbers, 0.5, count)
  #expect(abs(cvector_spread(numbers, 0.5, count) - spread) <= 1e-12 * spread)
}
