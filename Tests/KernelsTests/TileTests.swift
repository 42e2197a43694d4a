// The tiles' functions with every instruction set that this processor has, against plain loops in double precision.
import CVector
import Foundation
import Tensors
import Testing

/// The instruction sets that this processor has.
private let levels: [cvector_instructions] = {
  let best = cvector_use_instructions(cvector_amx)
  cvector_use_found_instructions()
  return (0...best.rawValue).map { cvector_instructions(rawValue: $0) }
}()

/// Calls `body` with another instruction set on this thread.
private func with<Result>(_ level: cvector_instructions, _ body: () -> Result) -> Result {
  _ = cvector_use_instructions(level)
  defer { cvector_use_found_instructions() }
  return body()
}

/// Numbers in −1 ..< 1, rounded to what a kind holds.
private struct Matrix {
  let rows, columns: Int
  let kind: cvector_kind
  var values: [Float]

  init(_ rows: Int, _ columns: Int, _ kind: cvector_kind, seed: UInt64, times scale: Float = 1) {
    (self.rows, self.columns, self.kind) = (rows, columns, kind)
    let hash = CounterHash(seed: seed, name: "tile")
    values = (0..<rows * columns).map { index in
      let value = (Float(hash[index] >> 40) / Float(1 << 23) - 1) * scale
      return kind == cvector_bf16 ? Float(bitPattern: UInt32(narrow(value)) << 16) : value
    }
  }

  /// As the tiles hold them, with one number more, which is 0.
  var stored: [UInt8] {
    var bytes = [UInt8]()
    for value in values + [0, 0] {
      if kind == cvector_f32 {
        withUnsafeBytes(of: value) { bytes += $0 }
      } else {
        withUnsafeBytes(of: narrow(value)) { bytes += $0 }
      }
    }
    return bytes
  }

  subscript(row: Int, column: Int) -> Double { Double(values[row * columns + column]) }
}

/// To the nearest bfloat16, of two equally near ones the even one.
private func narrow(_ value: Float) -> UInt16 {
  let bits = value.bitPattern
  return UInt16(truncatingIfNeeded: (bits + 0x7fff + (bits >> 16 & 1)) >> 16)
}

private let kinds = [cvector_f32, cvector_bf16]

@Suite struct TileTests {
  struct ProductCase: Sendable, CustomTestStringConvertible {
    let rows, inner, columns: Int
    var testDescription: String { "\(rows) × \(inner) × \(columns)" }
  }

  static let products = [
    ProductCase(rows: 1, inner: 1, columns: 1), ProductCase(rows: 7, inner: 5, columns: 3),
    ProductCase(rows: 33, inner: 96, columns: 96), ProductCase(rows: 64, inner: 112, columns: 50),
    ProductCase(rows: 17, inner: 147, columns: 97), ProductCase(rows: 49, inner: 56, columns: 336),
    ProductCase(rows: 31, inner: 33, columns: 17), ProductCase(rows: 16, inner: 32, columns: 16),
    ProductCase(rows: 65, inner: 300, columns: 40),
  ]

  @Test(arguments: products) func productsMatchDoubleLoops(item: ProductCase) {
    for level in levels {
      for kind in kinds {
        for (index, activation) in [
          cvector_no_activation, cvector_relu_activation, cvector_gelu_activation,
        ].enumerated() {
          let worst = with(level) { worstProduct(item, kind, activation, addsAndScales: index != 1) }
          #expect(worst < 4e-6, "\(String(cString: cvector_instructions_name(level))), kind \(kind.rawValue)")
        }
      }
    }
  }

