import Files
import Foundation
import Traces

/// Reads prompts from a JSON file, naming the field that is wrong.
struct PromptFile {
  let prompts: TracePrompts
  /// What its mask paths are relative to.
  let folder: URL

  /// Reads and checks a file.
  init(path: String) throws {
    let data = Data(try MappedFile.contents(of: path))
    do {
      _ = try JSONDecoder().decode(KnownFields.self, from: data)
      prompts = try JSONDecoder().decode(TracePrompts.self, from: data)
      folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    } catch let error as DecodingError { throw PromptError(place: path, problem: error.problem) }
    try check(path)
  }

  private func check(_ path: String) throws {
    guard !prompts.objects.isEmpty else { throw PromptError(place: path, problem: "`objects` is empty") }
    for (index, object) in prompts.objects.enumerated() {
      func require(_ condition: Bool, _ problem: String) throws {
        guard condition else { throw PromptError(place: path, problem: "objects[\(index)]: \(problem)") }
      }
      try require(!prompts.objects[..<index].contains { $0.id == object.id }, "id \(object.id) stands twice")
      let points = object.points ?? []
      let labels = object.labels ?? []
      try require(points.allSatisfy { $0.count == 2 }, "`points` should be [x, y] each, found \(points)")
      try require(
        labels.count == points.count, "\(points.count) points need as many `labels`, found \(labels.count)")
      try require(
        labels.allSatisfy((0...1).contains), "`labels` should be 1 (object) or 0 (background), found \(labels)")
      try require(
        !points.isEmpty || object.box != nil || object.mask != nil,
        "expected `points`, `box` or `mask`, found none")
      if let box = object.box { try require(box.count == 4, "`box` should be [x0, y0, x1, y1], found \(box)") }
    }
  }
}

/// What is wrong with a prompt, and where it stands.
struct PromptError: Error, CustomStringConvertible {
  let place: String
  let problem: String
  var description: String { "\(place): \(problem)" }
}

/// Decodes from a prompt file whose fields are all known, and holds nothing.
private struct KnownFields: Decodable {
  init(from decoder: any Decoder) throws {
    let file = try Self.fields(of: decoder, known: ["multimask", "objects"])
    var objects = try file.nestedUnkeyedContainer(forKey: Field("objects"))
    while !objects.isAtEnd { _ = try objects.decode(KnownObjectFields.self) }
  }

  struct Field: CodingKey {
    let stringValue: String
    let intValue: Int? = nil
    init(_ name: String) { stringValue = name }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  private struct KnownObjectFields: Decodable {
    init(from decoder: any Decoder) throws {
      _ = try KnownFields.fields(of: decoder, known: ["id", "points", "labels", "box", "mask"])
    }
  }

  private static func fields(of decoder: any Decoder, known: [String]) throws -> KeyedDecodingContainer<Field> {
    let fields = try decoder.container(keyedBy: Field.self)
    if let unknown = fields.allKeys.first(where: { !known.contains($0.stringValue) }) {
      throw DecodingError.dataCorruptedError(
        forKey: unknown, in: fields,
        debugDescription: "no such field; there are \(known.joined(separator: ", "))")
    }
    return fields
  }
}

extension DecodingError {
  /// The field and what is wrong with it.
  fileprivate var problem: String {
    func name(_ path: [any CodingKey]) -> String {
      path.reduce("") { name, key in
        key.intValue.map { "\(name)[\($0)]" } ?? (name.isEmpty ? key.stringValue : "\(name).\(key.stringValue)")
      }
    }
    switch self {
    case .keyNotFound(let key, let context):
      return "expected `\(name(context.codingPath + [key]))`, found nothing"
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      let place = name(context.codingPath)
      return place.isEmpty
        ? "expected an object with `objects` in it"
        : "`\(place)` should be \(type): \(context.debugDescription)"
    case .dataCorrupted(let context):
      let reason = (context.underlyingError as NSError?)?.userInfo[NSDebugDescriptionErrorKey] as? String
      let place = name(context.codingPath)
      return (place.isEmpty ? "" : "`\(place)`: ") + (reason ?? context.debugDescription)
    @unknown default: return "\(self)"
    }
  }
}
