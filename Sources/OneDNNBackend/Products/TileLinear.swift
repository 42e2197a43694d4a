// A linear layer on tiles: oneDNN's product where it is loaded, else one of our own, with what follows it.
import CVector
import Kernels
import Synchronization
import Tensors

/// How numbers are held inside a tile.
enum Numbers: Sendable {
  case f32
  case bf16

  /// The numbers that products of that precision take: whole weights alone are what they stand for. Nil for bytes.
  init?(_ precision: Precision) {
    switch precision {
    case .f32, .w8, .w4: self = .f32
    case .bf16, .w8a16: self = .bf16
    case .w8a8: return nil
    }
  }

  /// The same for CVector.
  var kind: cvector_kind { self == .f32 ? cvector_f32 : cvector_bf16 }

  /// Bytes of a number.
  var size: Int { self == .f32 ? 4 : 2 }

  fileprivate var element: TileElement { self == .f32 ? .f32 : .bf16 }
}

extension Activation {
  var kind: cvector_activation { self == .gelu ? cvector_gelu_activation : cvector_relu_activation }
}

/// Who multiplies by constant weights.
enum Multiplier: Sendable {
  /// The micro-kernels of CVector.
  case own
  /// oneDNN, by primitives that are made once a form and number of rows.
  case oneDNN(TilePrimitives)

  /// Who multiplies these numbers: oneDNN has bfloat16 for processors that multiply it, and refuses it on others. With AMX
  /// the micro-kernels finish one block while the next is multiplied, and are faster; where pairs take two turns they widen.
  /// With AVX2 they are faster in Float32, too: an encoder takes 8 % less.
  func multiplies(_ numbers: Numbers) -> Multiplier {
    let instructions = cvector_instructions_used()
    let isServed =
      switch numbers {
      case .f32: instructions != cvector_avx2
      case .bf16: instructions == cvector_avx512_bf16 && cvector_is_bf16_fast()
      }
    return isServed ? self : .own
  }
}

/// `[rows, inputs]` to `[rows, outputs]`: x · weightᵀ + bias, activated, or added to what is there.
///
/// Rows stand one after another. Buffers hold as many rows as the largest tile, and two numbers more.
final class TileLinear: Sendable {
  /// What it takes and gives.
  struct Form: Sendable {
    let input: Operand
    let output: Operand
    var activation: Activation?
    var accumulates = false

    init(input: Numbers, output: Numbers, activation: Activation? = nil, accumulates: Bool = false) {
      self.init(.numbers(input), to: .numbers(output), activation: activation, accumulates: accumulates)
    }

    init(_ input: Operand, to output: Operand, activation: Activation? = nil, accumulates: Bool = false) {
      self.input = input
      self.output = output
      self.activation = activation
      self.accumulates = accumulates
    }
  }

  let inputs: Int
  let outputs: Int
  /// Bytes that a call needs besides; a multiple of 64.
  let scratchBytes: Int
  private let form: Form
  private let rows: [Int]
  private let way: Way

  private enum Way: Sendable {
    case own(PackedOperand, Numbers, bias: [Float])
    case oneDNN(TileProduct)
    case bytes(ByteProduct, QuantizedRange)
  }

  /// Whether the product itself gives Float32, which becomes the result by way of scratch memory, and how much of that.
  private let passesFloats: Bool
  private let floatBytes: Int

