/// What a run is asked for: objects of a picture or video, or what is done to a video step by step.
///
/// `Reference/README.md` describes its JSON.
public struct PromptScript: Hashable, Sendable {
  /// Of a picture: whether each object gets several masks to choose from.
  public var multimask: Bool
  /// The objects asked for, those of a video on any frames; empty where `steps` say everything.
  public var objects: [ObjectPrompt]
  /// For a video, what is done, step by step.
  public var steps: [VideoStep]?

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
