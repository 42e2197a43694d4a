// A video file as frames: random access over a demuxer and a decoder that only go forwards.

import Files
import Synchronization

/// The frames of a video file, decoded when they are asked for.
///
/// Where every packet tells its time, frames are found by seeking to the key frame before them. Where not (raw
/// streams, some AVI), they are counted from the start. Which frames there are doesn't depend on the order of
/// access; only what a decoder conceals may look different when it was come to from another key frame.
final class VideoFile: FrameSource {
  let path: String
  let width: Int
  let height: Int
  let frameNames: [String] = []
  let notes: [String]
  let frameRate: Double?
  private let reading: Mutex<VideoReading>

  /// 20 frames of 1080p; a group of pictures has up to 250.
  static let cacheBytes = 64 << 20

  /// Opens a file, reads all its packets' times and decodes its first frame.
  ///
  /// - Parameters:
  ///   - stream: Which of its videos, from 0; nil for the best, as decord takes it.
  ///   - range: What was asked for pictures of more than eight bits, which is not for videos.
  /// - Throws: `MediaError.file`, `.noVideoStream`, `.noSuchStream`, `.undecodableVideo`.
  init(
    path: String, stream: Int? = nil, range: SampleRange = .pillow, cacheBytes: Int = VideoFile.cacheBytes
  ) throws(MediaError) {
    let reading = try VideoReading(path: path, stream: stream, cacheBytes: cacheBytes)
    let ignored: String? = range == .pillow ? nil : "a video file, to whose samples --range does nothing"
    notes = [reading.choice, ignored].compactMap(\.self)
    self.path = path
    (width, height, frameRate) = (reading.width, reading.height, reading.frameRate)
    self.reading = Mutex(reading)
  }

  var count: Int? { reading.withLock { $0.count } }

  var damage: [VideoDamage] { reading.withLock { $0.damage } }

  func frame(at index: Int) throws(MediaError) -> VideoFrame? {
    try reading.withLock { reading throws(MediaError) in try reading.frame(at: index) }
  }
}

/// Where the reading of a video file stands: its decoder, the last frames, and what is known of the others.
private struct VideoReading: ~Copyable {
  let width: Int
  let height: Int
  let frameRate: Double?
  private var decoding: DecodingRun
  private var cache: FrameCache
  private let index: PacketIndex?
  private let timeUnit: Double
  /// The frame that was asked for last.
  private var latest = 0
  /// How many frames there are as far as is known.
  private(set) var count: Int?
  /// Frames of which a decoding from the start saw nothing.
  private var missing: Set<Int> = []
  private var concealed: Set<Int> = []
  private var earlyEnd: VideoDamage?
  private let isMirrored: Bool
  /// Which video was taken unasked, where there are several.
  let choice: String?
  private var firstTime: Int64?
  /// Of frames that are counted from the start.
  private var clock: FrameClock
  /// Frames of another size than the first, and what it is.
  private var resized: Set<Int> = []
  private var otherSize = (width: 0, height: 0)

  /// What is held for steps back and forth while going forwards.
  private static let framesBehind = 3

  init(path: String, stream: Int?, cacheBytes: Int) throws(MediaError) {
    let file: MappedFile
    do { file = try MappedFile(path: path) } catch { throw .file(error) }
    defer { withExtendedLifetime(file) {} }
    if let foreign = VideoFormats.foreign(file.bytes) { throw .noVideoStream(path: path, found: foreign) }
    try MovieTables.check(file.bytes, path: path)
    let scan = try PacketScan(path: path, stream: stream)
    var decoding = try DecodingRun(path: path, stream: stream, index: scan.index)
    // The first frame that can be had, wherever it stands, gives the size.
    guard let first = try decoding.nextFrame() else {
      throw .undecodableVideo(path: path, reason: "not one of its \(scan.packetCount) packets gives a frame")
    }
    (width, height) = first.frame.size
    (frameRate, timeUnit, index) = (scan.frameRate, scan.timeUnit, scan.index)
    count = scan.index?.times.count
    earlyEnd = scan.earlyEnd
    isMirrored = scan.isMirrored
    choice = scan.choice
    firstTime = scan.index?.times.first ?? first.time
    cache = FrameCache(byteLimit: cacheBytes)
    clock = FrameClock(step: scan.frameRate.map { 1 / ($0 * scan.timeUnit) } ?? 1)
    self.decoding = decoding
    note(first)
  }

  var damage: [VideoDamage] {
    var damage: [VideoDamage] = []
    if let earlyEnd { damage.append(earlyEnd) }
    if let first = missing.min() { damage.append(.replaced(first: first, count: missing.count)) }
    if let first = concealed.min() { damage.append(.concealed(first: first, count: concealed.count)) }
    if let first = resized.min() {
      damage.append(
        .resized(first: first, count: resized.count, width: otherSize.width, height: otherSize.height))
    }
    if let frame = clock.wentBack { damage.append(.timesGoBack(at: frame)) }
    if isMirrored { damage.append(.mirrored) }
    return damage
  }

