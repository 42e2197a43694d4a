import Files
import Foundation
import Media

/// `tracks.json`: every object on every frame, in the terms of the COCO annotations.
struct TrackReport {
  /// What the frames belong to.
  struct Header: Encodable {
    struct Video: Encodable {
      let path: String
      let width: Int
      let height: Int
      let frames: Int?
      let frameRate: Double?
      let damage: [String]
    }
    var format = TrackReport.format
    var formatVersion = 1
    let video: Video
    let model: String
    /// Whether all that was asked for was tracked.
    let complete: Bool
  }

  static let format = "sam2kit.tracks"

  static let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }()

  static let decoder: JSONDecoder = {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return decoder
  }()

  let header: Header

  init(_ source: any FrameSource, model: String, isComplete: Bool) {
    header = Header(
      video: .init(
        path: source.path, width: source.width, height: source.height, frames: source.count,
        frameRate: source.frameRate, damage: source.damage.map(\.description)),
      model: model, complete: isComplete)
  }

  /// Writes the header and every frame of a journal, one line each, ascending. It is on the disk before the journal goes.
  func write(to path: String, _ journal: TrackJournal) throws {
    let output = try OutputFile(path: path, durable: true)
    // The header's closing brace makes room for the frames.
    try output.write(try Self.encoder.encode(header).dropLast())
    try output.write(Array(",\"frames\":[\n".utf8))
    for (index, frame) in journal.frames.enumerated() {
      if index > 0 { try output.write(Array(",\n".utf8)) }
      if let line = try journal.text(of: frame) { try output.write(line) }
    }
    try output.write(Array("\n]}\n".utf8))
    try output.commit()
  }
}
