// Attention between few tokens and a picture of many pixels, without projecting the picture.
//
// A head's scores are products of a projected query and projected keys, q · (W x + b) = (Wᵀ q) · x + q · b: so the projection
// of the keys is folded into the query, which becomes as wide as a pixel, and q · b is the same for all keys, which no
// softmax sees. Its weights add up to 1: so values are summed as they are and projected afterwards. Tokens to the picture and
// the picture to tokens then take 2 · heads · tokens · C multiplications a pixel, instead of 2 · C · inner and more.
import CVector
import Kernels
import Tensors

/// A linear layer on few rows; columns are cut among threads where there is enough to do.
struct TokenLinear: Sendable {
  private static let columnsAtOnce = 128
  /// So many multiplications are worth a second thread.
  private static let worthThreads = 1 << 21

  let outputs: Int
  private let inputs: Int
  private let numbers: Numbers
  private let operand: PackedOperand
  private let bias: [Float]
  private let activation: Activation?

  init(_ layer: LinearLayer, _ numbers: Numbers, activation: Activation? = nil) {
    (outputs, inputs) = (layer.weight.shape[0], layer.weight.shape[1])
    self.numbers = numbers
    self.activation = activation
    operand = PackedOperand(transposed: layer.weight, numbers)
    bias = layer.bias?.elements ?? []
  }

  /// `[rows, inputs]` to `[rows, outputs]` of other numbers.
  func callAsFunction(
    _ x: UnsafeRawPointer, rows: Int, into out: UnsafeMutableRawPointer, _ outNumbers: Numbers
  ) {
    inParts(x, rows, into: out, outNumbers, accumulates: false)
  }

  /// The same, added to `[rows, outputs]`.
  func callAsFunction(_ x: UnsafeRawPointer, rows: Int, addedTo out: UnsafeMutablePointer<Float>) {
    inParts(x, rows, into: out, .f32, accumulates: true)
  }

  private func inParts(
    _ x: UnsafeRawPointer, _ rows: Int, into out: UnsafeMutableRawPointer, _ outNumbers: Numbers,
    accumulates: Bool
  ) {
    let grain = rows * inputs * outputs < Self.worthThreads ? outputs : Self.columnsAtOnce
    let added = accumulates ? UnsafePointer(out.assumingMemoryBound(to: Float.self)) : nil
    bias.withNumbers { bias in
      parallelFor(outputs, grain: grain) { columns in
        let first = columns.lowerBound
        numbers.multiply(
          x, stride: inputs, rows: rows, inner: inputs,
          // Panels stand one after another.
          by: operand.start + cvector_packed_bytes(numbers.kind, inputs, first), columns: columns.count,
          bias: bias.map { $0 + first }, activation: activation, adding: added.map { $0 + first },
          into: out + first * outNumbers.size, stride: outputs, outNumbers)
      }
    }
  }
}

/// Each head's part of a projection, packed for products from the left.
final class HeadOperands: Sendable {
  /// Which side of a head's part `[size, dim]` of a weight is multiplied by.
  enum Form {
    /// `[size, dim]` of `[heads · size, dim]`: from a head's channels back to the picture's.
    case backwards
    /// Its transposed: to a head's channels.
    case forwards
    /// The transposed of `[dim, size]`, columns of `[dim, heads · size]`: from a head's channels.
    case outwards
  }

  private let numbers: Numbers
  private let inner, columns, bytes: Int
  private nonisolated(unsafe) let memory: UnsafeMutableRawPointer

  init(_ weight: Tensor, _ form: Form, heads: Int, _ numbers: Numbers) {
    self.numbers = numbers
    let kind = numbers.kind
    let (total, dim) =
      form == .outwards ? (weight.shape[1], weight.shape[0]) : (weight.shape[0], weight.shape[1])
    let size = total / heads
    (inner, columns) = form == .forwards ? (dim, size) : (size, dim)
    bytes = (cvector_packed_bytes(kind, inner, columns) + 63) / 64 * 64
    memory = .allocate(byteCount: heads * bytes + 64, alignment: 64)
    weight.withElements { weight in
      for head in 0..<heads {
        let packed = memory + head * bytes
        switch form {
        case .backwards:
          cvector_pack(kind, cvector_f32, weight.start + head * size * dim, dim, size, dim, packed)
        case .forwards:
          cvector_pack_transposed(kind, cvector_f32, weight.start + head * size * dim, dim, dim, size, packed)
        case .outwards:
          cvector_pack_transposed(kind, cvector_f32, weight.start + head * size, total, size, dim, packed)
        }
      }
    }
  }

  deinit { memory.deallocate() }

  /// Rows of one head, so many numbers apart, times its operand, plus a bias.
  func multiply(
    head: Int, _ x: UnsafeRawPointer, stride: Int, rows: Int, bias: UnsafePointer<Float>? = nil,
    into out: UnsafeMutableRawPointer, stride outStride: Int, _ outNumbers: Numbers
  ) {
    numbers.multiply(
      x, stride: stride, rows: rows, inner: inner, by: memory + head * bytes, columns: columns, bias: bias,
      into: out, stride: outStride, outNumbers)
  }
}

/// How the rows of tokens and heads are laid out that stand for queries or keys: token by token, a row for each head.
struct TokenHeads: Sendable {
  let tokens, heads, size, dim: Int
  let numbers: Numbers

