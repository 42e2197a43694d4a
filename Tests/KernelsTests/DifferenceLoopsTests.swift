// CVector's loops for comparing arrays against their scalar twins: the same bits, at lengths around the vector widths.
import CVector
import Testing

@Suite struct DifferenceLoopsTests {
  static let lengths = [1, 2, 7, 8, 9, 15, 16, 17, 31, 100, 1023, 1024]

  /// Two arrays, of many magnitudes and both signs, that differ here and there.
  private func pair(_ count: Int) -> ([Float], [Float]) {
    let x = (0..<count).map { (index: Int) -> Float in
      let scale: Float = index % 11 == 0 ? 1e-30 : 1e-3
      return Float(index * 7919 % 24001 - 12000) * scale
    }
    let y = x.enumerated().map { (index: Int, value: Float) -> Float in
      index % 3 == 0 ? value : value * 1.0001 + 1e-7
    }
    return (x, y)
  }

  private func fields(_ sums: cvector_differences) -> [UInt64] {
    [sums.absolute, sums.squared, sums.largest, sums.a, sums.b, sums.aa, sums.bb, sums.ab].map(\.bitPattern)
      + [sums.least_a, sums.largest_a, sums.least_b, sums.largest_b].map { UInt64($0.bitPattern) }
  }

  @Test(arguments: lengths) func sumsAreTheirTwins(count: Int) {
    let (x, y) = pair(count)
    var (found, expected) = (cvector_differences(), cvector_differences())
    var (errors, twins) = ([Double](repeating: -1, count: count), [Double](repeating: -1, count: count))
    cvector_difference_sums(x, y, count, &errors, &found)
    cvector_difference_sums_scalar(x, y, count, &twins, &expected)
    #expect(fields(found) == fields(expected))
    #expect(errors == twins)
    var table = [Double](repeating: 0, count: 4096)
    var twin = table
    cvector_group_by_exponent(x, errors, count, &table)
    cvector_group_by_exponent_scalar(x, errors, count, &twin)
    #expect(table == twin)
    for edge in [0, 1e-6, 1e-3, 1] {
      #expect(
        cvector_count_at_least(errors, edge, count) == cvector_count_at_least_scalar(errors, edge, count))
    }
    #expect(cvector_largest_difference(x, y, count) == cvector_largest_difference_scalar(x, y, count))
  }

  @Test(arguments: lengths) func whatIsNotFiniteIsSeenAnywhere(count: Int) {
    for value in [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude] {
      for place in Set([0, count / 2, count - 1]) {
        var (x, y) = (pair(count).0, pair(count).0)
        x[place] = value
        for (a, b) in [(x, y), (y, x)] {
          var (found, twin) = (cvector_differences(), cvector_differences())
          var errors = [Double](repeating: 0, count: count)
          cvector_difference_sums(a, b, count, &errors, &found)
          cvector_difference_sums_scalar(a, b, count, &errors, &twin)
          #expect((found.aa.isFinite && found.bb.isFinite) == value.isFinite)
          #expect((twin.aa.isFinite && twin.bb.isFinite) == value.isFinite)
        }
        let distance = cvector_largest_difference(x, y, count)
        #expect(distance == cvector_largest_difference_scalar(x, y, count))
        #expect(distance.isInfinite == !value.isFinite)
        y[place] = value
        #expect(cvector_largest_difference(x, y, count) == 0)
        #expect(cvector_largest_difference_scalar(x, y, count) == 0)
      }
    }
  }
}
