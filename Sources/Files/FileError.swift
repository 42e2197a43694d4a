/// What can go wrong with a file on disk, with the path and the system's own words.
public enum FileError: Error, Equatable, CustomStringConvertible {
  /// The file could not be opened, mapped or read.
  case unreadable(path: String, reason: String)
  /// The file, or its temporary twin, could not be written.
  case unwritable(path: String, reason: String)
  /// The path names something other than a regular file.
  case notAFile(path: String)

  /// One sentence naming the file and the reason.
  public var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): can't be read: \(reason)"
    case .unwritable(let path, let reason): "\(path): can't be written: \(reason)"
    case .notAFile(let path): "\(path): expected a file, found a folder or a device"
    }
  }
}