  /// Rows, or columns of scores.
  var count: Int { tokens * heads }
  /// Columns of scores where they begin lines.
  var stride: Int { (count + 31) / 32 * 32 }
  /// What queries and keys are scaled by.
  var scale: Float { 1 / Float(size).squareRoot() }
  /// Bytes of an operand of `[dim, count]`, in whole cache lines.
  var scoreBytes: Int { (cvector_packed_bytes(numbers.kind, dim, count) + 63) / 64 * 64 }
  /// Bytes of an operand of `[count, dim]` likewise.
  var sumBytes: Int { (cvector_packed_bytes(numbers.kind, count, dim) + 63) / 64 * 64 }

  /// Rows of tokens `[tokens, heads · size]` through each head's operand to `[tokens, heads, dim]`.
  func folded(
    _ x: UnsafeRawPointer, by operands: HeadOperands, into rows: UnsafeMutablePointer<Float>
  ) {
    for head in 0..<heads {
      operands.multiply(
        head: head, x + head * size * numbers.size, stride: heads * size, rows: tokens, into: rows + head * dim,
        stride: heads * dim, .f32)
    }
  }
}

/// The tokens' attention to the picture.
struct TokensToPicture: Sendable {
  let queries, out: TokenLinear
  private let keys, values: HeadOperands
  private let valueBias: [Float]

  init(_ layers: AttentionLayers, _ numbers: Numbers) {
    queries = TokenLinear(layers.q, numbers)
    out = TokenLinear(layers.out, numbers)
    keys = HeadOperands(layers.k.weight, .backwards, heads: layers.heads, numbers)
    values = HeadOperands(layers.v.weight, .forwards, heads: layers.heads, numbers)
    valueBias = layers.v.bias?.elements ?? []
  }

  /// One prompt's projected queries, `[tokens, heads · size]`, to what pixels are multiplied by.
  ///
  /// - Parameter rows: scratch of `[tokens, heads, dim]`.
  func fold(
    _ projected: UnsafeRawPointer, _ form: TokenHeads, rows: UnsafeMutablePointer<Float>,
    into packed: UnsafeMutableRawPointer
  ) {
    form.folded(projected, by: keys, into: rows)
    cvector_pack_transposed(form.numbers.kind, cvector_f32, rows, form.dim, form.dim, form.count, packed)
  }

  /// One prompt's weighted sums of pixels, `[tokens, heads, dim]`, to sums of values, `[tokens, heads · size]`.
  func project(_ sums: UnsafeRawPointer, _ form: TokenHeads, into out: UnsafeMutableRawPointer) {
    valueBias.withNumbers { bias in
      for head in 0..<form.heads {
        values.multiply(
          head: head, sums + head * form.dim * form.numbers.size, stride: form.heads * form.dim,
          rows: form.tokens, bias: bias.map { $0 + head * form.size },
          into: out + head * form.size * form.numbers.size, stride: form.heads * form.size, form.numbers)
      }
    }
  }
}

/// The picture's attention to the tokens.
struct PictureToTokens: Sendable {
  let keys, values: TokenLinear
  private let queries, out: HeadOperands
  private let queryBias: [Float]

  init(_ layers: AttentionLayers, _ numbers: Numbers) {
    keys = TokenLinear(layers.k, numbers)
    values = TokenLinear(layers.v, numbers)
    queries = HeadOperands(layers.q.weight, .backwards, heads: layers.heads, numbers)
    out = HeadOperands(layers.out.weight, .outwards, heads: layers.heads, numbers)
    queryBias = layers.q.bias?.elements ?? []
  }

  /// One prompt's projected keys, `[tokens, heads · size]` in Float32, to what pixels are multiplied by, and what is added:
  /// q · k where the query's bias is all there is.
  ///
  /// - Parameters:
  ///   - rounded: the same as the numbers that are multiplied.
  ///   - rows: scratch of `[tokens, heads, dim]`.
  func fold(
    keys projected: UnsafePointer<Float>, rounded: UnsafeRawPointer, _ form: TokenHeads,
    rows: UnsafeMutablePointer<Float>, into packed: UnsafeMutableRawPointer, bias: UnsafeMutablePointer<Float>
  ) {
    form.folded(rounded, by: queries, into: rows)
    cvector_pack_transposed(form.numbers.kind, cvector_f32, rows, form.dim, form.dim, form.count, packed)
    bias.update(repeating: 0, count: form.count)
    guard !queryBias.isEmpty else { return }
    for row in 0..<form.count {
      let (token, head) = row.quotientAndRemainder(dividingBy: form.heads)
      for channel in head * form.size..<(head + 1) * form.size {
        bias[row] += projected[token * form.heads * form.size + channel] * queryBias[channel]
      }
    }
  }

  /// One prompt's projected values, `[tokens, heads · size]`, to what weights are multiplied by.
  func fold(
    values projected: UnsafeRawPointer, _ form: TokenHeads, rows: UnsafeMutablePointer<Float>,
    into packed: UnsafeMutableRawPointer
  ) {
    form.folded(projected, by: out, into: rows)
    cvector_pack(form.numbers.kind, cvector_f32, rows, form.dim, form.count, form.dim, packed)
  }
}
