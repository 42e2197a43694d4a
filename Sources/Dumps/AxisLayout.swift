import Tensors

/// How a dump's axes lie, and how the reference's do: `NHWC->NCHW` says both, `NHWC` leaves it to the shapes whether the
/// reference has channels last too, or before the rest.
public struct AxisLayout: Hashable, Sendable, CustomStringConvertible {
  /// As written.
  public let description: String
  /// The letters of the dump's axes.
  private let axes: [Character]
  /// For each axis of the reference, the dump's; nil where shapes shall tell.
  private let stated: [Int]?

  /// How many axes an array of this layout has.
  var rank: Int { axes.count }

  /// A layout, or nil for a text that is none: letters of which none stands twice, `C` among them where the reference's
  /// are not given, and the same letters on both sides of an arrow.
  public init?(_ text: String) {
    let sides = text.split(separator: "->", omittingEmptySubsequences: false).map(Array.init)
    guard let first = sides.first, sides.count <= 2, !first.isEmpty,
      sides.allSatisfy({ side in
        side.allSatisfy { $0.isLetter && $0.isUppercase } && Set(side).count == side.count
      })
    else { return nil }
    description = text
    axes = first
    if sides.count == 2 {
      guard Set(sides[1]) == Set(first), sides[1].count == first.count else { return nil }
      stated = sides[1].compactMap { first.firstIndex(of: $0) }
    } else {
      guard Self.counterpart(of: first) != nil else { return nil }
      stated = nil
    }
  }

  /// Channels last brought before the rest, or the other way round; a batch stays in front.
  private static func counterpart(of axes: [Character]) -> [Int]? {
    guard axes.count >= 2, let channel = axes.firstIndex(of: "C") else { return nil }
    let others = axes.indices.filter { $0 != channel }
    let front = axes.first == "N" ? 1 : 0
    if channel == axes.count - 1 { return Array(others[..<front]) + [channel] + Array(others[front...]) }
    return channel == front ? others + [channel] : nil
  }

  /// What became of an array's axes.
  enum Choice: Equatable {
    /// For each axis of the reference, the dump's.
    case axes([Int])
    /// The shape fits as it is and permuted.
    case ambiguous
  }

  /// Which axis of a dump's array of that shape is which of the reference's.
  func choice(_ shape: Shape, reference: Shape) -> Choice {
    if let stated { return .axes(stated) }
    let same = Array(shape.extents.indices)
    guard let permuted = Self.counterpart(of: axes) else { return .axes(same) }
    let moved = permuted.map { shape.extents[$0] }
    switch (shape == reference, moved == reference.extents) {
    case (true, true): return moved.count(where: { $0 > 1 }) <= 1 ? .axes(same) : .ambiguous
    case (false, true): return .axes(permuted)
    default: return .axes(same)
    }
  }
}
