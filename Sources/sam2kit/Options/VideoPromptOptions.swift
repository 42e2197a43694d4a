import ArgumentParser
import Foundation
import Traces

/// What to track.
struct VideoPromptOptions: ParsableArguments {
  @Option(
    name: .long, parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A click in pixels; label 1 (default) on the object, 0 beside it; may be repeated.",
      valueName: "[object:]x,y[,label]"))
  var point: [PointArgument] = []

  @Option(
    name: .long, parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A rectangle around the object, in pixels; one an object.", valueName: "[object:]x0,y0,x1,y1"))
  var box: [BoxArgument] = []

  @Option(
    name: .long, parsing: .singleValue,
    help: ArgumentHelp("A frame-sized mask of the object, PNG; one an object.", valueName: "[object:]file"))
  var mask: [MaskArgument] = []

  @Option(name: .long, help: "The frame, from 0, that --point, --box and --mask are about.")
  var frame: Int?

  @Option(
    name: .long,
    help: "Objects and prompts on any frames from a JSON file instead; Reference/README.md describes its form.")
  var prompts: String?

  @Flag(name: .long, help: "Track backwards in time, from the latest prompt to the first frame.")
  var reverse = false

  @Flag(name: .long, help: "Track to the end, then backwards from the earliest prompt.")
  var both = false

  func validate() throws {
    let given = !point.isEmpty || !box.isEmpty || !mask.isEmpty
    if prompts != nil {
      guard !given, frame == nil else {
        throw ValidationError("--prompts says everything; leave out --point, --box, --mask and --frame")
      }
    } else if !given {
      throw ValidationError("say what to track: --point, --box, --mask or --prompts FILE.json")
    }
    if let frame, frame < 0 { throw ValidationError("--frame should be at least 0, found \(frame)") }
    guard !reverse || !both else { throw ValidationError("--both goes backwards too; leave out --reverse") }
    try rejectRepeats(box.map(\.object), "box")
    try rejectRepeats(mask.map(\.object), "mask")
  }

  var direction: TrackDirection { both ? .both : reverse ? .reverse : .forward }

  /// Where the prompts come from, for errors.
  var place: String { prompts ?? "the command line" }

  /// The prompts in ascending order of object, and the folder that mask paths start from.
  func load() throws -> (prompts: TracePrompts, folder: URL) {
    if let prompts {
      let file = try PromptFile(path: prompts, of: .video)
      return (file.prompts, file.folder)
    }
    let objects = PromptArguments(points: point, boxes: box, masks: mask).objects(frame: frame)
    return (TracePrompts(multimask: false, objects: objects), PromptArguments.folder)
  }
}
