public import Architecture
public import Kernels
public import Tensors

/// What keeps a model from being built, or a prompt from being used.
public enum SAM2Error: Error, Equatable, CustomStringConvertible {
  /// The file's tensors aren't those of the configuration.
  case wrongModel(origin: String, difference: LayoutDifference, looksLike: String)
  /// A tensor that the model needs isn't there.
  case missingWeight(origin: String, name: String, expected: Shape)
  /// A tensor has another shape than the model needs.
  case misshapedWeight(origin: String, name: String, expected: Shape, found: Shape)
  /// Tensors that no module of the tree reads.
  case unreadWeights(origin: String, names: [String])
  /// A plan isn't the JSON that it should be.
  case malformedPlan(origin: String, reason: String)
  /// A plan speaks of layers that the model doesn't have.
  case planWithoutLayer(String, near: [String])
  /// A layer's weights can't be made the whole numbers that its precision asks for.
  case unquantizable(layer: ModulePath, precision: Precision, expected: String, found: String)
  /// The picture isn't of the size that the model takes.
  case wrongPicture(expected: Shape, found: Shape)
  /// A point lies outside the picture.
  case pointOutside(x: Double, y: Double, width: Int, height: Int)
  /// A box's second corner isn't below and to the right of its first.
  case emptyBox([Double])
  /// A box reaches outside the picture.
  case boxOutside([Double], width: Int, height: Int)
  /// A mask prompt isn't of the size that the model takes.
  case wrongMask(expected: Shape, found: Shape)
  /// The architecture's parts don't fit each other for tracking.
  case cannotTrack(String)
  /// The video has no such frame.
  case noSuchFrame(Int, count: Int?)
  /// The session has no such object.
  case noSuchObject(Int, known: [Int])
  /// There is no object to follow.
  case nothingToTrack
  /// An object that nothing points at any more.
  case objectWithoutPrompts(Int)
  /// A box that should be added to points: it has to come first.
  case boxAfterPoints(object: Int, frame: Int)
  /// A frame needs what is known of another, which was let go.
  case forgotten(object: Int, frame: Int, needs: Int)
  /// A stored session lacks a tensor that it speaks of.
  case brokenSnapshot(missing: String)
  /// A stored session's tensor has another type or shape than the model's.
  case wrongSnapshot(tensor: String, expected: String, found: String)
  /// A prompt without point, box or mask.
  case emptyPrompt
  /// A script's prompt whose parts don't fit each other.
  case malformedPrompt(String)
  /// A prediction was asked for without any prompt.
  case noPrompts
  /// Prompts in one batch have different numbers of points, or some have masks and others not.
  case unevenBatch(String)
  /// A stored embedding's tensor isn't what the model makes.
  case wrongEmbedding(tensor: String, expected: Shape, found: String)
  /// A number that a user chose is outside its range.
  case outOfRange(name: String, expected: String, found: String)
  /// Crops of this layer would have no pixels.
  case cropsTooDeep(layer: Int, width: Int, height: Int)
  /// What was predicted holds NaN.
  case notNumbers(String)

  /// One sentence naming the thing, what was expected and what was found.
  public var description: String {
    switch self {
    case .wrongModel(let origin, let difference, let looksLike):
      "\(origin): not the model that was expected: \(difference). The file looks like: \(looksLike)"
    case .missingWeight(let origin, let name, let expected):
      "\(origin): expected `\(name)` of shape \(expected), found none"
    case .misshapedWeight(let origin, let name, let expected, let found):
      "\(origin): `\(name)`: expected shape \(expected), found \(found)"
    case .unreadWeights(let origin, let names):
      "\(origin): \(names.count) tensors belong to no module of this configuration: "
        + names.prefix(3).joined(separator: ", ")
    case .malformedPlan(let origin, let reason): "\(origin): a precision plan: \(reason)"
    case .planWithoutLayer(let pattern, let near):
      "the plan's `\(pattern)` fits no layer of this model; near it are \(near.joined(separator: ", "))"
    case .unquantizable(let layer, let precision, let expected, let found):
      "\(layer): expected \(expected) to quantize to \(precision.rawValue), found \(found)"
    case .wrongPicture(let expected, let found):
      "expected a prepared picture of shape \(expected), found \(found)"
    case .pointOutside(let x, let y, let width, let height):
      "point \(x),\(y) lies outside the picture, which is \(width) × \(height) pixels"
    case .emptyBox(let box):
      "box \(Self.list(box)): expected x0 < x1 and y0 < y1, found an empty or turned-over box"
    case .boxOutside(let box, let width, let height):
      "box \(Self.list(box)) reaches outside the picture, which is \(width) × \(height) pixels"
    case .wrongMask(let expected, let found): "expected a mask prompt of shape \(expected), found \(found)"
    case .cannotTrack(let reason): "the model can't track: \(reason)"
    case .noSuchFrame(let frame, let count):
      "expected a frame \(count.map { "from 0 to \($0 - 1)" } ?? "of at least 0"), found \(frame)"
    case .noSuchObject(let id, let known):
      "expected one of the objects \(known.map(String.init).joined(separator: ", ")), found \(id)"
    case .nothingToTrack: "expected at least one object that was pointed at, found none"
    case .objectWithoutPrompts(let id):
      "object \(id): expected a point, a box or a mask on some frame before tracking, found none"
    case .boxAfterPoints(let object, let frame):
      "object \(object), frame \(frame): a box comes before any points and can't be added to earlier ones"
    case .forgotten(let object, let frame, let needs):
      "object \(object), frame \(frame): this frame attends to frame \(needs), which was let go; keep the whole "
        + "history to correct frames so far back"
    case .brokenSnapshot(let missing): "a stored session: expected the tensor \(missing), found none"
    case .wrongSnapshot(let tensor, let expected, let found):
      "a stored session: expected the tensor \(tensor) to be \(expected), found \(found)"
    case .malformedPrompt(let reason): reason
    case .emptyPrompt: "expected a point, a box or a mask, found none of them"
    case .noPrompts: "expected a prompt for at least one object, found no prompts"
    case .wrongEmbedding(let tensor, let expected, let found):
      "a stored embedding: expected `\(tensor)` to be Float32 \(expected), found \(found)"
    case .outOfRange(let name, let expected, let found): "\(name): expected \(expected), found \(found)"
    case .cropsTooDeep(let layer, let width, let height):
      "crop layer \(layer): expected pixels for \(1 << layer) × \(1 << layer) crops, found a picture of "
        + "\(width) × \(height)"
    case .notNumbers(let name):
      "expected numbers as the predicted \(name), found NaN: `sam2kit inspect` shows whether the weights hold any"
    case .unevenBatch(let reason): "prompts of one batch should be alike: \(reason)"
    }
  }

  private static func list(_ numbers: [Double]) -> String { numbers.map { "\($0)" }.joined(separator: ",") }
}