  /// The largest error, in what the sum would be if its terms had random signs.
  private func worstProduct(
    _ item: ProductCase, _ kind: cvector_kind, _ activation: cvector_activation, addsAndScales: Bool
  ) -> Double {
    let a = Matrix(item.rows, item.inner, kind, seed: 1)
    // Rounded by the packing.
    let weight = Matrix(item.columns, item.inner, cvector_f32, seed: 2)
    let rounded = Matrix(item.columns, item.inner, kind, seed: 2)
    let bias = Matrix(1, item.columns, cvector_f32, seed: 3).values
    let scale = Matrix(1, item.columns, cvector_f32, seed: 4).values
    let added = Matrix(item.rows, item.columns, cvector_f32, seed: 5).values
    var packed = [UInt64](repeating: .max, count: cvector_packed_bytes(kind, item.inner, item.columns) / 8 + 1)
    cvector_pack_transposed(
      kind, cvector_f32, weight.values, item.inner, item.inner, item.columns, &packed)
    var out = [Float](repeating: .nan, count: item.rows * item.columns)
    bias.withUnsafeBufferPointer { bias in
      scale.withUnsafeBufferPointer { scale in
        added.withUnsafeBufferPointer { added in
          a.stored.withUnsafeBytes { a in
            packed.withUnsafeBytes { b in
              out.withUnsafeMutableBytes { out in
                var product = cvector_product()
                (product.rows, product.inner, product.columns) = (item.rows, item.inner, item.columns)
                (product.a, product.a_stride) = (a.baseAddress, item.inner)
                product.b = b.baseAddress
                product.bias = bias.baseAddress
                product.activation = activation
                if addsAndScales {
                  product.scale = scale.baseAddress
                  (product.added, product.added_stride) = (added.baseAddress, item.columns)
                }
                (product.out, product.out_stride) = (out.baseAddress, item.columns)
                product.out_kind = cvector_f32
                cvector_multiply_tile(kind, &product)
              }
            }
          }
        }
      }
    }
    var worst = 0.0
    for row in 0..<item.rows {
      for column in 0..<item.columns {
        var (sum, squares) = (Double(bias[column]), 1.0)
        for k in 0..<item.inner {
          let term = a[row, k] * rounded[column, k]
          sum += term
          squares += term * term
        }
        if activation == cvector_relu_activation { sum = max(0, sum) }
        if activation == cvector_gelu_activation { sum = 0.5 * sum * (1 + erf(sum / 2.0.squareRoot())) }
        if addsAndScales { sum = sum * Double(scale[column]) + Double(added[row * item.columns + column]) }
        let error = abs(Double(out[row * item.columns + column]) - sum) / squares.squareRoot()
        worst = max(worst, error.isNaN ? .infinity : error)
      }
    }
    return worst
  }

  /// Results of bfloat16 are those of Float32, rounded.
  @Test func narrowResultsAreWideOnesRounded() {
    for level in levels {
      let (wide, narrowed) = with(level) { (product(to: cvector_f32), product(to: cvector_bf16)) }
      let expected = wide.withUnsafeBytes { Array($0.bindMemory(to: Float.self)).map(narrow) }
      let found = narrowed.withUnsafeBytes { Array($0.bindMemory(to: UInt16.self).prefix(expected.count)) }
      #expect(found == expected, "\(String(cString: cvector_instructions_name(level)))")
    }
  }

  private func product(to kind: cvector_kind) -> [UInt8] {
    let (rows, inner, columns) = (37, 70, 41)
    let a = Matrix(rows, inner, cvector_bf16, seed: 1).stored
    let weight = Matrix(columns, inner, cvector_f32, seed: 2).values
    var packed = [UInt64](repeating: .max, count: cvector_packed_bytes(cvector_bf16, inner, columns) / 8 + 1)
    cvector_pack_transposed(cvector_bf16, cvector_f32, weight, inner, inner, columns, &packed)
    var out = [UInt8](repeating: 0, count: rows * columns * 4)
    a.withUnsafeBytes { a in
      packed.withUnsafeBytes { b in
        out.withUnsafeMutableBytes { out in
          var product = cvector_product()
          (product.rows, product.inner, product.columns) = (rows, inner, columns)
          (product.a, product.a_stride, product.b) = (a.baseAddress, inner, b.baseAddress)
          (product.out, product.out_stride, product.out_kind) = (out.baseAddress, columns, kind)
          cvector_multiply_tile(cvector_bf16, &product)
        }
      }
    }
    return out
  }

