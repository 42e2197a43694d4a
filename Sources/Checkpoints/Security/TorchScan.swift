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
      _ = try Checkpoint.open(path: file.path, limits: limits)
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
