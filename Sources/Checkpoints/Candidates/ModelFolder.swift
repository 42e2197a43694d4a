import Foundation

/// A folder as `save_pretrained` leaves one.
enum ModelFolder {
  /// The weights of a folder, or `path` itself where it is none.
  ///
  /// - Throws: `CheckpointError.folder`.
  static func weights(at path: String) throws(CheckpointError) -> String {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      return path
    }
    let folder = path.hasSuffix("/") ? String(path.dropLast()) : path
    for name in ["model.safetensors", "pytorch_model.bin"]
    where FileManager.default.fileExists(atPath: "\(folder)/\(name)") {
      return "\(folder)/\(name)"
    }
    if FileManager.default.fileExists(atPath: "\(folder)/model.safetensors.index.json") {
      throw .folder(
        path: path,
        found: "a model in several files: resave it with save_pretrained(path, max_shard_size=\"50GB\")")
    }
    throw .folder(path: path, found: "none")
  }
}
