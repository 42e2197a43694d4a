// Many pictures in one process: a line of JSON asks about one, a line answers.

import Files
public import Foundation
import Masks
import Media
import Prompts
import SAM2

/// What became of the lines.
public struct PromptLinesResult: Sendable {
  /// How many were answered.
  public let answered: Int
  /// How many were answered with an error.
  public let failed: Int
}

extension Model {
  /// Answers lines of prompts about a folder's pictures, one after the other; see `PicturePrompts` for their form. A line
  /// that can't be answered gets one with `error`, and the next is read. Pictures that follow one another are embedded once.
  ///
  /// - Parameters:
  ///   - folder: What names of pictures, and of masks, are relative to.
  ///   - longestSide: See `PictureInput.init(_:path:longestSide:)`.
  ///   - next: Gives the next line, without its end; nil when there is none.
  ///   - answer: Takes an answer, a line of JSON without its end.
  /// - Throws: What `answer` throws, `CancellationError`.
  public func segment(
    linesAbout folder: String, longestSide: Int? = nil, next: () -> String?, answer: (Data) throws -> Void
  ) throws -> PromptLinesResult {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var (line, answered, failed) = (0, 0, 0)
    var latest: (path: String, picture: PictureInput, embedded: EmbeddedPicture)?
    while let text = next() {
      if Task.isCancelled { throw CancellationError() }
      line += 1
      if text.allSatisfy(\.isWhitespace) { continue }
      var name: String?
      do {
        let asked = try PicturePrompts(json: Array(text.utf8), path: "line \(line)")
        name = asked.picture
        for name in [asked.picture] + asked.script.objects.compactMap(\.mask) { try Self.requireInside(name) }
        let path = maskPath(asked.picture, in: folder)
        let known = latest?.path == path ? latest : nil
        let picture = try known?.picture ?? PictureInput(path: path, longestSide: longestSide)
        let ready = try ReadyPrompts(asked.script, folder: folder, for: picture, model: self)
        if known == nil { latest = nil }
        let embedded = try known?.embedded ?? EmbeddedPicture(picture, model: self)
        latest = (path, picture, embedded)
        let found = try segmentation(of: picture, asked.script, ready.predict(in: embedded))
        try answer(encoder.encode(PromptAnswer(asked.picture, found)))
        answered += 1
      } catch let error as CancellationError {
        throw error
      } catch {
        failed += 1
        try answer(encoder.encode(PromptFailure(line: line, image: name, error: "\(error)")))
      }
    }
    return PromptLinesResult(answered: answered, failed: failed)
  }
}

extension Model {
  /// Sees that a name leads nowhere out of the folder that lines are about: who writes them need not be who runs the program.
  private static func requireInside(_ name: String) throws(PromptError) {
    guard !name.isEmpty else {
      throw PromptError(place: "image", problem: "expected a picture's name, found none")
    }
    let files: [String] =
      switch PromptMask(name) {
      case .file(let path), .object(_, let path): [name, path]
      case .runs, .lengths, .polygons: []
      }
    guard !files.contains(where: { $0.hasPrefix("/") || $0.split(separator: "/").contains("..") }) else {
      throw PromptError(
        place: name, problem: "expected a file in the folder, found a path that leads out of it")
    }
  }
}

/// The answer to a line.
private struct PromptAnswer: Encodable {
  let image: String
  let width: Int
  let height: Int
  let masks: [SegmentationReport.Mask]

  init(_ image: String, _ segmentation: Segmentation) {
    self.image = image
    (width, height) = (segmentation.picture.width, segmentation.picture.height)
    masks = segmentation.masks.map { SegmentationReport.Mask($0, file: nil) }
  }
}

/// The answer to a line that can't be meant.
private struct PromptFailure: Encodable {
  let line: Int
  let image: String?
  let error: String
}
