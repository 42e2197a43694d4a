import Foundation

/// What went into a recorded run.
public struct TraceInput: Equatable, Sendable, Codable {
  /// What sort of thing, such as `picture`.
  public var kind: String
  /// Its width in pixels.
  public var width: Int
  /// Its height in pixels.
  public var height: Int
  /// How it was brought to the model's size, such as `SAM2Transforms`.
  public var preprocessing: String

  /// A picture, unless `kind` says otherwise.
  public init(kind: String = "picture", width: Int, height: Int, preprocessing: String) {
    self.kind = kind
    self.width = width
    self.height = height
    self.preprocessing = preprocessing
  }
}

/// What a recorded run was asked for, in pixels of the picture, x before y.
public struct TracePrompts: Equatable, Sendable, Codable {
  /// Whether each object gets several masks to choose from.
  public var multimask: Bool
  /// The objects asked for.
  public var objects: [Object]

  /// The prompts of a run.
  public init(multimask: Bool, objects: [Object]) {
    self.multimask = multimask
    self.objects = objects
  }

  /// Reads the JSON of the schema; `multimask` is false where it isn't given.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    multimask = try values.decodeIfPresent(Bool.self, forKey: .multimask) ?? false
    objects = try values.decode([Object].self, forKey: .objects)
  }

  /// The prompts for one object; what was not given is nil.
  public struct Object: Equatable, Sendable, Codable {
    /// The caller's number for it.
    public var id: Int
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
      id: Int, points: [[Double]]? = nil, labels: [Int]? = nil, box: [Double]? = nil, mask: String? = nil
    ) {
      self.id = id
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
