// A torch checkpoint from before 1.6: stacked pickles, or a tar archive of them, and the storages behind.
@testable import Checkpoints

private let limits = {
  var limits = ReadingLimits()
  // So that no input takes long because it may.
  limits.pickleExpansion = 1 << 14
  return limits
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let view = ByteView(bytes: input(start, count))
  guard StackedPickles.begin(view) || TarArchive.begins(view) else { return 0 }
  if let archive = try? TarArchive(view, limits: limits) {
    for member in archive.members {
      require(0 <= member.range.lowerBound && member.range.upperBound <= count, "a member lies within the file")
    }
  }
  let path = inputFile(start, count)
  guard let checkpoint = try? Checkpoint.open(path: path, limits: limits) else { return 0 }
  for (index, entry) in checkpoint.entries.enumerated() {
    if let place = checkpoint.contents.place(at: index) {
      require(0 <= place.lowerBound && place.upperBound <= count, "'\(entry.name)' lies within the file")
    }
    guard let bytes = try? checkpoint.bytes(of: entry.name) else { continue }
    require(bytes.count == entry.byteCount, "'\(entry.name)' has the bytes that its shape takes")
    require(bytes.withBytes { $0.reduce(0) { $0 &+ Int($1) } } >= 0, "'\(entry.name)' can be read")
  }
  // What is named and not run is flagged by the scan.
  guard let report = try? SecurityScan.report(path: path, limits: limits) else { return 0 }
  require(
    checkpoint.selection.foreign.isEmpty || !report.isSafe, "the scan flags a file that names \(checkpoint.selection.foreign)")
  return 0
}
