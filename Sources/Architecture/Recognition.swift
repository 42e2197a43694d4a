public import Tensors

/// How a set of tensors differs from what an architecture expects.
public struct LayoutDifference: Hashable, Sendable, CustomStringConvertible {
  /// Expected names that aren't there.
  public var missing: [String]
  /// Names that nothing expects.
  public var unexpected: [String]
  /// Names whose shape isn't the expected one.
  public var misshaped: [Misshaped]

  /// A tensor of the right name and the wrong shape.
  public struct Misshaped: Hashable, Sendable {
    /// The tensor's name.
    public let name: String
    /// The shape that the architecture gives it.
    public let expected: Shape
    /// The shape it has.
    public let found: Shape
  }

  /// Compares shapes by name with what `layout` expects.
  public init(_ shapes: [String: Shape], against layout: StateDictLayout) {
    missing = layout.tensors.map(\.name).filter { shapes[$0] == nil }
    let expected = Set(layout.tensors.lazy.map(\.name))
    unexpected = shapes.keys.filter { !expected.contains($0) }.sorted()
    misshaped = layout.tensors.compactMap { tensor in
      guard let found = shapes[tensor.name], found != tensor.shape else { return nil }
      return Misshaped(name: tensor.name, expected: tensor.shape, found: found)
    }
    isOfPictureModel =
      unexpected.isEmpty && misshaped.isEmpty && !missing.isEmpty
      && missing == layout.tensors.map(\.name).filter(StateDictLayout.isOfTracking)
  }

  /// How many tensors would differ, without a list of them.
  static func count(_ shapes: [String: Shape], against layout: StateDictLayout) -> Int {
    var (named, fitting) = (0, 0)
    for tensor in layout.tensors {
      guard let shape = shapes[tensor.name] else { continue }
      named += 1
      fitting += shape == tensor.shape ? 1 : 0
    }
    return (layout.tensors.count - named) + (shapes.count - named) + (named - fitting)
  }

  /// Whether nothing differs.
  public var isEmpty: Bool { count == 0 }

  /// Whether all tensors of tracking are missing, and nothing else differs: a picture model.
  public private(set) var isOfPictureModel = false

  /// How many tensors differ.
  public var count: Int { missing.count + unexpected.count + misshaped.count }

  /// Counts, and the first few of each kind by name.
  public var description: String {
    var parts: [String] = []
    if !missing.isEmpty { parts.append("\(missing.count) missing (\(Self.first(missing)))") }
    if !unexpected.isEmpty { parts.append("\(unexpected.count) unexpected (\(Self.first(unexpected)))") }
    if !misshaped.isEmpty {
      let named = misshaped.map { "\($0.name): expected \($0.expected), found \($0.found)" }
      parts.append("\(misshaped.count) misshaped (\(Self.first(named)))")
    }
    return parts.isEmpty ? "no difference" : parts.joined(separator: "; ")
  }

  private static func first(_ names: [String]) -> String {
    names.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", …" : "")
  }
}

/// What a set of tensors is: a released model, or the one it comes nearest to.
public struct Recognition: Hashable, Sendable {
  /// The variant that fits, or comes nearest.
  public let nearest: Variant
  /// What keeps it from being that variant; empty if it is.
  public let difference: LayoutDifference
  /// How many tensors have both a name and a shape that the nearest variant expects.
  public let matching: Int

  /// The variant, if every name and shape fits.
  public var variant: Variant? { difference.isEmpty ? nearest : nil }

  /// Compares shapes by name with every released model.
  public init(_ shapes: [String: Shape]) {
    let counts = Variant.allCases.map { variant in
      LayoutDifference.count(shapes, against: StateDictLayout(variant.configuration))
    }
    // Later variants win ties. Something unlike any of them is measured against the one with the fewest tensors.
    var best = 0
    for candidate in counts.indices where counts[candidate] <= counts[best] { best = candidate }
    nearest = Variant.allCases[best]
    difference = LayoutDifference(shapes, against: StateDictLayout(nearest.configuration))
    matching = shapes.count - difference.unexpected.count - difference.misshaped.count
  }

  /// One sentence: what it is, or what it comes nearest to and why it isn't.
  public var summary: String {
    if let variant { return "\(variant)" }
    if matching == 0 {
      return
        "no SAM 2 model: no tensor has the name and shape of any released one; against \(nearest): \(difference)"
    }
    return "no released SAM 2 model; nearest is \(nearest): \(difference)"
  }
}