  struct FinishCase: Sendable, CustomTestStringConvertible {
    let rows, inner, columns: Int
    let out: cvector_kind
    let activation: cvector_activation
    let hasBias, isAdded: Bool
    var isScaled = false
    var testDescription: String {
      "\(rows) × \(inner) × \(columns) to kind \(out.rawValue), activation \(activation.rawValue), "
        + "bias \(hasBias), added \(isAdded), scaled \(isScaled)"
    }
  }

  /// What layers ask for: columns that are whole vectors, and one thing or another after the sums.
  static let finishes = [(33, 96, 96), (70, 147, 64), (16, 32, 32), (5, 40, 160)].flatMap {
    rows, inner, columns in
    let forms: [(cvector_kind, cvector_activation, hasBias: Bool, isAdded: Bool)] = [
      (cvector_bf16, cvector_no_activation, true, false), (cvector_bf16, cvector_no_activation, false, false),
      (cvector_bf16, cvector_gelu_activation, true, false),
      (cvector_bf16, cvector_relu_activation, true, false),
      (cvector_f32, cvector_no_activation, true, true), (cvector_f32, cvector_no_activation, false, true),
      (cvector_f32, cvector_no_activation, false, false), (cvector_f32, cvector_relu_activation, false, false),
    ]
    let unscaled = forms.map { out, activation, hasBias, isAdded in
      FinishCase(
        rows: rows, inner: inner, columns: columns, out: out, activation: activation, hasBias: hasBias,
        isAdded: isAdded)
    }
    let scaled = FinishCase(
      rows: rows, inner: inner, columns: columns, out: cvector_f32, activation: cvector_no_activation,
      hasBias: false, isAdded: false, isScaled: true)
    return unscaled + [scaled]
  }

  @Test(arguments: finishes) func finishedProductsMatchDoubleLoops(item: FinishCase) {
    let a = Matrix(item.rows, item.inner, cvector_bf16, seed: 1)
    let weight = Matrix(item.columns, item.inner, cvector_f32, seed: 2)
    let rounded = Matrix(item.columns, item.inner, cvector_bf16, seed: 2)
    let bias = Matrix(1, item.columns, cvector_f32, seed: 3).values
    let residual = Matrix(item.rows, item.columns, cvector_f32, seed: 5).values
    let scale = Matrix(1, item.columns, cvector_f32, seed: 6).values
    for level in levels {
      let out = with(level) { finished(item, a.stored, weight.values, bias, residual, scale) }
      var worst = 0.0
      for row in 0..<item.rows {
        for column in 0..<item.columns {
          var sum = item.hasBias ? Double(bias[column]) : 0
          for k in 0..<item.inner { sum += a[row, k] * rounded[column, k] }
          switch item.activation {
          case cvector_gelu_activation: sum = 0.5 * sum * erfc(-sum / 2.0.squareRoot())
          case cvector_relu_activation: sum = max(0, sum)
          default: break
          }
          if item.isScaled { sum *= Double(scale[column]) }
          if item.isAdded { sum += Double(residual[row * item.columns + column]) }
          // Half a step of bfloat16, and what a GELU in pieces differs by.
          let allowed = item.out == cvector_bf16 ? abs(sum) * 0x1p-8 + 4e-5 : 4e-5
          let error = abs(Double(out[row * item.columns + column]) - sum) / allowed
          worst = max(worst, error.isNaN ? .infinity : error)
        }
      }
      #expect(worst < 1, "\(String(cString: cvector_instructions_name(level)))")
    }
  }

