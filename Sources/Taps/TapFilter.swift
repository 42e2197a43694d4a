#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

public import Tensors

/// A shell pattern over dotted names: `*` stands for any text, dots and slashes included, `?` for one character,
/// `[ab]` for one of several.
public struct TapPattern: Hashable, Sendable {
  /// The pattern as written.
  public let text: String

  /// A pattern.
  public init(_ text: String) { self.text = text }

  /// Whether the whole of `name` fits the pattern.
  public func matches(_ name: String) -> Bool {
    text.withCString { text in name.withCString { fnmatch(text, $0, 0) == 0 } }
  }
}

/// Which calls to record.
public struct TapFilter: Sendable {
  /// Shell patterns of module paths; all when there are none.
  public var patterns: [TapPattern]
  /// Frames of a video; all when there are none.
  public var frames: Set<Int>
  /// Objects of a video; all when there are none. What objects share is not left out.
  public var objects: Set<Int>

  /// A filter that lets everything pass unless told otherwise.
  public init(_ patterns: [String] = [], frames: Set<Int> = [], objects: Set<Int> = []) {
    self.patterns = patterns.map { TapPattern($0) }
    self.frames = frames
    self.objects = objects
  }

  /// Whether calls of a module are recorded, on some frame and for some object.
  public func asksFor(_ module: ModulePath) -> Bool {
    patterns.isEmpty || patterns.contains { $0.matches(module.name) }
  }

  func passes(_ place: TapPlace) -> Bool {
    (frames.isEmpty || place.frame.map(frames.contains) ?? true)
      && (objects.isEmpty || place.object.map(objects.contains) ?? true)
  }
}
