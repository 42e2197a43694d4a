/// What is wrong with a prompt, and where it stands.
public struct PromptError: Error, Equatable, CustomStringConvertible {
  /// The file with its line, or whatever the prompt comes from; empty where that isn't known.
  public let place: String
  /// What was expected and what was found.
  public let problem: String

  /// A problem at a place.
  public init(place: String, problem: String) {
    self.place = place
    self.problem = problem
  }

  /// One sentence.
  public var description: String { place.isEmpty ? problem : "\(place): \(problem)" }
}

extension PromptScript {
  /// What prompts of a file are about.
  public enum Subject: Sendable { case picture, video }

  /// Reads the JSON of a prompt file and checks all that can be checked without the picture or video.
  ///
  /// - Parameters:
  ///   - json: The file's bytes.
  ///   - path: Its name, for errors.
  ///   - subject: What the prompts are about, which decides what fields there may be.
  /// - Throws: `PromptError`, which names the line and the field.
  public init(json: some Sequence<UInt8>, path: String, of subject: Subject) throws(PromptError) {
    let reading = PromptReading(of: subject == .picture ? .picture : .video, path: path)
    self = try reading.script(JSONNode(json, path: path))
  }
}

/// Prompts about one of many pictures: a picture's prompts, and `image`, its file.
public struct PicturePrompts: Hashable, Sendable {
  /// The picture's file.
  public let picture: String
  /// What is asked for.
  public let script: PromptScript

  /// Reads JSON such as `{"image": "a.jpg", "objects": [{"id": 1, "points": [[500, 375]], "labels": [1]}]}`.
  ///
  /// - Parameter path: What to call it in errors.
  /// - Throws: `PromptError`, which names the field.
  public init(json: some Sequence<UInt8>, path: String) throws(PromptError) {
    let node = try JSONNode(json, path: path)
    picture = try Value(node, name: "", path: path).fields(known: nil).required("image").text()
    script = try PromptReading(of: .pictureLine, path: path).script(node)
  }
}

/// Makes prompts of JSON.
struct PromptReading {
  /// A file of prompts is held to its form; a recording may say more than is known, and less than a user must.
  enum Form { case picture, pictureLine, video, recording }

  private let form: Form
  private let path: String

  init(of form: Form, path: String = "") {
    self.form = form
    self.path = path
  }

  func script(_ root: JSONNode) throws(PromptError) -> PromptScript {
    let known: [String]? =
      switch form {
      case .picture: ["multimask", "objects"]
      case .pictureLine: ["image", "multimask", "objects"]
      case .video: ["objects", "steps"]
      case .recording: nil
      }
    let fields = try Value(root, name: "", path: path).fields(known: known)
    if let steps = fields["steps"] {
      let list = try steps.list()
      if let objects = fields["objects"], try !objects.list().isEmpty {
        throw objects.error("expected either `objects` or `steps`, found both")
      }
      if form != .recording, list.isEmpty { throw steps.error("`steps` is empty") }
      return PromptScript(steps: try list.map(step))
    }
    let described = try fields.required("objects")
    let list = try described.list()
    if form != .recording, list.isEmpty { throw described.error("`objects` is empty") }
    var objects: [ObjectPrompt] = []
    var seen: Set<[Int]> = []
    for value in list {
      let object = try prompt(value, as: .object)
      if !seen.insert([object.object, object.frame]).inserted, form != .recording {
        let place = form == .video ? " on frame \(object.frame)" : ""
        throw value.error("id \(object.object) stands twice\(place)")
      }
      objects.append(object)
    }
    return PromptScript(multimask: try fields["multimask"]?.flag() ?? false, objects: objects)
  }

  private func step(_ value: Value) throws(PromptError) -> VideoStep {
    let keys = VideoStep.Key.allCases.map(\.rawValue)
    let fields = try value.fields(known: form == .recording ? nil : keys)
    let found = keys.filter { fields[$0] != nil }
    guard found.count == 1, let key = VideoStep.Key(rawValue: found[0]), let step = fields[found[0]] else {
      throw value.error(
        "a step should be one of \(keys.joined(separator: ", ")), "
          + "found \(found.isEmpty ? "none" : found.sorted().joined(separator: ", "))")
    }
    func inner(_ known: String...) throws(PromptError) -> Fields {
      try step.fields(known: form == .recording ? nil : known)
    }
    switch key {
    case .prompt: return .prompt(try prompt(step, as: .step))
    case .propagate:
      let fields = try inner("from", "frames", "reverse")
      return .propagate(
        .init(
          from: try fields["from"]?.count(), frames: try fields["frames"]?.count(),
          isReverse: try fields["reverse"]?.flag() ?? false))
    case .clear:
      let fields = try inner("object", "frame")
      return .clear(
        object: try object(fields.required("object")), frame: try fields.required("frame").count())
    case .remove: return .remove(object: try object(inner("object").required("object")))
    case .reset:
      _ = try inner()
      return .reset
    }
  }

  /// An object's number; recordings of PyTorch may have others than prompts do.
  private func object(_ value: Value) throws(PromptError) -> Int {
    let most = PromptScript.objects.upperBound
    return try value.whole(in: form == .recording ? -most...most : PromptScript.objects)
  }

