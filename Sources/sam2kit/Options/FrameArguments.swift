import ArgumentParser
import Media

/// Which frames of a video to take.
struct FrameArguments: ParsableArguments {
  @Option(
    name: .long, help: "The first frame to take, from 0. Frames keep their numbers, in prompts and results.")
  var from = 0
  @Option(name: .long, help: "The last frame to take.")
  var to: Int?
  @Option(name: .long, help: "Take one of so many frames.")
  var every = 1
  @Option(
    name: .long,
    help: "Which of a file's several videos, from 0; by default the one that decord takes.")
  var stream: Int?

  func validate() throws {
    guard from >= 0 else { throw ValidationError("--from should be at least 0, found \(from)") }
    if let to, to < from { throw ValidationError("--to should be at least --from, \(from), found \(to)") }
    guard every >= 1 else { throw ValidationError("--every should be at least 1, found \(every)") }
    if let stream, stream < 0 { throw ValidationError("--stream should be at least 0, found \(stream)") }
  }

  /// Whether anything but all frames of the best video is asked for.
  var isPart: Bool { from > 0 || to != nil || every > 1 || stream != nil }

  /// What is asked for.
  func options(_ pictures: PictureOptions) -> FrameOptions {
    var options = FrameOptions()
    options.range = pictures.sampleRange
    (options.from, options.to, options.every, options.stream) = (from, to, every, stream)
    return options
  }
}
