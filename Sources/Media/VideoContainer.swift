// What a written video's name asks for: which container, and which encoders go with it.

internal import CFFmpeg

/// The kinds of video that can be written, told by a name's extension.
public enum VideoContainer: String, CaseIterable, Sendable {
  case mp4, m4v, mov, mkv, webm, gif

  /// The container that a file's name asks for.
  ///
  /// - Throws: `MediaError.unknownContainer`.
  public init(path: String) throws(MediaError) {
    let name = path.split(separator: "/").last ?? ""
    let ending = name.lastIndex(of: ".").map { name[name.index(after: $0)...].lowercased() }
    guard let container = ending.flatMap(VideoContainer.init) else { throw .unknownContainer(path: path) }
    self = container
  }

  /// All endings, for a sentence.
  static var endings: String {
    let names = allCases.map { ".\($0.rawValue)" }
    return names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
  }

  /// What FFmpeg calls it.
  var format: String {
    switch self {
    case .mp4, .m4v: "mp4"
    case .mov: "mov"
    case .mkv: "matroska"
    case .webm: "webm"
    case .gif: "gif"
    }
  }

  /// FFmpeg's encoders in the order of preference.
  var encoders: [String] {
    switch self {
    case .mp4, .m4v, .mov, .mkv: ["libx264", "libopenh264", "h264_videotoolbox", "mpeg4"]
    case .webm: ["libvpx-vp9", "libvpx"]
    case .gif: ["gif"]
    }
  }

  /// How pixels go to the encoder: GIF's in a palette of 3, 3 and 2 bits, all others' at half the colour resolution.
  var pixelFormat: AVPixelFormat { self == .gif ? AV_PIX_FMT_RGB8 : AV_PIX_FMT_YUV420P }

  /// Whether sizes have to be even.
  var isHalved: Bool { self != .gif }
}
