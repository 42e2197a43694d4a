// How inputs become 8 bits: the definition that every backend of whole numbers is held to.
// Source: as torch.quantize_per_tensor rounds, and torch.ao.quantization.MinMaxObserver finds ranges.
public import Tensors

extension QuantizedRange {
  /// The 256 steps from the least number, or 0 if that is less, to the largest, or 0. Where there is nothing between, a step
  /// is worth 1.
  ///
  /// - Parameters:
  ///   - least: finite.
  ///   - largest: finite.
  public init(from least: Float, to largest: Float) {
    let (low, high) = (min(0, least), max(0, largest))
    let span = (high - low) / 255
    let scale = span.isFinite ? span : high / 255 - low / 255
    // A smaller step has no reciprocal.
    guard scale >= .leastNormalMagnitude else {
      self.init(scale: 1, zeroPoint: 0)
      return
    }
    self.init(
      scale: scale, zeroPoint: UInt8(max(0, min(255, (-low / scale).rounded(.toNearestOrEven)))))
  }

  /// The steps that cover all of these numbers and 0; NaN and infinities are passed over.
  public init(covering numbers: UnsafeBufferPointer<Float>) {
    var (least, largest) = (Float(0), Float(0))
    for number in numbers where number.isFinite {
      least = min(least, number)
      largest = max(largest, number)
    }
    self.init(from: least, to: largest)
  }

  /// The steps that cover all elements and 0.
  public init(covering tensor: Tensor) {
    self = tensor.withElements { QuantizedRange(covering: $0) }
  }

  /// The step nearest to a number, of two equally near ones the even multiple; beyond the range its end. NaN becomes 0.
  ///
  /// It is round(number · (1 / scale)) + zeroPoint in Float32, as vectors do it: no division for each number.
  public func quantize(_ number: Float) -> UInt8 {
    let step = (number * (1 / scale)).rounded(.toNearestOrEven) + Float(zeroPoint)
    return step.isNaN ? zeroPoint : UInt8(max(0, min(255, step)))
  }

  /// The steps of all elements, as uint8 of the same shape.
  public func quantize(_ tensor: Tensor) -> Tensor {
    tensor.withElements { source in
      Tensor(tensor.shape, of: .uint8) { (target: UnsafeMutableBufferPointer<UInt8>) in
        for index in source.indices { target[index] = quantize(source[index]) }
      }
    }
  }

  /// What a step stands for.
  public func number(of step: UInt8) -> Float { scale * Float(Int(step) - Int(zeroPoint)) }
}
