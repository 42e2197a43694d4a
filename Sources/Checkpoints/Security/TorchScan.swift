import Files

/// Scans every member of a zip archive: those that are pickles are walked, whatever they are called.
struct TorchScan {
  let file: MappedFile
  let limits: ReadingLimits

  func scan(into report: inout SecurityReport) {
    do throws(ZipError) {
      let archive = try ZipArchive(file, limits: limits)
      for entry in archive.directory.entries { scan(entry, of: archive, into: &report) }
      report.checked.append("\(archive.directory.entries.count) members, each with its checksum")
    } catch {
      report.find("\(error)", in: "the zip archive")
      let members = ZipSalvage(file: file, limits: limits).members()
      for member in members { member.bytes.withBytes { scan((member.name, $0), into: &report) } }
      report.checked.append(
        "\(members.count) members, found by their local headers since the directory is refused")
      return
    }
    findRefusal(into: &report)
  }

  private func scan(_ entry: ZipEntry, of archive: ZipArchive, into report: inout SecurityReport) {
    do throws(ZipError) {
      try archive.bytes(of: entry).withBytes { scan((entry.name, $0), into: &report) }
    } catch {
      report.find("\(error)", in: entry.name)
      // A program that doesn't look at checksums reads the bytes all the same.
      if !entry.isDeflated,
        let bytes = ByteView(bytes: file.bytes).slice(at: entry.dataOffset, count: entry.size)
      {
        scan((entry.name, bytes), into: &report)
      }
    }
  }

  private func scan(
    _ member: (name: String, bytes: UnsafeRawBufferPointer), into report: inout SecurityReport
  ) {
    let view = ByteView(bytes: member.bytes)
    if member.name.contains("/code/") || member.name.hasPrefix("code/") {
      report.find(
        "\(view.count) bytes of TorchScript: a program that runs when the model is called", in: member.name)
    } else if view.has("PK\u{3}\u{4}", at: 0) {
      report.find("an archive within the archive, which is not looked into", in: member.name)
    }
    let run = PickleRun(view: view, place: member.name, limits: limits)
    if Self.isPickleName(member.name) {
      let (pickles, end) = run.stacked()
      for pickle in pickles { report.add(pickle) }
      if pickles.last?.stop.isComplete == true, end < view.count {
        report.find("\(view.count - end) bytes behind STOP", in: member.name)
        for pickle in run.hidden(in: end..<view.count) { report.add(pickle) }
      }
    } else {
      // Numbers of a tensor may begin like a pickle by chance: the first byte of one in 256 is INST. They are not walked to a
      // STOP then, nor do they name what they call.
      let scan = PickleWalk.scan(view, place: member.name, limits: limits)
      let isPickle = scan.stop.isComplete && (scan.protocolVersion != nil || !scan.globals.isEmpty)
      let calls = scan.globals.contains { global in
        global.verdict == .forbidden && global.calls > 0 && (scan.protocolVersion != nil || global.isIdentifier)
      }
      guard isPickle || calls else { return }
      report.add(scan)
    }
  }

  /// What programs unpickle by its name.
  private static func isPickleName(_ name: String) -> Bool {
    let name = name.lowercased()
    return [".pkl", ".pickle", ".pck", ".p", ".pt", ".pth", ".dat", ".joblib"].contains { name.hasSuffix($0) }
  }

  /// What the reader refuses the file for, where that is a danger and not only a lack of weights.
  private func findRefusal(into report: inout SecurityReport) {
    do throws(CheckpointError) {
      _ = try Checkpoint.open(path: file.path, limits: limits, foreign: .refused)
      report.checked.append("every tensor lies within its storage")
    } catch {
      switch error {
      case .pickle(_, .forbiddenGlobal), .pickle(_, .refusedOpcode), .pickle(_, .trailingData),
        .pickle(_, .unsupportedElementType), .torch(_, .noStateDict), .torch(_, .notATensor), .zip:
        // Found already, or harmless.
        break
      case .pickle(_, let reason): report.find("\(reason)", in: "data.pkl")
      case .torch(_, let reason): report.find("\(reason)", in: "the archive")
      default: report.find("\(error)", in: "the archive")
      }
    }
  }
}

/// Scans what PyTorch wrote before 1.6, and bare pickles: pickles one after another, then the storages' bytes.
/// Source: torch/serialization.py, _legacy_save and _legacy_load; the tar layout of PyTorch 0.1.
struct LegacyScan {
  let view: ByteView
  let limits: ReadingLimits

