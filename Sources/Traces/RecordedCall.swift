public import Tensors

/// What was recorded of one call: its arrays, read when asked for.
public struct RecordedCall: Sendable {
  /// Which call.
  public let id: CallID
  private let taps: [String: Tap]
  private let arrays: RecordedArrays

  init(id: CallID, taps: [String: Tap], arrays: RecordedArrays) {
    self.id = id
    self.taps = taps
    self.arrays = arrays
  }

  /// The names of what was recorded.
  public var names: [String] { Array(taps.keys) }

  /// The shape of an array; nil where none of that name was recorded.
  public func shape(_ name: String) -> Shape? { taps[name]?.shape }

  /// The array of that name: `input/<parameter>`, `output`, or members of them.
  ///
  /// - Throws: `TraceError.noSuchTap`, `HDF5Error`.
  public func tensor(_ name: String) throws -> Tensor {
    guard let tap = taps[name] else { throw TraceError.noSuchTap(file: arrays.file, name: "\(id)/\(name)") }
    return try arrays.tensor(tap)
  }

  /// How many members `<name>/0`, `<name>/1`, … there are.
  public func memberCount(_ name: String) -> Int {
    var count = 0
    while taps["\(name)/\(count)"] != nil { count += 1 }
    return count
  }
}

/// A value that can be made again from what was recorded of it.
public protocol RestorableValue: TapValue {
  /// The value whose tensors were recorded as `name` and its members: the inverse of `visitTensors`.
  ///
  /// - Throws: `TraceError.noSuchTap`, `HDF5Error`.
  init(named name: String, from recorded: RecordedCall) throws
}

extension Tensor: RestorableValue {
  /// The tensor of that name.
  public init(named name: String, from recorded: RecordedCall) throws { self = try recorded.tensor(name) }
}

extension Array: RestorableValue where Element: RestorableValue {
  /// The elements under their positions.
  public init(named name: String, from recorded: RecordedCall) throws {
    self = try (0..<recorded.memberCount(name)).map { try Element(named: "\(name)/\($0)", from: recorded) }
  }
}
