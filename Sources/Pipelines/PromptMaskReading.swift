// Masks that prompts speak of, brought to what the model takes.

import Files
import Foundation
import Masks
import Media
public import Prompts
import Tensors

/// A prompt's mask that was read.
struct ReadMask {
  /// What it is: pixels of an object, or logits of an earlier prediction.
  enum Content {
    case pixels(BinaryMask)
    /// `[1, h, w]`.
    case logits(Tensor)
  }

  let content: Content
  /// What had to be decided, a sentence each.
  let notes: [String]

  /// Reads what a prompt says.
  ///
  /// - Parameters:
  ///   - text: A file, one of its objects, run lengths or outlines, as `PromptMask` has them.
  ///   - folder: What paths are relative to.
  ///   - subject: What it is a mask of, picture or video, for errors.
  ///   - object: The prompt's object, which is taken of an array of logits of several.
  ///   - width: Pixels per row of the picture or video.
  ///   - height: Rows.
  /// - Throws: `MediaError`, `MaskError`, `PromptError` for a mask of another size, or without a pixel.
  init(
    _ text: String, of subject: PromptScript.Subject, in folder: String, object: Int, width: Int, height: Int
  ) throws {
    let literal = maskPath(text, in: folder)
    // A file may be called anything.
    let meant = FilePath.exists(literal) ? .file(text) : PromptMask(text)
    var notes: [String] = []
    let place: String
    let mask: BinaryMask
    switch meant {
    case .file(let name), .object(_, let name):
      let path = maskPath(name, in: folder)
      place = path
      try Self.requireObjectNumber(path)
      let chosen: Int? = if case .object(let number, _) = meant { number } else { nil }
      if path.lowercased().hasSuffix(".npy") {
        let logits = try NumPyLogits(path: path)
        content = .logits(try logits.logits(of: object, chosen: chosen))
        self.notes =
          logits.count > 1 && chosen == nil
          ? ["\(path): logits of \(logits.count) objects, those of object \(object) are taken"] : []
        return
      }
      if let chosen {
        let labels = try LabelRaster.read(path: path)
        mask = labels.mask(of: chosen)
        guard mask.area > 0 else {
          let objects = labels.objects.map(String.init).joined(separator: ", ")
          throw PromptError(
            place: path, problem: "expected object \(chosen) in it, found \(objects.isEmpty ? "none" : objects)"
          )
        }
      } else {
        let file = try MaskFile.read(path: path)
        mask = file.mask
        notes = file.notes.map { "\(path): \($0)" }
      }
    case .runs(let columns, let rows, let counts):
      place = "the run lengths of object \(object)"
      try Self.require(columns, rows, of: subject, width, height, place)
      mask = BinaryMask(try RunLengthEncoding(width: columns, height: rows, compressed: counts))
    case .lengths(let columns, let rows, let counts):
      place = "the run lengths of object \(object)"
      try Self.require(columns, rows, of: subject, width, height, place)
      mask = BinaryMask(try RunLengthEncoding(width: columns, height: rows, counts: counts))
    case .polygons(let polygons):
      place = "the outline of object \(object)"
      let (x, y) = (Double(-width)...Double(2 * width), Double(-height)...Double(2 * height))
      for corners in polygons {
        for index in corners.indices where !(index % 2 == 0 ? x : y).contains(corners[index]) {
          throw PromptError(
            place: place,
            problem: "expected corners in or near the \(width) × \(height) pixels, "
              + "found \(index % 2 == 0 ? "x" : "y") = \(corners[index])")
        }
      }
      mask = try BinaryMask(width: width, height: height, polygons: polygons)
    }
    try Self.require(mask.width, mask.height, of: subject, width, height, place)
    guard mask.area > 0 else {
      throw PromptError(
        place: place, problem: "expected a mask of an object, found no pixel of it in the picture")
    }
    content = .pixels(mask)
    self.notes = notes
  }

  /// Sees that what stands behind a file's name, where there is no file of the whole name, is an object's number.
  private static func requireObjectNumber(_ path: String) throws(PromptError) {
    guard let mark = path.lastIndex(of: "#"), !FilePath.exists(path), FilePath.exists(String(path[..<mark]))
    else {
      return
    }
    throw PromptError(
      place: String(path[..<mark]),
      problem: "expected an object's number behind it, from 1, found #\(path[path.index(after: mark)...])")
  }

  /// Sees that a mask is as large as what it is of.
  private static func require(
    _ columns: Int, _ rows: Int, of subject: PromptScript.Subject, _ width: Int, _ height: Int, _ place: String
  ) throws(PromptError) {
    guard columns != width || rows != height else { return }
    throw PromptError(
      place: place,
      problem:
        "expected a mask of the \(subject == .video ? "video" : "picture")'s size, \(width) × \(height), "
        + "found \(columns) × \(rows)")
  }
}

/// Where a mask that prompts name lies.
func maskPath(_ name: String, in folder: String) -> String {
  URL(fileURLWithPath: name, relativeTo: URL(fileURLWithPath: folder, isDirectory: true)).path
}

extension PromptScript {
  /// The files of the masks that it names.
  ///
  /// - Parameter folder: What their paths are relative to.
  public func masks(from folder: String) -> [String] {
    let prompted = (steps ?? []).compactMap { if case .prompt(let prompt) = $0 { prompt } else { nil } }
    return (objects + prompted).compactMap(\.mask).flatMap { text -> [String] in
      switch PromptMask(text) {
      // A file may be called as an object of another is.
      case .file(let name), .object(_, let name): [text, name].map { maskPath($0, in: folder) }
      case .runs, .lengths, .polygons: []
      }
    }
  }
}

extension ObjectPrompt {
  /// The prompt with a box that reaches a little outside cut to the picture, and a sentence on that; unchanged where it is
  /// inside, or farther outside than the picture is large.
  func clamped(width: Int, height: Int) -> (prompt: ObjectPrompt, note: String?) {
    let (right, bottom) = (Double(width), Double(height))
    guard let box, box.x0 < box.x1, box.y0 < box.y1,
      box.x0 < 0 || box.y0 < 0 || box.x1 > right || box.y1 > bottom,
      box.x0 >= -right, box.y0 >= -bottom, box.x1 <= 2 * right, box.y1 <= 2 * bottom,
      box.x0 < right, box.y0 < bottom, box.x1 > 0, box.y1 > 0
    else { return (self, nil) }
    var prompt = self
    let inside = Box(x0: max(0, box.x0), y0: max(0, box.y0), x1: min(right, box.x1), y1: min(bottom, box.y1))
    prompt.box = inside
    return (
      prompt,
      "object \(object): the box \(box.corners) reaches outside the \(width) × \(height) pixels; \(inside.corners) is taken"
    )
  }
}

extension PromptScript {
  /// The prompts with boxes cut to the picture, and what was done, a sentence each.
  func clamped(width: Int, height: Int) -> (script: PromptScript, notes: [String]) {
    var script = self
    var notes: [String] = []
    func clamped(_ prompt: ObjectPrompt) -> ObjectPrompt {
      let (prompt, note) = prompt.clamped(width: width, height: height)
      if let note { notes.append(note) }
      return prompt
    }
    script.objects = objects.map(clamped)
    script.steps = steps?.map { step in
      if case .prompt(let prompt) = step { .prompt(clamped(prompt)) } else { step }
    }
    return (script, notes)
  }
}
