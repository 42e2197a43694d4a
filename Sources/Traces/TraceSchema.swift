import Taps

/// The fixed names of a trace file; `Reference/README.md` describes the whole format.
enum TraceSchema {
  static let format = "sam2kit.trace"
  static let version = 1
  static let taps = "taps"
  static let prediction = TapPart.prediction
  static let input = TapPart.input
  static let output = TapPart.output
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
