// Which files FFmpeg may take for videos: those that hold their pictures themselves.

/// The demuxers that are let in, and words for what is kept out.
enum VideoFormats {
  /// FFmpeg's names. None of them opens another file: no playlists and manifests, no scripts, no sequences of pictures, no
  /// text that is drawn.
  static let allowed = [
    "mov", "matroska", "webm", "avi", "mpegts", "mpeg", "mpegvideo", "h264", "hevc", "vvc", "obu", "av1", "ivf",
    "flv", "live_flv", "kux", "asf", "ogg", "gif", "apng", "nut", "mxf", "dv", "m4v", "h261", "h263", "mjpeg",
    "yuv4mpegpipe", "vc1", "vc1test", "rm", "wtv", "swf", "dirac", "cavsvideo", "nuv", "gxf", "pva",
  ].joined(separator: ",")

  /// The one way in which bytes may be read.
  static let protocols = "file"

  /// What a file is that isn't a video though it may be played as one; nil where nothing is known of it.
  static func foreign(_ bytes: UnsafeRawBufferPointer) -> String? {
    let kind = PictureKind(of: bytes)
    switch kind {
    case .jpeg: return "a JPEG picture" + advice
    // Several pictures come after a chunk that says so.
    case .png where String(decoding: bytes.prefix(4096), as: Unicode.ASCII.self).contains("acTL"): return nil
    case .png: return "a PNG picture" + advice
    case .webp: return "a WebP picture" + advice
    case .jpeg2000: return "a JPEG 2000 picture" + advice
    case .bmp: return "a BMP picture" + advice
    case .portablePixmap: return "a PPM picture" + advice
    case .tiff, .avif, .gif, .other: break
    }
    // A mark of the encoding may come first.
    let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let text = String(decoding: bytes.dropFirst(start).prefix(1024).map { $0 < 0x80 ? $0 : 0 }, as: UTF8.self)
      .lowercased()
    let words = text.drop { $0.isWhitespace }
    let found: String? =
      if words.hasPrefix("#extm3u") {
        "an HLS playlist"
      } else if words.hasPrefix("ffconcat") {
        "an ffconcat script"
      } else if words.hasPrefix("<"), text.contains("<mpd") {
        "a DASH manifest"
      } else if words.hasPrefix("<"), text.contains("<smoothstreamingmedia") {
        "a Smooth Streaming manifest"
      } else if words.hasPrefix("<"), text.contains("<asx") || text.contains("<smil") {
        "a playlist"
      } else if words.hasPrefix("[playlist]") || words.hasPrefix("[reference]") || words.hasPrefix("rtsptext") {
        "a playlist"
      } else if words.hasPrefix("v=0"), text.contains("m=") {
        "the description of a stream (SDP)"
      } else {
        nil
      }
    return found.map { $0 + ", which leads to other files; give the video itself" }
  }

  private static let advice = "; segment takes it, and track a folder of such"
}
