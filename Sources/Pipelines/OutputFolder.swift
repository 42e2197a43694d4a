public import Files
import Foundation

/// A folder that results go into, made if it isn't there.
public struct OutputFolder: Sendable {
  /// Where it lies.
  public let path: String

  /// Makes the folder and sees that files can be made in it.
  ///
  /// - Throws: `FileError.unwritable`.
  public init(_ path: String) throws(FileError) {
    self.path = path
    for end in path.indices where path[end] == "/" && end != path.startIndex {
      try Self.make(String(path[..<end]))
    }
    try Self.make(path)
    guard FilePath.isFolder(path) else {
      throw FileError.unwritable(path: path, reason: "expected a folder, found a file of that name")
    }
    guard path.withFileName({ access($0, W_OK | X_OK) }) == 0 else {
      throw FileError.unwritable(path: path, reason: systemError())
    }
  }

  /// Makes one folder, unless it is there.
  private static func make(_ path: String) throws(FileError) {
    guard path.withFileName({ mkdir($0, 0o755) }) != 0, errno != EEXIST else { return }
    if errno == ENOTDIR {
      throw FileError.unwritable(path: path, reason: "a part of it is a file, where a folder was expected")
    }
    throw FileError.unwritable(path: path, reason: "the folder can't be made: \(systemError())")
  }

  /// The path of a file in it.
  public func file(_ name: String) -> String { path.hasSuffix("/") ? path + name : "\(path)/\(name)" }
}
