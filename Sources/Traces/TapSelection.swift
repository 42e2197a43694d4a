import HDF5
public import Taps
import Tensors

/// Which taps of a recording to keep.
public struct TapSelection: Sendable {
  /// Shell patterns of module paths or whole names; all taps when there are none.
  public var patterns: [TapPattern]
  /// Frames of a video; all when there are none. What belongs to no frame is kept.
  public var frames: Set<Int>
  /// Objects of a video; all when there are none. What belongs to no object is kept.
  public var objects: Set<Int>
  /// Whether predictions are kept whatever the patterns, within the frames and objects; none is otherwise.
  public var keepsPredictions: Bool

  /// A selection.
  public init(
    patterns: [TapPattern] = [], frames: Set<Int> = [], objects: Set<Int> = [], keepsPredictions: Bool = true
  ) {
    self.patterns = patterns
    self.frames = frames
    self.objects = objects
    self.keepsPredictions = keepsPredictions
  }

  /// Sees that each pattern, frame and object is of some tap.
  ///
  /// - Throws: `TraceError.unmatched`, which names the first that isn't.
  func check(_ taps: [ListedTap], file: String) throws(TraceError) {
    for pattern in patterns where !taps.contains(where: { $0.tap.matches(pattern) }) {
      throw .unmatched(file: file, asked: "a module or name that fits \(pattern.text)")
    }
    let places = taps.map(\.place)
    if let frame = frames.sorted().first(where: { frame in !places.contains { $0.frame == frame } }) {
      throw .unmatched(file: file, asked: "frame \(frame)")
    }
    if let object = objects.sorted().first(where: { object in !places.contains { $0.object == object } }) {
      throw .unmatched(file: file, asked: "object \(object)")
    }
  }

  func keeps(_ listed: ListedTap) -> Bool {
    let place = listed.place
    guard frames.isEmpty || place.frame.map(frames.contains) ?? true,
      objects.isEmpty || place.object.map(objects.contains) ?? true
    else { return false }
    if listed.tap.module == nil { return keepsPredictions }
    return patterns.isEmpty || patterns.contains { listed.tap.matches($0) }
  }
}

/// A tap with its call's position in the run.
struct ListedTap {
  let tap: Tap
  /// The position of its call in the order in which calls returned; nil for predictions.
  let sequence: Int?

  /// What of a video it is of; a prediction says it in its name.
  var place: TapPlace {
    tap.id.predictionPlace.map { TapPlace(frame: $0.frame, object: $0.object) } ?? tap.place
  }
}

extension Recording {
  /// Every tap with its call's position, in the order of execution.
  func listing() throws -> [ListedTap] {
    switch self {
    case .sketch(let reader):
      return zip(reader.taps, reader.listing).map { ListedTap(tap: $0, sequence: $1.sequence) }
    case .trace(let reader):
      var sequences: [CallID: Int] = [:]
      return try reader.taps.map { tap in
        guard let call = tap.call else { return ListedTap(tap: tap, sequence: nil) }
        let sequence = try sequences[call] ?? Self.sequence(of: call, in: reader.root)
        sequences[call] = sequence
        return ListedTap(tap: tap, sequence: sequence)
      }
    }
  }

  /// The listing has seen to it that there is one.
  private static func sequence(of call: CallID, in root: HDF5Group) throws -> Int? {
    guard
      case .integer(let number) = try root.group("\(TraceSchema.taps)/\(call)").attribute(TraceSchema.sequence)
    else { return nil }
    return Int(number)
  }
}
