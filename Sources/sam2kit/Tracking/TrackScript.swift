import Files
import Foundation
import Masks
import Media
import SAM2
import Tensors
import Traces

/// What to do to a video, checked before anything is computed.
struct TrackScript {
  let steps: [VideoStep]
  /// Whether outputs far behind may be asked for again.
  let history: VideoHistory
  private let masks: [String: BinaryMask]

  /// The steps that prompts mean for a video, with their masks read.
  ///
  /// - Parameters:
  ///   - place: Where the prompts come from, for errors.
  ///   - folder: What mask paths are relative to.
  init(_ prompts: TracePrompts, _ direction: TrackDirection, place: String, folder: URL, _ input: VideoInput)
    throws
  {
    if prompts.steps != nil && direction != .forward {
      throw PromptError(place: place, problem: "`steps` say the direction; leave out --reverse and --both")
    }
    var steps = prompts.script(frameCount: input.count, isReverse: direction == .reverse)
    if direction == .both, let first = prompts.objects.map({ $0.frame ?? 0 }).min(), first > 0 {
      steps.append(.propagate(.init(from: first, reverse: true)))
    }
    self.steps = steps
    history = Self.goesFarBack(steps) ? .everything : .window
    var checking = ScriptCheck(input: input, folder: folder)
    for (index, step) in steps.enumerated() {
      do { try checking.check(step) } catch let problem as ScriptCheck.Problem {
        let place = prompts.steps == nil ? place : "\(place): steps[\(index)]"
        throw PromptError(place: place, problem: problem.text)
      }
    }
    masks = checking.masks
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
        let isReverse = way.reverse ?? false
        let first = way.from ?? pointed.min() ?? 0
        if tracked != nil && abs(first - last) > 1 && !pointed.contains(first) { return true }
        last = isReverse ? max(0, first - (way.frames ?? first)) : first + min(way.frames ?? end, end)
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
      return ([String(decoding: try TrackReport.encoder.encode(steps), as: UTF8.self)] + digests)
        .joined(separator: "\n")
    }
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
        let room = way.reverse == true ? first : count - 1 - first
        total += min(way.frames ?? room, room) + 1
      case .clear, .remove, .reset: break
      }
    }
    return total
  }
}

/// Which way to track.
enum TrackDirection {
  case forward, reverse
  /// Forward to the end, then backward from the earliest prompt.
  case both
}
