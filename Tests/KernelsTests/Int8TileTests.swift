// Tiles in 8 bits with everything that this processor multiplies bytes with, against plain loops over whole numbers.
import CVector
import Foundation
import Tensors
import Testing

/// What this processor multiplies bytes with.
private let ways: [cvector_int8_instructions] = {
  defer { cvector_use_found_int8_instructions() }
  return (cvector_int8_portable.rawValue...cvector_int8_amx.rawValue).map { cvector_int8_instructions($0) }
    .filter { cvector_use_int8_instructions($0) == $0 }
}()

/// Calls `body` with another way on this thread.
private func with<Result>(_ way: cvector_int8_instructions, _ body: () -> Result) -> Result {
  _ = cvector_use_int8_instructions(way)
  defer { cvector_use_found_int8_instructions() }
  return body()
}

private func name(_ way: cvector_int8_instructions) -> String {
  String(cString: cvector_int8_instructions_name(way))
}

/// To the nearest step, of two equally near ones the even one.
private func byte(_ value: Float, _ range: cvector_range) -> UInt8 {
  guard !value.isNaN else { return range.zero_point }
  let steps = (value * (1 / range.scale)).rounded(.toNearestOrEven) + Float(range.zero_point)
  return UInt8(max(0, min(255, steps)))
}

private func gelu(_ x: Double) -> Double { 0.5 * x * erfc(-x / 2.0.squareRoot()) }

/// One product with what follows it.
private struct Product: Sendable, CustomTestStringConvertible {
  /// What bytes and weights there are.
  enum Contents: CaseIterable {
    case mixed
    /// 255 throughout, times 127 or -127: what pairs of 16 bits can't hold.
    case saturating
    /// 255 and 0 by turns, likewise.
    case alternating
  }

  let rows, inner, columns: Int
  var contents = Contents.mixed
  var zeroPoint: UInt8 = 113
  /// Bytes from one row to the next, beyond `inner`.
  var apart = 0
  var testDescription: String { "\(rows) × \(inner) × \(columns), \(contents), zero at \(zeroPoint)" }

  var a: [UInt8] {
    let hash = CounterHash(seed: 1, name: "bytes")
    // Beyond rows stands what must not count.
    return (0..<rows * (inner + apart) + Int(cvector_int8_spare_bytes)).map { index in
      switch contents {
      case .mixed: UInt8(hash[index] >> 56)
      case .saturating: 255
      case .alternating: index % (inner + apart) % 2 == 0 ? 255 : 0
      }
    }
  }

  var weights: [Int8] {
    let hash = CounterHash(seed: 2, name: "weights")
    return (0..<columns * inner).map { index in
      contents == .mixed ? Int8(Int(hash[index] >> 33) % 255 - 127) : index / inner % 2 == 0 ? 127 : -127
    }
  }

  /// Σ (a − zero point) · weight, exactly.
  var sums: [Int] {
    let (a, weights) = (a, weights)
    var sums: [Int] = []
    for row in 0..<rows {
      for column in 0..<columns {
        var sum = 0
        for k in 0..<inner {
          sum += (Int(a[row * (inner + apart) + k]) - Int(zeroPoint)) * Int(weights[column * inner + k])
        }
        sums.append(sum)
      }
    }
    return sums
  }

  /// What follows the sums.
  struct Epilogue {
    var scales: [Float]
    var bias: [Float]?
    var activation = cvector_no_activation
    var added: [Float]?
    var kind = cvector_f32
    var range = cvector_range(scale: 1, zero_point: 0)
  }

