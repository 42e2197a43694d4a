import Foundation
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
    history = prompts.steps == nil ? .window : .everything
    var masks: [String: BinaryMask] = [:]
    for case .prompt(let prompt) in steps {
      func fail(_ problem: String) -> PromptError {
        PromptError(place: place, problem: "object \(prompt.object), frame \(prompt.frame): \(problem)")
      }
      guard (1...255).contains(prompt.object) else {
        throw fail("expected an object from 1 to 255, as indexed PNGs have them, found \(prompt.object)")
      }
      guard prompt.frame >= 0, prompt.frame < input.count ?? .max else {
        throw fail("the video has \(input.count.map { "frames 0 to \($0 - 1)" } ?? "no frame") only")
      }
      if let name = prompt.mask {
        guard prompt.points == nil, prompt.box == nil else {
          throw fail("expected either a mask or points and a box, found both")
        }
        let path = URL(fileURLWithPath: name, relativeTo: folder).path
        let mask = try masks[name] ?? BinaryMask.read(path: path)
        guard mask.width == input.source.width, mask.height == input.source.height else {
          throw fail(
            "\(path): expected a mask of the video's size, \(input.source.width) × \(input.source.height), "
              + "found \(mask.width) × \(mask.height)")
        }
        masks[name] = mask
      } else {
        do {
          try prompt.pointed.check(width: input.source.width, height: input.source.height)
        } catch { throw fail("\(error)") }
      }
    }
    self.masks = masks
  }

  /// A prompt's mask, 1 on the object and 0 beside it, `[height, width]`.
  func mask(at name: String) throws -> Tensor {
    guard let mask = masks[name] else { throw PromptError(place: name, problem: "no prompt names this mask") }
    return Tensor([mask.height, mask.width], mask.pixels.map { Float($0) })
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