  private func finished(
    _ item: FinishCase, _ a: [UInt8], _ weight: [Float], _ bias: [Float], _ residual: [Float], _ scale: [Float]
  ) -> [Float] {
    let count = item.rows * item.columns
    var packed = [UInt64](
      repeating: .max, count: cvector_packed_bytes(cvector_bf16, item.inner, item.columns) / 8 + 1)
    cvector_pack_transposed(
      cvector_bf16, cvector_f32, weight, item.inner, item.inner, item.columns, &packed)
    // Sums are added to what is there, as a residual is.
    var out = item.isAdded ? residual : [Float](repeating: .nan, count: count)
    bias.withUnsafeBufferPointer { bias in
      scale.withUnsafeBufferPointer { scale in
        a.withUnsafeBytes { a in
          packed.withUnsafeBytes { b in
            out.withUnsafeMutableBytes { out in
              var product = cvector_product()
              (product.rows, product.inner, product.columns) = (item.rows, item.inner, item.columns)
              (product.a, product.a_stride, product.b) = (a.baseAddress, item.inner, b.baseAddress)
              product.bias = item.hasBias ? bias.baseAddress : nil
              product.scale = item.isScaled ? scale.baseAddress : nil
              product.activation = item.activation
              if item.isAdded {
                product.added = UnsafePointer(out.bindMemory(to: Float.self).baseAddress)
                product.added_stride = item.columns
              }
              (product.out, product.out_stride, product.out_kind) = (out.baseAddress, item.columns, item.out)
              cvector_multiply_tile(cvector_bf16, &product)
            }
          }
        }
      }
    }
    guard item.out == cvector_bf16 else { return out }
    return out.withUnsafeBytes { bytes in
      bytes.bindMemory(to: UInt16.self).prefix(count).map { Float(bitPattern: UInt32($0) << 16) }
    }
  }

  /// A GELU whose result is rounded to bfloat16 may be computed in pieces.
  @Test func geluInPiecesIsNearTheExactOne() {
    let x = (0...40_000).map { Float($0 - 20_000) * 5e-4 } + [0, 1e30, .infinity]
    for level in levels {
      var out = [UInt16](repeating: 0, count: x.count)
      with(level) {
        cvector_activate_tile(
          cvector_bf16, cvector_gelu_activation, x, x.count, &out, x.count, 1, x.count, x.count)
      }
      let worst = zip(x, out).dropLast().map { x, bits in
        let exact = 0.5 * Double(x) * erfc(-Double(x) / 2.0.squareRoot())
        return (abs(Double(Float(bitPattern: UInt32(bits) << 16)) - exact) - abs(exact) * 0x1p-8) / 2e-5
      }.max()
      #expect((worst ?? 2) < 1, "\(String(cString: cvector_instructions_name(level)))")
      // Far to the left nothing is left.
      #expect(abs(Float(bitPattern: UInt32(out[0]) << 16)) < 1e-20)
      #expect(out[20_000] == 0 && out.last == 0x7f80, "\(String(cString: cvector_instructions_name(level)))")
    }
  }

  struct AttentionCase: Sendable, CustomTestStringConvertible {
    let queries, keys, dim, valueDim: Int
    /// How large queries are: from 60 on a row's scores differ by more than a power of two may say.
    var size: Float = 3
    var testDescription: String {
      "\(queries) queries as large as \(size), \(keys) keys of \(dim), values of \(valueDim)"
    }
  }

