import Checkpoints
import Files

extension SecurityReport {
  /// The report for people.
  var text: [String] {
    var lines = ["\(file): \(format), \(byteCount.bytes)"]
    lines += checked.map { "checked: \($0)" }
    for pickle in pickles { lines += [""] + pickle.lines }
    lines.append("")
    if isSafe {
      lines.append("verdict: safe. \(pickles.isEmpty ? "Nothing to unpickle" : "All is on the allow-list")")
    } else {
      lines.append("verdict: NOT safe, \(findings.count == 1 ? "1 finding" : "\(findings.count) findings")")
      lines += findings.map { "  \($0.place): \($0.reason)" }
    }
    return lines.map(\.shownWords)
  }
}

extension PickleScan {
  fileprivate var lines: [String] {
    let version = protocolVersion.map { "protocol \($0)" } ?? "no protocol"
    let rows = globals.map { global in
      [
        "  " + global.name, global.verdict.rawValue, "\(global.count)", "\(global.calls)",
        global.offsets.map(String.init).joined(separator: ", ")
          + (global.count > global.offsets.count ? ", …" : ""),
      ]
    }
    let words = opcodes.map { "\($0.isAllowed ? "" : "!")\($0.name) \($0.count)" }
    return ["\(place)\(start > 0 ? " from byte \(start)" : ""): a pickle, \(version), walked to \(stop)"]
      + (rows.isEmpty
        ? ["  no global"] : TextTable.aligned([["  global", "verdict", "named", "called", "at byte"]] + rows))
      + ["  \(instructionCount) opcodes: \(words.joined(separator: ", "))"]
  }
}