  /// What CVector makes of it, in bytes, in rows of `columns + 3` numbers, of which the last three are never written.
  func computed(_ epilogue: Epilogue, rows only: Range<Int>? = nil) -> [UInt8] {
    let size = epilogue.kind == cvector_f32 ? 4 : epilogue.kind == cvector_bf16 ? 2 : 1
    let only = only ?? 0..<rows
    var out = [UInt8](repeating: 0xa5, count: rows * (columns + 3) * size)
    let packed = UnsafeMutableRawPointer.allocate(
      byteCount: cvector_int8_packed_bytes(inner, columns), alignment: 64)
    defer { packed.deallocate() }
    cvector_pack_int8(weights, inner, inner, columns, packed)
    a.withUnsafeBufferPointer { a in
      epilogue.scales.withUnsafeBufferPointer { scales in
        (epilogue.bias ?? []).withUnsafeBufferPointer { bias in
          (epilogue.added ?? []).withUnsafeBufferPointer { added in
            out.withUnsafeMutableBytes { out in
              var product = cvector_int8_product()
              (product.rows, product.inner, product.columns) = (only.count, inner, columns)
              (product.a, product.a_stride) = (
                a.baseAddress.map { $0 + only.lowerBound * (inner + apart) }, inner + apart
              )
              product.a_range = cvector_range(scale: 1, zero_point: zeroPoint)
              product.b = UnsafeRawPointer(packed)
              product.scales = scales.baseAddress
              product.bias = epilogue.bias == nil ? nil : bias.baseAddress
              product.activation = epilogue.activation
              product.added =
                epilogue.added == nil ? nil : added.baseAddress.map { $0 + only.lowerBound * columns }
              product.added_stride = columns
              product.out = out.baseAddress.map { $0 + only.lowerBound * (columns + 3) * size }
              product.out_stride = columns + 3
              product.out_kind = epilogue.kind
              product.out_range = epilogue.range
              cvector_multiply_int8_tile(&product)
            }
          }
        }
      }
    }
    return out
  }
}

@Suite struct Int8TileTests {
  private static let products = [
    Product(rows: 1, inner: 1, columns: 1), Product(rows: 7, inner: 5, columns: 3, zeroPoint: 255),
    Product(rows: 33, inner: 96, columns: 96, apart: 32), Product(rows: 64, inner: 112, columns: 50),
    Product(rows: 17, inner: 147, columns: 97, zeroPoint: 0), Product(rows: 31, inner: 33, columns: 17),
    Product(rows: 16, inner: 64, columns: 32), Product(rows: 65, inner: 300, columns: 40, apart: 20),
    Product(rows: 48, inner: 514, columns: 64), Product(rows: 2, inner: 257, columns: 80),
    Product(rows: 34, inner: 1030, columns: 33, contents: .saturating, zeroPoint: 0),
    Product(rows: 34, inner: 1030, columns: 33, contents: .saturating, zeroPoint: 255),
    Product(rows: 19, inner: 131, columns: 66, contents: .alternating, zeroPoint: 0),
    Product(rows: 19, inner: 131, columns: 66, contents: .alternating, zeroPoint: 128),
    // Float32 holds no whole number of this size exactly; 65,536 divides this one.
    Product(rows: 3, inner: 65536, columns: 2, contents: .saturating, zeroPoint: 0),
  ]

  /// Whole numbers up to 2²⁴, which Float32 holds, come out as they are; larger ones rounded once.
  @Test(arguments: products) fileprivate func sumsAreExact(item: Product) {
    let expected = item.sums.map { Float($0) }
    let scales = [Float](repeating: 1, count: item.columns)
    for way in ways {
      let out = with(way) { item.computed(.init(scales: scales)) }
      let found = numbers(out, item, cvector_f32)
      #expect(found == expected, "\(name(way))")
    }
  }

