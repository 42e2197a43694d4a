import Files
import Foundation
import Masks
import Media
import Prompts
import SAM2
import Tensors

/// What to do to a video, checked before anything is computed.
struct TrackScript {
  let steps: [VideoStep]
  /// What was asked for, boxes cut to the video.
  let prompts: PromptScript
  /// Whether outputs far behind may be asked for again.
  let history: VideoHistory
  /// What reading the masks decided, a sentence each.
  let notes: [String]
  private let masks: [String: BinaryMask]

  /// The steps that prompts mean for a video, with their masks read.
  ///
  /// - Parameters:
  ///   - place: Where the prompts come from, for errors.
  ///   - folder: What mask paths are relative to.
  init(
    _ prompts: PromptScript, _ direction: TrackDirection, place: String, folder: String, _ input: VideoInput
  ) throws {
    if prompts.steps != nil && direction != .forward {
      throw PromptError(place: place, problem: "`steps` say the direction; leave out --reverse and --both")
    }
    try prompts.check(width: input.source.width, height: input.source.height)
    let clamped = prompts.clamped(width: input.source.width, height: input.source.height)
    self.prompts = clamped.script
    steps = try clamped.script.placed(among: input, place: place).script(
      frameCount: input.count, direction: direction)
    var checking = ScriptCheck(input: input, folder: folder)
    for (index, step) in steps.enumerated() {
      do { try checking.check(step) } catch let problem as ScriptCheck.Problem {
        let place = prompts.steps == nil ? place : "\(place): steps[\(index)]"
        throw PromptError(place: place, problem: problem.text)
      }
    }
    history = Self.goesFarBack(steps) ? .everything : .window
    masks = checking.masks
    notes = clamped.notes + checking.notes
  }

  /// Whether a step asks for a frame that was tracked before and is neither the last one, nor one that was pointed at,
  /// nor next to it: then every frame's output has to be kept.
  private static func goesFarBack(_ steps: [VideoStep]) -> Bool {
    let end = Int.max / 2  // where a way without a length leads, further than any frame
    var pointed: Set<Int> = []
    var tracked: ClosedRange<Int>?
    var last = 0
    for step in steps {
      switch step {
      case .prompt(let prompt):
        let isCorrection = tracked?.contains(prompt.frame) ?? false
        if isCorrection && prompt.frame != last && !pointed.contains(prompt.frame) { return true }
        pointed.insert(prompt.frame)
      case .propagate(let way):
        let first = way.from ?? pointed.min() ?? 0
        if tracked != nil && abs(first - last) > 1 && !pointed.contains(first) { return true }
        last = way.isReverse ? max(0, first - (way.frames ?? first)) : first + min(way.frames ?? end, end)
        let span = min(first, last)...max(first, last)
        tracked =
          tracked.map { min($0.lowerBound, span.lowerBound)...max($0.upperBound, span.upperBound) } ?? span
      case .clear, .remove, .reset: break
      }
    }
    return false
  }

  /// What makes this script another one: its steps, and the pixels of its masks.
  var fingerprint: String {
    get throws {
      let digests = masks.sorted { $0.key < $1.key }.map { _, mask in
        mask.pixels.withUnsafeBytes { SHA256.hex(of: $0) }
      }
      return ([String(decoding: try TrackEntry.encoder.encode(steps), as: UTF8.self)] + digests)
        .joined(separator: "\n")
    }
  }

  /// The objects that are pointed at.
  var objects: [Int] {
    Set(steps.compactMap { if case .prompt(let prompt) = $0 { prompt.object } else { nil } }).sorted()
  }

  /// A prompt's mask, 1 on the object and 0 beside it, `[height, width]`.
  func mask(at name: String) throws -> Tensor {
    guard let mask = masks[name] else { throw PromptError(place: name, problem: "no prompt names this mask") }
    return mask.tensor
  }

  /// How many frames will be tracked, if that can be told.
  func frameTotal(count: Int?) -> Int? {
    guard let count else { return nil }
    var earliest = count
    var total = 0
    for step in steps {
      switch step {
      case .prompt(let prompt): earliest = min(earliest, prompt.frame)
      case .propagate(let way):
        let first = way.from ?? earliest
        let room = way.isReverse ? first : count - 1 - first
        total += min(way.frames ?? room, room) + 1
      case .clear, .remove, .reset: break
      }
    }
    return total
  }
}

