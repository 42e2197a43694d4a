public import Tensors

/// What goes into or comes out of a module: a tensor, or tensors in lists, optionals and dictionaries.
public protocol TapValue: Sendable {
  /// Calls `visit` with every tensor and its name: `name` itself for a tensor, `name/0`, `name/key` for members.
  func visitTensors(named name: String, _ visit: (String, Tensor) throws -> Void) rethrows
}

extension Tensor: TapValue {
  /// Visits itself.
  public func visitTensors(named name: String, _ visit: (String, Tensor) throws -> Void) rethrows {
    try visit(name, self)
  }
}

extension Array: TapValue where Element: TapValue {
  /// Visits the elements under their positions.
  public func visitTensors(named name: String, _ visit: (String, Tensor) throws -> Void) rethrows {
    for (index, value) in enumerated() { try value.visitTensors(named: "\(name)/\(index)", visit) }
  }
}

extension Optional: TapValue where Wrapped: TapValue {
  /// Visits the value if there is one.
  public func visitTensors(named name: String, _ visit: (String, Tensor) throws -> Void) rethrows {
    try self?.visitTensors(named: name, visit)
  }
}

extension Dictionary: TapValue where Key == String, Value: TapValue {
  /// Visits the values under their keys, in the keys' order.
  public func visitTensors(named name: String, _ visit: (String, Tensor) throws -> Void) rethrows {
    for (key, value) in sorted(by: { $0.key < $1.key }) {
      try value.visitTensors(named: "\(name)/\(key)", visit)
    }
  }
}

/// What was recorded of one call: its arrays, read when asked for.
public struct RecordedCall: Sendable {
  /// Which call.
  public let id: CallID
  private let shapes: [String: Shape]
  private let read: @Sendable (String) throws -> Tensor

  /// A call whose arrays have these shapes, by the names `input/<parameter>`, `output` and their members.
  ///
  /// - Parameter read: The array of such a name; throws for one that was not recorded.
  public init(id: CallID, shapes: [String: Shape], read: @escaping @Sendable (String) throws -> Tensor) {
    self.id = id
    self.shapes = shapes
    self.read = read
  }

  /// The names of what was recorded.
  public var names: [String] { Array(shapes.keys) }

  /// The shape of an array; nil where none of that name was recorded.
  public func shape(_ name: String) -> Shape? { shapes[name] }

  /// The array of that name: `input/<parameter>`, `output`, or members of them.
  ///
  /// - Throws: What the recording throws where it is missing or can't be read.
  public func tensor(_ name: String) throws -> Tensor { try read(name) }

  /// How many members `<name>/0`, `<name>/1`, … there are.
  public func memberCount(_ name: String) -> Int {
    var count = 0
    while shapes["\(name)/\(count)"] != nil { count += 1 }
    return count
  }
}

/// A value that can be made again from what was recorded of it.
public protocol RestorableValue: TapValue {
  /// The value whose tensors were recorded as `name` and its members: the inverse of `visitTensors`.
  ///
  /// - Throws: What the recording throws where the tensor is missing or can't be read.
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
