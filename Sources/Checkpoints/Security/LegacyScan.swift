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
