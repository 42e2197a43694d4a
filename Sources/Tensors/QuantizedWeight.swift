// Weights in 8 and in 4 bits: what a file of them holds, and what a product of whole numbers takes.

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
  ///
  /// - Parameter weight: `[out, …]`, finite throughout; see `Tensor.firstNotFinite`.
  public init(quantizing weight: Tensor) {
    let channels = weight.shape[0]
    let count = weight.shape.count / max(1, channels)
    var values = [Int8](repeating: 0, count: channels * count)
    var scales = [Float](repeating: 1, count: channels)
    weight.withElements { elements in
      for channel in 0..<channels {
        let places = channel * count..<(channel + 1) * count
        scales[channel] = quantize(elements[places], limit: 127, into: &values[places])
      }
    }
    self.init(shape: weight.shape, values: values, scales: scales)
  }

  /// What a step is worth where the largest magnitude becomes 127; 1 where it is 0, or too small for any scale.
  public static func scale(ofLargest largest: Float) -> Float { scaleOf(largest, limit: 127) ?? 1 }

  /// The numbers that it stands for.
  public var weight: Tensor {
    let count = values.count / max(1, scales.count)
    return Tensor(shape) { target in
      for index in values.indices { target[index] = Float(values[index]) * scales[index / count] }
    }
  }
}

/// Symmetric, with a scale for each 32 neighbours of a row: `scale[i / 32] · value[i]`, row by row.
public struct GroupedWeight: Sendable {
  /// How the numbers are held.
  public enum Form: Hashable, Sendable {
    /// -7 to 7, with Float32 scales.
    case fourBits
    /// -127 to 127, with scales that float16 holds: GGUF's Q8_0.
    case eightBits

    /// The largest value.
    public var limit: Float { self == .fourBits ? 7 : 127 }

    /// What a step is worth where the largest magnitude becomes the largest value; 1 where it is 0, or too small for any scale.
    public func scale(ofLargest largest: Float) -> Float {
      scaleOf(largest, limit: limit, halfScale: self == .eightBits) ?? 1
    }
  }

  /// How many numbers share a scale.
  public static let groupSize = 32

  /// How the numbers are held.
  public let form: Form
  /// As the weight that it stands for.
  public let shape: Shape
  /// Row by row.
  public let values: [Int8]
  /// One for each group; not negative.
  public let scales: [Float]

  /// Whether a weight `[out, in]` or `[out, in, 1, 1]` can be cut into groups of its inputs.
  public static func hasRows(_ shape: Shape) -> Bool {
    shape.rank >= 2 && shape[1].isMultiple(of: groupSize) && shape.extents.dropFirst(2).allSatisfy { $0 == 1 }
  }

  /// What a file holds.
  public init(_ form: Form, shape: Shape, values: [Int8], scales: [Float]) {
    precondition(
      values.count == shape.count && scales.count * Self.groupSize == values.count,
      "\(values.count) values and \(scales.count) scales for a weight \(shape)")
    self.form = form
    self.shape = shape
    self.values = values
    self.scales = scales
  }

  /// Each group's largest magnitude becomes the largest value, of two equally near values the even one. A group of zeros has
  /// scale 1.
  ///
  /// - Parameter weight: Finite throughout, in rows of a multiple of 32.
  public init(quantizing weight: Tensor, as form: Form) {
    let groups = weight.count / Self.groupSize
    var values = [Int8](repeating: 0, count: weight.count)
    var scales = [Float](repeating: 1, count: groups)
    weight.withElements { elements in
      for group in 0..<groups {
        let places = group * Self.groupSize..<(group + 1) * Self.groupSize
        scales[group] = quantize(
          elements[places], limit: form.limit, halfScale: form == .eightBits, into: &values[places])
      }
    }
    self.init(form, shape: weight.shape, values: values, scales: scales)
  }

  /// The numbers that it stands for.
  public var weight: Tensor {
    Tensor(shape) { target in
      for index in values.indices { target[index] = Float(values[index]) * scales[index / Self.groupSize] }
    }
  }
}

/// A weight as a file of whole numbers holds it.
public enum StoredWeight: Sendable {
  /// With a scale for each output channel.
  case perChannel(QuantizedWeight)
  /// With a scale for each 32 neighbours of a row.
  case grouped(GroupedWeight)

  /// The shape of the weight.
  public var shape: Shape {
    switch self {
    case .perChannel(let weight): weight.shape
    case .grouped(let weight): weight.shape
    }
  }

  /// The numbers that it stands for.
  public var weight: Tensor {
    switch self {
    case .perChannel(let weight): weight.weight
    case .grouped(let weight): weight.weight
    }
  }
}

extension Tensor {
  /// The row-major place of the first NaN or infinity; nil where all elements are finite.
  public var firstNotFinite: Int? { withElements { $0.firstIndex { !$0.isFinite } } }
}

/// What a step is worth where the largest magnitude becomes `limit`; nil where it is 0, or too small for any scale.
///
/// - Parameter halfScale: Whether the scale is to be one that float16 holds.
private func scaleOf(_ largest: Float, limit: Float, halfScale: Bool = false) -> Float? {
  var scale = largest / limit
  if halfScale {
    scale = Tensor([1], [scale]).converted(to: .float16).converted(to: .float32).elements[0]
  }
  return scale >= .leastNormalMagnitude && scale.isFinite ? scale : nil
}

/// Rounds numbers so that the largest magnitude becomes `limit`.
///
/// - Parameter halfScale: Whether the scale is to be one that float16 holds.
/// - Returns: What a step is worth; 1 where all are zero, or too small for any scale.
private func quantize(
  _ numbers: Slice<UnsafeBufferPointer<Float>>, limit: Float, halfScale: Bool = false,
  into values: inout ArraySlice<Int8>
) -> Float {
  let largest = numbers.reduce(0) { max($0, abs($1)) }
  guard let scale = scaleOf(largest, limit: limit, halfScale: halfScale) else { return 1 }
  for (place, number) in zip(values.indices, numbers) {
    values[place] = Int8(max(-limit, min(limit, (number / scale).rounded(.toNearestOrEven))))
  }
  return scale
}
