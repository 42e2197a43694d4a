/// How far one array may be from its reference: bounds that must all hold, and what to do about what is odd.
public struct Tolerance: Equatable, Sendable {
  /// What to do about something that is odd but not wrong.
  public enum Reaction: String, Codable, Sendable {
    /// Say so.
    case flag
    /// Fail.
    case fail
  }

  /// The limits; what is not named is not bounded.
  public var limits: [Bound: Double]
  /// What to do about an array that is all zeros on both sides: a hook that saw nothing records such; nil says nothing.
  public var zero: Reaction?
  /// What to do about NaN and infinities that both sides have in the same places; nil says nothing. Where they
  /// differ the array always fails.
  public var nonFinite: Reaction?

  /// A tolerance.
  public init(limits: [Bound: Double] = [:], zero: Reaction? = nil, nonFinite: Reaction? = nil) {
    self.limits = limits
    self.zero = zero
    self.nonFinite = nonFinite
  }

  /// The largest relative error, if that is bounded.
  public var relative: Double? { limits[.relative] }

  /// This one, save for what the other says.
  public func overridden(by other: Tolerance) -> Tolerance {
    Tolerance(
      limits: limits.merging(other.limits) { $1 }, zero: other.zero ?? zero,
      nonFinite: other.nonFinite ?? nonFinite)
  }

  /// What an array of those metrics breaks; nothing if it passes.
  public func breaches(_ metrics: ErrorMetrics) -> [Breach] {
    var breaches = Bound.allCases.compactMap { breach(of: $0, metrics) }
    if metrics.nonFiniteMismatches > 0 {
      breaches.append(
        Breach(of: .nonFiniteMismatch, limit: 0, found: Double(metrics.nonFiniteMismatches)))
    }
    if metrics.isZero && zero == .fail { breaches.append(Breach(of: .zero, limit: nil, found: nil)) }
    if metrics.hasNonFinite && metrics.nonFiniteMismatches == 0 && nonFinite == .fail {
      breaches.append(Breach(of: .nonFinite, limit: nil, found: nil))
    }
    return breaches
  }

  private func breach(of bound: Bound, _ metrics: ErrorMetrics) -> Breach? {
    guard let limit = limits[bound], let found = bound.value(in: metrics) else { return nil }
    // An absolute limit excuses a relative error; alone it is a bound of its own.
    switch bound {
    case .relative:
      if let absolute = limits[.absolute], metrics.maxAbsError <= absolute { return nil }
    case .absolute:
      if limits[.relative] != nil { return nil }
    default: break
    }
    return bound.allows(found, limit: limit) ? nil : Breach(of: .bound(bound), limit: limit, found: found)
  }
}
