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
    // What isn't defined, such as the cosine of zeros, doesn't count against arrays that don't differ.
    if found.isNaN && metrics.isEqual { return nil }
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

/// A number of a comparison that a policy may bound, spelt in JSON in snake_case: `sqnr_decibels`.
public enum Bound: String, CaseIterable, Codable, Sendable {
  /// The largest error as a part of the reference's largest magnitude; absolute where that is zero.
  case relative
  /// The largest error that passes even where the relative one is too large.
  case absolute
  /// The largest error in units in the last place.
  case ulp
  /// The least cosine.
  case cosine
  /// The least correlation.
  case pearson
  /// The least signal to noise.
  case sqnrDecibels
  /// The least peak signal to noise.
  case psnrDecibels
  /// The largest divergence of a row, for arrays that are like probabilities.
  case klDivergence
  /// The least intersection over union, for masks.
  case maskIoU = "maskIou"
  /// The least agreement of outlines, for masks.
  case boundaryF

  /// Whether the bound is the largest value that passes rather than the least.
  public var isCeiling: Bool {
    switch self {
    case .relative, .absolute, .ulp, .klDivergence: true
    case .cosine, .pearson, .sqnrDecibels, .psnrDecibels, .maskIoU, .boundaryF: false
    }
  }

  /// What is bounded; nil where the array has no such number.
  public func value(in metrics: ErrorMetrics) -> Double? {
    switch self {
    case .relative: metrics.relativeError
    case .absolute: metrics.maxAbsError
    case .ulp: metrics.ulp.largest
    case .cosine: metrics.cosineSimilarity
    case .pearson: metrics.pearson
    case .sqnrDecibels: metrics.sqnrDecibels
    case .psnrDecibels: metrics.psnrDecibels
    case .klDivergence: metrics.klDivergence?.largest
    case .maskIoU: metrics.masks?.iou
    case .boundaryF: metrics.masks?.boundaryF
    }
  }

  /// Whether a value is within a limit, the limit included. NaN is not.
  public func allows(_ value: Double, limit: Double) -> Bool { isCeiling ? value <= limit : value >= limit }

  /// What a limit may be.
  var range: ClosedRange<Double> {
    switch self {
    case .relative, .absolute, .ulp, .klDivergence: 0...(.infinity)
    case .cosine, .pearson: -1...1
    case .sqnrDecibels, .psnrDecibels: -.infinity...(.infinity)
    case .maskIoU, .boundaryF: 0...1
    }
  }
}

/// Something that an array breaks.
public struct Breach: Equatable, Sendable, Codable {
  /// What is broken.
  public enum Kind: Hashable, Sendable {
    /// A bound of the policy.
    case bound(Bound)
    /// NaN or infinities differ.
    case nonFiniteMismatch
    /// All is zero on both sides, and the policy forbids that.
    case zero
    /// There are NaN or infinities, and the policy forbids them.
    case nonFinite

    private static let others: [Kind] = [.nonFiniteMismatch, .zero, .nonFinite]

    /// The name in JSON.
    public var name: String {
      switch self {
      case .bound(let bound): bound.rawValue.inSnakeCase
      case .nonFiniteMismatch: "non_finite_mismatch"
      case .zero: "zero"
      case .nonFinite: "non_finite"
      }
    }

    init?(name: String) {
      let kinds = Bound.allCases.map(Kind.bound) + Self.others
      guard let kind = kinds.first(where: { $0.name == name }) else { return nil }
      self = kind
    }
  }

  /// What is broken.
  public let of: Kind
  /// What would have passed.
  public let limit: Double?
  /// What was found.
  public let found: Double?
}

extension Breach.Kind: Codable {
  /// Reads the name.
  public init(from decoder: any Decoder) throws {
    let name = try String(from: decoder)
    guard let kind = Breach.Kind(name: name) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "no bound is called \(name)"))
    }
    self = kind
  }

  /// Writes the name.
  public func encode(to encoder: any Encoder) throws { try name.encode(to: encoder) }
}