  private func prompt(_ value: Value, as kind: ObjectPrompt.Form) throws(PromptError) -> ObjectPrompt {
    var known = ["box", "labels", "mask", "points"]
    if kind == .step { known += ["object", "frame", "keep"] } else { known += ["id"] }
    if kind == .object, form == .video { known.append("frame") }
    let fields = try value.fields(known: form == .recording ? nil : known)
    var prompt = ObjectPrompt(object: try object(fields.required(kind == .step ? "object" : "id")))
    if kind == .step {
      prompt.frame = try fields.required("frame").count()
      prompt.keepsPoints = try fields["keep"]?.flag() ?? false
    } else {
      prompt.frame = try fields["frame"]?.count() ?? 0
    }
    let points = try (fields["points"]?.list() ?? []).map { point throws(PromptError) in try point.numbers() }
    if let other = points.first(where: { $0.count != 2 }) {
      throw value.error("`points` should be [x, y] each, found \(other)")
    }
    let labels = try (fields["labels"]?.list() ?? []).map { label throws(PromptError) in try label.whole() }
    guard labels.count == points.count else {
      throw value.error("\(points.count) points need as many `labels`, found \(labels.count)")
    }
    if let other = labels.first(where: { !(0...1).contains($0) }) {
      throw value.error("`labels` should be 1 (object) or 0 (background), found \(other)")
    }
    prompt.points = zip(points, labels).map { Click(x: $0[0], y: $0[1], isObject: $1 == 1) }
    prompt.mask = try fields["mask"]?.text()
    if let corners = try fields["box"]?.numbers() {
      guard corners.count == 4 else {
        throw value.error("`box` should be [x0, y0, x1, y1], found \(corners)")
      }
      prompt.box = Box(x0: corners[0], y0: corners[1], x1: corners[2], y1: corners[3])
    }
    if form != .recording, prompt.isEmpty {
      throw value.error("expected `points`, `box` or `mask`, found none")
    }
    return prompt
  }
}

/// The fields of an object, without those that are null.
private struct Fields {
  let whole: Value
  let fields: [String: Value]

  subscript(_ key: String) -> Value? { fields[key] }

  func required(_ key: String) throws(PromptError) -> Value {
    guard let value = fields[key] else {
      throw whole.error(unnamed: "expected `\(whole.inside(key))`, found nothing")
    }
    return value
  }
}

/// A value and what it is called, such as `objects[0].points`.
private struct Value {
  private let node: JSONNode
  private let name: String
  private let path: String

  init(_ node: JSONNode, name: String, path: String) {
    self.node = node
    self.name = name
    self.path = path
  }

  func inside(_ key: String) -> String { name.isEmpty ? key : "\(name).\(key)" }

  func error(_ problem: String) -> PromptError {
    error(unnamed: "\(name.isEmpty ? "the prompts" : name): \(problem)")
  }

  func error(unnamed problem: String, line: Int? = nil) -> PromptError {
    PromptError(place: (line ?? node.line).map { "\(path):\($0)" } ?? path, problem: problem)
  }

  private func expected(_ kind: String) -> PromptError { error("expected \(kind), found \(node.words)") }

  /// - Parameter known: The fields that there may be; nil for any.
  func fields(known: [String]?) throws(PromptError) -> Fields {
    guard case .object(let members) = node.value else { throw expected("an object") }
    var fields: [String: Value] = [:]
    for member in members {
      if let known, !known.contains(member.key) {
        let there = known.isEmpty ? "there are none" : "there are \(known.sorted().joined(separator: ", "))"
        throw error(
          unnamed: "\(inside(member.key)): no such field; \(there)", line: member.line)
      }
      if case .null = member.node.value { continue }
      fields[member.key] = Value(member.node, name: inside(member.key), path: path)
    }
    return Fields(whole: self, fields: fields)
  }

  func list() throws(PromptError) -> [Value] {
    guard case .list(let nodes) = node.value else { throw expected("a list") }
    return nodes.enumerated().map { Value($1, name: "\(name)[\($0)]", path: path) }
  }

  func numbers() throws(PromptError) -> [Double] {
    try list().map { value throws(PromptError) in
      guard case .number(let number, _) = value.node.value else { throw value.expected("a number") }
      return number
    }
  }

  func whole() throws(PromptError) -> Int {
    guard case .number(let number, _) = node.value, let whole = Int(exactly: number) else {
      throw expected("a whole number")
    }
    return whole
  }

  /// A whole number within a range.
  func whole(in range: ClosedRange<Int>) throws(PromptError) -> Int {
    let number = try whole()
    if number < range.lowerBound { throw error("should be at least \(range.lowerBound), found \(number)") }
    if number > range.upperBound { throw error("should be at most \(range.upperBound), found \(number)") }
    return number
  }

  /// A frame's number, or a number of frames.
  func count() throws(PromptError) -> Int { try whole(in: PromptScript.frames) }

  func flag() throws(PromptError) -> Bool {
    guard case .flag(let flag) = node.value else { throw expected("true or false") }
    return flag
  }

  func text() throws(PromptError) -> String {
    guard case .text(let text) = node.value else { throw expected("a text") }
    return text
  }
}
