/// What a run is asked for: objects of a picture or video, or what is done to a video step by step.
///
/// `Reference/README.md` describes its JSON.
public struct PromptScript: Hashable, Sendable {
  /// Of a picture: whether each object gets several masks to choose from.
  public var multimask: Bool
  /// The numbers that frames may have, far beyond any video's.
  public static let frames = 0...Int(Int32.max)
  /// The numbers that objects may have.
  public static let objects = 1...Int(Int32.max)

  /// The objects asked for, those of a video on any frames; empty where `steps` say everything.
  public var objects: [ObjectPrompt]
  /// For a video, what is done, step by step.
  public var steps: [VideoStep]?
  /// What size of the picture or video the prompts are for, where that is known; no part of the JSON.
  public var size: PictureSize?

  /// Objects that are pointed at.
  public init(multimask: Bool = false, objects: [ObjectPrompt]) {
    self.multimask = multimask
    self.objects = objects
  }

  /// What is done to a video, step by step.
  public init(steps: [VideoStep]) {
    multimask = false
    objects = []
    self.steps = steps
  }
}

/// A size in pixels, and where it is said.
public struct PictureSize: Hashable, Sendable {
  /// Pixels per row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// What says it, such as a file's path.
  public let place: String

  /// A size that is said at a place.
  public init(width: Int, height: Int, place: String) {
    (self.width, self.height, self.place) = (width, height, place)
  }
}

extension PromptScript {
  /// Sees that the prompts are for what they are asked of.
  ///
  /// - Throws: `PromptError`.
  public func check(width: Int, height: Int) throws(PromptError) {
    guard let size, size.width != width || size.height != height else { return }
    throw PromptError(
      place: size.place,
      problem:
        "expected detections of \(width) × \(height) pixels, found those of \(size.width) × \(size.height)")
  }
}

extension PromptScript: Codable {
  private enum Key: String, CodingKey { case multimask, objects, steps }

  /// Reads the JSON of the schema; what isn't known is passed over.
  ///
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    do { self = try PromptReading(of: .recording).script(JSONNode(from: decoder)) } catch {
      guard let error = error as? PromptError else { throw error }
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: error.problem))
    }
  }

  /// Writes the JSON of the schema: `steps` alone where there are some.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    if let steps { return try values.encode(steps, forKey: .steps) }
    try values.encode(multimask, forKey: .multimask)
    var list = values.nestedUnkeyedContainer(forKey: .objects)
    for object in objects { try object.encode(to: list.superEncoder(), as: .object) }
  }
}
