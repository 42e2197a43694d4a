// Which of a video's frames are taken, and how pictures among them are read.

/// Which of a video's frames to take, and how.
public struct FrameOptions: Sendable, Equatable {
  /// Which samples of pictures of more than eight bits are black and white.
  public var range = SampleRange.pillow
  /// Which of a file's videos, from 0; nil for the best, as decord takes it.
  public var stream: Int?
  /// The first frame to take, from 0.
  public var from = 0
  /// The last frame to take; nil for the video's last.
  public var to: Int?
  /// One of how many frames to take.
  public var every = 1
  /// Make frames smaller for the model, by Pillow's bicubic resampling, until neither side has more pixels.
  public var longestSide: Int?

  /// All frames of the best video.
  public init() {}

  /// Whether frames are left out.
  public var isPart: Bool { from > 0 || to != nil || every > 1 }

  /// What tells one choice from another.
  package var fingerprint: String {
    "\(range) \(stream ?? -1) \(from) \(to ?? -1) \(every) \(longestSide ?? 0)"
  }
}

/// The numbers that frames have in their video.
public struct FrameNumbering: Sendable, Equatable {
  let first: Int
  let step: Int

  /// Every frame of a video.
  public static let all = FrameNumbering(first: 0, step: 1)

  /// The number of the frame that is taken in that place, from 0.
  public func number(of index: Int) -> Int { first + index * step }

  /// The place of a frame among those taken; nil where it is left out.
  public func index(of number: Int) -> Int? {
    number >= first && (number - first) % step == 0 ? (number - first) / step : nil
  }
}

/// Some of a video's frames, one after another.
final class SelectedFrames: FrameSource {
  private let base: any FrameSource
  private let last: Int?
  let numbering: FrameNumbering

  /// - Throws: `MediaError.noSuchFrames` where none is left.
  init(_ base: any FrameSource, _ options: FrameOptions) throws(MediaError) {
    self.base = base
    numbering = FrameNumbering(first: options.from, step: options.every)
    last = options.to
    if let last, last < options.from {
      throw .noSuchFrames(path: base.path, asked: "frames \(options.from) to \(last)", count: base.count)
    }
    guard try base.frame(at: options.from) != nil else {
      throw .noSuchFrames(path: base.path, asked: "frame \(options.from)", count: base.count)
    }
  }

  var path: String { base.path }
  var width: Int { base.width }
  var height: Int { base.height }
  var damage: [VideoDamage] { base.damage }
  var notes: [String] { base.notes }
  var frameRate: Double? { base.frameRate.map { $0 / Double(numbering.step) } }

  var count: Int? {
    guard let all = base.count else { return nil }
    return max(0, (min(all - 1, last ?? all - 1) - numbering.first) / numbering.step + 1)
  }

  var frameNames: [String] {
    let names = base.frameNames
    guard !names.isEmpty else { return [] }
    return (0..<(count ?? 0)).map { names[numbering.number(of: $0)] }
  }

  func frame(at index: Int) throws(MediaError) -> VideoFrame? {
    let number = numbering.number(of: index)
    guard index >= 0, number <= last ?? .max, let frame = try base.frame(at: number) else { return nil }
    return VideoFrame(
      index: index, timestamp: frame.timestamp, width: frame.width, height: frame.height, content: frame.content
    )
  }
}
