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
    try FilePath.makeFolders(path, noting: PartialFiles.addFolder)
    guard FilePath.isFolder(path) else {
      throw FileError.unwritable(path: path, reason: "expected a folder, found a file of that name")
    }
    guard path.withFileName({ access($0, W_OK | X_OK) }) == 0 else {
      throw FileError.unwritable(path: path, reason: systemError())
    }
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
