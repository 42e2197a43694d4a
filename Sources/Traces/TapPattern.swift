#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A shell pattern over dotted names: `*` stands for any text, dots and slashes included, `?` for one character,
/// `[ab]` for one of several.
public struct TapPattern: Hashable, Sendable {
  /// The pattern as written.
  public let text: String

  /// A pattern.
  public init(_ text: String) { self.text = text }

  /// Whether the whole of `name` fits the pattern.
  public func matches(_ name: String) -> Bool { fnmatch(text, name, 0) == 0 }
}
