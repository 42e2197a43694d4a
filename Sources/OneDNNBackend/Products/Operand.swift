// How what is multiplied is held inside a tile: as numbers, or as bytes that stand for numbers of a range.
import CVector
import Kernels
import Tensors

/// What a linear layer takes or gives.
enum Operand: Hashable, Sendable {
  case numbers(Numbers)
  case bytes(QuantizedRange)

  /// What the layer there takes; nil for bytes whose range isn't known before.
  init?(_ site: Site) {
    guard site.precision != .w8a8 else {
      guard let range = site.input else { return nil }
      self = .bytes(range)
      return
    }
    guard let numbers = Numbers(site.precision) else { return nil }
    self = .numbers(numbers)
  }

  /// Bytes of a number.
  var size: Int {
    switch self {
    case .numbers(let numbers): numbers.size
    case .bytes: 1
    }
  }

  /// How many numbers a row of `channels` takes. Rows of bytes begin where cache lines do: AMX loads them by the line.
  func stride(_ channels: Int) -> Int {
    switch self {
    case .numbers: channels
    case .bytes: (channels + 63) / 64 * 64
    }
  }

  /// Bytes that rows of `channels` numbers take.
  func room(rows: Int, channels: Int) -> Int { rows * stride(channels) * size }

  /// Float32 `[rows, channels]`, its rows so many numbers apart, plus what is added, as this; `added` lies like `x`.
  func convert(
    _ x: UnsafePointer<Float>, stride: Int, adding added: UnsafePointer<Float>? = nil,
    into out: UnsafeMutableRawPointer, rows: Int, channels: Int
  ) {
    let outStride = self.stride(channels)
    switch self {
    case .numbers(let numbers):
      cvector_convert_tile(numbers.kind, x, stride, added, stride, out, outStride, rows, channels, channels)
    case .bytes(let range):
      cvector_quantize_tile(
        cvector_f32, x, stride, added, stride, range.steps, out.assumingMemoryBound(to: UInt8.self), outStride,
        rows,
        channels)
    }
  }

  /// The same after an activation.
  func activate(
    _ activation: Activation, _ x: UnsafePointer<Float>, into out: UnsafeMutableRawPointer, rows: Int,
    channels: Int
  ) {
    let outStride = stride(channels)
    switch self {
    case .numbers(let numbers):
      cvector_activate_tile(
        numbers.kind, activation.kind, x, channels, out, outStride, rows, channels, channels)
    case .bytes(let range):
      cvector_activate_to_int8_tile(
        activation.kind, x, channels, range.steps, out.assumingMemoryBound(to: UInt8.self), outStride, rows,
        channels)
    }
  }

  /// Zeros for `rows` rows of `channels`: in bytes the zero point, which is exactly 0.
  func clear(_ out: UnsafeMutableRawPointer, rows: Int, channels: Int) {
    var zero: UInt8 = 0
    if case .bytes(let range) = self { zero = range.zeroPoint }
    out.initializeMemory(as: UInt8.self, repeating: zero, count: room(rows: rows, channels: channels))
  }
}

extension QuantizedRange {
  /// The same for CVector.
  var steps: cvector_range { cvector_range(scale: scale, zero_point: zeroPoint) }
}

extension NormTile {
  /// `[rows, channels]` as what a layer takes.
  func callAsFunction(
    _ operand: Operand, _ x: UnsafePointer<Float>, stride: Int, into out: UnsafeMutableRawPointer, rows: Int
  ) {
    switch operand {
    case .numbers(let numbers):
      self(numbers, x, stride: stride, into: out, stride: operand.stride(channels), rows: rows)
    case .bytes(let range):
      toBytes(
        range.steps, x, stride: stride, into: out.assumingMemoryBound(to: UInt8.self),
        stride: operand.stride(channels), rows: rows)
    }
  }
}
