// One decoder going forwards through a file, from its start or from a key frame.

/// Decodes frames one after another and knows which they are.
struct DecodingRun: ~Copyable {
  private let path: String
  private let stream: Int?
  private let index: PacketIndex?
  private var container: MediaContainer
  private let orientation: FrameOrientation
  /// Frames before this one, shown before the key frame begun at, can't be decoded properly.
  private var floor = 0
  private var awaitsKey = false
  private var hasEnded = false
  /// Whether every frame up to `last` had its chance since the start of the file.
  private(set) var isFromStart = true
  /// The frame that was decoded last; −1 at the start.
  private(set) var last = -1
  /// The first reason for a lost frame.
  private(set) var failure: String?

  /// A decoded frame, and which were passed by since the one before.
  struct Output {
    let frame: DecodedFrame
    let index: Int
    let time: Int64?
    let passed: Range<Int>
    let isDamaged: Bool
  }

  /// Opens a file for decoding from its start.
  ///
  /// - Throws: `MediaError.undecodableVideo`, `.noVideoStream`.
  init(path: String, stream: Int?, index: PacketIndex?) throws(MediaError) {
    self.path = path
    self.stream = stream
    self.index = index
    container = try MediaContainer(path: path, stream: stream)
    orientation = container.orientation
  }

  /// Makes ready for decoding frame `target`: goes on where that is shortest, else seeks.
  mutating func approach(_ target: Int) throws(MediaError) {
    guard let key = index?.key(before: target) else {
      if target <= last { try restart() }
      return
    }
    if last < target && key.firstFrame <= last + 1 { return }
    guard container.seek(to: key.decoding) else { return try restart() }
    hasEnded = false
    isFromStart = false
    awaitsKey = true
    floor = key.firstFrame
    last = floor - 1
  }

  /// Begins again at the start of the file.
  mutating func restart() throws(MediaError) {
    container = try MediaContainer(path: path, stream: stream)
    (floor, last) = (0, -1)
    (awaitsKey, hasEnded, isFromStart) = (false, false, true)
  }

  /// The next frame in presentation order; nil at the end.
  mutating func nextFrame() throws(MediaError) -> Output? {
    while true {
      switch container.takeFrame(orientation: orientation) {
      case .frame(let frame, let time, let isDamaged):
        guard let place = place(of: time), place > last else { continue }
        defer { last = place }
        return Output(
          frame: frame, index: place, time: time, passed: last + 1..<place, isDamaged: isDamaged)
      case .failure: failure = failure ?? "a frame can't be decoded"
      case nil:
        if hasEnded { return nil }
        try feed()
      }
    }
  }

  /// Which frame is shown at a time; nil for none of this run's.
  private func place(of time: Int64?) -> Int? {
    guard let index else { return last + 1 }
    return time.flatMap { index.frame(at: $0) }.flatMap { $0 >= floor ? $0 : nil }
  }

  /// Gives the decoder one packet, or word of the end.
  private mutating func feed() throws(MediaError) {
    let packet: PacketTimes
    do {
      packet = try container.readPacket()
    } catch {
      hasEnded = true
      failure = failure ?? error.reason
      _ = container.decode(flush: true)
      return
    }
    if awaitsKey {
      guard packet.isKey else { return }
      let place = packet.presentation.flatMap { time in index.map { PacketIndex.place(of: time, in: $0.times) }
      }
      // Beyond the key frame that was asked for: this format's seeking is not to be trusted.
      guard let place, place <= floor else { return try restart() }
      awaitsKey = false
    }
    if !container.decode() { failure = failure ?? "a packet can't be decoded" }
  }
}
