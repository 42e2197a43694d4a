// A whole torch checkpoint: the zip's directory, libzip behind it, the pickle and the storages.
@testable import Checkpoints

private let limits = ReadingLimits()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = input(start, count)
  if let directory = try? ZipDirectory(bytes, limits: limits) { check(directory, count) }
  let path = inputFile(start, count)
  guard let checkpoint = try? Checkpoint.open(path: path, limits: limits) else { return 0 }
  for entry in checkpoint.entries {
    guard let bytes = try? checkpoint.bytes(of: entry.name) else { continue }
    require(bytes.count == entry.byteCount, "'\(entry.name)' has the bytes that its shape takes")
    require(bytes.withBytes { $0.reduce(0) { $0 &+ Int($1) } } >= 0, "'\(entry.name)' can be read")
  }
  return 0
}

/// Entries lie inside the file and share no byte.
private func check(_ directory: ZipDirectory, _ count: Int) {
  var end = 0
  for entry in directory.entries.sorted(by: { $0.headerOffset < $1.headerOffset }) {
    require(entry.headerOffset >= end && entry.dataOffset > entry.headerOffset, "entries share no byte")
    require(entry.dataEnd <= count, "'\(entry.name)' lies within the file")
    end = entry.dataEnd
  }
}
