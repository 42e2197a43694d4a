/// The name of a module, in PyTorch's own spelling: the state-dict prefix, the property path in Swift and the
/// tap's name in a trace are this one string, such as `image_encoder.trunk.blocks.3.attn.qkv`.
public struct ModulePath: Hashable, Sendable, CustomStringConvertible {
  /// The dotted name; empty for the root.
  public let name: String

  /// The module of that dotted name.
  public init(_ name: String = "") { self.name = name }

  /// The child called `name`.
  public func child(_ name: String) -> ModulePath {
    ModulePath(self.name.isEmpty ? name : "\(self.name).\(name)")
  }

  /// Whether it is one of the modules inside another, at any depth.
  public func isInside(_ other: ModulePath) -> Bool {
    self != other && (other.name.isEmpty || name.hasPrefix("\(other.name)."))
  }

  /// The dotted name.
  public var description: String { name }
}
