import Files
import Tensors

/// Which of a file's tensors were taken, out of what else there is.
public struct Selection: Equatable, Sendable {
  /// Where the tensors stand: keys of nested dictionaries and a prefix of names, with dots between; `.` for the root.
  public var key = Selection.root
  /// The other keys that name a model.
  public var others: [String] = []
  /// What stands beside the tensors and was left out, such as an optimizer's state.
  public var leftOut: [String] = []
  /// Parts of names that wrappers had put in and that were taken off, such as `module.`.
  public var wrappers: [String] = []
  /// Classes and functions off the allow-list that the file names, as `module.name`; what they would have made was left out.
  public var foreign: [String] = []
  /// How the file names its tensors.
  public var naming = Naming.meta

  /// The key of a model that stands at the root.
  public static let root = "."

  /// Sentences on what a user may want to know: the choice, if there was one, and what was left out.
  public var remarks: [String] {
    var remarks: [String] = []
    if !others.isEmpty {
      remarks.append("took '\(key)'; --key chooses another: \(others.map { "'\($0)'" }.listed(8))")
    }
    if !leftOut.isEmpty { remarks.append("left out: \(leftOut.listed(8))") }
    if !foreign.isEmpty {
      remarks.append(
        "named and not run: \(foreign.listed(8)); PyTorch would import these, `inspect --security` says more")
    }
    return remarks
  }

  /// Keys with dots between, without that of the root.
  static func joined(_ first: String, _ second: String) -> String {
    if first == root { return second.isEmpty ? root : second }
    return second.isEmpty || second == root ? first : "\(first).\(second)"
  }
}

/// A folder as `save_pretrained` leaves one.
enum ModelFolder {
  /// The weights of a folder, or `path` itself where it is none.
  ///
  /// - Throws: `CheckpointError.folder`.
  static func weights(at path: String) throws(CheckpointError) -> String {
    guard FilePath.isFolder(path) else { return path }
    let folder = path.hasSuffix("/") ? String(path.dropLast()) : path
    for name in ["model.safetensors", "pytorch_model.bin"]
    where FilePath.exists("\(folder)/\(name)") {
      return "\(folder)/\(name)"
    }
    let names = (try? Folder.entries(folder)) ?? []
    let indices = names.filter { $0.hasSuffix(ShardIndex.ending) }
    // Of the same model in two formats the one that holds nothing but data.
    if let index = indices.first(where: { $0.hasSuffix(".safetensors\(ShardIndex.ending)") }) ?? indices.first {
      return "\(folder)/\(index)"
    }
    if let part = names.first(where: { ShardIndex.part(ofName: $0) != nil }) {
      throw .folder(
        path: path, found: "parts such as '\(part)' without their index (*\(ShardIndex.ending)): fetch it too")
    }
    throw .folder(path: path, found: "none")
  }
}
