// CVector's loops against their scalar twins, at lengths around the vector widths.
import CVector
import Testing

private let lengths = [1, 3, 15, 16, 17, 33, 96, 112, 1000]

/// Numbers from −12 to 12, in no order.
private func samples(_ count: Int) -> [Float] {
  (0..<count).map { Float($0 * 7919 % 24001) / 1000 - 12 }
}

/// The largest difference of two functions that write `count` numbers.
private func difference(_ count: Int, _ a: (inout [Float]) -> Void, _ b: (inout [Float]) -> Void) -> Float {
  var (left, right) = ([Float](repeating: 0, count: count), [Float](repeating: 0, count: count))
  a(&left)
  b(&right)
  return zip(left, right).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

@Test(arguments: lengths + [24001])
func activationsAgreeWithTheirTwins(count: Int) {
  let x = samples(count)
  // One unit in the last place of a result up to 12; in the tails the absolute error is far smaller.
  #expect(difference(count, { cvector_gelu(x, &$0, count) }, { cvector_gelu_scalar(x, &$0, count) }) <= 9.6e-7)
  #expect(
    difference(count, { cvector_sigmoid(x, &$0, count) }, { cvector_sigmoid_scalar(x, &$0, count) }) <= 1.2e-7)
}

/// Fused multiply-adds round once on every machine, so the two agree to the bit.
@Test(arguments: lengths)
func fusedSumsAreTheirTwins(count: Int) {
  let x = samples(count + 4)
  let start = samples(count)
  var (found, expected) = (start, start)
  cvector_fused_accumulate(x, 0.3, &found, count)
  cvector_fused_accumulate_scalar(x, 0.3, &expected, count)
  #expect(found == expected)
  let starts = (0..<count).map { $0 * 7 % (count + 1) }
  let weights = samples(5 * count).map { $0 / 24 + 0.5 }
  cvector_fused_gather(x, starts, weights, 4, &found, count)
  cvector_fused_gather_scalar(x, starts, weights, 4, &expected, count)
  #expect(found == expected)
}

