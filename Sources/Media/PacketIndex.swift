// When a video's frames are shown and where decoding can begin, from one pass over its packets before any is decoded.

internal import CFFmpeg

/// Frames in presentation order, where the packets tell: every packet that is shown has a time of its own.
struct PacketIndex {
  /// The presentation time of every frame, ascending, in units of the stream's time base.
  let times: [Int64]
  /// Where decoding can begin, in presentation order.
  let keys: [Key]

  /// A packet that needs none before it.
  struct Key: Equatable {
    /// When it is shown.
    let presentation: Int64
    /// Where it stands in the file.
    let decoding: Int64
    /// The first frame not shown before it.
    let firstFrame: Int
  }

  /// The index of a stream's packets; nil where times are missing, not distinct, or begin again, as where files were joined.
  init?(_ packets: [PacketTimes]) {
    var times: [Int64] = []
    var latest = Int64.min
    for packet in packets where !packet.isHidden {
      guard let presentation = packet.presentation else { return nil }
      // What stands before a key frame is shown before it.
      if packet.isKey, presentation < latest { return nil }
      latest = max(latest, presentation)
      times.append(presentation)
    }
    times.sort()
    guard !times.isEmpty, zip(times, times.dropFirst()).allSatisfy({ $0 < $1 }) else { return nil }
    self.times = times
    keys = packets.compactMap { packet -> Key? in
      guard packet.isKey, let presentation = packet.presentation else { return nil }
      return Key(
        presentation: presentation, decoding: packet.decoding ?? presentation,
        firstFrame: Self.place(of: presentation, in: times))
    }.sorted { $0.presentation < $1.presentation }
  }

  /// The frame shown at a time.
  func frame(at time: Int64) -> Int? {
    let place = Self.place(of: time, in: times)
    return place < times.count && times[place] == time ? place : nil
  }

  /// The last key from which frame `index` can be decoded; nil where there is none.
  func key(before index: Int) -> Key? {
    let after = keys.partitioningIndex { $0.firstFrame > index }
    return after > 0 ? keys[after - 1] : nil
  }

  /// How many of `times` are before `time`.
  static func place(of time: Int64, in times: [Int64]) -> Int { times.partitioningIndex { $0 >= time } }
}

extension Array {
  /// The first index from which on `belongsToSecond` holds, by bisection.
  func partitioningIndex(where belongsToSecond: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if belongsToSecond(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// The packets of a video file, read once.
struct PacketScan {
  /// Nil where the packets don't tell when frames are shown.
  let index: PacketIndex?
  let packetCount: Int
  let frameRate: Double?
  /// Seconds per unit of time.
  let timeUnit: Double
  /// Whether the frames are to be shown mirrored.
  let isMirrored: Bool
  /// Which video was taken unasked, in words; nil where there is one alone.
  let choice: String?
  /// Set where the file is cut off or reading broke off.
  let earlyEnd: VideoDamage?

  /// Reads all packets of a video stream, the best unless one is named.
  ///
  /// - Throws: `MediaError.undecodableVideo`, `.noVideoStream`.
  init(path: String, stream: Int?) throws(MediaError) {
    var container = try MediaContainer(path: path, stream: stream)
    var packets: [PacketTimes] = []
    var reason: String?
    do {
      while true { packets.append(try container.readPacket()) }
    } catch {
      reason = error.reason
    }
    let found = container.stream.pointee
    index = PacketIndex(packets)
    packetCount = packets.count
    frameRate = container.frameRate
    timeUnit = container.timeUnit
    isMirrored = container.isMirrored
    choice = container.choice
    if packets.last?.isCut == true { reason = reason ?? "the file ends within a packet" }
    if Self.isShort(packets, of: Int(found.nb_frames), lasting: found.duration) {
      reason = reason ?? "the file is cut off"
    }
    let promised = Int(found.nb_frames)
    let frames = index?.times.count ?? packets.count
    earlyEnd = reason.map {
      .endedEarly(frames: frames, expected: promised > packets.count ? promised : nil, reason: $0)
    }
  }

  /// Whether packets are missing of as many as the container promises, at the end of the time that it promises: an
  /// edit list may leave packets out, but then the time is its own.
  private static func isShort(_ packets: [PacketTimes], of promised: Int, lasting duration: Int64) -> Bool {
    let times = packets.compactMap(\.presentation)
    guard promised > packets.count, duration > 0, let first = times.min(), let last = times.max() else {
      return false
    }
    let step = Double(duration) / Double(promised)
    return Double(duration) - (Double(last) - Double(first) + step) > 1.5 * step
  }
}