  mutating func frame(at index: Int) throws(MediaError) -> VideoFrame? {
    guard index >= 0, index < count ?? .max else { return nil }
    // Only who goes backwards needs what was decoded on the way.
    let isForward = index >= latest
    latest = index
    defer { if isForward { cache.keepLast(Self.framesBehind) } }
    if let found = try decoded(at: index) { return videoFrame(found, at: index) }
    guard index < count ?? .max else { return nil }
    // The nearest frame before, else the nearest after, stands in.
    for other in (0..<index).reversed() where !missing.contains(other) {
      if let found = try decoded(at: other) { return videoFrame(found, at: index) }
    }
    var other = index + 1
    while other < count ?? .max {
      if let found = try decoded(at: other) { return videoFrame(found, at: index) }
      other += 1
    }
    return nil
  }

  private func videoFrame(_ found: (frame: DecodedFrame, time: Int64?), at index: Int) -> VideoFrame {
    let time = self.index?.times[index] ?? clock.time(of: index) ?? found.time
    let seconds = time.flatMap { time in firstTime.map { Double(time - $0) * timeUnit } }
    return VideoFrame(
      index: index, timestamp: seconds ?? frameRate.map { Double(index) / $0 }, width: width, height: height,
      content: .decoded(found.frame))
  }

  /// Frame `index` itself; nil where it is missing or the video has ended.
  private mutating func decoded(at index: Int) throws(MediaError) -> (frame: DecodedFrame, time: Int64?)? {
    if let held = cache.frame(at: index) { return held }
    if missing.contains(index) { return nil }
    try decoding.approach(index)
    if let found = try advance(to: index) { return found }
    if missing.contains(index) { return nil }
    if !decoding.isFromStart {
      try decoding.restart()
      if let found = try advance(to: index) { return found }
    }
    if decoding.last < index { end(after: decoding.last + 1) }
    return nil
  }

  /// Decodes on to frame `index`; nil where the decoder passes it by or comes to its end.
  private mutating func advance(to index: Int) throws(MediaError) -> (frame: DecodedFrame, time: Int64?)? {
    while decoding.last < index {
      guard let next = try decoding.nextFrame() else { return nil }
      note(next)
    }
    return cache.frame(at: index)
  }

  /// Remembers a decoded frame and, counting from the start, those that it shows to be missing.
  private mutating func note(_ next: DecodingRun.Output) {
    if decoding.isFromStart { missing.formUnion(next.passed) }
    if next.isDamaged { concealed.insert(next.index) }
    if next.frame.size != (width, height) {
      if resized.isEmpty { otherSize = next.frame.size }
      resized.insert(next.index)
    }
    if index == nil { clock.note(next.time, of: next.index) }
    cache.insert(next.frame, at: next.index, time: next.time)
  }

  /// The last frame has been decoded, and it is frame `frames` − 1.
  private mutating func end(after frames: Int) {
    if let expected = count, frames < expected {
      earlyEnd = .endedEarly(
        frames: frames, expected: max(expected, earlyEnd?.expectedFrames ?? 0),
        reason: decoding.failure ?? "its last packets give no frames")
    } else if count == nil, let reason = decoding.failure {
      earlyEnd = .endedEarly(frames: frames, expected: nil, reason: reason)
    }
    count = frames
  }
}

extension VideoDamage {
  fileprivate var expectedFrames: Int? {
    if case .endedEarly(_, let expected, _) = self { expected } else { nil }
  }
}

/// Times of frames that are counted, made to grow where those in the file go back.
struct FrameClock {
  /// What a frame lasts where nothing else is known, in units of the stream's time base.
  private let step: Int64
  private var times: [Int64?] = []
  private var offset: Int64 = 0
  private var latest: Int64?
  /// The first frame whose time is far before that of the frame before it.
  private(set) var wentBack: Int?

  init(step: Double) { self.step = Int64(exactly: step.rounded()).map { max(1, $0) } ?? 1 }

  /// Takes the time that the file has of a frame, the first time that it comes.
  mutating func note(_ time: Int64?, of frame: Int) {
    guard frame == times.count else { return }
    guard let time else { return times.append(nil) }
    var grown = time &+ offset
    if let latest, grown <= latest {
      if latest &- grown > step, wentBack == nil { wentBack = frame }
      offset = offset &+ (latest &- grown) &+ step
      grown = time &+ offset
    }
    latest = grown
    times.append(grown)
  }

  /// The time of a frame that was noted.
  func time(of frame: Int) -> Int64? { times.indices.contains(frame) ? times[frame] : nil }
}

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
