import Architecture
import Checkpoints
import Files
import Foundation

/// A folder that transformers' `from_pretrained` takes: the weights, the model's configuration and how pictures and
/// videos are prepared.
struct TransformersFolder {
  /// Where it will stand.
  let path: String
  let model: ModelConfiguration

  static let weights = "model.safetensors"

  /// Writes the folder; one that is there gets new files of these names and keeps its others.
  ///
  /// Everything is written beside it first. The weights come last, when all else is in place.
  func write(_ conversion: Conversion) throws {
    let path = path.hasSuffix("/") ? String(path.dropLast()) : path
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let parent = path.hasPrefix("/") || path.contains("/") ? String(path.dropLast(name.count)) : ""
    let staged = "\(parent).\(name).\(UInt32.random(in: 0 ... .max)).partial"
    PartialFiles.add(staged)
    defer {
      try? FileManager.default.removeItem(atPath: staged)
      PartialFiles.remove(staged)
    }
    do {
      try FileManager.default.createDirectory(atPath: staged, withIntermediateDirectories: false)
    } catch { throw FileError.unwritable(path: path, reason: error.localizedDescription) }
    let texts = try texts()
    for (file, text) in texts {
      let output = try OutputFile(path: "\(staged)/\(file)")
      try output.write(text.utf8)
      try output.commit()
    }
    try conversion.write(to: "\(staged)/\(Self.weights)", as: .safetensors)
    guard FileManager.default.fileExists(atPath: path) else { return try move(staged, path) }
    for (file, _) in texts { try move("\(staged)/\(file)", "\(path)/\(file)") }
    try move("\(staged)/\(Self.weights)", "\(path)/\(Self.weights)")
  }

  private func move(_ source: String, _ target: String) throws {
    guard rename(source, target) == 0 else {
      throw FileError.unwritable(path: target, reason: String(cString: strerror(errno)))
    }
  }

  private func texts() throws -> [(file: String, text: String)] {
    let processors = TransformersProcessors(model)
    return [
      ("config.json", try model.transformersJSON()),
      // Version 5 reads one file for all three, version 4 one for each.
      ("processor_config.json", processors.processor),
      ("preprocessor_config.json", processors.picture),
      ("video_preprocessor_config.json", processors.video),
    ]
  }
}
