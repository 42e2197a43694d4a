// The last decoded frames, up to a number of bytes: what makes going backwards cheap.

/// Frames by index, the longest held given up first.
struct FrameCache {
  /// A frame, the time its decoder gave it, and how many bytes it holds.
  private struct Entry {
    let index: Int
    let frame: DecodedFrame
    let time: Int64?
    let byteCount: Int
  }

  private let byteLimit: Int
  private var entries: [Entry] = []
  private var byteCount = 0

  init(byteLimit: Int) { self.byteLimit = byteLimit }

  /// The frame and its time, if it is held.
  func frame(at index: Int) -> (frame: DecodedFrame, time: Int64?)? {
    entries.last { $0.index == index }.map { ($0.frame, $0.time) }
  }

  /// Holds a frame; this one stays, however large.
  mutating func insert(_ frame: DecodedFrame, at index: Int, time: Int64?) {
    if let old = entries.firstIndex(where: { $0.index == index }) {
      byteCount -= entries.remove(at: old).byteCount
    }
    let entry = Entry(index: index, frame: frame, time: time, byteCount: frame.byteCount)
    entries.append(entry)
    byteCount += entry.byteCount
    while byteCount > byteLimit, entries.count > 1 { byteCount -= entries.removeFirst().byteCount }
  }

  /// Gives up all but the newest.
  mutating func keepLast(_ count: Int) {
    guard entries.count > count else { return }
    entries.removeFirst(entries.count - count)
    byteCount = entries.reduce(0) { $0 + $1.byteCount }
  }
}
