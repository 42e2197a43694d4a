import Kernels
import Tensors

/// A tensor rounded to bfloat16, nearest even, in which the official video predictor stores memories.
/// Source: sam2/sam2_video_predictor.py, `maskmem_features.to(torch.bfloat16)`.
struct BFloat16Tensor: Equatable {
  let shape: Shape
  /// The upper halves of Float32 numbers.
  let bits: [UInt16]

  init(_ shape: Shape, bits: [UInt16]) {
    precondition(bits.count == shape.count, "\(bits.count) elements for shape \(shape)")
    self.shape = shape
    self.bits = bits
  }

  init(rounding tensor: Tensor) {
    shape = tensor.shape
    bits = tensor.withElements { elements in
      [UInt16](unsafeUninitializedCapacity: elements.count) { bits, count in
        for index in elements.indices { bits[index] = Self.rounded(elements[index]) }
        count = elements.count
      }
    }
  }

  /// The numbers in Float32, exactly.
  var tensor: Tensor {
    Tensor(shape) { elements in
      bits.withUnsafeBufferPointer { bits in
        for index in bits.indices { elements[index] = Float(bitPattern: UInt32(bits[index]) << 16) }
      }
    }
  }

  private static func rounded(_ number: Float) -> UInt16 {
    let pattern = number.bitPattern
    // Rounding could carry a NaN's payload into the sign; PyTorch stores this one NaN for all.
    if number.isNaN { return 0x7FC0 }
    let halfwayToEven = 0x7FFF + (pattern >> 16 & 1)
    return UInt16((pattern &+ halfwayToEven) >> 16)
  }
}
