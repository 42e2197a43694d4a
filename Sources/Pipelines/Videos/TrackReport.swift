// `tracks.json`: every object on every frame, in the terms of the COCO annotations; a line a frame.

import Files
import Foundation
import Masks
import Media

/// The file around the frames' lines.
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
      let notes: [String]
    }
    var format = TrackReport.format
    var formatVersion = 1
    let video: Video
    let model: String
    /// The files of outlines beside it.
    let outlines: [TrackOutlines]
    /// Whether all that was asked for was tracked.
    let complete: Bool
  }

  static let format = "sam2kit.tracks"

  let header: Header

  /// What is read of a report that a new one replaces.
  struct Earlier: Decodable {
    struct Video: Decodable {
      let width: Int
      let height: Int
    }

    let format: String
    let video: Video
    let complete: Bool
    let outlines: [TrackOutlines]?
    let frames: [TrackEntry]
    /// Frames of the report before, while a run has not replaced all of its masks.
    let earlier: [TrackEntry]?

    var entries: [TrackEntry] { frames + (earlier ?? []) }
  }

  init(
    _ source: any FrameSource, notes: [String], model: String, outlines: [TrackOutlines], isComplete: Bool
  ) {
    header = Header(
      video: .init(
        path: source.path, width: source.width, height: source.height, frames: source.count,
        frameRate: source.frameRate, damage: source.damage.map(\.description), notes: notes + source.notes),
      model: model, outlines: outlines, complete: isComplete)
  }

  /// Writes the header and every frame of a journal, one line each, ascending. It is on the disk before the journal goes.
  func write(to path: String, _ journal: TrackJournal) throws {
    let frames = journal.frames
    try write(to: path) { output in
      try Self.write("frames", frames.count, to: output) { try journal.text(of: frames[$0]) }
    }
  }

  /// Writes a report of no frames yet, which keeps those of the one that it replaces aside.
  func write(to path: String, inPlaceOf earlier: [TrackEntry]) throws {
    try write(to: path) { output in
      if !earlier.isEmpty {
        try Self.write("earlier", earlier.count, to: output) {
          try Array(TrackEntry.encoder.encode(earlier[$0]))
        }
      }
      try Self.write("frames", 0, to: output) { _ in nil }
    }
  }

  private func write(to path: String, _ lists: (borrowing OutputFile) throws -> Void) throws {
    let output = try OutputFile(path: path, durable: true)
    // The header's closing brace makes room for the frames.
    try output.write(try TrackEntry.encoder.encode(header).dropLast())
    try lists(output)
    try output.write(Array("}\n".utf8))
    try output.commit()
  }

  /// A list of frames, a line each.
  private static func write(
    _ name: String, _ count: Int, to output: borrowing OutputFile, _ line: (Int) throws -> [UInt8]?
  ) throws {
    try output.write(Array(",\"\(name)\":[\n".utf8))
    for index in 0..<count {
      if index > 0 { try output.write(Array(",\n".utf8)) }
      if let line = try line(index) { try output.write(line) }
    }
    try output.write(Array("\n]".utf8))
  }
}

extension TrackEntry {
  /// What was found on a frame, and the name of the indexed PNG.
  init(_ frame: TrackedFrame, mask: String) {
    self.init(
      frame: frame.frame, time: frame.time, mask: mask,
      objects: frame.objects.map {
        Object(
          object: $0.object, mask: COCOMask($0.mask), score: $0.score, objectScore: $0.objectScore)
      })
  }

  /// Whether it can be drawn as a picture of a size; a file may claim anything.
  func isDrawable(width: Int, height: Int) -> Bool {
    RunLengthEncoding.isDrawable(width: width, height: height)
      && objects.allSatisfy { object in
        let runs = object.mask.segmentation
        return (runs.width, runs.height) == (width, height)
          && (1...TrackFolder.mostObjects).contains(object.object)
      }
  }
}
