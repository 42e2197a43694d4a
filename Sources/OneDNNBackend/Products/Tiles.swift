// What wholes are made of: normalisation, feed-forward parts and attention on tiles.
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
}

extension TileLinear {
  convenience init(
    _ layer: LinearLayer, _ form: Form, rows: [Int], by multiplier: Multiplier
  ) throws(OneDNNError) {
    try self.init(weight: layer.weight, bias: layer.bias, form, rows: rows, by: multiplier)
  }
}

/// Rows to mean 0 and variance 1.
struct NormTile: Sendable {
  private let weight, bias: [Float]
  private let epsilon: Float

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
}

/// Two linear layers with an activation between them, added to what is there.
struct FeedForwardTile: Sendable {
  let scratchBytes: Int
  private let first, second: TileLinear
  private let numbers: Numbers
  private let hiddenAt: Int

  /// - Parameter rows: how many rows a tile has, in rising order.
  init(_ layers: FeedForward, _ numbers: Numbers, rows: [Int], by multiplier: Multiplier) throws(OneDNNError) {
    first = try TileLinear(
      layers.layers[0], .init(input: numbers, output: numbers, activation: layers.activation), rows: rows,
      by: multiplier)
    second = try TileLinear(
      layers.layers[1], .init(input: numbers, output: .f32, accumulates: true), rows: rows, by: multiplier)
    self.numbers = numbers
    hiddenAt = max(first.scratchBytes, second.scratchBytes)
    scratchBytes = hiddenAt + (rows.last ?? 0) * first.outputs * numbers.size + 64
  }

  /// `[rows, in]` of its numbers; the result is added to `[rows, out]`.
  func callAsFunction(
    rows: Int, _ x: UnsafeRawPointer, addedTo out: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer
  ) {
    let hidden = scratch + hiddenAt
    first(rows: rows, x, into: hidden, scratch: scratch)
    second(rows: rows, hidden, into: out, scratch: scratch)
  }
}

/// Attention inside a tile: few keys, packed where they are used.
struct AttentionTile: Sendable {
  private let numbers: Numbers
  private let heads, size, keys: Int
  private let keysAt, valuesAt, scratchAt: Int

  /// Places are in the worker's scratch memory, in bytes.
  init(_ numbers: Numbers, heads: Int, size: Int, keys: Int, keysAt: Int, valuesAt: Int, scratchAt: Int) {
    self.numbers = numbers
    (self.heads, self.size, self.keys) = (heads, size, keys)
    (self.keysAt, self.valuesAt, self.scratchAt) = (keysAt, valuesAt, scratchAt)
  }

  /// Queries `[count, heads, size]`, keys and values `[keys, heads, size]`, each in rows so many numbers apart, to
  /// `[count, heads, size]` likewise.
  func callAsFunction(
    _ queries: UnsafeRawPointer, stride: Int, count: Int, packing k: UnsafeRawPointer, _ v: UnsafeRawPointer,
    stride keyStride: Int, into out: UnsafeMutableRawPointer, _ outStride: Int, _ outNumbers: Numbers,
    _ memory: UnsafeMutableRawPointer
  ) {
    let (kind, bytes) = (numbers.kind, numbers.size)
    for head in 0..<heads {
      let at = head * size * bytes
      cvector_pack_keys(kind, kind, k + at, keyStride, 0, keys, keys, size, memory + keysAt)
      cvector_pack_values(kind, kind, v + at, keyStride, 0, keys, keys, size, memory + valuesAt)
      var attention = cvector_attention()
      attention.queries = count
      attention.keys = keys
      attention.dim = size
      attention.value_dim = size
      attention.scale = 1 / Float(size).squareRoot()
      attention.q = queries + at
      attention.q_stride = stride
      attention.k = UnsafeRawPointer(memory + keysAt)
      attention.v = UnsafeRawPointer(memory + valuesAt)
      attention.out = out + head * size * outNumbers.size
      attention.out_stride = outStride
      attention.out_kind = outNumbers.kind
      attention.scratch = memory + scratchAt
      cvector_attend_tile(kind, &attention)
    }
  }
}

/// Many keys and values, packed once for all queries.
final class PackedKeys: @unchecked Sendable {
  let scratchBytes: Int
  private let numbers: Numbers
  private let heads, size, valueSize, keys: Int
  private let keyBytes, valueBytes: Int
  private let workspace: Workspace
  private var memory: UnsafeMutableRawPointer { workspace.start }

