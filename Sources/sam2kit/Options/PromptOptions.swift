// What to segment and what to track: clicks, boxes and masks as arguments, or prompts from a file.

import ArgumentParser
import Files
import Foundation
import Prompts

/// What to segment.
struct PromptOptions: ParsableArguments {
  @OptionGroup var pointing: PointingOptions

  @Option(name: .long, help: "Prompts from a JSON file instead; its form is described in Reference/README.md.")
  var prompts: String?

  @Flag(name: .long, help: "Three alternative masks per object instead of one.")
  var multimask = false

  func validate() throws {
    if prompts != nil {
      guard pointing.isEmpty, !multimask else {
        throw ValidationError("--prompts says everything; leave out --point, --box, --mask and --multimask")
      }
    }
  }

  /// Whether nothing is asked for.
  var isEmpty: Bool { prompts == nil && pointing.isEmpty && !multimask }

  /// What is read.
  var files: CommandFiles { CommandFiles(read: [prompts]).and(pointing.files) }

  /// Throws if there is no prompt.
  func requireSome() throws {
    if prompts == nil, pointing.isEmpty {
      throw ValidationError("say what to segment: --point, --box, --mask or --prompts FILE.json")
    }
  }

  /// The prompts, one per object in ascending order of object, and the folder that mask paths start from.
  func load() throws -> (prompts: PromptScript, folder: String) {
    if let prompts { return try PointingOptions.read(prompts, of: .picture) }
    return (PromptScript(multimask: multimask, objects: pointing.objects()), PointingOptions.folder)
  }
}

/// What to track.
struct VideoPromptOptions: ParsableArguments {
  @OptionGroup var pointing: PointingOptions

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
    if prompts != nil {
      guard pointing.isEmpty, frame == nil else {
        throw ValidationError("--prompts says everything; leave out --point, --box, --mask and --frame")
      }
    } else if pointing.isEmpty {
      throw ValidationError("say what to track: --point, --box, --mask or --prompts FILE.json")
    }
    if let frame, frame < 0 { throw ValidationError("--frame should be at least 0, found \(frame)") }
    guard !reverse || !both else { throw ValidationError("--both goes backwards too; leave out --reverse") }
  }

  var direction: TrackDirection { both ? .both : reverse ? .reverse : .forward }

  /// What is read.
  var files: CommandFiles { CommandFiles(read: [prompts]).and(pointing.files) }

  /// Where the prompts come from, for errors.
  var place: String { prompts ?? "the command line" }

  /// The prompts in ascending order of object, and the folder that mask paths start from.
  func load() throws -> (prompts: PromptScript, folder: String) {
    if let prompts { return try PointingOptions.read(prompts, of: .video) }
    return (PromptScript(objects: pointing.objects(frame: frame ?? 0)), PointingOptions.folder)
  }
}

/// What is pointed with.
struct PointingOptions: ParsableArguments {
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
    help: ArgumentHelp(
      "A mask of the object, a PNG of the picture's or video's size; one an object.",
      valueName: "[object:]file"))
  var mask: [MaskArgument] = []

  func validate() throws {
    try rejectRepeats(box.map(\.object), "box")
    try rejectRepeats(mask.map(\.object), "mask")
  }

  var isEmpty: Bool { point.isEmpty && box.isEmpty && mask.isEmpty }

  /// What is read.
  var files: CommandFiles { CommandFiles(read: mask.map(\.path)) }

  /// One entry per object, in ascending order.
  func objects(frame: Int = 0) -> [ObjectPrompt] {
    Set(point.map(\.object) + box.map(\.object) + mask.map(\.object)).sorted().map { id in
      ObjectPrompt(
        object: id, frame: frame, points: point.filter { $0.object == id }.map(\.click),
        box: box.first { $0.object == id }?.box, mask: mask.first { $0.object == id }?.path)
    }
  }

  /// What the paths of masks that are named as arguments are relative to.
  static var folder: String { FilePath.currentFolder }

  /// Prompts from a file, and what the paths of its masks are relative to.
  static func read(_ path: String, of subject: PromptScript.Subject) throws -> (PromptScript, String) {
    let prompts = try PromptScript(json: MappedFile.contents(of: path), path: path, of: subject)
    return (prompts, URL(fileURLWithPath: path).deletingLastPathComponent().path)
  }

  private func rejectRepeats(_ objects: [Int], _ kind: String) throws {
    guard let twice = objects.first(where: { object in objects.count { $0 == object } > 1 }) else { return }
    throw ValidationError(
      "object \(twice) has more than one \(kind); name another object, as in --\(kind) \(twice + 1):…")
  }
}

/// A prompt argument that may name its object: `2:100,50` belongs to object 2, `100,50` to object 1.
private struct ObjectArgument {
  let object: Int
  let rest: Substring

  init?(_ argument: String) {
    guard let colon = argument.firstIndex(of: ":"), let object = Int(argument[..<colon]) else {
      self.object = 1
      rest = argument[...]
      return
    }
    guard object > 0 else { return nil }
    self.object = object
    rest = argument[argument.index(after: colon)...]
  }

  /// The rest as comma-separated finite numbers.
  var numbers: [Double]? {
    let numbers = rest.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    let finite = numbers.compactMap { $0 }.filter(\.isFinite)
    return finite.count == numbers.count ? finite : nil
  }
}

/// `[OBJECT:]X,Y[,LABEL]`.
struct PointArgument: ExpressibleByArgument {
  let object: Int
  let click: Click

  init?(argument: String) {
    guard let parsed = ObjectArgument(argument), let numbers = parsed.numbers, (2...3).contains(numbers.count),
      let label = numbers.count == 3 ? Int(exactly: numbers[2]) : 1, (0...1).contains(label)
    else { return nil }
    object = parsed.object
    click = Click(x: numbers[0], y: numbers[1], isObject: label == 1)
  }
}

/// `[OBJECT:]X0,Y0,X1,Y1`.
struct BoxArgument: ExpressibleByArgument {
  let object: Int
  let box: Box

  init?(argument: String) {
    guard let parsed = ObjectArgument(argument), let numbers = parsed.numbers, numbers.count == 4 else {
      return nil
    }
    object = parsed.object
    box = Box(x0: numbers[0], y0: numbers[1], x1: numbers[2], y1: numbers[3])
  }
}

/// `[OBJECT:]FILE`.
struct MaskArgument: ExpressibleByArgument {
  let object: Int
  let path: String

  init?(argument: String) {
    guard let parsed = ObjectArgument(argument), !parsed.rest.isEmpty else { return nil }
    object = parsed.object
    path = String(parsed.rest)
  }
}