  func scanPickles(into report: inout SecurityReport) { scan(view, "the file", into: &report) }

  /// Members of a tar archive: 512 bytes that say name and size, then the content, padded to 512.
  /// Source: POSIX.1-1988, ustar.
  func scanTar(into report: inout SecurityReport) {
    var offset = 0
    var count = 0
    while let header = view.slice(at: offset, count: 512), header.contains(where: { $0 != 0 }) {
      let name = String(decoding: header[..<100].prefix { $0 != 0 }, as: UTF8.self)
      let digits = header[124..<136].filter { 0x30...0x37 ~= $0 }
      guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 8),
        let content = view.slice(at: offset + 512, count: size)
      else {
        report.find("a size that goes beyond the end of the file, from '\(name)' on", in: "the tar archive")
        let run = PickleRun(view: view, place: "the tar archive", limits: limits)
        for pickle in run.hidden(in: offset..<view.count) { report.add(pickle) }
        break
      }
      count += 1
      if size > 0 { scan(ByteView(bytes: content), name, into: &report) }
      offset += 512 + (size + 511) / 512 * 512
    }
    report.checked.append("\(count) members of the tar archive")
  }

  /// Pickles from the beginning on, and any that hide in the storages behind them.
  private func scan(_ view: ByteView, _ place: String, into report: inout SecurityReport) {
    let run = PickleRun(view: view, place: place, limits: limits)
    let (pickles, end) = run.stacked()
    for pickle in pickles { report.add(pickle) }
    guard end < view.count else { return }
    report.checked.append("\(place): \(view.count - end) bytes behind the pickles, searched for further ones")
    for pickle in run.hidden(in: end..<view.count) where pickle.hasForbiddenGlobal { report.add(pickle) }
  }
}

/// What can be had of a zip archive whose directory is refused: whatever stands behind a local header, since other readers
/// may be less strict.
struct ZipSalvage {
  let file: MappedFile
  let limits: ReadingLimits

  /// What stands behind one local header, inflated where it has to be and the limits allow.
  struct Member {
    let name: String
    let bytes: TensorBytes
  }

  /// Every member, in the order of the file.
  func members() -> [Member] {
    defer { withExtendedLifetime(file) {} }
    let view = ByteView(bytes: file.bytes)
    let records = Self.records(view, limit: 4 * limits.zipEntries)
    var members: [Member] = []
    for (index, record) in records.enumerated() where record.isLocal {
      guard let method: UInt16 = view.integer(at: record.offset + 8),
        let size: UInt32 = view.integer(at: record.offset + 18),
        let nameLength: UInt16 = view.integer(at: record.offset + 26),
        let extraLength: UInt16 = view.integer(at: record.offset + 28),
        let name = view.slice(at: record.offset + 30, count: Int(nameLength))
      else { continue }
      let start = record.offset + 30 + Int(nameLength) + Int(extraLength)
      // The size may be missing or a lie; then the member goes on to the next record, or the end.
      let isDeclared = size > 0 && size < .max && start <= view.count && Int(size) <= view.count - start
      let next = records[(index + 1)...].first { $0.offset >= start }?.offset ?? view.count
      guard let part = view.slice(at: start, count: isDeclared ? Int(size) : next - start),
        let bytes = method == 8 ? inflated(part) : TensorBytes(part, owner: file)
      else { continue }
      members.append(Member(name: String(decoding: name, as: UTF8.self), bytes: bytes))
    }
    return members
  }

  private func inflated(_ part: UnsafeRawBufferPointer) -> TensorBytes? {
    let block = ByteBlock(count: min(limits.inflatedBytes, limits.inflated(from: part.count)))
    return Inflation.inflate(part, into: block.bytes).map { TensorBytes(block).part(at: 0, count: $0) }
  }

  /// Where records begin: local headers, and what may follow a member's bytes.
  private static func records(_ view: ByteView, limit: Int) -> [(offset: Int, isLocal: Bool)] {
    var records: [(Int, Bool)] = []
    var next = view.nextOffset(of: [0x50, 0x4b], from: 0)
    while let offset = next, records.count < limit {
      switch view.integer(UInt16.self, at: offset + 2) {
      case 0x0403: records.append((offset, true))
      case 0x0201, 0x0807, 0x0605: records.append((offset, false))
      default: break
      }
      next = view.nextOffset(of: [0x50, 0x4b], from: offset + 2)
    }
    return records
  }
}
