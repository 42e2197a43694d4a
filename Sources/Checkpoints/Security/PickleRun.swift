/// Pickles that stand one after another, as in files from before PyTorch 1.6, and pickles hidden among other bytes.
struct PickleRun {
  let view: ByteView
  let place: String
  let limits: ReadingLimits

  /// Walks a pickle from `start` on and every further one that begins where the last ends, at most `limit` of them.
  ///
  /// - Returns: The pickles, and where what follows them begins.
  func stacked(from start: Int = 0, atMost limit: Int = 64) -> (pickles: [PickleScan], end: Int) {
    var pickles: [PickleScan] = []
    var end = start
    while pickles.count < limit, end < view.count, pickles.isEmpty || beginsPickle(at: end) {
      let scan = PickleWalk.scan(view, from: end, place: place, limits: limits)
      pickles.append(scan)
      end += scan.stop.offset
      if !scan.stop.isComplete { break }
    }
    return (pickles, end)
  }

  /// Pickles of protocol 1 and later that name a global, wherever in `range` they begin.
  ///
  /// A walk that begins in the middle of other data soon meets a byte that is no opcode; a file made to prolong the search
  /// gets no more than a fixed number of instructions for each of its bytes.
  func hidden(in range: Range<Int>) -> [PickleScan] {
    var found: [PickleScan] = []
    var budget = 1 << 20 + 16 * range.count
    var offset = range.lowerBound
    while budget > 0,
      let next = view.bytes[offset..<range.upperBound].firstIndex(of: PickleOpcode.proto.rawValue)
    {
      offset = next + 1
      guard beginsPickle(at: next) else { continue }
      let scan = PickleWalk.scan(view, from: next, instructions: budget, place: place, limits: limits)
      budget -= scan.instructionCount
      guard scan.stop.isComplete, !scan.globals.isEmpty else { continue }
      found.append(scan)
      offset = next + scan.stop.offset
      if found.count == Self.keptHidden { break }
    }
    return found
  }

  private static let keptHidden = 16

  /// Whether `PROTO 1` to `PROTO 5` stands there.
  private func beginsPickle(at offset: Int) -> Bool {
    guard view.integer(UInt8.self, at: offset) == PickleOpcode.proto.rawValue,
      let version: UInt8 = view.integer(at: offset + 1)
    else { return false }
    return 1...5 ~= version
  }
}
