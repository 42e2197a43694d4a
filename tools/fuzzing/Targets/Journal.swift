// What an interrupted run left: a journal is taken up where its digest is the one that is known, and refused where it isn't;
// a line's masks are those that are written of it again.
import Files
import Foundation
import Masks
@testable import Pipelines

private let name = "/dev/shm/sam2kit-fuzz-\(getpid())"

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(input(start, count))
  defer { for suffix in ["journal", "written", "sealed"] { unlink("\(name).\(suffix)") } }
  do {
    try FileHandle.write(bytes, to: "\(name).journal")
    try checkJournal(bytes)
    try checkSeal(bytes)
  } catch {
    require(false, "files are written and read: \(error)")
  }
  return 0
}

private func checkJournal(_ bytes: [UInt8]) throws {
  let known = try mark(of: bytes)
  let other = try mark(length: known.length, digest: String(repeating: "0", count: 64))
  let opened = try? TrackJournal(path: "\(name).journal", upTo: other)
  require(opened == nil || known.length == 0 && other == TrackJournal.Mark(), "another digest is refused")
  try FileHandle.write(bytes, to: "\(name).journal")
  let journal: TrackJournal
  do {
    journal = try TrackJournal(path: "\(name).journal", upTo: known)
  } catch {
    require(error is DamagedRun, "a refusal says what: \(error)")
    return
  }
  let written = try TrackJournal(path: "\(name).written")
  for frame in journal.frames {
    guard let entry = try journal.entry(of: frame) else { fatalError("invariant: frame \(frame) has a line") }
    require(entry.frame == frame, "a frame's line is its own")
    try written.append(entry)
    check(entry)
  }
  let again = try TrackJournal(path: "\(name).written", upTo: written.synchronize())
  require(again.frames == journal.frames, "writing and reading keeps the frames")
  for frame in again.frames {
    let (text, first) = (try again.text(of: frame), try journal.entry(of: frame))
    require(try first.map { Array(try TrackEntry.encoder.encode($0)) } == text, "writing and reading keeps frame \(frame)")
  }
  for journal in [journal, again, written] { try journal.close() }
}

/// As the run that wrote these lines would have known them.
private func mark(of bytes: [UInt8]) throws -> TrackJournal.Mark {
  var (digest, end) = ("", 0)
  while let newline = bytes[end...].firstIndex(of: 0x0A) {
    digest = (Array(digest.utf8) + bytes[end...newline]).withUnsafeBytes { SHA256.hex(of: $0) }
    end = newline + 1
  }
  return try mark(length: UInt64(end), digest: digest)
}

private func mark(length: UInt64, digest: String) throws -> TrackJournal.Mark {
  TrackJournal.Mark(length: length, digest: digest)
}

/// A mask has as many pixels as its runs say.
private func check(_ entry: TrackEntry) {
  guard
    entry.objects.allSatisfy({ object in
      object.mask.segmentation.width * object.mask.segmentation.height <= 1 << 16
    })
  else { return }
  for (object, mask) in zip(entry.objects, entry.masks()) {
    require(mask.mask.area == object.mask.segmentation.area, "pixels are those of the runs")
  }
}

/// What is sealed is read; the input itself only where its first line is the digest of the rest.
private func checkSeal(_ bytes: [UInt8]) throws {
  let path = "\(name).sealed"
  try FileHandle.write(bytes, to: path)
  if let content = try SealedFile.read(path) {
    let digest = content.withUnsafeBytes { SHA256.hex(of: $0) }
    require(Array("\(digest)\n".utf8) + content == bytes, "what is read is what was sealed")
  }
  try SealedFile.write(bytes, to: path)
  require(try SealedFile.read(path) == bytes, "what is sealed is read")
}

extension FileHandle {
  /// Makes a file of bytes.
  fileprivate static func write(_ bytes: [UInt8], to path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }
}
