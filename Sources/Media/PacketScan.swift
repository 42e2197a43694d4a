// What a pass over a file's packets tells before anything is decoded.

internal import CFFmpeg

/// The packets of a video file, read once.
struct PacketScan {
  /// Nil where the packets don't tell when frames are shown.
  let index: PacketIndex?
  let packetCount: Int
  let frameRate: Double?
  /// Seconds per unit of time.
  let timeUnit: Double
  /// Set where the file is cut off or reading broke off.
  let earlyEnd: VideoDamage?

  /// Reads all packets of the best video stream.
  ///
  /// - Throws: `MediaError.undecodableVideo`, `.noVideoStream`.
  init(path: String) throws(MediaError) {
    var container = try MediaContainer(path: path)
    var packets: [PacketTimes] = []
    var reason: String?
    do {
      while true { packets.append(try container.readPacket()) }
    } catch {
      reason = error.reason
    }
    let stream = container.stream.pointee
    index = PacketIndex(packets)
    packetCount = packets.count
    frameRate = container.frameRate
    timeUnit = container.timeUnit
    if packets.last?.isCut == true { reason = reason ?? "the file ends within a packet" }
    if Self.isShort(packets, of: Int(stream.nb_frames), lasting: stream.duration) {
      reason = reason ?? "the file is cut off"
    }
    let promised = Int(stream.nb_frames)
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
