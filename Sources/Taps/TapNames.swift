public import Tensors

/// One of a module's calls in a run, written `<module path>/<call>`.
public struct CallID: Hashable, Sendable, CustomStringConvertible {
  /// The module.
  public let module: ModulePath
  /// The how-many-eth of its calls it is, from 0.
  public let number: Int

  /// A module's call.
  public init(_ module: ModulePath, _ number: Int) {
    self.module = module
    self.number = number
  }

  /// The beginning of its taps' names.
  public var description: String { "\(module)/\(number)" }
}

/// A call that was made, with the calls that were made inside.
public struct MadeCall: Sendable {
  /// Which call.
  public let id: CallID
  /// The calls that the module made itself, in order.
  public let inside: [MadeCall]
}

/// What of a video a module was called for.
public struct TapPlace: Hashable, Sendable {
  /// The frame, from 0; nil for a picture.
  public var frame: Int?
  /// The caller's number of the object; nil for what all objects share.
  public var object: Int?

  /// A place in a video, or none.
  public init(frame: Int? = nil, object: Int? = nil) {
    self.frame = frame
    self.object = object
  }
}

/// Which of a video's predictions one is, written `step/frame/object`.
public struct PredictionPlace: Hashable, Sendable, CustomStringConvertible {
  /// The position of the script's step.
  public var step: Int
  /// The frame.
  public var frame: Int
  /// The caller's number of the object.
  public var object: Int

  /// A prediction's place.
  public init(step: Int, frame: Int, object: Int) {
    self.step = step
    self.frame = frame
    self.object = object
  }

  /// The part of a tap's name.
  public var description: String { "\(step)/\(frame)/\(object)" }
}

/// The predictions of a run, which are recorded besides its taps.
public enum PredictedValue: String, CaseIterable, Sendable {
  /// Mask logits before they are resized to the picture: [objects, masks, h, w].
  case lowResLogits = "low_res_logits"
  /// The model's own estimate of each mask's intersection over union: [objects, masks].
  case iou
  /// The logit of an object being there at all: [objects, 1].
  case objectScore = "object_score"

  /// Its tap: of a picture `prediction/iou`, of a video `prediction/0/8/1/object_score`.
  public func tap(at place: PredictionPlace? = nil) -> TapID { .prediction(rawValue, at: place) }
}
