// A clip's objects tracked from their true masks, or taken from files, and held against the truth.
// Source: sam2's tools/vos_inference.py (what is prompted when), the evaluators of DAVIS 2017 and SA-V (what is judged).

public import Evaluation
import Masks
import Media
import SAM2

extension Model {
  /// Tracks a clip's objects by their true masks, each from the frame on which it is first seen, and compares with the
  /// truth.
  ///
  /// - Throws: `MediaError`, `SAM2Error`, `EvaluationError`, `BrokenPrediction`; `ClipLeftOut` where nothing is to be judged.
  public func evaluate(_ clip: ValidationSet.Clip) throws -> [ClipScores] {
    let input = try VideoInput(path: clip.frames)
    let source = input.source
    let truths = try clip.truths(frameNames: source.frameNames, width: source.width, height: source.height)
    let appearances = try clip.appearances(truths)
    var session = try VideoPredictor(base).session(
      input, width: source.width, height: source.height, history: .window)
    var judge = ClipJudge(clip, truths, objects: appearances.values.flatMap(\.self))
    let starts = appearances.keys.sorted()
    for (place, start) in starts.enumerated() {
      let masks = try truths.masks(on: start)
      for object in appearances[start] ?? [] {
        guard let mask = masks[object] else { continue }
        let shown = try session.prompt(object: object, frame: start, mask: mask.tensor)
        // On the first frame of all nothing is judged.
        if place > 0 { try judge.add(shown, of: [object]) }
      }
      let first = place == 0 ? start : start + 1
      let rest = place + 1 < starts.count ? starts[place + 1] - first : nil
      guard first < source.count ?? .max else { break }
      try session.propagate(from: first, frames: rest) { masks in try judge.add(masks) }
    }
    return try judge.scores()
  }
}

extension ValidationSet.Clip {
  /// Judges masks that somebody else made: `<folder>/<clip>/<frame>.png` of object numbers, or a folder for each object in
  /// between.
  ///
  /// - Throws: `MediaError`, `EvaluationError`; `ClipLeftOut` where nothing is to be judged.
  public func evaluate(masksIn folder: String) throws -> [ClipScores] {
    let source = try VideoInput(path: frames).source
    let truths = try truths(frameNames: source.frameNames, width: source.width, height: source.height)
    let objects = try appearances(truths).values.flatMap(\.self)
    let predictions = try PredictedMasks(folder: "\(folder)/\(name)", truths)
    var judge = ClipJudge(self, truths, objects: objects)
    for frame in truths.judged { try judge.add(predictions.masks(on: frame), on: frame) }
    return try judge.scores()
  }

  /// The objects to track by the frame on which their masks are given.
  ///
  /// - Throws: `ClipLeftOut` where there is none, or no frame to judge.
  fileprivate func appearances(_ truths: TrueMasks) throws -> [Int: [Int]] {
    guard let first = truths.frames.first, !truths.judged.isEmpty else {
      throw ClipLeftOut(
        clip: name,
        reason: "of its true masks the first and the last don't count, and it has \(truths.frames.count)")
    }
    var seen: Set<Int> = []
    var appearances: [Int: [Int]] = [:]
    for frame in takesLaterObjects ? Array(truths.frames.dropLast()) : [first] {
      let new = try truths.masks(on: frame).keys.filter { !seen.contains($0) }.sorted()
      if !new.isEmpty { appearances[frame] = new }
      seen.formUnion(new)
    }
    guard !appearances.isEmpty else { throw ClipLeftOut(clip: name, reason: "no object is on its first frame") }
    return appearances
  }
}

/// A clip of which nothing can be said.
public struct ClipLeftOut: Error, CustomStringConvertible {
  /// The clip's name.
  public let clip: String
  /// Why it was left out.
  public let reason: String

  /// One sentence.
  public var description: String { "clip \(clip): left out, \(reason)" }
}

/// Collects what each object of a clip scores on the frames that count.
private struct ClipJudge {
  private let clip: ValidationSet.Clip
  private let truths: TrueMasks
  private let objects: [Int]
  private let judged: Set<Int>
  private var regions: [Int: [Int: Double]] = [:]
  private var contours: [Int: [Int: Double]] = [:]
  /// The first judged frame on which an object is, in truth or as predicted.
  private var appearances: [Int: Int] = [:]

  init(_ clip: ValidationSet.Clip, _ truths: TrueMasks, objects: [Int]) {
    self.clip = clip
    self.truths = truths
    self.objects = objects.sorted()
    judged = Set(truths.judged)
  }

  /// Judges tracked masks, all of them or those of some objects.
  mutating func add(_ masks: FrameMasks, of objects: Set<Int>? = nil) throws {
    try masks.requireNumbers()
    guard judged.contains(masks.frame) else { return }
    let known = zip(masks.objects, masks.logits()).filter { objects?.contains($0.0.id) ?? true }
    try add(Dictionary(uniqueKeysWithValues: known.map { ($0.id, BinaryMask(logits: $1)) }), on: masks.frame)
  }

  /// Judges masks by object.
  mutating func add(_ masks: [Int: BinaryMask], on frame: Int) throws {
    let expected = try truths.masks(on: frame)
    for (object, mask) in masks {
      let truth = expected[object] ?? truths.nothing
      regions[object, default: [:]][frame] = mask.iou(with: truth)
      contours[object, default: [:]][frame] = mask.boundaryF(with: truth)
      if mask.area > 0 || truth.area > 0 { note(object, on: frame) }
    }
  }

  private mutating func note(_ object: Int, on frame: Int) {
    appearances[object] = min(frame, appearances[object] ?? frame)
  }

  /// Every object's scores; where an object has no mask it was said not to be there. Of one that may come later the frames before
  /// nobody saw it don't count, as in SA-V's evaluator; in DAVIS's they do.
  mutating func scores() throws -> [ClipScores] {
    var absent: [Int: [Int: BinaryMask]] = [:]
    return try objects.map { object in
      var (j, f) = (regions[object] ?? [:], contours[object] ?? [:])
      for frame in truths.judged where j[frame] == nil {
        let truth = try absent[frame] ?? truths.masks(on: frame)
        absent[frame] = truth
        let mask = truth[object] ?? truths.nothing
        j[frame] = truths.nothing.iou(with: mask)
        f[frame] = truths.nothing.boundaryF(with: mask)
        if mask.area > 0 { note(object, on: frame) }
      }
      let first = clip.takesLaterObjects ? appearances[object] ?? 0 : 0
      let frames = truths.judged.filter { $0 >= first }
      return ClipScores(
        clip: clip.name, object: object, frames: frames, regions: frames.map { j[$0] ?? 0 },
        contours: frames.map { f[$0] ?? 0 })
    }
  }
}
