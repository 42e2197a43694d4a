// What an app calls: a model from any file, a picture segmented, a clip tracked. Nothing here prints or ends a program.

// A click, a box and a script are said by whoever imports this.
@_exported public import Prompts
public import SAM2

/// What a pipeline tells while it works.
public enum PipelineEvent: Sendable {
  /// What a user should know whether anybody watches or not, in a sentence.
  case note(String)
  /// What is done next, for somebody watching.
  case step(String)
  /// How far it is.
  case progress(FrameProgress)
  /// How many of a picture's points were asked about.
  case points(AutomaticMaskProgress)
}

/// Who is told what a pipeline does; called on the pipeline's own thread, between frames and batches of points at most.
public typealias PipelineWatcher = (PipelineEvent) -> Void

/// How far a video is.
public struct FrameProgress: Sendable {
  /// What is done to its frames.
  public enum Stage: Sendable { case tracking, overlay, verifying }

  /// What is done.
  public let stage: Stage
  /// The frame that was done last, from 0.
  public let frame: Int
  /// How many were done, those of an earlier run that goes on included.
  public let done: Int
  /// How many there will be, if that can be told.
  public let total: Int?
  /// How many were done by this run.
  public let doneNow: Int
  /// The time since this run began, in seconds.
  public let seconds: Double
}

/// What this package calls itself in traces and converted files.
public enum Product {
  /// The program's name.
  public static let name = "sam2kit"
  /// Its version.
  public static let version = "0.1.0"
}

/// A prediction that holds NaN, most likely because a weight does.
public struct BrokenPrediction: Error, CustomStringConvertible {
  /// What was predicted.
  public let name: String

  /// One sentence.
  public var description: String {
    "expected numbers as the predicted \(name), found NaN: `sam2kit inspect` shows whether the weights hold any, "
      + "--trace where the first one arises"
  }
}
