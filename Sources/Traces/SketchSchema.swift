/// The fixed names of a sketch file; `Reference/sketches.md` describes the whole format.
public enum SketchSchema {
  static let format = "sam2kit.sketch"
  static let version = 1
  static let seedAttribute = "sketch_seed"
  static let taps = "taps"
  static let counts = "counts"
  static let statistics = "statistics"
  static let samplesTable = "samples"
  static let projections = "projections"

  /// What positions and signs depend on, unless a file says otherwise.
  public static let seed: UInt64 = 1
  /// How many elements of an array are kept.
  public static let samples = 256
}

/// One tap in a sketch's listing.
struct SketchedTap: Equatable, Codable {
  /// Its flattened name, as a trace has it.
  let name: String
  let shape: [Int]
  /// Which row of the tables is its sketch.
  var row: Int
  /// The call's position in the run; nil for predictions.
  var sequence: Int?
  /// The video's frame, where it is one.
  var frame: Int?
  /// The user's number of the object, where the call was made for one.
  var object: Int?
}
