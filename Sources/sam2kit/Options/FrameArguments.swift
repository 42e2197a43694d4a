import ArgumentParser
import Media

/// Which frames of a video to take.
struct FrameArguments: ParsableArguments {
  @Option(
    name: .long, help: "The first frame to take, from 0. Frames keep their numbers, in prompts and results.")
  var from = Ranged<FrameNumber>(0)
  @Option(name: .long, help: "The last frame to take.")
  var to: Ranged<FrameNumber>?
  @Option(name: .long, help: "Take one of so many frames.")
  var every = Ranged<FrameStep>(1)
  @Option(
    name: .long,
    help: "Which of a file's several videos, from 0; by default the one that decord takes.")
  var stream: Ranged<StreamNumber>?

  func validate() throws {
    if let to, to.value < from.value {
      throw ValidationError("--to should be at least --from, \(from.value), found \(to.value)")
    }
  }

  /// Whether anything but all frames of the best video is asked for.
  var isPart: Bool { from.value > 0 || to != nil || every.value > 1 || stream != nil }

  /// What is asked for.
  func options(_ pictures: PictureOptions) -> FrameOptions {
    var options = FrameOptions()
    options.range = pictures.sampleRange
    (options.from, options.to) = (from.value, to?.value)
    (options.every, options.stream) = (every.value, stream?.value)
    return options
  }
}