  /// - Parameters:
  ///   - weight: `[outputs, inputs]`, Float32.
  ///   - quantized: what `weight` was made from, where it is whole numbers.
  ///   - rows: how many rows a tile has, in rising order; fewer are computed as the next of these.
  init(
    weight: Tensor, quantized: QuantizedWeight? = nil, bias: Tensor?, _ form: Form, rows: [Int],
    by multiplier: Multiplier
  ) throws(OneDNNError) {
    (outputs, inputs) = (weight.shape[0], weight.shape[1])
    self.form = form
    self.rows = rows
    var ownBytes = 0
    switch (form.input, form.output) {
    case (.bytes(let range), _):
      way = .bytes(ByteProduct(quantized ?? QuantizedWeight(quantizing: weight), bias: bias), range)
      passesFloats = false
    case (.numbers(let input), let output):
      let shift = bias?.elements ?? []
      var result: Numbers?
      if case .numbers(let numbers) = output { result = numbers }
      switch result == nil || result == .f32 || result == input ? multiplier.multiplies(input) : .own {
      case .own:
        way = .own(PackedOperand(transposed: weight, input), input, bias: shift)
        passesFloats = result == nil
      case .oneDNN(let primitives):
        // oneDNN's own GELU is slow, and rounding comes after it.
        passesFloats = result == nil || form.activation == .gelu
        let productForm = ProductForm(
          inputs: inputs, outputs: outputs, input: input.element,
          output: passesFloats ? .f32 : (result ?? .f32).element, hasBias: !shift.isEmpty,
          accumulates: form.accumulates, clampsNegatives: !passesFloats && form.activation == .relu)
        defer { withExtendedLifetime(weight) {} }
        let product = try TileProduct(
          productForm, weight: weight.withElements(\.start), bias: shift, rows: rows, primitives: primitives)
        way = .oneDNN(product)
        ownBytes = product.scratchBytes
      }
    }
    floatBytes = passesFloats ? ((rows.last ?? 0) * outputs * 4 + 63) / 64 * 64 : 0
    scratchBytes = floatBytes + ownBytes > 0 ? (floatBytes + ownBytes + 127) / 64 * 64 : 0
  }

  func callAsFunction(
    rows count: Int, _ input: UnsafeRawPointer, into output: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer
  ) {
    guard passesFloats else {
      multiply(rows: count, input, form.activation, into: output, as: form.output, scratch: scratch)
      return
    }
    let floats = scratch.assumingMemoryBound(to: Float.self)
    multiply(rows: count, input, nil, into: scratch, as: .numbers(.f32), scratch: scratch + floatBytes)
    if let activation = form.activation {
      form.output.activate(activation, floats, into: output, rows: count, channels: outputs)
    } else {
      form.output.convert(floats, stride: outputs, into: output, rows: count, channels: outputs)
    }
  }

  /// The product with what the multiplier itself can let follow.
  private func multiply(
    rows count: Int, _ input: UnsafeRawPointer, _ activation: Activation?, into out: UnsafeMutableRawPointer,
    as output: Operand, scratch: UnsafeMutableRawPointer
  ) {
    let added = form.accumulates ? UnsafePointer(out.assumingMemoryBound(to: Float.self)) : nil
    switch way {
    case .own(let operand, let numbers, let bias):
      guard case .numbers(let result) = output else { preconditionFailure("a product of numbers to bytes") }
      bias.withNumbers { bias in
        numbers.multiply(
          input, stride: inputs, rows: count, inner: inputs, by: operand.start, columns: outputs, bias: bias,
          activation: activation, adding: added, into: out, stride: outputs, result)
      }
    case .oneDNN(let product):
      product(rows: rows.first { $0 >= count } ?? count, input, into: out, scratch: scratch)
    case .bytes(let product, let range):
      product(rows: count, input, in: range, activation: activation, adding: added, into: out, as: output)
    }
  }
}

/// A constant right side of products, packed for the micro-kernels.
final class PackedOperand: Sendable {
  nonisolated(unsafe) let start: UnsafeMutableRawPointer

  /// Packs `[columns, inner]`, the transposed of what is multiplied by.
  init(transposed weight: Tensor, _ numbers: Numbers) {
    let (columns, inner) = (weight.shape[0], weight.shape[1])
    let kind = numbers.kind
    let packed = UnsafeMutableRawPointer.allocate(
      byteCount: cvector_packed_bytes(kind, inner, columns), alignment: 64)
    start = packed
    weight.withElements { elements in
      // Whole panels, of whatever width, which lie one after another.
      parallelFor(columns, grain: 64) { range in
        cvector_pack_transposed(
          kind, cvector_f32, elements.start + range.lowerBound * inner, inner, inner, range.count,
          packed + cvector_packed_bytes(kind, inner, range.lowerBound))
      }
    }
  }

  deinit { start.deallocate() }
}

/// Where the parts of a worker's scratch memory begin.
struct ScratchPlan: Sendable {
  /// How much there is, in bytes.
  private(set) var bytes = 0

  /// Room for so many bytes, aligned to cache lines, with some to spare after them.
  mutating func room(_ count: Int) -> Int {
    defer { bytes += (count + 127) / 64 * 64 }
    return bytes
  }

  /// The same in units of parallelFor's scratch.
  var floats: Int { bytes / 4 }
}
