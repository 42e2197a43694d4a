import ArgumentParser
import Foundation
import Traces

/// What to segment.
struct PromptOptions: ParsableArguments {
  @Option(
    name: .long, parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A click in pixels; label 1 (default) on the object, 0 beside it; may be repeated.",
      valueName: "[object:]x,y[,label]"))
  var point: [PointArgument] = []

  @Option(
    name: .long, parsing: .unconditionalSingleValue,
    help: ArgumentHelp("A rectangle around the object, in pixels.", valueName: "[object:]x0,y0,x1,y1"))
  var box: [BoxArgument] = []

  @Option(
    name: .long, parsing: .singleValue,
    help: ArgumentHelp("A picture-sized mask of the object, PNG.", valueName: "[object:]file"))
  var mask: [MaskArgument] = []

  @Option(name: .long, help: "Prompts from a JSON file instead; its form is described in Reference/README.md.")
  var prompts: String?

  @Flag(name: .long, help: "Three alternative masks per object instead of one.")
  var multimask = false

  func validate() throws {
    let given = !point.isEmpty || !box.isEmpty || !mask.isEmpty
    if prompts != nil {
      guard !given, !multimask else {
        throw ValidationError("--prompts says everything; leave out --point, --box, --mask and --multimask")
      }
    } else if !given {
      throw ValidationError("say what to segment: --point, --box, --mask or --prompts FILE.json")
    }
    try rejectRepeats(box.map(\.object), "box")
    try rejectRepeats(mask.map(\.object), "mask")
  }

  /// The prompts, one per object in ascending order of object, and the folder that mask paths start from.
  func load() throws -> (prompts: TracePrompts, folder: URL) {
    if let prompts {
      let file = try PromptFile(path: prompts, of: .picture)
      return (file.prompts, file.folder)
    }
    let objects = PromptArguments(points: point, boxes: box, masks: mask).objects()
    return (TracePrompts(multimask: multimask, objects: objects), PromptArguments.folder)
  }
}
