import ArgumentParser
import Files
import Media
import Pipelines

struct Track: Command {
  static let configuration = CommandConfiguration(
    commandName: "track",
    abstract: "Track what you point at through a video.",
    discussion: """
      Writes one indexed PNG per frame (each pixel an object's number, DAVIS's palette; 16-bit grey beyond object 255) \
      and tracks.json into the output folder. Prompts on a later frame correct objects that were tracked there, and add new ones:

        sam2kit track --model tiny.safetensors --video clip.mp4 \\
          --point 500,375 --box 2:900,200,1100,600 --output out

      Ctrl-C ends after the current frame, a second one at once; --resume goes on, with the same \
      result.
      """)

  @OptionGroup var model: ModelOptions
  @Option(
    name: .long, help: "A video file, a folder of pictures, or a TIFF or AVIF whose pages are the frames.")
  var video: String
  @OptionGroup var frames: FrameArguments
  @OptionGroup var pictures: PictureOptions
  @OptionGroup var size: SizeOptions
  @OptionGroup var prompts: VideoPromptOptions
  @OptionGroup(title: "Clean masks") var cleaning: CleanUpOptions
  @OptionGroup(title: "Outlines") var outlines: OutlineOptions
  @OptionGroup var trace: TraceOptions
  @Option(name: .long, help: "Record only calls for this frame; may be repeated.")
  var tapFrame: [Ranged<FrameNumber>] = []
  @Option(
    name: .long, help: "Record only calls made for this object, and those made for none; may be repeated.")
  var tapObject: [Ranged<ObjectNumber>] = []
  @Option(name: .long, help: "The folder to write into; made if it isn't there.")
  var output: String
  @Option(name: .long, help: "Also write the video with every object drawn: .mp4, .mov, .mkv, .webm or .gif.")
  var overlay: String?
  @Flag(name: .long, help: "Go on where an interrupted run into the same folder stopped.")
  var resume = false

  func validate() throws {
    guard !frames.isPart || !trace.request.isAsked else {
      throw ValidationError("a trace is of a whole video; leave out --from, --to, --every and --stream")
    }
    guard !resume || !trace.request.isAsked else {
      throw ValidationError("a trace is of a whole run; leave out --resume")
    }
    guard tapFrame.isEmpty && tapObject.isEmpty || trace.request.isAsked else {
      throw ValidationError("--tap-frame and --tap-object need --trace FILE.h5 or --sketch FILE.h5")
    }
  }

  var files: CommandFiles {
    var files = CommandFiles(read: [video], written: [overlay]).and(model.files).and(prompts.files)
      .and(trace.files)
    files.written.append(.folder(output, names: Tracking.names))
    return files
  }

  func execute() throws {
    let tracking = try Tracking(request())
    let model = try model.load(isRecorded: trace.request.isAsked)
    PartialFiles.awaitInterrupt()
    defer { Console.endLine() }
    do {
      let found = try tracking.run(
        model, watch: Console.watch, isCancelled: { PartialFiles.interrupt != nil })
      Console.endLine()
      for damage in found.damage { Console.remark("\(video): \(damage)") }
      print(found.report)
      if let overlay = found.overlay { print(overlay) }
    } catch is CancellationError {
      Console.remark("interrupted; \(tracking.report) says what was found, --resume goes on from there")
      throw ExitCode(128 + (PartialFiles.interrupt ?? 2))
    } catch  where tracking.canGoOn && !(error is OtherRun) && !(error is DamagedRun) {
      throw StoppedTrack(reason: error, report: tracking.report)
    }
  }

  private func request() throws -> TrackRequest {
    let (asked, maskFolder) = try prompts.load(for: video)
    try files.and(CommandFiles(read: asked.masks(from: maskFolder))).check()
    var request = TrackRequest(video: video, prompts: asked, output: output, maskFolder: maskFolder)
    (request.promptsPlace, request.direction) = (prompts.place, prompts.direction)
    request.frames = frames.options(pictures)
    request.frames.longestSide = size.maxSide?.value
    (request.overlay, request.resumes, request.recording) = (overlay, resume, trace.request)
    request.cleanUp = cleaning.cleanUp
    (request.outlines, request.tolerance) = (outlines.formats, outlines.tolerance.value)
    (request.recording.frames, request.recording.objects) = (
      Set(tapFrame.map(\.value)), Set(tapObject.map(\.value))
    )
    return request
  }
}

/// A track that stopped after frames had been found.
private struct StoppedTrack: Error, CustomStringConvertible {
  let reason: any Error
  let report: String

  /// One sentence: what is wrong with the video stays so, and another is another run.
  var description: String {
    "\(reason); \(report) says what was found until then"
      + (reason is MediaError ? "" : ", --resume goes on from there")
  }
}
