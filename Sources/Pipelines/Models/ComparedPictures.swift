// Pictures segmented, and a clip tracked, by two models turn by turn: what changes, and what it takes.
import Evaluation
import Foundation
import Masks
import Media
import Prompts
import Quantization
import Reports
import SAM2

/// Pictures with something to point at, and a clip.
struct ComparedPictures {
  /// How many pictures are looked at, and how many of these are shown.
  private static let (looked, shown) = (48, 8)
  /// How often a picture and a clip are timed at most, over how many frames a clip is, and after how many seconds no further
  /// round begins.
  private static let (rounds, frames, patience) = (5, 12, 60.0)

  private let pictures: [(path: String, masks: ValidationSet.PictureFile?)]
  private let clip: String?
  private let calibration: CalibrationRequest

  /// Those of a validation set, where there is one, else those of the calibration.
  init(_ set: ValidationSet?, _ calibration: CalibrationRequest) throws {
    self.calibration = calibration
    if let set {
      pictures = set.pictures.map { ($0.picture, $0) }
      clip = set.clips.first?.frames
    } else {
      let folder = try CalibrationFolder(path: calibration.folder)
      pictures = folder.pictures.map { ($0, nil) }
      clip = folder.clips.first
    }
  }

  /// The pictures whose masks changed most, by the share of what is in either mask.
  func compare(
    _ before: Model, _ after: Model, _ watch: PipelineWatcher, _ isCancelled: () -> Bool
  ) throws -> [QuantizationReport.Picture] {
    var found: [QuantizationReport.Picture] = []
    for (path, masks) in pictures.prefix(Self.looked) {
      if isCancelled() || Task.isCancelled { throw CancellationError() }
      watch(.step("comparing masks of \(path)"))
      // A calibration may hold what can't be read.
      guard let input = try? PictureInput(path: path), let picture = input.picture else { continue }
      let (words, box) = try prompt(masks, input, path)
      let both = try [before, after].map { model in
        let prediction = try EmbeddedPicture(input, model: model).predict(Prompt(box: box))
        return prediction.best().mask
      }
      let changes = zip(both[0].pixels, both[1].pixels)
      found.append(
        QuantizationReport.Picture(
          name: path, prompt: words, iou: both[0].iou(with: both[1]),
          lost: changes.count { $0 == 1 && $1 == 0 }, gained: changes.count { $0 == 0 && $1 == 1 },
          thumbnail: .init(
            width: picture.width, height: picture.height, rgb: picture.pixels, before: both[0].pixels,
            after: both[1].pixels)))
    }
    return found.sorted { ($0.iou, $0.name) < ($1.iou, $1.name) }.prefix(Self.shown).map { $0 }
  }

  /// The first object's box, or one that was drawn by lot.
  private func prompt(
    _ masks: ValidationSet.PictureFile?, _ input: PictureInput, _ path: String
  ) throws -> (words: String, box: Box) {
    if let masks {
      let labels = try masks.labels(width: input.width, height: input.height)
      for object in labels.objects {
        if let box = PromptRule.box(labels.mask(of: object)) { return ("object \(object), box", box) }
      }
    }
    return ("a random box", RandomClicks(calibration, path, width: input.width, height: input.height).box)
  }

  /// Seconds of both models, turn by turn.
  func time(
    _ before: Model, _ after: Model, _ watch: PipelineWatcher, _ isCancelled: () -> Bool
  ) throws -> QuantizationReport.Time {
    watch(.step("timing both models"))
    var picture: QuantizationReport.Time.Pair?
    if let path = pictures.first?.path, let input = try? PictureInput(path: path) {
      picture = try turns(before, after, isCancelled) { try seconds($0, embedding: input) }
    }
    var frame: QuantizationReport.Time.Pair?
    if let clip, let input = try? VideoInput(path: clip) {
      frame = try turns(before, after, isCancelled) { try seconds($0, tracking: input, path: clip) }
    }
    return QuantizationReport.Time(picture: picture, frame: frame)
  }

  /// The medians of rounds in which both models take turns, after one to warm up where there is time for more.
  private func turns(
    _ before: Model, _ after: Model, _ isCancelled: () -> Bool, _ seconds: (Model) throws -> Double?
  ) throws -> QuantizationReport.Time.Pair? {
    let start = ContinuousClock.now
    var rounds: [QuantizationReport.Time.Pair] = []
    repeat {
      if isCancelled() || Task.isCancelled { throw CancellationError() }
      guard let one = try seconds(before), let other = try seconds(after) else { return nil }
      rounds.append(.init(before: one, after: other))
    } while rounds.count <= Self.rounds && start.duration(to: .now) < .seconds(Self.patience)
    let warm = rounds.count > 1 ? Array(rounds.dropFirst()) : rounds
    return QuantizationReport.Time.Pair(
      before: warm.map(\.before).median, after: warm.map(\.after).median)
  }

  private func seconds(_ model: Model, embedding input: PictureInput) throws -> Double {
    let start = ContinuousClock.now
    let clicks = RandomClicks(calibration, input.path, width: input.width, height: input.height)
    _ = try EmbeddedPicture(input, model: model).predict(Prompt(points: [clicks[0]]))
    return start.duration(to: .now) / .seconds(1)
  }

  /// The median over frames behind the first; nil for a clip without.
  private func seconds(_ model: Model, tracking input: VideoInput, path: String) throws -> Double? {
    let (width, height) = (input.source.width, input.source.height)
    let clicks = RandomClicks(calibration, path, width: width, height: height)
    var session = try VideoPredictor(model.base).session(input, width: width, height: height, history: .window)
    _ = try session.prompt(object: 1, frame: 0, points: [clicks[0]])
    var (times, last) = ([Double](), ContinuousClock.now)
    try session.propagate(from: 0, frames: Self.frames) { _ in
      let now = ContinuousClock.now
      times.append(last.duration(to: now) / .seconds(1))
      last = now
    }
    return times.count > 1 ? times.dropFirst().map { $0 }.median : nil
  }
}
