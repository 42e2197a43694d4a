// A linear layer on tiles: oneDNN's product where it is loaded, else one of our own, with what follows it.
import CVector
import Kernels
import Synchronization
import Tensors

/// How numbers are held inside a tile.
enum Numbers: Sendable {
  case f32
  case bf16

  /// The numbers that products of that precision take; nil for whole ones.
  init?(_ precision: Precision) {
    switch precision {
    case .f32: self = .f32
    case .bf16: self = .bf16
    case .w8, .w8a16, .w8a8, .w4: return nil
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
  /// the micro-kernels finish one block while the next is multiplied, and are faster.
  func multiplies(_ numbers: Numbers) -> Multiplier {
    numbers == .f32 || cvector_instructions_used() == cvector_avx512_bf16 ? self : .own
  }
}

/// `[rows, inputs]` to `[rows, outputs]`: x · weightᵀ + bias, activated, or added to what is there.
///
/// Rows stand one after another. Buffers hold as many rows as the largest tile, and two numbers more.
final class TileLinear: Sendable {
  /// What it takes and gives.
  struct Form: Sendable {
    let input: Numbers
    let output: Numbers
    var activation: Activation?
    var accumulates = false
  }

  let inputs: Int
  let outputs: Int
  /// Bytes that a call needs besides; a multiple of 64.
  let scratchBytes: Int
  private let form: Form
  private let rows: [Int]
  private let way: Way

  private enum Way: Sendable {
    case own(PackedOperand, bias: [Float])
    case oneDNN(TileProduct, activatesAfter: Bool)
  }

  /// - Parameters:
  ///   - weight: `[outputs, inputs]`, Float32.
  ///   - rows: how many rows a tile has, in rising order; fewer are computed as the next of these.
  init(
    weight: Tensor, bias: Tensor?, _ form: Form, rows: [Int], by multiplier: Multiplier
  ) throws(OneDNNError) {
    (outputs, inputs) = (weight.shape[0], weight.shape[1])
    self.form = form
    self.rows = rows
    let shift = bias?.elements ?? []
    switch multiplier.multiplies(form.input) {
    case .own:
      way = .own(PackedOperand(transposed: weight, form.input), bias: shift)
      scratchBytes = 0
    case .oneDNN(let primitives):
      // oneDNN's own GELU is slow, and rounding comes after it.
      let activatesAfter = form.activation == .gelu
      let productForm = ProductForm(
        inputs: inputs, outputs: outputs, input: form.input.element,
        output: activatesAfter ? .f32 : form.output.element, hasBias: !shift.isEmpty,
        accumulates: form.accumulates, clampsNegatives: form.activation == .relu)
      defer { withExtendedLifetime(weight) {} }
      let product = try TileProduct(
        productForm, weight: weight.withElements(\.start), bias: shift, rows: rows, primitives: primitives)
      way = .oneDNN(product, activatesAfter: activatesAfter)
      let activated = activatesAfter ? (rows.last ?? 0) * outputs * 4 : 0
      scratchBytes = (activated + product.scratchBytes + 127) / 64 * 64
    }
  }

  func callAsFunction(
    rows count: Int, _ input: UnsafeRawPointer, into output: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer
  ) {
    switch way {
    case .own(let operand, let bias):
      let added = form.accumulates ? UnsafePointer(output.assumingMemoryBound(to: Float.self)) : nil
      bias.withNumbers { bias in
        form.input.multiply(
          input, stride: inputs, rows: count, inner: inputs, by: operand.start, columns: outputs, bias: bias,
          activation: form.activation, adding: added, into: output, stride: outputs, form.output)
      }
    case .oneDNN(let product, let activatesAfter):
      let padded = rows.first { $0 >= count } ?? count
      if activatesAfter {
        let own = scratch + ((rows.last ?? 0) * outputs * 4 + 63) / 64 * 64
        product(rows: padded, input, into: scratch, scratch: own)
        cvector_activate_tile(
          form.output.kind, cvector_gelu_activation, scratch.assumingMemoryBound(to: Float.self), outputs,
          output,
          outputs, count, outputs, outputs)
      } else {
        product(rows: padded, input, into: output, scratch: scratch)
      }
    }
  }
}

/// A constant right side of products, packed for the micro-kernels.
final class PackedOperand: Sendable {
  nonisolated(unsafe) let start: UnsafeMutableRawPointer

  /// Packs `[columns, inner]`, the transposed of what is multiplied by.
  init(transposed weight: Tensor, _ numbers: Numbers) {
    let (columns, inner) = (weight.shape[0], weight.shape[1])
    start = .allocate(
      byteCount: cvector_packed_bytes(numbers.kind, inner, columns), alignment: 64)
    weight.withElements {
      cvector_pack_transposed(numbers.kind, cvector_f32, $0.start, inner, inner, columns, start)
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
