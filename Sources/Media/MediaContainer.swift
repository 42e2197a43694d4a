// A video file opened by libavformat, and the packets of one of its video streams.

internal import CFFmpeg
import Files
import Kernels

/// A packet's place in time, in units of the stream's time base.
struct PacketTimes {
  let presentation: Int64?
  let decoding: Int64?
  let isKey: Bool
  /// Whether no frame comes of it: outside the edit list, or a picture that is only referred to.
  let isHidden: Bool
  /// Whether the file ends within it.
  let isCut: Bool
}

/// An open file with one decoder.
struct MediaContainer: ~Copyable {
  let path: String
  private let format: UnsafeMutablePointer<AVFormatContext>
  private let decoder: UnsafeMutablePointer<AVCodecContext>
  private let packet: UnsafeMutablePointer<AVPacket>
  private let frame: UnsafeMutablePointer<AVFrame>
  let stream: UnsafeMutablePointer<AVStream>

  /// Frames of more pixels are refused: 134 million.
  static let pixelLimit = 1 << 27

  /// Which of the file's videos was taken unasked, in words; nil where there is one alone.
  let choice: String?

  /// Opens a file and a decoder for a video stream.
  ///
  /// - Parameter wanted: Which of its videos, from 0; nil for the best.
  /// - Throws: `MediaError.undecodableVideo`, `.noVideoStream`, `.noSuchStream`.
  init(path: String, stream wanted: Int? = nil) throws(MediaError) {
    if let problem = ffmpegProblem { throw .undecodableVideo(path: path, reason: problem) }
    // Complaints come as errors; FFmpeg would print them as well.
    cffmpeg_av_log_set_level(cffmpeg_quiet())
    // The protocol is named, so that no path is taken for an address.
    var opened: UnsafeMutablePointer<AVFormatContext>?
    var settings: OpaquePointer?
    defer { cffmpeg_av_dict_free(&settings) }
    cffmpeg_av_dict_set(&settings, "format_whitelist", VideoFormats.allowed, 0)
    cffmpeg_av_dict_set(&settings, "protocol_whitelist", VideoFormats.protocols, 0)
    var status = ("file:" + path).withFileName { cffmpeg_avformat_open_input(&opened, $0, nil, &settings) }
    guard status == 0, let opened else {
      throw .undecodableVideo(path: path, reason: "no known video format (\(ffmpegReason(status)))")
    }
    var decoder: UnsafeMutablePointer<AVCodecContext>?
    var packet = cffmpeg_av_packet_alloc()
    var frame = cffmpeg_av_frame_alloc()
    do throws(MediaError) {
      status = cffmpeg_avformat_find_stream_info(opened, nil)
      guard status >= 0 else { throw .undecodableVideo(path: path, reason: ffmpegReason(status)) }
      let videos = Self.videos(of: opened.pointee)
      if let wanted, !videos.indices.contains(wanted) {
        throw .noSuchStream(path: path, asked: wanted, count: videos.count)
      }
      let index = cffmpeg_av_find_best_stream(
        opened, AVMEDIA_TYPE_VIDEO,
        wanted.map { videos[$0] } ?? Self.best(of: videos, in: opened.pointee) ?? -1, -1,
        nil, 0)
      guard index >= 0, let stream = opened.pointee.streams[Int(index)],
        let parameters = stream.pointee.codecpar
      else {
        throw Self.missingStream(opened.pointee, status: index, path: path)
      }
      // A song's cover is a stream of one picture.
      guard stream.pointee.disposition & AV_DISPOSITION_ATTACHED_PIC == 0 else {
        throw .noVideoStream(path: path, found: "audio with a cover picture")
      }
      let size = parameters.pointee
      if size.width > 0, size.height > 0, let input = opened.pointee.pb {
        try Picture.checkSize(
          width: Int(size.width), height: Int(size.height), bytes: Int(max(0, cffmpeg_avio_size(input))),
          path: path)
      }
      guard let codec = cffmpeg_avcodec_find_decoder(parameters.pointee.codec_id) else {
        let name = String(cString: cffmpeg_avcodec_get_name(parameters.pointee.codec_id))
        throw .undecodableVideo(path: path, reason: "this FFmpeg has no decoder for \(name)")
      }
      decoder = cffmpeg_avcodec_alloc_context3(codec)
      guard let decoder, let packet, let frame else {
        throw .undecodableVideo(path: path, reason: "not enough memory for a decoder")
      }
      status = cffmpeg_avcodec_parameters_to_context(decoder, parameters)
      decoder.pointee.pkt_timebase = stream.pointee.time_base
      decoder.pointee.thread_count = Int32(min(Parallelism.threads, 8))
      decoder.pointee.max_pixels = Int64(Self.pixelLimit)
      if status >= 0 { status = cffmpeg_avcodec_open2(decoder, codec, nil) }
      guard status >= 0 else { throw .undecodableVideo(path: path, reason: ffmpegReason(status)) }
      for other in 0..<Int(opened.pointee.nb_streams) where other != Int(index) {
        opened.pointee.streams[other]?.pointee.discard = AVDISCARD_ALL
      }
      choice =
        wanted != nil || videos.count < 2
        ? nil
        : "took video stream \(videos.firstIndex(of: index) ?? 0) of \(videos.count), counted from 0, "
          + "\(parameters.pointee.width) × \(parameters.pointee.height), as decord does; --stream chooses another"
      self.path = path
      self.format = opened
      self.decoder = decoder
      self.packet = packet
      self.frame = frame
      self.stream = stream
    } catch {
      var closing: UnsafeMutablePointer<AVFormatContext>? = opened
      cffmpeg_avcodec_free_context(&decoder)
      cffmpeg_av_packet_free(&packet)
      cffmpeg_av_frame_free(&frame)
      cffmpeg_avformat_close_input(&closing)
      throw error
    }
  }

