// What wholes are made of: normalisation and feed-forward parts on tiles.
import CVector
import Foundation
import Kernels
import Tensors

extension Numbers {
  /// What all these layers are computed in; nil where they differ.
  init?(common sites: [Site]) {
    guard let first = sites.first, sites.allSatisfy({ $0.precision == first.precision }) else { return nil }
    self.init(first.precision)
  }

  /// What an attention is computed in: as its own site says, else as the layers around it that aren't bytes; nil where these
  /// differ.
  init?(attention site: Site?, between layers: [Site]) {
    if let site {
      self.init(site.precision)
      return
    }
    let floats = layers.filter { $0.precision != .w8a8 }
    guard !floats.isEmpty else {
      self = .f32
      return
    }
    self.init(common: floats)
  }
}

extension Numbers {
  /// out[rows, columns] = a[rows, inner] · a packed operand; then a bias for each column or for each row, an activation, and
  /// what is added, whose rows lie as far apart as those of `out`.
  func multiply(
    _ a: UnsafeRawPointer, stride: Int, rows: Int, inner: Int, by packed: UnsafeRawPointer, columns: Int,
    bias: UnsafePointer<Float>? = nil, rowBias: UnsafePointer<Float>? = nil, activation: Activation? = nil,
    adding added: UnsafePointer<Float>? = nil, into out: UnsafeMutableRawPointer, stride outStride: Int,
    _ outNumbers: Numbers = .f32
  ) {
    var product = cvector_product()
    product.rows = rows
    product.inner = inner
    product.columns = columns
    product.a = a
    product.a_stride = stride
    product.b = packed
    product.bias = bias
    product.row_bias = rowBias
    product.activation = activation?.kind ?? cvector_no_activation
    product.added = added
    product.added_stride = outStride
    product.out = out
    product.out_stride = outStride
    product.out_kind = outNumbers.kind
    cvector_multiply_tile(kind, &product)
  }
}

extension [Float] {
  /// Calls `body` with the numbers, or with nil where there are none: a bias that a layer has or not.
  func withNumbers<Result>(_ body: (UnsafePointer<Float>?) -> Result) -> Result {
    withUnsafeBufferPointer { body($0.isEmpty ? nil : $0.baseAddress) }
  }
}

extension TileLinear {
  convenience init(
    _ layer: LinearLayer, _ form: Form, rows: [Int], by multiplier: Multiplier
  ) throws(OneDNNError) {
    try self.init(
      weight: layer.weight, quantized: layer.quantized, bias: layer.bias, form, rows: rows, by: multiplier)
  }
}

/// Rows to mean 0 and variance 1.
struct NormTile: Sendable {
  private let weight, bias: [Float]
  private let epsilon: Float

  var channels: Int { weight.count }

  init(_ layer: NormLayer) {
    weight = layer.weight.elements
    bias = layer.bias.elements
    epsilon = layer.epsilon
  }

  /// `[rows, channels]` to the same as `numbers`, in rows so many numbers apart.
  func callAsFunction(
    _ numbers: Numbers, _ x: UnsafePointer<Float>, stride: Int, into out: UnsafeMutableRawPointer,
    stride outStride: Int, rows: Int
  ) {
    cvector_normalise_tile(
      numbers.kind, x, stride, weight, bias, epsilon, out, outStride, rows, weight.count, weight.count)
  }

  /// The same to bytes of a range.
  func toBytes(
    _ range: cvector_range, _ x: UnsafePointer<Float>, stride: Int, into out: UnsafeMutablePointer<UInt8>,
    stride outStride: Int, rows: Int
  ) {
    cvector_normalise_to_int8_tile(
      x, stride, weight, bias, epsilon, range, out, outStride, rows, weight.count)
  }
}

/// Two linear layers with an activation between them, added to what is there.
struct FeedForwardTile: Sendable {
  /// What the first layer takes.
  let input: Operand
  let scratchBytes: Int
  private let first, second: TileLinear
  private let hiddenAt: Int

  /// - Parameter rows: how many rows a tile has, in rising order.
  init(_ layers: FeedForward, _ numbers: Numbers, rows: [Int], by multiplier: Multiplier) throws(OneDNNError) {
    try self.init(
      layers, .numbers(numbers), hidden: .numbers(numbers), rows: rows, by: multiplier)
  }

  /// - Parameters:
  ///   - input: what the first layer takes.
  ///   - hidden: what the second one takes.
  ///   - rows: how many rows a tile has, in rising order.
  init(
    _ layers: FeedForward, _ input: Operand, hidden: Operand, rows: [Int], by multiplier: Multiplier
  ) throws(OneDNNError) {
    self.input = input
    first = try TileLinear(
      layers.layers[0], .init(input, to: hidden, activation: layers.activation), rows: rows, by: multiplier)
    second = try TileLinear(
      layers.layers[1], .init(hidden, to: .numbers(.f32), accumulates: true), rows: rows, by: multiplier)
    hiddenAt = max(first.scratchBytes, second.scratchBytes)
    scratchBytes = hiddenAt + hidden.room(rows: rows.last ?? 0, channels: first.outputs) + 64
  }

  /// `[rows, in]` as the first layer takes it; the result is added to `[rows, out]`.
  func callAsFunction(
    rows: Int, _ x: UnsafeRawPointer, addedTo out: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer
  ) {
    let hidden = scratch + hiddenAt
    first(rows: rows, x, into: hidden, scratch: scratch)
    second(rows: rows, hidden, into: out, scratch: scratch)
  }
}

/// Memory for what all tiles of a call share: the tensors' own, which is recycled.
final class Workspace: @unchecked Sendable {
  let start: UnsafeMutableRawPointer
  private let memory: Tensor

  /// The same as numbers.
  var floats: UnsafeMutablePointer<Float> { start.assumingMemoryBound(to: Float.self) }

  /// Uninitialised, aligned to cache lines, with some to spare at the end.
  convenience init(floats: Int) { self.init(bytes: floats * 4) }

  /// Uninitialised, aligned to cache lines, with some to spare at the end.
  init(bytes: Int) {
    var start: UnsafeMutableRawPointer?
    memory = Tensor([bytes / 4 + 32]) { start = UnsafeMutableRawPointer($0.start) }
    guard let start else { preconditionFailure("a tensor without memory") }
    self.start = start
  }
}
