// Weights in 8 bits: what a file of them holds, and what a product of whole numbers takes.
public import Tensors

/// `scale[o] · value[o, …]`: symmetric, with a scale for each output channel.
public struct QuantizedWeight: Sendable {
  /// `[out, …]`, as the weight that it stands for.
  public let shape: Shape
  /// -127 to 127, row by row.
  public let values: [Int8]
  /// One for each output channel; positive.
  public let scales: [Float]

  /// What a file holds.
  public init(shape: Shape, values: [Int8], scales: [Float]) {
    precondition(
      shape.rank >= 1 && values.count == shape.count && scales.count == shape[0],
      "\(values.count) values and \(scales.count) scales for a weight \(shape)")
    self.shape = shape
    self.values = values
    self.scales = scales
  }

  /// Each channel's largest magnitude becomes 127, of two equally near values the even one. A channel of zeros has scale 1.
  public init(quantizing weight: Tensor) {
    let channels = weight.shape[0]
    let count = weight.shape.count / max(1, channels)
    var values = [Int8](repeating: 0, count: channels * count)
    var scales = [Float](repeating: 1, count: channels)
    weight.withElements { elements in
      for channel in 0..<channels {
        let row = elements[channel * count..<(channel + 1) * count]
        let largest = row.reduce(0) { max($0, abs($1)) }
        guard largest > 0, largest.isFinite else { continue }
        let scale = largest / 127
        scales[channel] = scale
        for (index, value) in zip(row.indices, row) {
          values[index] = Int8(max(-127, min(127, (value / scale).rounded(.toNearestOrEven))))
        }
      }
    }
    self.init(shape: weight.shape, values: values, scales: scales)
  }

  /// The numbers that it stands for.
  public var weight: Tensor {
    let count = values.count / max(1, scales.count)
    return Tensor(shape) { target in
      for index in values.indices { target[index] = Float(values[index]) * scales[index / count] }
    }
  }
}
