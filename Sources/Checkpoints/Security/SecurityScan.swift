import Files

/// A scanner's job: says what a file would run or import if a program unpickled it, without doing so.
///
/// Unlike the readers, which refuse a file at the first thing that is wrong, a scan goes on and lists them all.
public enum SecurityScan {
  /// Scans the file at `path`, or a model in several files by its folder or index.
  ///
  /// - Throws: `CheckpointError.file` where there is no such file. Anything odd about its content is a finding.
  public static func report(
    path: String, limits: ReadingLimits = ReadingLimits()
  ) throws(CheckpointError) -> SecurityReport {
    let path = try ModelFolder.weights(at: path)
    let file = try filing { () throws(FileError) in try MappedFile(path: path) }
    if withExtendedLifetime(file, { ShardIndex.begins(ByteView(bytes: file.bytes)) }),
      let index = try? ShardIndex(file)
    {
      return try report(of: index, file, limits)
    }
    return report(of: file, limits)
  }

  /// One file, whatever it is.
  private static func report(of file: MappedFile, _ limits: ReadingLimits) -> SecurityReport {
    defer { withExtendedLifetime(file) {} }
    let (view, path) = (ByteView(bytes: file.bytes), file.path)
    let format = format(of: view)
    var report = SecurityReport(file: path, format: format.rawValue, byteCount: view.count)
    func addHidden() {
      let run = PickleRun(view: view, place: "the file", limits: limits)
      for pickle in run.hidden(in: 0..<view.count) { report.add(pickle) }
    }
    switch format {
    case .zip: TorchScan(file: file, limits: limits).scan(into: &report)
    case .tar: LegacyScan(view: view, limits: limits).scanTar(into: &report)
    case .pickle: LegacyScan(view: view, limits: limits).scanPickles(into: &report)
    case .hdf5:
      DataScan(file: file, limits: limits).scanHDF5(into: &report)
      if let block = FileKind.userBlock(of: view), view.integer(UInt64.self, at: 0) != FileKind.hdf5Signature {
        report.checked.append("\(block) bytes before the HDF5 file, and all of it, searched for pickles")
        addHidden()
      }
    case .safetensors: DataScan(file: file, limits: limits).scanSafetensors(into: &report)
    case .gguf: DataScan(file: file, limits: limits).scanGGUF(into: &report)
    case .unknown:
      report.find("content of no format that a scan knows", in: "the file")
      addHidden()
    }
    if format != .pickle { findPolyglot(view, limits, &report) }
    return report
  }

  /// The files of an index, each as if it were alone.
  private static func report(
    of index: ShardIndex, _ file: MappedFile, _ limits: ReadingLimits
  ) throws(CheckpointError) -> SecurityReport {
    var whole = SecurityReport(
      file: file.path, format: "the index of a model in \(index.files.count) files", byteCount: file.bytes.count
    )
    for name in index.files {
      let part = try filing { () throws(FileError) in
        report(of: try MappedFile(path: index.path(of: name)), limits)
      }
      whole.pickles += part.pickles
      whole.checked += part.checked.map { "\(name): \($0)" }
      for finding in part.findings { whole.find(finding.reason, in: "\(name): \(finding.place)") }
    }
    return whole
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
    if TarArchive.begins(view) { return .tar }
    if view.integer(UInt64.self, at: 0) == FileKind.hdf5Signature { return .hdf5 }
    if view.has("GGUF", at: 0) { return .gguf }
    if view.integer(UInt8.self, at: 8) == 0x7b { return .safetensors }
    var offset = 0
    // A file that begins with something else and is HDF5 from a later byte on, unless that something is a pickle.
    let other = FileKind.userBlock(of: view) == nil ? Format.unknown : .hdf5
    guard case .success(let first) = PickleInstruction.read(view, at: &offset) else { return other }
    if first.opcode == PickleOpcode.proto.rawValue { return .pickle }
    // Protocol 0 has no mark of its own: it is a pickle if it can be walked to its end.
    let scan = PickleWalk.scan(view, instructions: 1 << 20, place: "", limits: ReadingLimits())
    return scan.stop.isComplete || scan.instructionCount > 16 || !scan.globals.isEmpty ? .pickle : other
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

/// What in a file could run, and what was checked to say so. Made without carrying out anything of the file.
public struct SecurityReport: Sendable, Equatable, Encodable {
  /// Something off the allow-list, or something that keeps the scan from vouching for the file.
  public struct Finding: Sendable, Equatable, Encodable {
    /// The member of the file, or the part of it.
    public let place: String
    /// What is wrong with it.
    public let reason: String
  }

  /// The file that was scanned.
  public let file: String
  /// What it is, in words.
  public let format: String
  /// Bytes of the file.
  public let byteCount: Int
  /// Every pickle in it.
  public internal(set) var pickles: [PickleScan] = []
  /// What was looked at, in words.
  public internal(set) var checked: [String] = []
  /// Everything that is wrong. Empty for a file that is safe.
  public internal(set) var findings: [Finding] = []

  /// Whether all that the file would have used is on the allow-list and nothing of it is unknown.
  public var isSafe: Bool { findings.isEmpty }

  init(file: String, format: String, byteCount: Int) {
    self.file = file
    self.format = format
    self.byteCount = byteCount
  }

  mutating func find(_ reason: String, in place: String) {
    let finding = Finding(place: place, reason: reason)
    if !findings.contains(finding) { findings.append(finding) }
  }

  /// Adds a pickle and what is wrong with it.
  mutating func add(_ pickle: PickleScan) {
    pickles.append(pickle)
    let place = pickle.start == 0 ? pickle.place : "\(pickle.place) from byte \(pickle.start)"
    for global in pickle.globals where global.verdict == .forbidden {
      let calls = ["named, not called", "called once"]
      let word = global.calls < calls.count ? calls[global.calls] : "called \(global.calls) times"
      find("the global \(global.name) at byte \(global.offsets.first ?? 0), \(word)", in: place)
    }
    for opcode in pickle.opcodes where !opcode.isAllowed {
      let times = opcode.count == 1 ? "once, at" : "\(opcode.count) times, first at"
      find("the opcode \(opcode.name), \(times) byte \(opcode.firstOffset)", in: place)
    }
    if !pickle.stop.isComplete { find("a pickle that could be walked only up to \(pickle.stop)", in: place) }
    if pickle.isBeyondLimits { find("a pickle with more values than the limits allow", in: place) }
  }

  /// Writes the verdict beside the stored properties.
  public func encode(to encoder: any Encoder) throws {
    enum Key: String, CodingKey { case file, format, bytes, isSafe, findings, pickles, checked }
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(file, forKey: .file)
    try container.encode(format, forKey: .format)
    try container.encode(byteCount, forKey: .bytes)
    try container.encode(isSafe, forKey: .isSafe)
    try container.encode(findings, forKey: .findings)
    try container.encode(pickles, forKey: .pickles)
    try container.encode(checked, forKey: .checked)
  }
}
