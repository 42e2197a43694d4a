import Files
import Foundation

/// Frames' masks on disk as they are found, one JSON line each; the newest line of a frame counts.
///
/// What a run has found outlives it here, and memory holds one number per frame.
final class TrackJournal {
  /// How long a journal is, and what it holds.
  struct Mark: Codable, Equatable {
    var length: UInt64 = 0
    /// The SHA-256 of the digest before the last line and of that line.
    var digest = ""

    /// After one more line, its end included.
    fileprivate func after(_ line: [UInt8]) -> Mark {
      let digest = (Array(self.digest.utf8) + line).withUnsafeBytes { SHA256.hex(of: $0) }
      return Mark(length: length + UInt64(line.count), digest: digest)
    }
  }

  let path: String
  private let file: FileHandle
  /// Where each frame's newest line begins.
  private var places: [Int: UInt64] = [:]
  private var mark = Mark()
  /// Whether the folder has the file's name on the disk.
  private var isNameDurable: Bool

  /// Begins a new journal.
  init(path: String) throws {
    self.path = path
    isNameDurable = false
    file = try Self.opened(path, O_CREAT | O_TRUNC)
  }

  /// Takes up a journal as far as it was known: what comes behind is let go.
  ///
  /// - Throws: `DamagedRun` unless it holds what it held then.
  init(path: String, upTo known: Mark) throws {
    self.path = path
    isNameDurable = true
    guard FilePath.exists(path) else { throw DamagedRun(path: path) }
    file = try Self.opened(path, 0)
    var lines: [UInt64] = []
    while mark.length < known.length {
      guard let line = try bytes(at: mark.length) else { throw DamagedRun(path: path) }
      lines.append(mark.length)
      mark = mark.after(line + [UInt8(ascii: "\n")])
    }
    guard mark == known else { throw DamagedRun(path: path) }
    for start in lines { places[try line(at: start).frame] = start }
    try file.truncate(atOffset: known.length)
  }

  private static func opened(_ path: String, _ mode: Int32) throws(FileError) -> FileHandle {
    let descriptor = path.withFileName {
      open($0, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | mode, 0o644)
    }
    guard descriptor >= 0 else { throw FileError.unwritable(path: path, reason: systemError()) }
    return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  /// The frames that have been found, ascending.
  var frames: [Int] { places.keys.sorted() }

  /// A frame's newest masks.
  func entry(of frame: Int) throws -> TrackEntry? {
    try places[frame].map { try line(at: $0) }
  }

  /// A frame's newest line, as written.
  func text(of frame: Int) throws -> [UInt8]? {
    guard let place = places[frame] else { return nil }
    return try bytes(at: place)
  }

  /// Adds a frame's masks.
  func append(_ entry: TrackEntry) throws {
    var line = try TrackEntry.encoder.encode(entry)
    line.append(UInt8(ascii: "\n"))
    do {
      try file.seek(toOffset: mark.length)
      try file.write(contentsOf: line)
    } catch { throw FileError.unwritable(path: path, reason: (error as NSError).systemReason) }
    places[entry.frame] = mark.length
    mark = mark.after(Array(line))
  }

  /// Waits until all of it is on the disk, its name too.
  ///
  /// - Returns: What it holds: what is said of that in another file survives a loss of power.
  func synchronize() throws -> Mark {
    try Disk.synchronize(file.fileDescriptor, path: path)
    if !isNameDurable { try Disk.synchronizeFolder(of: path) }
    isNameDurable = true
    return mark
  }

  func close() throws { try file.close() }

  private func line(at place: UInt64) throws -> TrackEntry {
    guard let bytes = try bytes(at: place),
      let entry = try? TrackEntry.decoder.decode(TrackEntry.self, from: Data(bytes))
    else { throw DamagedRun(path: path) }
    return entry
  }

  /// The bytes up to the next end of line; nil where there is none.
  private func bytes(at place: UInt64) throws -> [UInt8]? {
    try file.seek(toOffset: place)
    var line: [UInt8] = []
    while let piece = try file.read(upToCount: 1 << 16), !piece.isEmpty {
      if let end = piece.firstIndex(of: UInt8(ascii: "\n")) { return line + piece[..<end] }
      line += piece
    }
    return nil
  }
}

extension NSError {
  /// The system's own words, where an error comes from it.
  fileprivate var systemReason: String {
    let cause = userInfo[NSUnderlyingErrorKey].flatMap { $0 as? any Error } as NSError? ?? self
    return cause.domain == NSPOSIXErrorDomain
      ? String(cString: strerror(Int32(cause.code))) : localizedDescription
  }
}
