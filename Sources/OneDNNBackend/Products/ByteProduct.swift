// A linear layer's product in whole numbers: bytes of a range times weights of 8 bits, whose sums are exact.
import CVector
import Kernels
import Tensors

/// `[rows, inputs]` of bytes to `[rows, outputs]`: x · weightᵀ + bias, activated or added to something.
final class ByteProduct: Sendable {
  let inputs: Int
  let outputs: Int
  private nonisolated(unsafe) let packed: UnsafeMutableRawPointer
  private let scales, bias: [Float]

  /// - Parameter weight: `[outputs, inputs]`, or with axes of extent 1 after them; at most `cvector_int8_most_inner` inputs.
  init(_ weight: QuantizedWeight, bias: Tensor?) {
    outputs = weight.shape[0]
    inputs = weight.values.count / max(1, outputs)
    scales = weight.scales
    self.bias = bias?.elements ?? []
    packed = .allocate(byteCount: max(64, cvector_int8_packed_bytes(inputs, outputs)), alignment: 64)
    cvector_pack_int8(weight.values, inputs, inputs, outputs, packed)
  }

  deinit { packed.deallocate() }

  /// Input rows stand as `Operand.bytes` has them, and those of the result as `output` has them; what is added lies as the
  /// result, which then is Float32.
  func callAsFunction(
    rows: Int, _ input: UnsafeRawPointer, in range: QuantizedRange, activation: Activation? = nil,
    adding added: UnsafePointer<Float>? = nil, into out: UnsafeMutableRawPointer, as output: Operand
  ) {
    var product = cvector_int8_product()
    (product.rows, product.inner, product.columns) = (rows, inputs, outputs)
    product.a = input.assumingMemoryBound(to: UInt8.self)
    product.a_stride = Operand.bytes(range).stride(inputs)
    product.a_range = range.steps
    product.b = UnsafeRawPointer(packed)
    product.activation = activation?.kind ?? cvector_no_activation
    product.added = added
    product.out = out
    product.out_stride = output.stride(outputs)
    product.added_stride = product.out_stride
    switch output {
    case .numbers(let numbers): product.out_kind = numbers.kind
    case .bytes(let range): (product.out_kind, product.out_range) = (cvector_u8, range.steps)
    }
    scales.withNumbers { scales in
      bias.withNumbers { bias in
        (product.scales, product.bias) = (scales, bias)
        cvector_multiply_int8_tile(&product)
      }
    }
  }
}
