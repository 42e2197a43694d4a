// Softmax over few keys and over pieces of many, against plain loops in double precision, with every instruction set that the
// machine has.
import CVector
import Foundation
import Testing

/// Numbers from −9 to 9, in no order.
private func samples(_ count: Int, from seed: Int = 0) -> [Float] {
  (0..<count).map { Float(($0 + seed) * 7919 % 4001) * 0.0045 - 9 }
}

private let levels: [cvector_instructions] = {
  let all = [cvector_portable, cvector_avx2, cvector_avx512, cvector_avx512_bf16, cvector_amx]
  defer { cvector_use_found_instructions() }
  return all.filter { cvector_use_instructions($0) == $0 }
}()

/// Stands after what a function writes, and must stay there.
private let untouched: Float = 12345

/// One at a time: the instruction set is the process's.
@Suite(.serialized) struct AttentionPiecesTests {
  private func withLevel(_ level: cvector_instructions, _ body: () -> Void) {
    #expect(cvector_use_instructions(level) == level)
    defer { cvector_use_found_instructions() }
    body()
  }

  /// Heads that divide the numbers of a vector, that they divide, and neither.
  @Test(arguments: levels, [(8, 8), (8, 9), (1, 5), (3, 7), (2, 40), (12, 3), (5, 1), (64, 2)])
  func weightsOfHeads(level: cvector_instructions, form: (Int, Int)) {
    let (heads, keys) = form
    let (columns, rows, scale) = (heads * keys, 5, 0.4)
    let (stride, outStride) = (columns + 3, columns + 5)
    let scores = samples(rows * stride, from: heads)
    var (copy, found) = (scores, [Float](repeating: untouched, count: rows * outStride))
    var narrow = [UInt16](repeating: 7, count: rows * outStride)
    withLevel(level) {
      cvector_weigh_heads_tile(
        cvector_f32, &copy, stride, Float(scale), rows, heads, keys, &found, outStride)
      copy = scores
      cvector_weigh_heads_tile(
        cvector_bf16, &copy, stride, Float(scale), rows, heads, keys, &narrow, outStride)
    }
    for row in 0..<rows {
      for head in 0..<heads {
        let powers = (0..<keys).map { exp(Double(scores[row * stride + $0 * heads + head]) * scale) }
        for (key, power) in powers.enumerated() {
          let (expected, place) = (power / powers.reduce(0, +), row * outStride + key * heads + head)
          #expect(abs(Double(found[place]) - expected) < 1e-6 * max(expected, 0.01), "row \(row), head \(head)")
          let wide = Double(Float(bitPattern: UInt32(narrow[place]) << 16))
          #expect(abs(wide - expected) <= expected / 255 + 1e-9, "row \(row), head \(head), bfloat16")
        }
      }
      #expect(found[row * outStride + columns..<(row + 1) * outStride].allSatisfy { $0 == untouched })
    }
  }

  /// Attention to pieces of the keys, joined, is attention to all; the pieces' largest scores differ.
  @Test(arguments: levels, [[5], [16, 3], [1, 33, 20]])
  func piecesJoined(level: cvector_instructions, pieces: [Int]) {
    let (rows, columns, scale) = (3, 21, 0.7)
    let keys = pieces.reduce(0, +)
    let (scores, values) = (samples(rows * keys), samples(keys * columns, from: 11))
    var sums = [Float](repeating: 0, count: pieces.count * rows * columns)
    var largest = [Float](repeating: 0, count: pieces.count * rows)
    var (totals, factors) = (largest, [Float](repeating: 0, count: max(rows, pieces.count)))
    var found = [Float](repeating: untouched, count: rows * columns + 1)
    withLevel(level) {
      var first = 0
      for (index, count) in pieces.enumerated() {
        var piece = (0..<rows).flatMap { scores[$0 * keys + first..<$0 * keys + first + count] }
        let part = UnsafeMutablePointer<Float>.allocate(capacity: rows * count)
        defer { part.deallocate() }
        largest.withUnsafeMutableBufferPointer { largest in
          totals.withUnsafeMutableBufferPointer { totals in
            guard let most = largest.baseAddress, let total = totals.baseAddress else { return }
            cvector_weigh_tile(
              cvector_f32, &piece, count, Float(scale), rows, count, part, count, most + index * rows,
              total + index * rows, &factors)
          }
        }
        for row in 0..<rows {
          for key in 0..<count {
            for column in 0..<columns {
              sums[(index * rows + row) * columns + column] +=
                part[row * count + key] * values[(first + key) * columns + column]
            }
          }
        }
        first += count
      }
      sums.withUnsafeBufferPointer { sums in
        largest.withUnsafeBufferPointer { largest in
          totals.withUnsafeBufferPointer { totals in
            factors.withUnsafeMutableBufferPointer { factors in
              found.withUnsafeMutableBufferPointer { found in
                var joining = cvector_joining()
                joining.parts = pieces.count
                joining.rows = rows
                joining.columns = columns
                joining.scale = Float(scale)
                joining.sums = sums.baseAddress
                joining.largest = largest.baseAddress
                joining.totals = totals.baseAddress
                joining.factors = factors.baseAddress
                joining.out = UnsafeMutableRawPointer(found.baseAddress)
                joining.out_kind = cvector_f32
                cvector_join_tile(&joining)
              }
            }
          }
        }
      }
    }
    for row in 0..<rows {
      let powers = (0..<keys).map { exp(Double(scores[row * keys + $0]) * scale) }
      for column in 0..<columns {
        let sum = (0..<keys).reduce(0.0) { $0 + powers[$1] * Double(values[$1 * columns + column]) }
        #expect(abs(Double(found[row * columns + column]) - sum / powers.reduce(0, +)) < 1e-5)
      }
    }
    #expect(found[rows * columns] == untouched)
  }
}
