import Taps

/// The fixed names of a trace file; `Reference/README.md` describes the whole format.
enum TraceSchema {
  static let format = "sam2kit.trace"
  static let version = 1
  static let taps = "taps"
  static let prediction = TapID.Part.prediction
  static let input = TapID.Part.input
  static let output = TapID.Part.output
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
