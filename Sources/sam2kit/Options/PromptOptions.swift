// What to segment and what to track: clicks, boxes and masks as arguments, or prompts from a file.

import ArgumentParser
import Files
import Foundation
import Masks
import Media
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
      throw ValidationError(
        "say what to segment: --point, --box, --mask, --masks, --detections or --prompts FILE.json")
    }
  }

  /// The file that the prompts come from; nil for the command line.
  var place: String? { prompts ?? pointing.place }

  /// The prompts, one per object in ascending order of object, and the folder that mask paths start from.
  func load(for picture: String) throws -> (prompts: PromptScript, folder: String) {
    if let prompts { return try PointingOptions.read(prompts, of: .picture) }
    var script = try pointing.script(of: picture)
    script.multimask = multimask
    return (script, PointingOptions.folder)
  }
}

/// What to track.
struct VideoPromptOptions: ParsableArguments {
  @OptionGroup var pointing: PointingOptions

  @Option(name: .long, help: "The frame, from 0, that --point, --box and --mask are about.")
  var frame: Ranged<FrameNumber>?

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
      throw ValidationError(
        "say what to track: --point, --box, --mask, --masks, --detections or --prompts FILE.json")
    }
    guard !reverse || !both else { throw ValidationError("--both goes backwards too; leave out --reverse") }
  }

  var direction: TrackDirection { both ? .both : reverse ? .reverse : .forward }

  /// What is read.
  var files: CommandFiles { CommandFiles(read: [prompts]).and(pointing.files) }

  /// Where the prompts come from, for errors.
  var place: String { prompts ?? pointing.place ?? "the command line" }

  /// The prompts in ascending order of object, and the folder that mask paths start from.
  func load(for video: String) throws -> (prompts: PromptScript, folder: String) {
    if let prompts { return try PointingOptions.read(prompts, of: .video) }
    return (try pointing.script(of: video, frame: frame?.value ?? 0), PointingOptions.folder)
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
      "A mask of the object: a PNG of the picture's or video's size, FILE.png#N for object N of several, or of a "
        + "picture the logits that --logits wrote; one an object.",
      valueName: "[object:]file"))
  var mask: [MaskArgument] = []

  @Option(
    name: .long,
    help: "A picture of object numbers, such as a DAVIS annotation: a mask for each object in it.")
  var masks: String?

  @Option(
    name: .long,
    help:
      "Boxes or outlines from a JSON file: COCO's results or annotations, or labelme's shapes; an object each.")
  var detections: String?

  @Option(name: .long, help: "Leave out detections with a lower score.")
  var minScore: Ranged<DetectionScore>?

  func validate() throws {
    try rejectRepeats(box.map(\.object), "box")
    try rejectRepeats(mask.map(\.object), "mask")
    let isPointed = !point.isEmpty || !box.isEmpty || !mask.isEmpty
    guard [isPointed, masks != nil, detections != nil].count(where: \.self) <= 1 else {
      throw ValidationError(
        "give --masks, --detections, or --point, --box and --mask: they number the same objects")
    }
    guard minScore == nil || detections != nil else {
      throw ValidationError("--min-score needs --detections FILE")
    }
  }

  /// The file that says where objects are; nil where arguments do.
  var place: String? { detections ?? masks }

  var isEmpty: Bool { point.isEmpty && box.isEmpty && mask.isEmpty && masks == nil && detections == nil }

  /// What is read.
  var files: CommandFiles { CommandFiles(read: [detections]) }

  /// The prompts, one entry per object in ascending order.
  ///
  /// - Parameter picture: What the prompts are about: of a file about several pictures the part that is about this one.
  /// - Throws: `PromptError`, `MediaError`, `FileError`.
  func script(of picture: String, frame: Int = 0) throws -> PromptScript {
    if let masks {
      let map = try LabelRaster.read(path: masks).resolvingVoid
      guard !map.objects.isEmpty else {
        throw PromptError(place: masks, problem: "expected object numbers, found only 0, the ground")
      }
      return PromptScript(
        objects: map.objects.map {
          ObjectPrompt(object: $0, frame: frame, mask: PromptMask.object($0, of: masks).text)
        })
    }
    if let detections {
      let read = try Detections(json: MappedFile.contents(of: detections), path: detections)
      let found = try read.prompts(of: picture, minimumScore: minScore?.value ?? 0, frame: frame)
      if found.leftOut > 0 {
        Console.remark("\(detections): \(found.prompts.count) taken, \(found.leftOut) left out for their score")
      }
      var script = PromptScript(objects: found.prompts)
      script.size = found.size
      return script
    }
    let objects = Set(point.map(\.object) + box.map(\.object) + mask.map(\.object)).sorted().map { id in
      ObjectPrompt(
        object: id, frame: frame, points: point.filter { $0.object == id }.map(\.click),
        box: box.first { $0.object == id }?.box, mask: mask.first { $0.object == id }?.path)
    }
    return PromptScript(objects: objects)
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
    guard let colon = argument.firstIndex(of: ":"), colon > argument.startIndex,
      argument[..<colon].allSatisfy({ $0.isASCII && ($0.isNumber || $0 == "-") })
    else {
      self.object = 1
      rest = argument[...]
      return
    }
    guard let object = Int(argument[..<colon]), PromptScript.objects.contains(object) else { return nil }
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
