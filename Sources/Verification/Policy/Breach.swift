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