extension PromptScript {
  /// The prompts with the places of their frames among those that are taken, rather than numbers in the video.
  ///
  /// - Throws: `PromptError` for a frame that is left out.
  fileprivate func placed(among input: VideoInput, place: String) throws(PromptError) -> PromptScript {
    let numbering = input.source.numbering
    guard numbering != .all else { return self }
    func index(_ number: Int) throws(PromptError) -> Int {
      if let index = numbering.index(of: number), index < input.count ?? .max { return index }
      let count = input.count ?? 0
      throw PromptError(
        place: place,
        problem: "expected one of the frames that are taken, \(numbering.number(of: 0)) to "
          + "\(numbering.number(of: max(0, count - 1))), one in \(numbering.number(of: 1) - numbering.number(of: 0)), "
          + "found frame \(number)")
    }
    func placed(_ prompt: ObjectPrompt) throws(PromptError) -> ObjectPrompt {
      var prompt = prompt
      prompt.frame = try index(prompt.frame)
      return prompt
    }
    var script = self
    script.objects = try objects.map(placed)
    script.steps = try steps?.map { step throws(PromptError) in
      switch step {
      case .prompt(let prompt): return .prompt(try placed(prompt))
      case .propagate(var way):
        way.from = try way.from.map(index)
        return .propagate(way)
      case .clear(let object, let frame): return .clear(object: object, frame: try index(frame))
      case .remove, .reset: return step
      }
    }
    return script
  }
}

/// Goes through a script's steps before anything is computed, and reads the masks that they name.
private struct ScriptCheck {
  /// What is wrong with a step.
  struct Problem: Error {
    let text: String
  }

  let input: VideoInput
  /// What mask paths are relative to.
  let folder: String
  /// The masks that were read, by the names that the steps have for them.
  private(set) var masks: [String: BinaryMask] = [:]
  /// What reading them decided, a sentence each.
  private(set) var notes: [String] = []
  /// The objects that there are after the steps so far.
  private var objects: Set<Int> = []

  init(input: VideoInput, folder: String) {
    self.input = input
    self.folder = folder
  }

  /// Checks the next step.
  ///
  /// - Throws: `Problem`, and what keeps a mask or a frame from being read.
  mutating func check(_ step: VideoStep) throws {
    switch step {
    case .prompt(let prompt):
      do { try check(prompt) } catch let problem as Problem {
        let frame = input.source.numbering.number(of: prompt.frame)
        throw Problem(text: "object \(prompt.object), frame \(frame): \(problem.text)")
      }
      objects.insert(prompt.object)
    case .propagate(let way):
      guard !objects.isEmpty else { throw Problem(text: "expected an object to track, found none") }
      if let start = way.from { try check(frame: start) }
    case .clear(let object, let frame):
      try check(object: object)
      try check(frame: frame)
    case .remove(let object):
      try check(object: object)
      objects.remove(object)
    case .reset: objects.removeAll()
    }
  }

  private mutating func check(_ prompt: ObjectPrompt) throws {
    guard (1...TrackFolder.mostObjects).contains(prompt.object) else {
      throw Problem(
        text:
          "expected an object from 1 to \(TrackFolder.mostObjects), as PNGs have them, found \(prompt.object)")
    }
    try check(frame: prompt.frame)
    guard let name = prompt.mask else {
      guard !prompt.keepsPoints || prompt.box == nil else {
        throw Problem(text: "a box comes before any points and can't be added to earlier ones, as `keep` asks")
      }
      do {
        let asked = Prompt(points: prompt.points, box: prompt.box)
        try asked.check(width: input.source.width, height: input.source.height)
      } catch {
        throw Problem(text: "\(error)")
      }
      return
    }
    guard prompt.points.isEmpty, prompt.box == nil else {
      throw Problem(text: "expected either a mask or points and a box, found both")
    }
    guard masks[name] == nil else { return }
    let read = try ReadMask(
      name, of: .video, in: folder, object: prompt.object, width: input.source.width,
      height: input.source.height)
    guard case .pixels(let mask) = read.content else {
      throw Problem(text: "expected a mask of pixels, found logits, which only pictures take")
    }
    notes += read.notes
    masks[name] = mask
  }

  private func check(object: Int) throws(Problem) {
    guard !objects.contains(object) else { return }
    let known = objects.isEmpty ? "no object" : "one of the objects \(objects.sorted())"
    throw Problem(text: "expected \(known), found \(object)")
  }

  /// Reads the frame too: a damaged file may promise more than there are.
  private func check(frame: Int) throws {
    guard try frame < 0 || input.source.frame(at: frame) == nil else { return }
    let last = input.count.map { "a frame from 0 to \($0 - 1)" } ?? "a frame of at least 0"
    throw Problem(text: "expected \(last), as the video has, found \(frame)")
  }
}
