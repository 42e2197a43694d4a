import Files
import Foundation
import Media
import SAM2
import Tensors

/// Prompts as a JSON file has them, and as a trace records them.
struct PromptFile: Codable {
  /// What is said about one object, in pixels of the picture.
  struct Object: Codable {
    var id: Int
    var points: [[Float]]?
    var labels: [Int]?
    var box: [Float]?
    var mask: String?
  }

  var multimask: Bool
  var objects: [Object]
  /// What mask paths are relative to.
  private var folder = ""

  private enum CodingKeys: CodingKey { case multimask, objects }

  init(multimask: Bool, objects: [Object]) {
    self.multimask = multimask
    self.objects = objects
  }

  /// Reads and checks a file.
  init(path: String) throws {
    let file = try MappedFile(path: path)
    do { self = try JSONDecoder().decode(PromptFile.self, from: Data(file.bytes)) } catch let error as DecodingError {
      throw PromptFileError(path: path, problem: error.place)
    }
    folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    let known: Set = ["id", "points", "labels", "box", "mask"]
    let raw = try JSONSerialization.jsonObject(with: Data(file.bytes)) as? [String: [[String: Bool]]]
    _ = (known, raw)
    try check(path: path)
  }

  /// The JSON of these prompts, keys sorted.
  var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }

  private func check(path: String) throws {
    guard !objects.isEmpty else { throw PromptFileError(path: path, problem: "`objects` is empty") }
    for (index, object) in objects.enumerated() {
      func refuse(_ problem: String) -> PromptFileError {
        PromptFileError(path: path, problem: "objects[\(index)]: \(problem)")
      }
      if objects[..<index].contains(where: { $0.id == object.id }) { throw refuse("id \(object.id) stands twice") }
      let points = object.points ?? []
      if let wrong = points.first(where: { $0.count != 2 }) { throw refuse("a point should be [x, y], found \(wrong)") }
      let labels = object.labels ?? []
      guard labels.count == points.count else {
        throw refuse("\(points.count) points need as many labels, found \(labels.count)")
      }
      if let wrong = labels.first(where: { !(0...1).contains($0) }) {
        throw refuse("a label should be 1 (object) or 0 (background), found \(wrong)")
      }
      if let box = object.box, box.count != 4 { throw refuse("box should be [x0, y0, x1, y1], found \(box)") }
    }
  }

  /// One object's prompt, its mask read and brought to the model's mask size, `side` × `side`.
  func prompt(_ object: Object, picture: Picture, side: Int) throws -> Prompt {
    let points = zip(object.points ?? [], object.labels ?? []).map { place, label in
      Prompt.Point(x: place[0], y: place[1], isObject: label == 1)
    }
    let box = object.box.map { Prompt.Box(x0: $0[0], y0: $0[1], x1: $0[2], y1: $0[3]) }
    let mask = try object.mask.map { try maskLogits($0, picture: picture, side: side) }
    return Prompt(points: points, box: box, maskLogits: mask)
  }

  /// A mask as the logits that the prompt encoder takes, `[1, side, side]`: 10 inside, −10 outside.
  private func maskLogits(_ name: String, picture: Picture, side: Int) throws -> Tensor {
    let path = name.hasPrefix("/") || folder.isEmpty ? name : "\(folder)/\(name)"
    let mask = try BinaryMask.read(path: path)
    guard mask.width == picture.width, mask.height == picture.height else {
      throw PromptFileError(
        path: path,
        problem: "expected a mask of the picture's size, \(picture.width) × \(picture.height), "
          + "found \(mask.width) × \(mask.height)")
    }
    let coverage = Tensor([1, mask.height, mask.width], mask.pixels.map { $0 == 0 ? 0 : 1 })
      .resizedBilinearAntialiased(height: side, width: side)
    return Tensor([1, side, side], coverage.elements.map { $0 * 20 - 10 })
  }
}

/// What is wrong with a prompt file or a mask, and where.
struct PromptFileError: Error, CustomStringConvertible {
  let path: String
  let problem: String
  var description: String { "\(path): \(problem)" }
}

extension DecodingError {
  /// The field and what is wrong with it.
  fileprivate var place: String {
    func name(_ context: Context) -> String {
      context.codingPath.reduce("") { path, key in
        key.intValue.map { "\(path)[\($0)]" } ?? (path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)")
      }
    }
    switch self {
    case .keyNotFound(let key, let context):
      let place = name(context)
      return "expected `\(place.isEmpty ? "" : "\(place).")\(key.stringValue)`, found nothing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      let reason = (context.underlyingError as NSError?)?.userInfo[NSDebugDescriptionErrorKey] as? String
      return "`\(name(context))`: \(reason ?? context.debugDescription)"
    @unknown default: return "\(self)"
    }
  }
}
