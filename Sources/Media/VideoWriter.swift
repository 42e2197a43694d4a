// Pictures to a video file, in the container that its name asks for, with the best encoder that is installed.

internal import CFFmpeg
internal import Files

/// Writes pictures as a video file, which appears whole when `finish` is called and not before.
///
/// H.264 where FFmpeg has an encoder for it, else MPEG-4 part 2; VP9 in WebM; 4:2:0, so that an odd width or height is
/// padded by repeating the last column or row. A GIF has 256 fixed colours. `finish` may be called after any frame: what
/// was written until then is a whole video. Without it the file doesn't appear. Use one writer from one thread at a time.
public final class VideoWriter {
  /// Where the video will stand.
  public let path: String
  /// The encoder's name, such as `libx264`.
  public let encoderName: String
  private var muxer: VideoMuxer
  private var output: OutputFile?
  private let width: Int
  private let height: Int
  private let frameRate: Double
  private var lastTime: Int64?

  /// A writer of pictures of `width` × `height` pixels; `frameRate` spaces frames that come without a time.
  ///
  /// - Throws: `MediaError.unknownContainer`, `.file` where the folder is missing or not writable, `.couldNotEncodeVideo`.
  public init(path: String, width: Int, height: Int, frameRate: Double) throws(MediaError) {
    guard width > 0, height > 0, width <= 1 << 14, height <= 1 << 14 else {
      throw .couldNotEncodeVideo(path: path, reason: "no video has \(width) × \(height) pixels")
    }
    guard frameRate >= 0.01, frameRate <= 1000 else {
      throw .couldNotEncodeVideo(
        path: path, reason: "expected 0.01 to 1000 frames per second, found \(frameRate)")
    }
    let container = try VideoContainer(path: path)
    let file: OutputFile
    do { file = try OutputFile(path: path) } catch { throw .file(error) }
    muxer = try VideoMuxer(
      path: path, temporaryPath: file.temporaryPath, container: container, width: width, height: height,
      frameRate: frameRate)
    output = consume file
    encoderName = muxer.encoderName
    self.path = path
    (self.width, self.height, self.frameRate) = (width, height, frameRate)
  }

  /// Appends a picture, shown from `timestamp` seconds on; nil is one frame's time after the last.
  ///
  /// - Throws: `MediaError.couldNotEncodeVideo`, also for another size, a time that isn't after the last frame's,
  ///   and after `finish`.
  public func append(_ picture: Picture, at timestamp: Double? = nil) throws(MediaError) {
    guard output != nil else { throw .couldNotEncodeVideo(path: path, reason: "the video is finished already") }
    guard picture.width == width, picture.height == height else {
      throw .couldNotEncodeVideo(
        path: path,
        reason: "expected frames of \(width) × \(height) pixels, found \(picture.width) × \(picture.height)")
    }
    let units = Double(muxer.unitsPerSecond)
    let step = Int64((units / frameRate).rounded())
    var time = lastTime.map { $0 + step } ?? 0
    if let timestamp {
      guard timestamp >= 0, timestamp < 1e9 else {
        throw .couldNotEncodeVideo(
          path: path, reason: "expected a time of at least 0 seconds, found \(timestamp)")
      }
      time = Int64((timestamp * units).rounded())
    }
    guard time > lastTime ?? -1 else {
      throw .couldNotEncodeVideo(
        path: path, reason: "expected a time after the last frame's, found \(Double(time) / units) seconds")
    }
    lastTime = time
    try muxer.write(picture, at: time, lasting: step)
  }

  /// Ends the video and puts the file in its place. Further calls do nothing.
  ///
  /// - Throws: `MediaError.couldNotEncodeVideo`, also where no frame was written, and `.file`.
  public func finish() throws(MediaError) {
    guard output != nil else { return }
    guard lastTime != nil else { throw .couldNotEncodeVideo(path: path, reason: "not one frame was written") }
    try muxer.finish()
    guard let file = output.take() else { return }
    do { try file.commit() } catch { throw .file(error) }
  }
}
