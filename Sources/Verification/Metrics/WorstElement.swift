/// One element, with both its values.
public struct WorstElement: Equatable, Sendable, Codable {
  /// The position along each axis.
  public let index: [Int]
  /// Its value in the reference.
  public let reference: Float
  /// Its value in the candidate.
  public let candidate: Float
}
