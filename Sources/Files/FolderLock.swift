#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A folder that one run has to itself. A file in it is locked, and says whose it is; the lock ends with the process, however
/// that ends, so that a dead one's file is taken over.
package final class FolderLock: Sendable {
  /// What the file is called.
  package static let name = ".sam2kit.lock"
  private let path: String
  private let descriptor: Int32

  /// Takes a folder that is there.
  ///
  /// - Throws: `FileError.unwritable`, where another run has it in that one's own words.
  package init(of folder: String) throws(FileError) {
    path = folder.hasSuffix("/") ? folder + Self.name : "\(folder)/\(Self.name)"
    descriptor = try Self.lockedFile(path, in: folder)
  }

  private static func lockedFile(_ path: String, in folder: String) throws(FileError) -> Int32 {
    while true {
      let opened = path.withFileName {
        open($0, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
      }
      guard opened >= 0 else { throw .unwritable(path: folder, reason: systemError()) }
      do throws(FileError) {
        if try isTaken(opened, path, in: folder) { return opened }
      } catch {
        close(opened)
        throw error
      }
      close(opened)
    }
  }

  /// Locks an open file; false where it is to be opened once more.
  private static func isTaken(_ opened: Int32, _ path: String, in folder: String) throws(FileError) -> Bool {
    guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
      if errno == EINTR { return false }
      // File systems without locks leave it at that.
      guard errno == EWOULDBLOCK else { return true }
      throw .unwritable(
        path: folder,
        reason: "another run writes into it, \(owner(opened)); wait for its end, or name another folder")
    }
    // The file may have been another run's, which has removed it meanwhile.
    var (held, there) = (stat(), stat())
    guard fstat(opened, &held) == 0, path.withFileName({ lstat($0, &there) }) == 0,
      held.st_dev == there.st_dev, held.st_ino == there.st_ino
    else { return false }
    PartialFiles.add(path)
    let words = Array("process \(getpid()) on \(host): \(command)\n".utf8)
    var written = ftruncate(opened, 0) == 0 ? 0 : -1
    while written >= 0, written < words.count {
      let count = pwrite(opened, Array(words[written...]), words.count - written, off_t(written))
      if count < 0 && errno == EINTR { continue }
      written = count > 0 ? written + count : -1
    }
    guard written == words.count else {
      let reason = systemError()
      remove(path)
      throw .unwritable(path: folder, reason: reason)
    }
    return true
  }

  private static func remove(_ path: String) {
    _ = path.withFileName { unlink($0) }
    PartialFiles.remove(path)
  }

  private static var host: String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(fileName: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
  }

  private static var command: String {
    (["sam2kit"] + FilePath.arguments).joined(separator: " ")
  }

  /// What the file of another run says, at most a line: anybody may have written it.
  private static func owner(_ opened: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 400)
    let count = pread(opened, &bytes, bytes.count, 0)
    let line = bytes.prefix(max(0, count)).prefix { $0 != 0x0A }
    let shown = String(decoding: line, as: UTF8.self).unicodeScalars.map { scalar in
      scalar.properties.generalCategory.isShown ? Character(scalar) : "?"
    }
    return shown.isEmpty ? "which has said nothing of itself yet" : String(shown)
  }

  deinit {
    // First the name: whoever opens it next makes a file of his own.
    Self.remove(path)
    close(descriptor)
  }
}

extension Unicode.GeneralCategory {
  fileprivate var isShown: Bool {
    switch self {
    case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse, .surrogate: false
    default: true
    }
  }
}