/// Down to −12 with gelu(−12) = −2e-32: the relative error stays small where results all but vanish.
@Test func leftTailOfGeluKeepsItsDigits() {
  let x = (0...1200).map { -Float($0) / 100 }
  var (found, expected) = ([Float](repeating: 0, count: x.count), [Float](repeating: 0, count: x.count))
  cvector_gelu(x, &found, x.count)
  cvector_gelu_scalar(x, &expected, x.count)
  for (found, expected) in zip(found, expected) { #expect(abs(found - expected) <= 1e-5 * abs(expected)) }
}

/// As torch.nn.functional.gelu has them, computed by PyTorch itself rather than by oneDNN.
@Test(arguments: lengths)
func geluOfInfinitiesIsPyTorchs(count: Int) {
  var found = [Float](repeating: 0, count: count)
  cvector_gelu([Float](repeating: .infinity, count: count), &found, count)
  #expect(found.allSatisfy { $0 == .infinity })
  cvector_gelu([Float](repeating: .greatestFiniteMagnitude, count: count), &found, count)
  #expect(found.allSatisfy { $0 == .greatestFiniteMagnitude })
  cvector_gelu([Float](repeating: -.infinity, count: count), &found, count)
  #expect(found.allSatisfy { $0.isNaN })
}

@Test(arguments: lengths)
func rowsAgreeWithTheirTwins(columns: Int) {
  let rows = 3
  let x = samples(rows * columns)
  let (weight, bias) = (samples(columns).map { $0 / 12 }, samples(columns))
  let layerNorm = difference(
    rows * columns, { cvector_layer_norm_rows(x, weight, bias, 1e-6, &$0, rows, columns) },
    { cvector_layer_norm_rows_scalar(x, weight, bias, 1e-6, &$0, rows, columns) })
  // Results are up to 15; one unit in the last place is 1e-6, and three of them add up.
  #expect(layerNorm <= 4e-6)
}

/// A softmax in pieces carries the largest element, the sum and what earlier pieces are worth from one to the next.
@Test(arguments: lengths)
func piecesOfASoftmaxAgreeWithTheirTwin(columns: Int) {
  let rows = 3
  // Later pieces of a row have larger elements, smaller ones, and the same.
  let pieces = [samples(rows * columns), samples(rows * columns).map { $0 + 5 }, samples(rows * columns)]
  var found = RunningSoftmax(rows: rows)
  var expected = RunningSoftmax(rows: rows)
  for piece in pieces {
    let (a, b) = (
      found.add(piece, columns, cvector_softmax_piece),
      expected.add(piece, columns, cvector_softmax_piece_scalar)
    )
    // Powers and factors are at most 1, sums at most 3 · columns.
    #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 3e-7 })
    #expect(zip(found.factors, expected.factors).allSatisfy { abs($0 - $1) <= 3e-7 })
    #expect(zip(found.sums, expected.sums).allSatisfy { abs($0 - $1) <= 1e-6 * $1 })
    #expect(found.largest == expected.largest)
  }
}

/// The state of a softmax that comes in pieces.
private struct RunningSoftmax {
  var largest, sums, factors: [Float]

  init(rows: Int) {
    largest = Array(repeating: -.infinity, count: rows)
    sums = Array(repeating: 0, count: rows)
    factors = sums
  }

  mutating func add(
    _ piece: [Float], _ columns: Int,
    _ loop: (
      UnsafeMutablePointer<Float>, Int, Float, Int, Int, UnsafeMutablePointer<Float>,
      UnsafeMutablePointer<Float>,
      UnsafeMutablePointer<Float>
    ) -> Void
  ) -> [Float] {
    var powers = piece
    loop(&powers, columns, 0.3, largest.count, columns, &largest, &sums, &factors)
    return powers
  }
}

@Test(arguments: lengths)
func complexProductsAgreeWithTheirTwin(pairs: Int) {
  let count = 2 * pairs
  let (x, y) = (samples(count + 1), samples(count + 2).map { $0 / 12 })
  let worst = difference(
    count, { cvector_multiply_complex(x, y, &$0, count) },
    { cvector_multiply_complex_scalar(x, y, &$0, count) })
  // Terms are up to 12; each is rounded once or twice.
  #expect(worst <= 2e-6)
  var inPlace = x
  var apart = [Float](repeating: 0, count: count)
  cvector_multiply_complex(x, y, &apart, count)
  inPlace.withUnsafeMutableBufferPointer { buffer in
    guard let base = buffer.baseAddress else { return }
    cvector_multiply_complex(base, y, base, count)
  }
  #expect(Array(inPlace[..<count]) == apart)
}

@Test(arguments: lengths)
func layerNormOfColumnsIsThatOfRows(count: Int) {
  let channels = 19
  let x = samples(channels * count)
  let (weight, bias) = (samples(channels), samples(channels))
  var scratch = [Float](repeating: 0, count: 2 * count)
  var (down, turned, back) = (x, x, x)
  cvector_layer_norm_columns(x, weight, bias, 1e-6, &down, count, channels, count, &scratch)
  cvector_transpose(x, count, &turned, channels, channels, count)
  cvector_layer_norm_rows_scalar(turned, weight, bias, 1e-6, &back, count, channels)
  cvector_transpose(back, channels, &turned, count, count, channels)
  #expect(zip(down, turned).allSatisfy { abs($0 - $1) <= 1e-5 })
}

/// PyTorch's functions do; one that returned a number would hide a broken weight.
@Test(arguments: lengths)
func nansPassThrough(count: Int) {
  let numbers = samples(count)
  for place in Set([0, count / 2, count - 1]) {
    var broken = numbers
    broken[place] = .nan
    func hasNaN(at index: Int, _ fill: (inout [Float]) -> Void) -> Bool {
      var out = [Float](repeating: 0, count: count)
      fill(&out)
      return out[index].isNaN && out.count { $0.isNaN } == 1
    }
    #expect(hasNaN(at: place) { cvector_relu(broken, &$0, count) })
    #expect(hasNaN(at: place) { cvector_gelu(broken, &$0, count) })
    #expect(hasNaN(at: place) { cvector_sigmoid(broken, &$0, count) })
    #expect(hasNaN(at: place) { cvector_clamp(broken, -1, 1, &$0, count) })
    #expect(hasNaN(at: place) { cvector_maximum(broken, numbers, &$0, count) })
    #expect(hasNaN(at: place) { cvector_maximum(numbers, broken, &$0, count) })
    var softmax = RunningSoftmax(rows: 1)
    let powers = softmax.add(broken, count, cvector_softmax_piece)
    #expect(powers[place].isNaN && softmax.sums[0].isNaN)
  }
}

@Test(arguments: lengths)
func movesAndCountsAgreeWithPlainLoops(count: Int) {
  let x = samples(5 * count + 16)
  for step in 1...5 {
    var gathered = [Float](repeating: 0, count: count)
    cvector_gather(x, step, &gathered, count)
    #expect(gathered == (0..<count).map { x[$0 * step] })
    var spread = [Float](repeating: 0, count: count * step)
    cvector_scatter(x, &spread, step, count)
    #expect(spread == (0..<count * step).map { $0 % step == 0 ? x[$0 / step] : 0 })
    var correlated = [Float](repeating: 0, count: count)
    let weights: [Float] = [0.5, -1, 2, 1, 3, -2]
    cvector_correlate(x, 5, step, weights, 2, 3, 4, &correlated, count)
    for (i, found) in correlated.enumerated() {
      let expected = weights.enumerated().reduce(Float(4)) { sum, weight in
        sum + weight.element * x[weight.offset / 3 * 5 + i * step + weight.offset % 3]
      }
      #expect(abs(found - expected) <= 3e-5)
    }
  }
  #expect(cvector_count_above(x, 0.5, count) == x[..<count].count { $0 > 0.5 })
}

/// Whole numbers: the two agree to the bit, overshooting sums included. Three weights of up to 2.2 million times 255
/// stay within 31 bits, as a cubic's do.
@Test(arguments: lengths)
func fixedPointSumsAreTheirTwins(count: Int) {
  let pixels = (0..<3 * (count + 4)).map { UInt8(truncatingIfNeeded: $0 * 7919 >> 3) }
  let weights = (0..<3 * count).map { Int32($0 * 104_729 % 4_000_000 - 1_800_000) }
  let starts = (0..<count).map { $0 * 7 % (count + 1) }
  var wide = [Int32](repeating: 0, count: 4 * (count + 4))
  cvector_widen_rgb(pixels, &wide, count + 4)
  var (found, expected) = ([UInt8](repeating: 1, count: 3 * count), [UInt8](repeating: 2, count: 3 * count))
  cvector_fixed_gather(wide, starts, weights, 3, &found, count)
  cvector_fixed_gather_scalar(wide, starts, weights, 3, &expected, count)
  #expect(found == expected)
  cvector_fixed_blend(pixels, count, [-1_000_000, 5_000_000, 3_000_000], 3, &found, count)
  cvector_fixed_blend_scalar(pixels, count, [-1_000_000, 5_000_000, 3_000_000], 3, &expected, count)
  #expect(found == expected)
}