  /// Room for `keys` keys and values of so many heads.
  init(_ numbers: Numbers, heads: Int, size: Int, valueSize: Int, keys: Int) {
    self.numbers = numbers
    (self.heads, self.size, self.valueSize, self.keys) = (heads, size, valueSize, keys)
    keyBytes = cvector_packed_keys_bytes(numbers.kind, keys, size)
    valueBytes = cvector_packed_values_bytes(numbers.kind, keys, valueSize)
    scratchBytes = cvector_attention_scratch(numbers.kind, keys, size, valueSize)
    workspace = Workspace(bytes: heads * (keyBytes + valueBytes))
  }

  /// Packs `[keys, heads, size]`, each row so many numbers from the next.
  func pack(keys k: UnsafeRawPointer, values v: UnsafeRawPointer, stride: Int, _ source: Numbers) {
    pack(keys: k, stride: stride, source)
    pack(values: v, stride: stride, source)
  }

  func pack(keys k: UnsafeRawPointer, stride: Int, _ source: Numbers) {
    inPieces { head, first, count in
      cvector_pack_keys(
        numbers.kind, source.kind, k + (first * stride + head * size) * source.size, stride, first, count, keys,
        size, memory + head * keyBytes)
    }
  }

  func pack(values v: UnsafeRawPointer, stride: Int, _ source: Numbers) {
    inPieces { head, first, count in
      cvector_pack_values(
        numbers.kind, source.kind, v + (first * stride + head * valueSize) * source.size, stride, first, count,
        keys, valueSize, memory + heads * keyBytes + head * valueBytes)
    }
  }

  /// Packs one head's keys of a range that begins a piece, `[count, size]`.
  func packTile(keys k: UnsafeRawPointer, stride: Int, _ source: Numbers, _ range: Range<Int>) {
    cvector_pack_keys(
      numbers.kind, source.kind, k, stride, range.lowerBound, range.count, keys, size, memory)
  }

  /// Packs one head's values of a range that begins a piece, `[count, valueSize]`.
  func packTile(values v: UnsafeRawPointer, stride: Int, _ source: Numbers, _ range: Range<Int>) {
    cvector_pack_values(
      numbers.kind, source.kind, v, stride, range.lowerBound, range.count, keys, valueSize,
      memory + heads * keyBytes)
  }

  private func inPieces(_ body: (_ head: Int, _ first: Int, _ count: Int) -> Void) {
    let length = Int(cvector_keys_at_once)
    let pieces = (keys + length - 1) / length
    parallelFor(heads * pieces) { range in
      for item in range {
        let (head, piece) = item.quotientAndRemainder(dividingBy: pieces)
        body(head, piece * length, min(length, keys - piece * length))
      }
    }
  }

  /// Queries `[count, size]` of one head against all keys, to `[count, valueSize]` of `outNumbers`.
  func attend(
    head: Int, _ queries: UnsafeRawPointer, stride: Int, count: Int, into out: UnsafeMutableRawPointer,
    stride outStride: Int, _ outNumbers: Numbers, scratch: UnsafeMutableRawPointer
  ) {
    var attention = cvector_attention()
    attention.queries = count
    attention.keys = keys
    attention.dim = size
    attention.value_dim = valueSize
    attention.scale = 1 / Float(size).squareRoot()
    attention.q = queries
    attention.q_stride = stride
    attention.k = UnsafeRawPointer(memory + head * keyBytes)
    attention.v = UnsafeRawPointer(memory + heads * keyBytes + head * valueBytes)
    attention.out = out
    attention.out_stride = outStride
    attention.out_kind = outNumbers.kind
    attention.scratch = scratch
    cvector_attend_tile(numbers.kind, &attention)
  }
}

/// Memory for what all tiles of a call share: the tensors' own, which is recycled.
final class Workspace: @unchecked Sendable {
  let start: UnsafeMutableRawPointer
  private let memory: Tensor

  /// Uninitialised, aligned to cache lines, with some to spare at the end.
  init(bytes: Int) {
    var start: UnsafeMutableRawPointer?
    memory = Tensor([bytes / 4 + 32]) { start = UnsafeMutableRawPointer($0.start) }
    guard let start else { preconditionFailure("a tensor without memory") }
    self.start = start
  }
}
