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

/// Values of different kinds under one name: a Python tuple, or a dictionary of tensors and lists.
public struct TapMembers: TapValue, ExpressibleByDictionaryLiteral {
  private let members: [(name: String, value: (any TapValue)?)]

  /// A tuple, with nil for members that are no tensors: they keep their position and leave nothing.
  public init(tuple: (any TapValue)?...) {
    members = tuple.enumerated().map { ("\($0.offset)", $0.element) }
  }

  /// Named members.
  public init(dictionaryLiteral elements: (String, any TapValue)...) {
    members = elements.map { ($0.0, $0.1) }
  }

  /// Visits the members under their names.
  public func visitTensors(named name: String, _ visit: (String, Tensor) throws -> Void) rethrows {
    for member in members { try member.value?.visitTensors(named: "\(name)/\(member.name)", visit) }
  }
}
