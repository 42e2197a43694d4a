import Files
import Foundation
import Traces

/// Reads prompts from a JSON file, naming the line and the field that is wrong.
struct PromptFile {
  /// What the prompts are about.
  enum Kind { case picture, video }

  let prompts: TracePrompts
  /// What its mask paths are relative to.
  let folder: URL

  /// Reads and checks a file.
  init(path: String, of kind: Kind) throws {
    let data = Data(try MappedFile.contents(of: path))
    do { _ = try JSONSerialization.jsonObject(with: data) } catch {
      throw PromptError(place: path, problem: "expected JSON: \((error as NSError).jsonProblem)")
    }
    let outline = try JSONOutline(String(decoding: data, as: UTF8.self), path: path)
    try outline.check(PromptKinds.all(of: kind))
    do {
      prompts = try JSONDecoder().decode(TracePrompts.self, from: data)
    } catch let error as DecodingError { throw outline.error(error) }
    folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    try check(outline)
  }

  private func check(_ outline: JSONOutline) throws {
    if let steps = prompts.steps {
      guard prompts.objects.isEmpty else {
        throw outline.error(at: ["objects"], "expected either `objects` or `steps`, found both")
      }
      guard !steps.isEmpty else { throw outline.error(at: ["steps"], "`steps` is empty") }
      for (index, step) in steps.enumerated() { try check(step, index, outline) }
      return
    }
    guard !prompts.objects.isEmpty else { throw outline.error(at: ["objects"], "`objects` is empty") }
    for (index, object) in prompts.objects.enumerated() {
      let place: [JSONOutline.Step] = ["objects", .index(index)]
      let earlier = prompts.objects[..<index]
      guard !earlier.contains(where: { $0.id == object.id && $0.frame ?? 0 == object.frame ?? 0 }) else {
        throw outline.error(
          at: place, "id \(object.id) stands twice\(object.frame.map { " on frame \($0)" } ?? "")")
      }
      if let problem = Self.problem(object.points, object.labels, object.box, object.mask) {
        throw outline.error(at: place, problem)
      }
      try check(object.frame, "frame", at: place, outline)
    }
  }

  private func check(_ step: VideoStep, _ index: Int, _ outline: JSONOutline) throws {
    let place: [JSONOutline.Step] = ["steps", .index(index)]
    switch step {
    case .prompt(let prompt):
      if let problem = Self.problem(prompt.points, prompt.labels, prompt.box, prompt.mask) {
        throw outline.error(at: place + ["prompt"], problem)
      }
      try check(prompt.frame, "frame", at: place + ["prompt"], outline)
    case .propagate(let way):
      try check(way.from, "from", at: place + ["propagate"], outline)
      try check(way.frames, "frames", at: place + ["propagate"], outline)
    case .clear(_, let frame): try check(frame, "frame", at: place + ["clear"], outline)
    case .remove, .reset: break
    }
  }

  /// Throws for a number of frames below 0.
  private func check(
    _ number: Int?, _ field: String, at place: [JSONOutline.Step], _ outline: JSONOutline
  ) throws {
    guard let number, number < 0 else { return }
    throw outline.error(at: place + [.key(field)], "should be at least 0, found \(number)")
  }

  /// What is wrong with an object's prompts, if anything.
  private static func problem(
    _ points: [[Double]]?, _ labels: [Int]?, _ box: [Double]?, _ mask: String?
  ) -> String? {
    let (points, labels) = (points ?? [], labels ?? [])
    if !points.allSatisfy({ $0.count == 2 }) { return "`points` should be [x, y] each, found \(points)" }
    if labels.count != points.count {
      return "\(points.count) points need as many `labels`, found \(labels.count)"
    }
    if !labels.allSatisfy((0...1).contains) {
      return "`labels` should be 1 (object) or 0 (background), found \(labels)"
    }
    if points.isEmpty && box == nil && mask == nil { return "expected `points`, `box` or `mask`, found none" }
    return box.flatMap { $0.count == 4 ? nil : "`box` should be [x0, y0, x1, y1], found \($0)" }
  }
}

/// What is wrong with a prompt, and where it stands.
struct PromptError: Error, CustomStringConvertible {
  let place: String
  let problem: String
  var description: String { "\(place): \(problem)" }
}

/// What may stand where in a prompt file.
private enum PromptKinds {
  static func all(of kind: PromptFile.Kind) -> [String: JSONOutline.Kind] {
    let objects: [String: JSONOutline.Kind] = ["": .object, "objects": .list, "objects[]": .object]
    let described = objects.merging(prompt(at: "objects[]", ["id": .whole])) { $1 }
    switch kind {
    case .picture: return described.merging(["multimask": .flag]) { $1 }
    case .video:
      let steps: [String: JSONOutline.Kind] = [
        "objects[].frame": .whole, "steps": .list, "steps[]": .object, "steps[].prompt": .object,
        "steps[].propagate": .object, "steps[].propagate.from": .whole, "steps[].propagate.frames": .whole,
        "steps[].propagate.reverse": .flag, "steps[].clear": .object, "steps[].clear.object": .whole,
        "steps[].clear.frame": .whole, "steps[].remove": .object, "steps[].remove.object": .whole,
        "steps[].reset": .object,
      ]
      return described.merging(steps) { $1 }.merging(
        prompt(at: "steps[].prompt", ["object": .whole, "frame": .whole, "keep": .flag])
      ) { $1 }
    }
  }

  /// The fields of one object's prompts, and more.
  private static func prompt(at place: String, _ more: [String: JSONOutline.Kind]) -> [String: JSONOutline.Kind]
  {
    let fields: [String: JSONOutline.Kind] = [
      "points": .list, "points[]": .list, "points[][]": .number, "labels": .list, "labels[]": .whole,
      "box": .list,
      "box[]": .number, "mask": .text,
    ]
    return Dictionary(uniqueKeysWithValues: fields.merging(more) { $1 }.map { ("\(place).\($0)", $1) })
  }
}

extension NSError {
  /// Foundation's words on what is no JSON, with line and column.
  fileprivate var jsonProblem: String {
    userInfo[NSDebugDescriptionErrorKey] as? String ?? localizedDescription
  }
}
