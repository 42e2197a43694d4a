import Taps
import Tensors

/// What several recordings of one run hold together.
struct TraceMerge {
  /// Every tap once, in the order of execution, with the first recording that has it.
  let taps: [(listed: ListedTap, run: RecordedRun)]

  /// - Throws: `TraceError.otherRun`, `TraceError.conflict`.
  init(_ runs: [RecordedRun]) throws {
    var taps: [(listed: ListedTap, run: RecordedRun)] = []
    var places: [String: Int] = [:]
    var calls: [Int: (call: CallID, file: String)] = [:]
    for run in runs {
      if let first = runs.first { try Self.check(run, isOfTheRunOf: first) }
      for listed in try run.listing() {
        let name = listed.tap.name
        if let sequence = listed.sequence, let call = listed.tap.call {
          if let other = calls[sequence], other.call != call {
            throw TraceError.conflict(
              file: run.path, name: "\(call)", expected: "a position of its own in the run",
              found: "\(sequence), which is that of \(other.call) in \(other.file)")
          }
          calls[sequence] = (call, run.path)
        }
        guard let place = places[name] else {
          places[name] = taps.count
          taps.append((listed, run))
          continue
        }
        try Self.check(listed, of: run, is: taps[place].listed, of: taps[place].run)
      }
    }
    self.taps = TapOrder.sorted(taps, name: \.listed.tap.name, sequence: \.listed.sequence)
  }

  private static func check(_ run: RecordedRun, isOfTheRunOf first: RecordedRun) throws {
    let differences = try TraceDifference.attributes(first, run)
    if let difference = differences.first {
      throw TraceError.otherRun(
        file: run.path, attribute: difference.attribute, expected: difference.first, found: difference.second)
    }
  }

  private static func check(
    _ listed: ListedTap, of run: RecordedRun, is known: ListedTap, of first: RecordedRun
  ) throws {
    func conflict(_ expected: String, _ found: String) -> TraceError {
      .conflict(
        file: run.path, name: listed.tap.name, expected: "\(expected) as in \(first.path)", found: found)
    }
    guard listed.sequence == known.sequence else {
      throw conflict("position \(known.sequence ?? -1) in the run", "\(listed.sequence ?? -1)")
    }
    guard listed.tap.place == known.tap.place else { throw conflict("the same frame and object", "others") }
    guard listed.tap.shape == known.tap.shape else {
      throw conflict("shape \(known.tap.shape)", "\(listed.tap.shape)")
    }
    if let difference = try TapDifference.between(known.tap, of: first, listed.tap, of: run) {
      throw conflict("the same elements", difference.account)
    }
  }
}