  deinit {
    var format: UnsafeMutablePointer<AVFormatContext>? = format
    var decoder: UnsafeMutablePointer<AVCodecContext>? = decoder
    var packet: UnsafeMutablePointer<AVPacket>? = packet
    var frame: UnsafeMutablePointer<AVFrame>? = frame
    cffmpeg_avcodec_free_context(&decoder)
    cffmpeg_av_packet_free(&packet)
    cffmpeg_av_frame_free(&frame)
    cffmpeg_avformat_close_input(&format)
  }

  /// The stream's display matrix as an orientation.
  var orientation: FrameOrientation {
    guard let matrix = cffmpeg_display_matrix(stream) else { return .upright }
    return FrameOrientation(displayMatrix: (0..<9).map { matrix[$0] })
  }

  /// Whether the display matrix mirrors.
  var isMirrored: Bool {
    guard let matrix = cffmpeg_display_matrix(stream) else { return false }
    return Int(matrix[0]) * Int(matrix[4]) < Int(matrix[1]) * Int(matrix[3])
  }

  /// Frames per second by the container's word.
  var frameRate: Double? {
    let rate = cffmpeg_av_guess_frame_rate(format, stream, nil)
    return rate.num > 0 && rate.den > 0 ? Double(rate.num) / Double(rate.den) : nil
  }

  /// Seconds per unit of time.
  var timeUnit: Double { Double(stream.pointee.time_base.num) / Double(max(1, stream.pointee.time_base.den)) }

  /// Reads the next packet of the stream, which stays until the next call; nil at the end.
  mutating func readPacket() throws(EndOfPackets) -> PacketTimes {
    while true {
      cffmpeg_av_packet_unref(packet)
      let status = cffmpeg_av_read_frame(format, packet)
      guard status >= 0 else {
        throw EndOfPackets(reason: status == cffmpeg_end_of_file() ? nil : ffmpegReason(status))
      }
      guard packet.pointee.stream_index == stream.pointee.index else { continue }
      return PacketTimes(
        presentation: known(packet.pointee.pts), decoding: known(packet.pointee.dts),
        isKey: cffmpeg_is_key(packet) != 0, isHidden: cffmpeg_is_dropped(packet) != 0 || isReferenceOnly,
        isCut: cffmpeg_is_cut(packet) != 0)
    }
  }

  /// Whether the packet is one of VP8's pictures that are never shown: bit 4 of its first byte, RFC 6386, 9.1.
  private var isReferenceOnly: Bool {
    guard stream.pointee.codecpar.pointee.codec_id == AV_CODEC_ID_VP8, packet.pointee.size > 0,
      let data = packet.pointee.data
    else { return false }
    return data[0] & 0x10 == 0
  }

  /// Gives the packet that was read to the decoder; at the end of the file, `flush` it instead. False where the
  /// decoder refuses it as damaged.
  mutating func decode(flush: Bool = false) -> Bool {
    let status = cffmpeg_avcodec_send_packet(decoder, flush ? nil : packet)
    return status >= 0
  }

