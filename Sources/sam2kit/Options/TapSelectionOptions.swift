import ArgumentParser
import Taps
import Traces

/// Which taps of a recording to keep.
struct TapSelectionOptions: ParsableArguments {
  @Option(name: .long, help: "Keep taps whose module path or name matches this glob; may be repeated.")
  var tap: [String] = []
  @Option(name: .long, help: "Of a video keep this frame, and what belongs to none; may be repeated.")
  var frame: [Int] = []
  @Option(name: .long, help: "Of a video keep this object, and what belongs to none; may be repeated.")
  var object: [Int] = []
  @Flag(name: .long, help: "Leave predictions out, which --tap otherwise doesn't.")
  var noPredictions = false

  /// What was asked for.
  var selection: TapSelection {
    TapSelection(
      patterns: tap.map { TapPattern($0) }, frames: Set(frame), objects: Set(object),
      keepsPredictions: !noPredictions)
  }

  /// Says which patterns fit nothing.
  func remark(on run: Recording) {
    for pattern in tap where !run.taps.contains(where: { $0.matches(TapPattern(pattern)) }) {
      Console.remark("--tap \(pattern): no tap or module has such a name")
    }
  }
}
