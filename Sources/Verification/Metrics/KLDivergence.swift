/// How far the candidate's rows are from the reference's as probabilities: Σ r · ln(r / c) of each row, in nats.
///
/// An array is like probabilities when every row of the reference, along its last axis of at least two, is not negative
/// and adds up to 1 within a thousandth. The data decide, never the name. The candidate's elements count as at least
/// 2⁻¹²⁶, so that one that underflows does not make it infinite; rows with a NaN or an infinity are left out.
public struct KLDivergence: Equatable, Sendable, Codable {
  /// The mean over the rows.
  public let mean: Double
  /// The largest of a row.
  public let largest: Double
  /// How many rows were compared.
  public let rows: Int
}
