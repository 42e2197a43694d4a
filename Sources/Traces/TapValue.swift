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
