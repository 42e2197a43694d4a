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
    // From the inner to the outer, so that they are empty in turn if nothing comes of it.
    var made: [String] = []
    defer { made.reversed().forEach(PartialFiles.addFolder) }
    for end in path.indices where path[end] == "/" && end != path.startIndex {
      let outer = String(path[..<end])
      if try Self.make(outer) { made.append(outer) }
    }
    if try Self.make(path) { made.append(path) }
    guard FilePath.isFolder(path) else {
      throw FileError.unwritable(path: path, reason: "expected a folder, found a file of that name")
    }
    guard path.withFileName({ access($0, W_OK | X_OK) }) == 0 else {
      throw FileError.unwritable(path: path, reason: systemError())
    }
  }

  /// Makes one folder, unless it is there; whether it wasn't.
  private static func make(_ path: String) throws(FileError) -> Bool {
    if path.withFileName({ mkdir($0, 0o755) }) == 0 { return true }
    if errno == EEXIST { return false }
    if errno == ENOTDIR {
      throw FileError.unwritable(path: path, reason: "a part of it is a file, where a folder was expected")
    }
    throw FileError.unwritable(path: path, reason: "the folder can't be made: \(systemError())")
  }

  /// The path of a file in it.
  public func file(_ name: String) -> String { path.hasSuffix("/") ? path + name : "\(path)/\(name)" }
}

extension String {
  /// Whether this is a number between two texts, as results of a series are called.
  func isNumbered(_ before: String, _ after: String) -> Bool {
    guard hasPrefix(before), hasSuffix(after), count > before.count + after.count else { return false }
    return dropFirst(before.count).dropLast(after.count).allSatisfy { $0.isASCII && $0.isNumber }
  }
}
