// What a user points with: clicks, a box, a mask's file. Places are pixels of the picture or video, x before y, from the
// top left corner.

/// A click on an object, or beside it.
public struct Click: Hashable, Sendable {
  /// Pixels from the left.
  public var x: Double
  /// Pixels from the top.
  public var y: Double
  /// Whether it lies on the object; false for background.
  public var isObject: Bool

  /// A click at (x, y), on the object unless told otherwise.
  public init(x: Double, y: Double, isObject: Bool = true) {
    self.x = x
    self.y = y
    self.isObject = isObject
  }
}

/// A rectangle around an object.
public struct Box: Hashable, Sendable {
  /// The left edge, in pixels from the left.
  public var x0: Double
  /// The top edge, in pixels from the top.
  public var y0: Double
  /// The right edge, in pixels from the left.
  public var x1: Double
  /// The bottom edge, in pixels from the top.
  public var y1: Double

  /// The rectangle between the corners (x0, y0) and (x1, y1).
  public init(x0: Double, y0: Double, x1: Double, y1: Double) {
    self.x0 = x0
    self.y0 = y0
    self.x1 = x1
    self.y1 = y1
  }

  /// The corners as files have them: x0, y0, x1, y1.
  public var corners: [Double] { [x0, y0, x1, y1] }
}

/// Where one object is, on a picture or on one frame of a video.
public struct ObjectPrompt: Hashable, Sendable {
  /// The caller's number for the object.
  public var object: Int
  /// The frame of a video, from 0; 0 for a picture.
  public var frame: Int
  /// Clicks on the object and beside it.
  public var points: [Click]
  /// A rectangle around it.
  public var box: Box?
  /// The file of a mask of the picture's or video's size, which is foreground wherever it isn't black.
  public var mask: String?
  /// Of a video: whether earlier points on this frame stay.
  public var keepsPoints: Bool

  /// A prompt of whatever parts there are.
  public init(
    object: Int = 1, frame: Int = 0, points: [Click] = [], box: Box? = nil, mask: String? = nil,
    keepsPoints: Bool = false
  ) {
    self.object = object
    self.frame = frame
    self.points = points
    self.box = box
    self.mask = mask
    self.keepsPoints = keepsPoints
  }

  /// Whether it says nothing of where the object is.
  public var isEmpty: Bool { points.isEmpty && box == nil && mask == nil }
}

extension ObjectPrompt {
  /// An object of the short form, which has `id` for its number, or a step's prompt, which has `object`.
  enum Form { case object, step }

  private enum Key: String, CodingKey { case id, object, frame, points, labels, box, mask, keep }

  /// Writes the JSON of the schema; what was not given, or is as it would be anyway, is left out.
  func encode(to encoder: any Encoder, as form: Form) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(object, forKey: form == .object ? .id : .object)
    if form == .step || frame != 0 { try values.encode(frame, forKey: .frame) }
    if !points.isEmpty {
      try values.encode(points.map { [$0.x, $0.y] }, forKey: .points)
      try values.encode(points.map { $0.isObject ? 1 : 0 }, forKey: .labels)
    }
    try values.encodeIfPresent(box?.corners, forKey: .box)
    try values.encodeIfPresent(mask, forKey: .mask)
    if form == .step, keepsPoints { try values.encode(true, forKey: .keep) }
  }
}
