import Files
import Foundation

/// What has come of a file so far, `<path>.part`, and beside it which version of the file that is. It stays when the
/// program is interrupted or killed, so that the next one can go on.
final class PartialDownload {
  /// What is known of the version that the bytes belong to.
  struct Note: Codable, Equatable {
    var url: String
    var validator: String?
    var bytes: Int?
  }

  let path: String
  private let descriptor: Int32
  private(set) var count: Int
  private(set) var note: Note?

  private var notePath: String { "\(path).json" }

  /// Opens what there is for `target`, or begins.
  ///
  /// - Throws: `FileError`, `DownloadError.busy`.
  init(for target: String, url: String) throws {
    path = "\(target).part"
    descriptor = path.withFileName { open($0, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644) }
    count = descriptor < 0 ? 0 : Int(lseek(descriptor, 0, SEEK_END))
    guard descriptor >= 0 else {
      throw FileError.unwritable(path: path, reason: systemError())
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw DownloadError.busy(path: path) }
    let stored = (try? MappedFile.contents(of: notePath)).flatMap {
      try? JSONDecoder().decode(Note.self, from: Data($0))
    }
    note = stored?.url == url ? stored : nil
    // Bytes of an unknown version are no beginning.
    if note == nil { try restart() }
  }

  deinit {
    guard descriptor >= 0 else { return }
    // A child that is just being started has the file open too, and would keep the lock.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  /// Forgets what has come.
  func restart() throws {
    guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
      throw FileError.unwritable(path: path, reason: systemError())
    }
    count = 0
    note = nil
    FilePath.remove(notePath)
  }

  /// Notes which version the bytes to come belong to, before the first of them.
  func begin(_ note: Note) throws {
    let output = try OutputFile(path: notePath)
    try output.write(try JSONEncoder().encode(note))
    try output.commit()
    self.note = note
  }

  /// Appends bytes.
  func append(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes
    while !rest.isEmpty {
      let written = write(descriptor, rest.baseAddress, rest.count)
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else {
        throw FileError.unwritable(path: path, reason: systemError())
      }
      count += written
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  /// Removes all of it.
  func discard() {
    FilePath.remove(path)
    FilePath.remove(notePath)
  }

  /// Puts the whole file at `target` when it is on the disk.
  func commit(to target: String) throws {
    guard fsync(descriptor) == 0 else {
      throw FileError.unwritable(path: target, reason: systemError())
    }
    try FilePath.move(path, to: target)
    FilePath.remove(notePath)
  }
}
