import Traces

/// How far an array may be from its reference.
public struct Tolerance: Equatable, Sendable, Codable {
  /// Arrays that may be further off than others, and why not.
  public struct Exception: Equatable, Sendable, Codable {
    /// A shell pattern of the arrays' names.
    public let names: String
    /// The error allowed to them at least, as a part of the reference's largest magnitude.
    public let relative: Double

    /// An exception for the arrays of those names.
    public init(names: String, relative: Double) {
      self.names = names
      self.relative = relative
    }
  }

  /// The largest error allowed, as a part of the reference's largest magnitude; absolute where that is zero.
  public var relative: Double
  /// What is excepted from it.
  public var exceptions: [Exception]

  /// A tolerance. 1e-4 is ten times what float32 layers that add up in another order differ by.
  public init(relative: Double = 1e-4, exceptions: [Exception] = Tolerance.storedMemories) {
    self.relative = relative
    self.exceptions = exceptions
  }

  /// SAM 2 stores memories as bfloat16. Where a float32 lies halfway between two of them, an error in its last bit
  /// decides, and single elements of what reads a memory differ by one rounding, 2⁻⁷ of their magnitude at most. What
  /// was stored is compared strictly where the memory encoder returns it.
  public static let storedMemories = [
    "memory_attention/*/input/memory", "memory_attention.layers.*/input/memory",
    "memory_attention.layers.*.cross_attn_image/*/input/[kv]",
    "memory_attention.layers.*.cross_attn_image.[kv]_proj/*",
  ].map { Exception(names: $0, relative: 0x1p-7) }

  /// The error allowed to an array of that name.
  public func relative(for name: String) -> Double {
    exceptions.reduce(relative) { TapPattern($1.names).matches(name) ? max($0, $1.relative) : $0 }
  }

  /// Whether an array of that name is near enough; equal to the tolerance is.
  public func accepts(_ metrics: ErrorMetrics, of name: String) -> Bool {
    metrics.smallestPassingTolerance <= relative(for: name)
  }

  /// How far one element of an array of that largest magnitude may move.
  func allowance(_ magnitude: Double) -> Double { magnitude == 0 ? relative : relative * magnitude }
}
