import Files

/// A scanner's job: says what a file would run or import if a program unpickled it, without doing so.
///
/// Unlike the readers, which refuse a file at the first thing that is wrong, a scan goes on and lists them all.
public enum SecurityScan {
  /// Scans the file at `path`.
  ///
  /// - Throws: `CheckpointError.file` where there is no such file. Anything odd about its content is a finding.
  public static func report(
    path: String, limits: ReadingLimits = ReadingLimits()
  ) throws(CheckpointError) -> SecurityReport {
    let file = try filing { () throws(FileError) in try MappedFile(path: path) }
    defer { withExtendedLifetime(file) {} }
    let view = ByteView(bytes: file.bytes)
    var report = SecurityReport(file: path, format: format(of: view).rawValue, byteCount: view.count)
    switch format(of: view) {
    case .zip: TorchScan(file: file, limits: limits).scan(into: &report)
    case .tar: LegacyScan(view: view, limits: limits).scanTar(into: &report)
    case .pickle: LegacyScan(view: view, limits: limits).scanPickles(into: &report)
    case .hdf5: DataScan(file: file, limits: limits).scanHDF5(into: &report)
    case .safetensors: DataScan(file: file, limits: limits).scanSafetensors(into: &report)
    case .gguf: DataScan(file: file, limits: limits).scanGGUF(into: &report)
    case .unknown:
      report.find("content of no format that a scan knows", in: "the file")
      let run = PickleRun(view: view, place: "the file", limits: limits)
      for pickle in run.hidden(in: 0..<view.count) { report.add(pickle) }
    }
    if format(of: view) != .pickle { findPolyglot(view, limits, &report) }
    return report
  }

  /// A file of another format that `pickle.load` would take for a pickle.
  private static func findPolyglot(_ view: ByteView, _ limits: ReadingLimits, _ report: inout SecurityReport) {
    let scan = PickleWalk.scan(
      view, instructions: 1 << 20, place: "the whole file, read as a pickle", limits: limits)
    guard scan.hasForbiddenGlobal, scan.stop.isComplete || scan.globals.contains(where: { $0.calls > 0 }) else {
      return
    }
    report.add(scan)
  }

  private enum Format: String {
    case zip = "a zip archive, as torch.save writes it"
    case tar = "a tar archive, as PyTorch wrote it before 0.1.10"
    case pickle = "pickles, as PyTorch wrote them before 1.6"
    case hdf5 = "HDF5"
    case safetensors
    case gguf = "GGUF"
    case unknown = "unknown"
  }

  private static func format(of view: ByteView) -> Format {
    // A zip is found by its end, too: what stands before it doesn't keep a reader from loading it.
    let hasDirectory = view.lastOffset(of: [0x50, 0x4b, 5, 6], within: 22 + Int(UInt16.max)) != nil
    if view.has("PK\u{3}\u{4}", at: 0) || hasDirectory { return .zip }
    if view.has("ustar", at: 257) { return .tar }
    if view.integer(UInt64.self, at: 0) == 0x0a1a_0a0d_4644_4889 { return .hdf5 }
    if view.has("GGUF", at: 0) { return .gguf }
    if view.integer(UInt8.self, at: 8) == 0x7b { return .safetensors }
    var offset = 0
    guard case .success(let first) = PickleInstruction.read(view, at: &offset) else { return .unknown }
    if first.opcode == PickleOpcode.proto.rawValue { return .pickle }
    // Protocol 0 has no mark of its own: it is a pickle if it can be walked to its end.
    let scan = PickleWalk.scan(view, instructions: 1 << 20, place: "", limits: ReadingLimits())
    return scan.stop.isComplete || scan.instructionCount > 16 || !scan.globals.isEmpty ? .pickle : .unknown
  }
}

extension ByteView {
  /// Where the last `pattern` begins among the last `count` bytes.
  func lastOffset(of pattern: [UInt8], within count: Int) -> Int? {
    let last = self.count - pattern.count
    guard last >= 0 else { return nil }
    return stride(from: last, through: max(0, last - count), by: -1).first {
      slice(at: $0, count: pattern.count)?.elementsEqual(pattern) == true
    }
  }

  /// Where the next `pattern` begins, from `start` on.
  func nextOffset(of pattern: [UInt8], from start: Int) -> Int? {
    var offset = start
    while offset < count, let found = bytes[offset...].firstIndex(of: pattern[0]) {
      if slice(at: found, count: pattern.count)?.elementsEqual(pattern) == true { return found }
      offset = found + 1
    }
    return nil
  }
}
