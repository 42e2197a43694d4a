import Files
import Tensors

/// An HDF5 file to read.
public struct HDF5File: Sendable {
  /// Where it is.
  public let path: String
  private let opened: OpenedFile

  /// Bytes of elements that a file's arrays may have together without their being stored, unless told otherwise.
  public static let mostUnstored = 64 << 20

  /// Opens a file, which a child process will read.
  ///
  /// - Parameter unstored: How many bytes the elements of all arrays may take together that no byte of the file stands for,
  ///   such as those that were never written.
  /// - Throws: `FileError` when there is no such file, `HDF5Error.failed` when it is no HDF5 file or truncated,
  ///   `HDF5Error.harmful` when the library crashes on it.
  public static func open(_ path: String, unstored: Int = mostUnstored) throws -> HDF5File {
    HDF5File(path: path, opened: try OpenedFile(path, unstored: unstored))
  }

  /// How many bytes the file has.
  public var byteCount: Int { opened.bytes.bytes.count }

  /// The group that holds everything.
  public func root() -> HDF5Group {
    HDF5Group(opened, opened.root, Place(file: path, object: "/"))
  }
}
