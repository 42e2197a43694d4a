// What the whole numbers of a dump stand for: scale · (number − zero point), as ONNX's DequantizeLinear has it.
import Tensors

/// The scale and zero point of an array of whole numbers: one of each, or one for each entry along an axis.
struct DumpedScales: Equatable, Sendable {
  /// What a step is worth; one, or one for each entry along `axis`.
  let scales: [Float]
  /// The numbers that stand for 0; as many as there are scales.
  let zeroPoints: [Int]
  /// The dump's axis along which scales differ, counted from the end where it is negative; nil where there is one scale.
  let axis: Int?

  /// What a rule of a map says; nil where it says nothing of scales.
  ///
  /// - Throws: `DumpError.badMap`, with `place` as the rule's.
  init?(_ rule: WrittenMap.Rule, path: String, place: String) throws(DumpError) {
    func bad(_ key: String, _ expected: String, _ found: String) -> DumpError {
      .badMap(path: path, place: "\(place).\(key)", expected: expected, found: found)
    }
    guard let scale = rule.scale else {
      if let key = rule.zeroPoint != nil ? "zero_point" : rule.axis != nil ? "axis" : nil {
        throw bad("scale", "a scale beside \"\(key)\"", "none")
      }
      return nil
    }
    scales = scale.values.map { Float($0) }
    guard !scales.isEmpty else { throw bad("scale", "a number, or one for each entry along an axis", "none") }
    if let wrong = zip(scales, scale.values).first(where: { !($0.0 > 0 && $0.0.isFinite) }) {
      throw bad("scale", "finite numbers of more than 0", "\(wrong.1)")
    }
    let axis = try rule.axis.map { number throws(DumpError) in
      guard let whole = Int(exactly: number) else { throw bad("axis", "a whole number", "\(number)") }
      return whole
    }
    switch (scale, axis) {
    case (.many, nil): throw bad("axis", "the axis along which the \(scales.count) scales lie", "none")
    case (.one, let axis?): throw bad("axis", "none beside one scale", "\(axis)")
    default: self.axis = axis
    }
    let zeros = try (rule.zeroPoint?.values ?? [0]).map { number throws(DumpError) in
      guard let whole = Int(exactly: number) else { throw bad("zero_point", "whole numbers", "\(number)") }
      return whole
    }
    switch (rule.zeroPoint, scale) {
    case (nil, _), (.one, _): zeroPoints = [Int](repeating: zeros[0], count: scales.count)
    case (.many, .many) where zeros.count == scales.count: zeroPoints = zeros
    case (.many, _):
      throw bad("zero_point", "a number, or as many as there are scales, \(scales.count)", "\(zeros.count)")
    }
    guard rule.dtype.flatMap(ElementType.init(rawValue:))?.isWhole ?? true else {
      throw bad("scale", "none of floating point", "\"dtype\": \"\(rule.dtype ?? "")\"")
    }
  }

  /// Which of an array's axes the scales lie along; nil where there is one scale.
  ///
  /// - Throws: `DumpError.scales` where the array isn't one of so many whole numbers.
  func axis(of array: DumpedArray, _ type: ElementType, path: String) throws(DumpError) -> Int? {
    guard type.isWhole else {
      throw .scales(
        path: path, name: array.name, expected: "whole numbers, since the map gives a scale",
        found: type.rawValue)
    }
    if let zero = zeroPoints.first(where: { !type.holds($0) }) {
      throw .scales(
        path: path, name: array.name, expected: "a zero point that \(type.rawValue) holds", found: "\(zero)")
    }
    guard let axis else { return nil }
    let rank = array.shape.rank
    let counted = axis < 0 ? rank + axis : axis
    guard (0..<rank).contains(counted) else {
      throw .scales(
        path: path, name: array.name, expected: "an axis of the shape \(array.shape) for its scales",
        found: "\(axis)")
    }
    guard array.shape[counted] == scales.count else {
      throw .scales(
        path: path, name: array.name,
        expected: "\(array.shape[counted]) scales along axis \(axis) of the shape \(array.shape)",
        found: "\(scales.count)")
    }
    return counted
  }

  /// Makes whole numbers what they stand for.
  ///
  /// - Parameters:
  ///   - buffer: elements from `offset` on of an array of that shape, row-major.
  ///   - axis: the one that the scales lie along; nil where there is one scale.
  func apply(to buffer: UnsafeMutableBufferPointer<Float>, from offset: Int, _ shape: Shape, axis: Int?) {
    guard let axis else {
      let (scale, zero) = (scales[0], Float(zeroPoints[0]))
      for index in buffer.indices { buffer[index] = scale * (buffer[index] - zero) }
      return
    }
    let stride = shape.strides[axis]
    for index in buffer.indices {
      let entry = (offset + index) / stride % scales.count
      buffer[index] = scales[entry] * (buffer[index] - Float(zeroPoints[entry]))
    }
  }
}

extension ElementType {
  /// Whether its elements are whole numbers, of which a scale makes others.
  fileprivate var isWhole: Bool { range != nil }

  /// Whether a number is one of its own.
  fileprivate func holds(_ number: Int) -> Bool { range?.contains(number) ?? false }

  private var range: ClosedRange<Int>? {
    switch self {
    case .uint8: 0...255
    case .uint16: 0...65535
    case .uint32: 0...4_294_967_295
    case .uint64: 0...Int.max
    case .int8: -128...127
    case .int16: -32768...32767
    case .int32: -2_147_483_648...2_147_483_647
    case .int64: Int.min...Int.max
    default: nil
    }
  }
}
