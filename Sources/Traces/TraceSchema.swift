/// The fixed names of a trace file; `Reference/README.md` describes the whole format.
enum TraceSchema {
  static let format = "sam2kit.trace"
  static let version = 1
  static let taps = "taps"
  static let prediction = "prediction"
  static let input = "input"
  static let output = "output"
  static let sequence = "sequence"
  static let frame = "frame"
  static let object = "object"
  /// Lists within lists of tensors go no deeper than this, so that a file linked in a circle ends.
  static let deepestValue = 8

  /// Whether HDF5 takes `name` as one link.
  static func isLinkName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && !name.utf8.contains(UInt8(ascii: "/")) && !name.utf8.contains(0)
  }
}

/// The predictions that every trace holds besides its taps.
public enum TracePrediction: String, CaseIterable, Sendable {
  /// Mask logits before they are resized to the picture: [objects, masks, h, w].
  case lowResLogits = "low_res_logits"
  /// The model's own estimate of each mask's intersection over union: [objects, masks].
  case iou
  /// The logit of an object being there at all: [objects, 1].
  case objectScore = "object_score"

  /// The tap's flattened name: of a picture `prediction/iou`, of a video `prediction/0/8/1/object_score`.
  public func tapName(at place: PredictionPlace? = nil) -> String {
    "\(TraceSchema.prediction)/\(place.map { "\($0)/" } ?? "")\(rawValue)"
  }

  /// Whether a tap of that flattened name is this prediction, of a picture or of some frame of a video.
  public func isTap(_ name: String) -> Bool {
    name.hasPrefix("\(TraceSchema.prediction)/") && name.hasSuffix("/\(rawValue)")
  }
}