  @Test(arguments: [
    AttentionCase(queries: 70, keys: 64, dim: 96, valueDim: 96),
    AttentionCase(queries: 5, keys: 1100, dim: 56, valueDim: 64),
    AttentionCase(queries: 100, keys: 1100, dim: 40, valueDim: 40),
    AttentionCase(queries: 65, keys: 513, dim: 16, valueDim: 16),
    AttentionCase(queries: 40, keys: 600, dim: 96, valueDim: 40, size: 40),
    AttentionCase(queries: 40, keys: 600, dim: 96, valueDim: 40, size: 600),
    AttentionCase(queries: 49, keys: 49, dim: 72, valueDim: 72),
    AttentionCase(queries: 3, keys: 7, dim: 33, valueDim: 7),
    AttentionCase(queries: 130, keys: 1, dim: 8, valueDim: 24),
  ]) func attentionMatchesDoubleLoops(item: AttentionCase) {
    for level in levels {
      for kind in kinds {
        for source in kind == cvector_f32 ? [cvector_f32] : kinds {
          let worst = with(level) { worstAttention(item, kind, source) }
          #expect(
            worst < (kind == cvector_f32 ? 2e-6 * Double(max(1, item.size / 3)) : 6e-3),
            "\(String(cString: cvector_instructions_name(level))), kind \(kind.rawValue) from \(source.rawValue)"
          )
        }
      }
    }
  }

  private func worstAttention(_ item: AttentionCase, _ kind: cvector_kind, _ source: cvector_kind) -> Double {
    let q = Matrix(item.queries, item.dim, kind, seed: 6, times: item.size)
    let k = Matrix(item.keys, item.dim, kind, seed: 7)
    let v = Matrix(item.keys, item.valueDim, kind, seed: 8)
    func packed(_ matrix: Matrix, bytes: Int, _ pack: (UnsafeRawPointer, UnsafeMutableRawPointer) -> Void)
      -> [UInt64]
    {
      var packed = [UInt64](repeating: .max, count: bytes / 8 + 1)
      let stored: [UInt8] =
        source == kind ? matrix.stored : matrix.values.withUnsafeBytes { Array($0) }
      stored.withUnsafeBytes { from in
        packed.withUnsafeMutableBytes { to in
          if let from = from.baseAddress, let to = to.baseAddress { pack(from, to) }
        }
      }
      return packed
    }
    let keys = packed(k, bytes: cvector_packed_keys_bytes(kind, item.keys, item.dim)) {
      cvector_pack_keys(kind, source, $0, item.dim, 0, item.keys, item.keys, item.dim, $1)
    }
    let values = packed(v, bytes: cvector_packed_values_bytes(kind, item.keys, item.valueDim)) {
      cvector_pack_values(kind, source, $0, item.valueDim, 0, item.keys, item.keys, item.valueDim, $1)
    }
    let bytes = cvector_attention_scratch(kind, item.keys, item.dim, item.valueDim)
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    defer { scratch.deallocate() }
    memset(scratch, 0xff, bytes)
    var out = [Float](repeating: .nan, count: item.queries * item.valueDim)
    q.stored.withUnsafeBytes { q in
      keys.withUnsafeBytes { keys in
        values.withUnsafeBytes { values in
          out.withUnsafeMutableBytes { out in
            var attention = cvector_attention()
            (attention.queries, attention.keys) = (item.queries, item.keys)
            (attention.dim, attention.value_dim) = (item.dim, item.valueDim)
            attention.scale = 1 / Float(item.dim).squareRoot()
            (attention.q, attention.q_stride) = (q.baseAddress, item.dim)
            (attention.k, attention.v) = (keys.baseAddress, values.baseAddress)
            (attention.out, attention.out_stride) = (out.baseAddress, item.valueDim)
            attention.out_kind = cvector_f32
            attention.scratch = scratch
            cvector_attend_tile(kind, &attention)
          }
        }
      }
    }
    var worst = 0.0
    for row in 0..<item.queries {
      let scores = (0..<item.keys).map { key in
        (0..<item.dim).reduce(0.0) { $0 + q[row, $1] * k[key, $1] } / Double(item.dim).squareRoot()
      }
      let top = scores.max() ?? 0
      let weights = scores.map { exp($0 - top) }
      let total = weights.reduce(0, +)
      for column in 0..<item.valueDim {
        let expected = (0..<item.keys).reduce(0.0) { $0 + weights[$1] * v[$1, column] } / total
        let error = abs(Double(out[row * item.valueDim + column]) - expected)
        worst = max(worst, error.isNaN ? .infinity : error)
      }
    }
    return worst
  }

  @Test func rowsAreNormalisedConvertedActivatedAndPooled() {
    let (rows, columns) = (12, 37)
    let x = Matrix(rows, columns, cvector_f32, seed: 9, times: 4)
    let weight = Matrix(1, columns, cvector_f32, seed: 10).values
    let bias = Matrix(1, columns, cvector_f32, seed: 11).values
    for level in levels {
      let name = String(cString: cvector_instructions_name(level))
      var normed = [Float](repeating: .nan, count: rows * 40)
      var activated = normed
      var summed = normed
      var pooled = [Float](repeating: .nan, count: 6 * columns)
      with(level) {
        cvector_normalise_tile(
          cvector_f32, x.values, columns, weight, bias, 1e-6, &normed, 40, rows, columns, 40)
        cvector_activate_tile(
          cvector_f32, cvector_gelu_activation, x.values, columns, &activated, 40, rows, columns, 40)
        cvector_convert_tile(cvector_f32, x.values, columns, x.values, columns, &summed, 40, rows, columns, 40)
        cvector_pool_tile(cvector_f32, x.values, columns, 6, 2, 2, &pooled, columns, columns)
      }
      for row in 0..<rows {
        let values = (0..<columns).map { x[row, $0] }
        let mean = values.reduce(0, +) / Double(columns)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
        for column in 0..<columns {
          let value = values[column]
          let expected =
            (value - mean) / (variance + 1e-6).squareRoot() * Double(weight[column]) + Double(bias[column])
          #expect(abs(Double(normed[row * 40 + column]) - expected) < 2e-6, "\(name)")
          let gelu = 0.5 * value * (1 + erf(value / 2.0.squareRoot()))
          #expect(abs(Double(activated[row * 40 + column]) - gelu) < 1e-6, "\(name)")
          #expect(summed[row * 40 + column] == 2 * x.values[row * columns + column], "\(name)")
        }
        #expect(normed[(row * 40 + columns)..<(row * 40 + 40)].allSatisfy { $0 == 0 }, "\(name)")
      }
      for square in 0..<3 {
        for column in 0..<columns {
          let tokens = [2 * square, 2 * square + 1, 6 + 2 * square, 7 + 2 * square]
          #expect(
            pooled[square * columns + column] == tokens.map { x.values[$0 * columns + column] }.max(), "\(name)"
          )
        }
      }
    }
  }

  /// What can't be a number stays none on its way.
  @Test func notANumberStaysNone() {
    for level in levels {
      let name = String(cString: cvector_instructions_name(level))
      let x: [Float] = Array(repeating: .nan, count: 20)
      let ones: [Float] = Array(repeating: 1, count: 20)
      for kind in kinds {
        var out = [UInt8](repeating: 0, count: 80)
        with(level) {
          cvector_activate_tile(kind, cvector_gelu_activation, x, 20, &out, 20, 1, 20, 20)
        }
        #expect(isNaN(out, kind), "gelu, \(name)")
        with(level) { cvector_activate_tile(kind, cvector_relu_activation, x, 20, &out, 20, 1, 20, 20) }
        #expect(isNaN(out, kind), "relu, \(name)")
        with(level) { cvector_normalise_tile(kind, x, 20, ones, ones, 1e-6, &out, 20, 1, 20, 20) }
        #expect(isNaN(out, kind), "norm, \(name)")
        with(level) { cvector_convert_tile(kind, x, 20, nil, 0, &out, 20, 1, 20, 20) }
        #expect(isNaN(out, kind), "convert, \(name)")
      }
    }
  }

  private func isNaN(_ bytes: [UInt8], _ kind: cvector_kind) -> Bool {
    bytes.withUnsafeBytes { bytes in
      kind == cvector_f32
        ? bytes.bindMemory(to: Float.self).prefix(20).allSatisfy(\.isNaN)
        : bytes.bindMemory(to: UInt16.self).prefix(20).allSatisfy { Float(bitPattern: UInt32($0) << 16).isNaN }
    }
  }
}
