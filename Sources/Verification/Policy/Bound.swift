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
