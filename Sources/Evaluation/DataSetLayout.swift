// Public data sets as they are unpacked: where their frames, masks and lists of clips are.
// Source: the file trees of DAVIS 2016 and 2017, YouTube-VOS, MOSE, LVOS and SA-V.

import Files
import Foundation
import Masks

/// The clips of a public data set.
struct DataSetLayout {
  /// What was found, in words.
  let name: String
  let clips: [ValidationSet.Clip]

  /// Recognises a data set by its folders; nil where there is none.
  ///
  /// - Throws: `EvaluationError`, `FileError`.
  init?(folder: String, split: String?) throws {
    let inner = [split, "valid", "val", "train", "test"].compactMap { $0 }.map { "\(folder)/\($0)" }
    let root = ([folder] + inner).first { root in
      ["JPEGImages", "JPEGImages_24fps"].contains { FilePath.isFolder("\(root)/\($0)") }
    }
    if let root, FilePath.isFolder("\(root)/JPEGImages_24fps") {
      name = "SA-V"
      let list = try Self.list(
        [split.map { "\(root)/\($0).txt" }, "\(root)/\(root.split(separator: "/").last ?? "").txt"],
        split: split)
      clips = try Self.perObject(root, only: list)
    } else if let root,
      let size = ["480p", "Full-Resolution", "1080p"].first(where: {
        FilePath.isFolder("\(root)/JPEGImages/\($0)")
      })
    {
      name = "DAVIS"
      let lists = [split ?? "val"].flatMap { split in
        ["2017", "2016", size].map { "\(root)/ImageSets/\($0)/\(split).txt" }
      }
      let list = try Self.list(lists, split: split ?? (FilePath.exists("\(root)/ImageSets") ? "val" : nil))
      clips = try Self.indexed(
        "\(root)/JPEGImages/\(size)", "\(root)/Annotations/\(size)", only: list, takesLaterObjects: false)
    } else if let root {
      name = "YouTube-VOS"
      let list = try Self.list(
        split.map { ["\(root)/ImageSets/\($0).txt", "\(folder)/ImageSets/\($0).txt"] } ?? [], split: nil)
      clips = try Self.indexed(
        "\(root)/JPEGImages", "\(root)/Annotations", only: list, takesLaterObjects: true)
    } else {
      let manual = try Self.manual(folder)
      guard !manual.isEmpty else { return nil }
      name = "SA-V"
      clips = manual
    }
  }

  /// The names in the first list that is there; nil where there is none and none was asked for.
  private static func list(_ paths: [String?], split: String?) throws -> [String]? {
    let paths = paths.compactMap { $0 }
    guard let path = paths.first(where: FilePath.exists) else {
      if split != nil, let first = paths.first { throw EvaluationError.missingSplit(path: first) }
      return nil
    }
    var names: [String] = []
    for line in String(decoding: try MappedFile.contents(of: path), as: UTF8.self).split(
      whereSeparator: \.isNewline)
    {
      // DAVIS 2016 lists a frame and its mask a line; the clip is the frame's folder.
      guard let word = line.split(separator: " ").first else { continue }
      let parts = word.split(separator: "/")
      let name = String(parts.count > 1 ? parts[parts.count - 2] : word)
      if names.last != name { names.append(name) }
    }
    return names
  }

  /// Clips with a picture of object numbers for each annotated frame.
  private static func indexed(
    _ frames: String, _ annotations: String, only list: [String]?, takesLaterObjects: Bool
  ) throws -> [ValidationSet.Clip] {
    try (list ?? ValidationSet.entries(frames)).map { name in
      let masks = try ValidationSet.masks(in: "\(annotations)/\(name)")
      guard !masks.isEmpty else { throw EvaluationError.missingMasks("\(annotations)/\(name)") }
      return ValidationSet.Clip(
        name: name, frames: "\(frames)/\(name)", takesLaterObjects: takesLaterObjects, masks: .labels(masks))
    }
  }

  /// SA-V's clips for evaluation: a folder of masks for each object.
  private static func perObject(_ root: String, only list: [String]?) throws -> [ValidationSet.Clip] {
    try (list ?? ValidationSet.entries("\(root)/JPEGImages_24fps")).map { name in
      let folder = "\(root)/Annotations_6fps/\(name)"
      var objects: [Int: [String: String]] = [:]
      for entry in try ValidationSet.entries(folder) {
        guard let object = Int(entry) else { continue }
        let masks = try ValidationSet.masks(in: "\(folder)/\(entry)")
        objects[object] = Dictionary(masks.map { (FilePath.stem(of: $0), $0) }) { first, _ in first }
      }
      guard !objects.isEmpty else { throw EvaluationError.missingMasks(folder) }
      return ValidationSet.Clip(
        name: name, frames: "\(root)/JPEGImages_24fps/\(name)", takesLaterObjects: true,
        masks: .objects(objects))
    }
  }

  /// SA-V's videos for training: `<name>.mp4` beside `<name>_manual.json`.
  private static func manual(_ folder: String) throws -> [ValidationSet.Clip] {
    let ending = "_manual.json"
    return try ValidationSet.entries(folder).filter { $0.hasSuffix(ending) }.map { file in
      let name = String(file.dropLast(ending.count))
      return ValidationSet.Clip(
        name: name, frames: "\(folder)/\(name).mp4", takesLaterObjects: true,
        masks: .runs(try ManualMasks(path: "\(folder)/\(file)").masks))
    }
  }
}

/// The annotations of one of SA-V's videos: run lengths of every object on every fourth frame.
private struct ManualMasks {
  /// By frame of the video and object, which count from 0 and from 1.
  let masks: [Int: [Int: RunLengthEncoding]]

  private struct Document: Decodable {
    let masklet: [[RunLengthEncoding?]]
    let maskletID: [Int]?

    enum CodingKeys: String, CodingKey {
      case masklet
      case maskletID = "masklet_id"
    }
  }

  /// How many frames of the video lie from one annotation to the next: 24 a second to 6.
  private static let step = 4

  init(path: String) throws {
    do {
      let document = try JSONDecoder().decode(Document.self, from: Data(MappedFile.contents(of: path)))
      var masks: [Int: [Int: RunLengthEncoding]] = [:]
      for (frame, objects) in document.masklet.enumerated() {
        masks[Self.step * frame] = [:]
        for (place, runs) in objects.enumerated() {
          let object = document.maskletID.flatMap { $0.indices.contains(place) ? $0[place] : nil } ?? place
          masks[Self.step * frame]?[object + 1] = runs
        }
      }
      self.masks = masks
    } catch is DecodingError {
      throw EvaluationError.malformed(
        path: path, reason: "expected JSON with `masklet`, lists of run lengths for each frame, found another")
    } catch let error as MaskError {
      throw EvaluationError.malformed(path: path, reason: "\(error)")
    }
  }
}
