import Masks
import Media
public import SAM2
import Tensors

/// How well one object of a clip was tracked from its mask on the first frame.
public struct ClipScores: Equatable, Sendable {
  /// The clip's name.
  public let clip: String
  /// The object's number.
  public let object: Int
  /// J, the mean region similarity over all frames but the first and the last, as DAVIS and SA-V have it.
  public let region: Double
  /// F, the mean contour accuracy over the same frames.
  public let contour: Double
}

extension VideoPredictor {
  /// Tracks all objects of a clip's first frame by their true masks, and compares with the truth.
  ///
  /// - Throws: `MediaError`, `SAM2Error`, `EvaluationError.wrongSize`, `.wrongCount`.
  public func evaluate(_ clip: ValidationSet.Clip) throws -> [ClipScores] {
    let source = try openFrameSource(path: clip.frames)
    guard source.count == clip.masks.count else {
      throw EvaluationError.wrongCount(clip: clip.name, frames: source.count ?? 0, masks: clip.masks.count)
    }
    func truth(_ frame: Int) throws -> LabelMap {
      try LabelMap.read(path: clip.masks[frame], of: source.width, source.height)
    }
    var session = session(
      PreparedFrames(source: source), width: source.width, height: source.height, history: .window)
    let first = try truth(0)
    for object in first.objects {
      let mask = first.mask(of: object)
      try session.prompt(
        object: object, frame: 0, mask: Tensor([mask.height, mask.width], mask.pixels.map { Float($0) }))
    }
    var sums: [Int: (region: Double, contour: Double)] = [:]
    let judged = 1..<max(1, clip.masks.count - 1)
    guard !first.objects.isEmpty else { return [] }
    try session.propagate(from: 0) { masks in
      guard judged.contains(masks.frame) else { return }
      let truth = try truth(masks.frame)
      for (object, logits) in zip(masks.objects, masks.logits()) {
        let (predicted, expected) = (BinaryMask(logits: logits), truth.mask(of: object.id))
        sums[object.id, default: (0, 0)].region += predicted.iou(with: expected)
        sums[object.id, default: (0, 0)].contour += predicted.boundaryF(with: expected)
      }
    }
    let frames = Double(max(1, judged.count))
    return first.objects.map { object in
      let sum = sums[object] ?? (0, 0)
      return ClipScores(
        clip: clip.name, object: object, region: sum.region / frames, contour: sum.contour / frames)
    }
  }
}

/// A source's frames as the model takes them.
private struct PreparedFrames: VideoFrames {
  let source: any FrameSource

  var count: Int? { source.count }

  func frame(_ index: Int, size: Int) throws -> Tensor {
    guard let frame = try source.frame(at: index) else { throw EndOfVideo() }
    return try frame.prepared(size: size)
  }
}
