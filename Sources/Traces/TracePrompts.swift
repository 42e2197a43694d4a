import Foundation

/// What went into a recorded run.
public struct TraceInput: Equatable, Sendable, Codable {
  /// What sort of thing, such as `picture`.
  public var kind: String
  /// Its width in pixels.
  public var width: Int
  /// Its height in pixels.
  public var height: Int
  /// How many frames it has, if it is a video and that is known.
  public var frames: Int?
  /// How it was brought to the model's size, such as `SAM2Transforms`.
  public var preprocessing: String

  /// A picture, unless `kind` says otherwise.
  public init(
    kind: String = "picture", width: Int, height: Int, frames: Int? = nil, preprocessing: String
  ) {
    self.kind = kind
    self.width = width
    self.height = height
    self.frames = frames
    self.preprocessing = preprocessing
  }
}

/// What a recorded run was asked for, in pixels of the picture or video, x before y.
public struct TracePrompts: Equatable, Sendable, Codable {
  /// Whether each object gets several masks to choose from.
  public var multimask: Bool
  /// The objects asked for; empty where `steps` say everything.
  public var objects: [Object]
  /// For a video, what was done, step by step.
  public var steps: [VideoStep]?

  /// The prompts of a run.
  public init(multimask: Bool, objects: [Object]) {
    self.multimask = multimask
    self.objects = objects
  }

  /// What was done to a video, step by step.
  public init(steps: [VideoStep]) {
    multimask = false
    objects = []
    self.steps = steps
  }

  private enum CodingKeys: String, CodingKey { case multimask, objects, steps }

  /// Reads the JSON of the schema; `multimask` is false where it isn't given.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    multimask = try values.decodeIfPresent(Bool.self, forKey: .multimask) ?? false
    steps = try values.decodeIfPresent([VideoStep].self, forKey: .steps)
    objects =
      steps == nil
      ? try values.decode([Object].self, forKey: .objects)
      : try values.decodeIfPresent([Object].self, forKey: .objects) ?? []
  }

  /// Writes the JSON of the schema: `steps` alone where there are some.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    if let steps {
      try values.encode(steps, forKey: .steps)
    } else {
      try values.encode(multimask, forKey: .multimask)
      try values.encode(objects, forKey: .objects)
    }
  }

  /// The prompts for one object; what was not given is nil.
  public struct Object: Equatable, Sendable, Codable {
    /// The caller's number for it.
    public var id: Int
    /// The frame of a video; absent for the first, and for pictures.
    public var frame: Int?
    /// Points as [x, y].
    public var points: [[Double]]?
    /// For each point: 1 on the object, 0 beside it.
    public var labels: [Int]?
    /// A box as [x0, y0, x1, y1].
    public var box: [Double]?
    /// The file of a mask.
    public var mask: String?

    /// The prompts for one object.
    public init(
      id: Int, frame: Int? = nil, points: [[Double]]? = nil, labels: [Int]? = nil, box: [Double]? = nil,
      mask: String? = nil
    ) {
      self.id = id
      self.frame = frame
      self.points = points
      self.labels = labels
      self.box = box
      self.mask = mask
    }
  }
}

/// JSON in an attribute: keys in order, so that equal values give equal bytes.
package enum JSONText {
  package static func encode(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  static func decode<Value: Decodable>(_ text: String) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(text.utf8))
  }
}
