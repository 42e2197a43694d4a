public import Taps

/// How far arrays may be from their references: a tolerance for all, and rules about some by their names.
///
/// Of several rules about an array the last one that names a bound decides it.
public struct TolerancePolicy: Equatable, Sendable {
  /// What it is called.
  public var name: String
  /// What holds for every array unless a rule says otherwise.
  public var defaults: Tolerance
  /// What is said about some, in order.
  public var rules: [ToleranceRule]
  /// Where it comes from and what it is for.
  public var notes: String?

  /// A policy.
  public init(name: String, defaults: Tolerance, rules: [ToleranceRule] = [], notes: String? = nil) {
    self.name = name
    self.defaults = defaults
    self.rules = rules
    self.notes = notes
  }

  /// Float32 against Float32, of any model: 1e-4 of the largest magnitude is ten times what layers that add up in another
  /// order differ by.
  public static let f32 = TolerancePolicy(
    name: "f32", defaults: Tolerance(limits: [.relative: 1e-4], zero: .flag, nonFinite: .flag))

  /// What an array may be off by.
  public func tolerance(for id: TapID) -> Tolerance {
    guard !rules.isEmpty else { return defaults }
    let name = id.name
    return rules.reduce(defaults) {
      TapPattern($1.taps).matches(name) ? $0.overridden(by: $1.tolerance) : $0
    }
  }

  /// The same with another relative tolerance for all. Rules that grant more still do; none is stricter.
  public func withRelative(_ relative: Double) -> TolerancePolicy {
    var policy = self
    policy.defaults.limits[.relative] = relative
    for index in rules.indices {
      if let own = rules[index].tolerance.relative {
        policy.rules[index].tolerance.limits[.relative] = max(own, relative)
      }
    }
    return policy
  }

  /// The same without rules about candidates of another precision, whose name may be another program's (`float32`).
  public func narrowed(to precision: String) -> TolerancePolicy {
    var policy = self
    policy.rules = rules.filter { $0.applies(to: Self.precisionNames[precision] ?? precision) }
    return policy
  }

  /// What other programs call precisions.
  private static let precisionNames = [
    "float32": "f32", "fp32": "f32", "bfloat16": "bf16", "float16": "f16", "fp16": "f16", "int8": "w8a8",
  ]
}

/// What a policy says about some arrays.
public struct ToleranceRule: Equatable, Sendable {
  /// A shell pattern of the arrays' names.
  public var taps: String
  /// The precisions of the candidate that it is about; all when there are none.
  public var precisions: [String]
  /// Why.
  public var reason: String?
  /// What it says; what is not named there stays as it was.
  public var tolerance: Tolerance

  /// A rule.
  public init(taps: String, precisions: [String] = [], reason: String? = nil, _ tolerance: Tolerance) {
    self.taps = taps
    self.precisions = precisions
    self.reason = reason
    self.tolerance = tolerance
  }

  /// Whether it is about a candidate of that precision.
  func applies(to precision: String) -> Bool { precisions.isEmpty || precisions.contains(precision) }
}

extension TolerancePolicy {
  /// Whether an array of those metrics passes.
  func accepts(_ metrics: ErrorMetrics, of id: TapID) -> Bool {
    tolerance(for: id).breaches(metrics).isEmpty
  }

  /// The relative error below which a cause counts as found: the policy's own limit, or what Float32 layers differ by.
  func relativeLimit(for id: TapID) -> Double { tolerance(for: id).relative ?? 1e-4 }
}
