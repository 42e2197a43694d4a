import Tensors

/// A tensor rounded to bfloat16, nearest even, in which the official video predictor stores memories.
/// Source: sam2/sam2_video_predictor.py, `maskmem_features.to(torch.bfloat16)`.
struct BFloat16Tensor {
  let shape: Shape
  /// The upper halves of Float32 numbers.
  let bits: [UInt16]

  init(rounding tensor: Tensor) {
    shape = tensor.shape
    bits = tensor.withElements { elements in
      [UInt16](unsafeUninitializedCapacity: elements.count) { bits, count in
        for index in elements.indices { bits[index] = BFloat16.bits(rounding: elements[index]) }
        count = elements.count
      }
    }
  }

  /// The numbers in Float32, exactly.
  var tensor: Tensor {
    Tensor(shape) { elements in
      bits.withUnsafeBufferPointer { bits in
        for index in bits.indices { elements[index] = BFloat16.float(bits[index]) }
      }
    }
  }
}