  /// The next frame that the decoder has ready, and its time; nil where it needs more packets or is at its end.
  mutating func takeFrame(orientation: FrameOrientation) -> DecoderOutput? {
    let status = cffmpeg_avcodec_receive_frame(decoder, frame)
    if status == cffmpeg_again() || status == cffmpeg_end_of_file() { return nil }
    guard status >= 0 else { return .failure }
    defer { cffmpeg_av_frame_unref(frame) }
    guard frame.pointee.width > 0, frame.pointee.height > 0,
      let decoded = DecodedFrame(frame, orientation: orientation, path: path)
    else { return .failure }
    return .frame(
      decoded, time: known(frame.pointee.pts) ?? known(frame.pointee.best_effort_timestamp),
      isDamaged: cffmpeg_is_damaged(frame) != 0)
  }

  /// Goes to the key frame at or before a decoding time, and forgets what the decoder was at. False where the
  /// format can't.
  mutating func seek(to time: Int64) -> Bool {
    guard cffmpeg_av_seek_frame(format, stream.pointee.index, time, cffmpeg_seek_backward()) >= 0 else {
      return false
    }
    cffmpeg_avcodec_flush_buffers(decoder)
    return true
  }

  private func known(_ time: Int64) -> Int64? { time == cffmpeg_no_timestamp() ? nil : time }

  /// The streams of pictures that move, by their numbers in the file.
  private static func videos(of format: AVFormatContext) -> [Int32] {
    (0..<Int32(format.nb_streams)).filter { index in
      guard let stream = format.streams[Int(index)], let parameters = stream.pointee.codecpar else {
        return false
      }
      return parameters.pointee.codec_type == AVMEDIA_TYPE_VIDEO
        && stream.pointee.disposition & AV_DISPOSITION_ATTACHED_PIC == 0
    }
  }

  /// The video that decord takes: one that isn't for the impaired, has five frames or the more, and the highest bit rate, of
  /// equals the first. FFmpeg from 4.4 on would rather have the one that the file says to show.
  ///
  /// Source: FFmpeg 4.1, which decord 0.6.0 is made with, libavformat/utils.c, av_find_best_stream.
  private static func best(of videos: [Int32], in format: AVFormatContext) -> Int32? {
    func rank(_ index: Int32) -> (isForAll: Int, frames: Int64, rate: Int64) {
      guard let stream = format.streams[Int(index)]?.pointee, let parameters = stream.codecpar else {
        return (0, 0, 0)
      }
      let impaired = AV_DISPOSITION_HEARING_IMPAIRED | AV_DISPOSITION_VISUAL_IMPAIRED
      let frames = stream.nb_frames > 0 ? min(5, stream.nb_frames) : 5
      return (stream.disposition & impaired == 0 ? 1 : 0, frames, parameters.pointee.bit_rate)
    }
    return videos.dropFirst().reduce(videos.first) { best, index in
      guard let best else { return index }
      return rank(index) > rank(best) ? index : best
    }
  }

  private static func missingStream(_ format: AVFormatContext, status: Int32, path: String) -> MediaError {
    let kinds = (0..<Int(format.nb_streams)).compactMap { index -> String? in
      guard let parameters = format.streams[index]?.pointee.codecpar else { return nil }
      return cffmpeg_av_get_media_type_string(parameters.pointee.codec_type).map { String(cString: $0) }
    }
    let found =
      kinds.isEmpty ? "a file without streams" : "only " + Set(kinds).sorted().joined(separator: " and ")
    return .noVideoStream(path: path, found: found)
  }
}

/// What the decoder had to say.
enum DecoderOutput {
  case frame(DecodedFrame, time: Int64?, isDamaged: Bool)
  /// A frame was lost.
  case failure
}

/// No more packets: the end of the file, or a reason why reading broke off.
struct EndOfPackets: Error {
  let reason: String?
}

/// Why FFmpeg's libraries can't be loaded, if they can't. To be asked for before they are used.
var ffmpegProblem: String? { cffmpeg_load().map { "FFmpeg can't be loaded: " + String(cString: $0) } }

/// FFmpeg's words for an error code.
func ffmpegReason(_ status: Int32) -> String {
  var text = [CChar](repeating: 0, count: 256)
  cffmpeg_av_strerror(status, &text, text.count)
  return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