  /// Every epilogue: bias or none, each activation, a sum or none, each kind of result.
  @Test(arguments: products, [Float(1), 6]) fileprivate func epiloguesFollow(item: Product, reach: Float) {
    let count = item.columns
    // A few from zero, so that activations matter, or so many that a GELU is x itself.
    let spread =
      1 / (item.contents == .mixed ? 6000 * Double(item.inner).squareRoot() : 20000 * Double(item.inner))
    let scales = uniform(count, seed: 3).map { reach * Float(spread) * (2 + $0) }
    let bias = uniform(count, seed: 4)
    let added = uniform(item.rows * count, seed: 5)
    let range = cvector_range(scale: 0.011 * reach, zero_point: 21)
    let sums = item.sums
    for way in ways {
      for activation in [cvector_no_activation, cvector_relu_activation, cvector_gelu_activation] {
        for kind in [cvector_f32, cvector_bf16, cvector_u8] {
          for extras in [false, true] {
            let epilogue = Product.Epilogue(
              scales: scales, bias: extras ? bias : nil, activation: activation,
              added: extras && kind != cvector_u8 ? added : nil, kind: kind, range: range)
            let out = with(way) { item.computed(epilogue) }
            let found = numbers(out, item, kind)
            let worst =
              sums.indices.map { index in
                var value =
                  Double(sums[index]) * Double(scales[index % count]) + Double(extras ? bias[index % count] : 0)
                if activation == cvector_relu_activation { value = max(0, value) }
                if activation == cvector_gelu_activation { value = gelu(value) }
                if epilogue.added != nil { value += Double(added[index]) }
                return distance(found[index], value, kind, range)
              }.max() ?? 0
            #expect(
              worst <= 1,
              "\(name(way)), activation \(activation.rawValue), kind \(kind.rawValue), extras \(extras): \(worst)"
            )
          }
        }
      }
    }
  }

  /// How far a result lies from what it should be, in what is allowed. Bytes: half a step, and what a GELU in pieces adds.
  private func distance(_ found: Float, _ value: Double, _ kind: cvector_kind, _ range: cvector_range) -> Double
  {
    switch kind {
    case cvector_f32: return abs(Double(found) - value) / (1e-6 * (1 + abs(value)))
    case cvector_bf16: return abs(Double(found) - value) / (abs(value) / 256 + 2e-5)
    default:
      let steps = max(0, min(255, value / Double(range.scale) + Double(range.zero_point)))
      return abs(Double(found) - steps) / (0.5 + 1.2e-4 / Double(range.scale))
    }
  }

  /// A row is the same in whatever company.
  @Test func rowsDoNotDependOnTheirNumber() {
    let item = Product(rows: 70, inner: 100, columns: 83)
    let epilogue = Product.Epilogue(
      scales: uniform(83, seed: 3).map { 1e-4 * (2 + $0) }, bias: uniform(83, seed: 4),
      activation: cvector_gelu_activation, kind: cvector_u8, range: cvector_range(scale: 0.02, zero_point: 9))
    for way in ways {
      with(way) {
        let all = numbers(item.computed(epilogue), item, cvector_u8)
        for rows in [0..<1, 5..<38, 40..<70, 69..<70] {
          let some = numbers(item.computed(epilogue, rows: rows), item, cvector_u8)
          let range = rows.lowerBound * 83..<rows.upperBound * 83
          #expect(some[range] == all[range], "\(name(way)), rows \(rows)")
        }
      }
    }
  }

  /// A step so small that results can't be counted in it in 32 bits: they are the largest byte, or the smallest.
  @Test func resultsBeyondCountingSaturate() {
    let item = Product(rows: 5, inner: 64, columns: 40, contents: .saturating, zeroPoint: 0)
    let range = cvector_range(scale: 1e-9, zero_point: 100)
    for activation in [cvector_no_activation, cvector_relu_activation, cvector_gelu_activation] {
      // A GELU of what is far below zero is zero.
      let low: Float = activation == cvector_no_activation ? 0 : 100
      for way in ways {
        let epilogue = Product.Epilogue(
          scales: Array(repeating: 1, count: 40), activation: activation, kind: cvector_u8, range: range)
        let found = numbers(with(way) { item.computed(epilogue) }, item, cvector_u8)
        let expected = (0..<200).map { $0 % 40 % 2 == 0 ? 255 : low }
        #expect(found == expected, "\(name(way)), activation \(activation.rawValue)")
      }
    }
  }

  /// Results as numbers; what no row holds must be as it was.
  private func numbers(_ out: [UInt8], _ item: Product, _ kind: cvector_kind) -> [Float] {
    let size = kind == cvector_f32 ? 4 : kind == cvector_bf16 ? 2 : 1
    var numbers: [Float] = []
    for row in 0..<item.rows {
      for column in 0..<item.columns + 3 {
        let at = (row * (item.columns + 3) + column) * size
        let bytes = out[at..<at + size]
        if column >= item.columns {
          #expect(bytes.allSatisfy { $0 == 0xa5 }, "beyond row \(row)")
          continue
        }
        let bits = bytes.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        numbers.append(
          size == 4 ? Float(bitPattern: bits) : size == 2 ? Float(bitPattern: bits << 16) : Float(bits))
      }
    }
    return numbers
  }

  @Test func numbersBecomeTheNearestBytes() {
    let (rows, columns) = (5, 37)
    let range = cvector_range(scale: 0.0625, zero_point: 77)
    var x = uniform(rows * columns, seed: 6).map { $0 * 20 }
    // Halves between steps, what lies beyond, and zero.
    x.replaceSubrange(
      0..<13,
      with: [
        0.03125, 0.09375, -0.03125, -0.09375, .infinity, -.infinity, 1e30, -1e30, 0, -0, 11.15625, -4.84375,
        .nan,
      ])
    let narrow = x.map { Float(bitPattern: $0.bitPattern & 0xffff_0000) }
    let halves = narrow.map { UInt16($0.bitPattern >> 16) }
    let added = uniform(rows * columns, seed: 7)
    for way in ways {
      var plain = [UInt8](repeating: 0, count: rows * 40)
      var (summed, widened) = (plain, plain)
      with(way) {
        cvector_quantize_tile(cvector_f32, x, columns, nil, 0, range, &plain, 40, rows, columns)
        cvector_quantize_tile(cvector_f32, x, columns, added, columns, range, &summed, 40, rows, columns)
        cvector_quantize_tile(cvector_bf16, halves, columns, nil, 0, range, &widened, 40, rows, columns)
      }
      for row in 0..<rows {
        for column in 0..<columns {
          let at = row * columns + column
          #expect(plain[row * 40 + column] == byte(x[at], range), "\(name(way)), \(x[at])")
          #expect(summed[row * 40 + column] == byte(x[at] + added[at], range), "\(name(way)), \(x[at])")
          #expect(widened[row * 40 + column] == byte(narrow[at], range), "\(name(way)), \(narrow[at])")
        }
        #expect(plain[row * 40 + columns..<row * 40 + 40].allSatisfy { $0 == 0 }, "\(name(way))")
      }
      #expect(Array(plain[0..<4]) == [77, 79, 77, 75], "halves go to even steps, \(name(way))")
    }
  }

  /// Norms and activations become the bytes of what they are in Float32.
  @Test func normsAndActivationsBecomeBytes() {
    let (rows, columns) = (9, 530)
    let range = cvector_range(scale: 0.03, zero_point: 120)
    let x = uniform(rows * columns, seed: 8).map { $0 * 4 }
    let (weight, bias) = (uniform(columns, seed: 9), uniform(columns, seed: 10))
    for way in ways {
      var wide = [Float](repeating: .nan, count: rows * columns)
      var bytes = [UInt8](repeating: 0, count: rows * 536)
      with(way) {
        cvector_normalise_tile(
          cvector_f32, x, columns, weight, bias, 1e-6, &wide, columns, rows, columns, columns)
        cvector_normalise_to_int8_tile(x, columns, weight, bias, 1e-6, range, &bytes, 536, rows, columns)
      }
      #expect(gathered(bytes) == wide.map { byte($0, range) }, "norm, \(name(way))")
      for activation in [cvector_relu_activation, cvector_gelu_activation] {
        with(way) {
          cvector_activate_tile(cvector_f32, activation, x, columns, &wide, columns, rows, columns, columns)
          cvector_activate_to_int8_tile(activation, x, columns, range, &bytes, 536, rows, columns)
        }
        #expect(gathered(bytes) == wide.map { byte($0, range) }, "activation, \(name(way))")
      }
      var (least, most): (Float, Float) = (0, 0)
      var numbers = Array(x[1...])
      numbers.replaceSubrange(40..<43, with: [.nan, .infinity, -.infinity])
      with(way) { cvector_extremes_tile(numbers, columns, rows - 1, columns - 3, &least, &most) }
      let seen = (0..<(rows - 1) * columns).filter { $0 % columns < columns - 3 }.map { numbers[$0] }
        .filter(\.isFinite)
      #expect(least == seen.min() && most == seen.max(), "\(name(way))")
    }
    func gathered(_ bytes: [UInt8]) -> [UInt8] {
      (0..<rows).flatMap { bytes[$0 * 536..<$0 * 536 + columns] }
    }
  }

  private func uniform(_ count: Int, seed: UInt64) -> [Float] {
    let hash = CounterHash(seed: seed, name: "uniform")
    return (0..<count).map { Float(hash[$0] >> 40) / Float(1 << 23) - 1 }
  }
}
