import Files
import Foundation

/// Frames' masks on disk as they are found, one JSON line each; the newest line of a frame counts.
///
/// What a run has found outlives it here, and memory holds one number per frame.
final class TrackJournal {
  let path: String
  private let file: FileHandle
  /// Where each frame's newest line begins.
  private var places: [Int: UInt64] = [:]
  private var length: UInt64 = 0
  /// Whether the folder has the file's name on the disk.
  private var isNameDurable: Bool

  /// Takes up the first `length` bytes of a journal, or begins a new one.
  init(path: String, length: UInt64 = 0) throws {
    self.path = path
    isNameDurable = length > 0
    let mode = O_RDWR | O_CREAT | O_CLOEXEC | (length == 0 ? O_TRUNC : 0)
    let descriptor = path.withFileName { open($0, mode, 0o644) }
    guard descriptor >= 0 else {
      throw FileError.unwritable(path: path, reason: systemError())
    }
    file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    guard length > 0 else { return }
    guard try file.seekToEnd() >= length else {
      throw FileError.unreadable(path: path, reason: "expected \(length) bytes at least, found fewer")
    }
    try file.truncate(atOffset: length)
    while self.length < length {
      let start = self.length
      let (entry, end) = try line(at: start)
      places[entry.frame] = start
      self.length = end
    }
  }

  /// The frames that have been found, ascending.
  var frames: [Int] { places.keys.sorted() }

  /// A frame's newest masks.
  func entry(of frame: Int) throws -> TrackEntry? {
    try places[frame].map { try line(at: $0).entry }
  }

  /// A frame's newest line, as written.
  func text(of frame: Int) throws -> [UInt8]? {
    guard let place = places[frame] else { return nil }
    return try bytes(at: place)
  }

  /// Adds a frame's masks.
  func append(_ entry: TrackEntry) throws {
    var line = try TrackReport.encoder.encode(entry)
    line.append(UInt8(ascii: "\n"))
    do {
      try file.seek(toOffset: length)
      try file.write(contentsOf: line)
    } catch { throw FileError.unwritable(path: path, reason: (error as NSError).systemReason) }
    places[entry.frame] = length
    length += UInt64(line.count)
  }

  /// Waits until all of it is on the disk, its name too.
  ///
  /// - Returns: How many bytes that are: what may be said of them in another file survives a loss of power.
  func synchronize() throws -> UInt64 {
    try Disk.synchronize(file.fileDescriptor, path: path)
    if !isNameDurable { try Disk.synchronizeFolder(of: path) }
    isNameDurable = true
    return length
  }

  func close() throws { try file.close() }

  private func line(at place: UInt64) throws -> (entry: TrackEntry, end: UInt64) {
    let bytes = try bytes(at: place)
    do {
      let entry = try TrackReport.decoder.decode(TrackEntry.self, from: Data(bytes))
      return (entry, place + UInt64(bytes.count) + 1)
    } catch {
      throw FileError.unreadable(path: path, reason: "expected a frame's masks at byte \(place): \(error)")
    }
  }

  /// The bytes up to the next end of line.
  private func bytes(at place: UInt64) throws -> [UInt8] {
    try file.seek(toOffset: place)
    var line: [UInt8] = []
    while let piece = try file.read(upToCount: 1 << 16), !piece.isEmpty {
      if let end = piece.firstIndex(of: UInt8(ascii: "\n")) { return line + piece[..<end] }
      line += piece
    }
    throw FileError.unreadable(path: path, reason: "expected an end of line after byte \(place), found none")
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
