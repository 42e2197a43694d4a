import Kernels
public import Prompts
public import Tensors

/// What the model is asked about one object, in pixels of the picture; x to the right, y down.
public struct Prompt: Sendable {
  /// Clicks on the object and beside it.
  public var points: [Click]
  /// A rectangle around it.
  public var box: Box?
  /// Mask logits `[1, S, S]`, usually an earlier prediction's `lowResLogits`; S is the model's
  /// `imageSize / 4`.
  public var maskLogits: Tensor?

  /// How many points an object may have. Each is a token that attends to all others: ten times as many cost a hundred times as much.
  public static let mostPoints = 10_000

  /// A prompt of any combination of the three.
  public init(points: [Click] = [], box: Box? = nil, maskLogits: Tensor? = nil) {
    self.points = points
    self.box = box
    self.maskLogits = maskLogits
  }

  /// Throws if this can't be meant for a picture or video of that size.
  ///
  /// - Parameters:
  ///   - width: pixels per row.
  ///   - height: rows.
  ///   - maskShape: what shape a mask has to have; nil if there should be none.
  /// - Throws: `SAM2Error`.
  public func check(width: Int, height: Int, maskShape: Shape? = nil) throws(SAM2Error) {
    guard !points.isEmpty || box != nil || maskLogits != nil else { throw .emptyPrompt }
    guard points.count <= Self.mostPoints else {
      throw .outOfRange(
        name: "points of an object", expected: "at most \(Self.mostPoints)", found: "\(points.count)")
    }
    let (right, bottom) = (Double(width), Double(height))
    for point in points {
      guard (0...right).contains(point.x), (0...bottom).contains(point.y) else {
        throw .pointOutside(x: point.x, y: point.y, width: width, height: height)
      }
    }
    if let box {
      guard box.x0 < box.x1, box.y0 < box.y1 else { throw .emptyBox(box.corners) }
      guard box.x0 >= 0, box.y0 >= 0, box.x1 <= right, box.y1 <= bottom else {
        throw .boxOutside(box.corners, width: width, height: height)
      }
    }
    if let maskLogits {
      guard maskLogits.shape == maskShape else {
        throw .wrongMask(expected: maskShape ?? [], found: maskLogits.shape)
      }
    }
  }

  /// Every place in order, a box's corners first, in pixels of the picture.
  private var places: [(x: Float, y: Float)] {
    ((box.map { [($0.x0, $0.y0), ($0.x1, $0.y1)] } ?? []) + points.map { ($0.x, $0.y) })
      .map { (Float($0.0), Float($0.1)) }
  }

  /// The label of every place: 2 and 3 a box's corners, 1 object, 0 background.
  private var labels: [Float] { (box == nil ? [] : [2, 3]) + points.map { $0.isObject ? 1 : 0 } }

  /// The places and labels in pixels of the model's input.
  func inputs(width: Int, height: Int, imageSize: Int) -> PointInputs {
    let size = Float(imageSize)
    return PointInputs(
      coordinates: Tensor(
        [1, places.count, 2],
        places.flatMap { [$0.x / Float(width) * size, $0.y / Float(height) * size] }),
      labels: Tensor([1, labels.count], labels))
  }

  /// Prompts of a batch as the prompt encoder takes them, in pixels of the model's input.
  static func batch(
    _ prompts: [Prompt], width: Int, height: Int, imageSize: Int
  ) throws(SAM2Error) -> PromptEncoder.Input {
    let counts = Set(prompts.map(\.labels.count))
    guard let count = counts.first else { throw .noPrompts }
    guard counts.count == 1 else {
      throw .unevenBatch("found \(counts.sorted().map(String.init).joined(separator: ", ")) points and corners")
    }
    let masks = prompts.compactMap(\.maskLogits)
    guard masks.isEmpty || masks.count == prompts.count else {
      throw .unevenBatch("\(masks.count) of \(prompts.count) have a mask")
    }
    let inputs = prompts.map { $0.inputs(width: width, height: height, imageSize: imageSize) }
    return PromptEncoder.Input(
      points: count == 0
        ? nil
        : PointInputs(
          coordinates: Tensor.concatenated(inputs.map(\.coordinates), axis: 0),
          labels: Tensor.concatenated(inputs.map(\.labels), axis: 0)),
      masks: masks.isEmpty
        ? nil
        : Tensor.concatenated(masks.map { $0.reshaped(Shape([1] + $0.shape.extents)) }, axis: 0))
  }
}
