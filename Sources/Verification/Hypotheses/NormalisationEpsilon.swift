import Foundation
import Tensors

/// A normalisation over channels with another epsilon. Its weight and bias are taken from the reference, so that they
/// need not be known.
struct NormalisationEpsilon: Hypothesis {
  private static let epsilons = [1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-12]
  private static let mostRows = 512
  private static let fewestRows = 8

  func hints(for evidence: Evidence) -> [Hint] {
    let shape = evidence.reference.shape
    guard evidence.hasOneShape, let input = evidence.inputs.first(where: { $0.tensor.shape == shape })?.tensor
    else { return [] }
    let axes = Set([shape.rank - 1, shape.rank == 4 ? 1 : shape.rank - 1]).sorted()
    return axes.lazy.filter { $0 >= 0 && shape[$0] > 1 }.compactMap { hint(axis: $0, input, evidence) }
      .prefix(1).map { $0 }
  }

  private func hint(axis: Int, _ input: Tensor, _ evidence: Evidence) -> Hint? {
    let shape = evidence.reference.shape
    let (stride, channels) = (shape.strides[axis], shape[axis])
    guard shape.count / channels >= Self.fewestRows else { return nil }
    // Rows' first elements: spread ones, and that of the largest difference.
    let starts =
      SpreadPositions(of: shape.count / channels, atMost: Self.mostRows).map {
        $0 / stride * stride * channels + $0 % stride
      } + [evidence.worst - evidence.worst / stride % channels * stride]
    let rows = input.withElements { elements in
      starts.map { start in Row((0..<channels).map { Double(elements[start + $0 * stride]) }) }
    }
    let reference = evidence.reference.withElements { elements in
      starts.map { start in (0..<channels).map { Double(elements[start + $0 * stride]) } }
    }
    // Weight and bias under each epsilon, and how well they explain the reference.
    let fits = Self.epsilons.compactMap { epsilon in Fit(epsilon: epsilon, rows, reference) }
    guard let best = fits.min(by: { $0.error < $1.error }) else { return nil }
    let positions = starts.flatMap { start in (0..<channels).map { start + $0 * stride } }
    let forms = Self.epsilons.map { epsilon in
      AlternativeForms.Form(
        name: String(format: "epsilon %.0e", epsilon),
        values: rows.flatMap { row in
          row.normalised(epsilon).enumerated().map { $1 * best.weight[$0] + best.bias[$0] }
        })
    }
    return AlternativeForms(positions: positions, forms: forms)
      .hint(.epsilon, "normalisation over axis \(axis)", evidence)
  }

  /// One row of the input: mean, and deviations from it.
  private struct Row {
    let deviations: [Double]
    let variance: Double

    init(_ values: [Double]) {
      let mean = values.reduce(0, +) / Double(values.count)
      deviations = values.map { $0 - mean }
      variance = deviations.reduce(0) { $0 + $1 * $1 } / Double(values.count)
    }

    func normalised(_ epsilon: Double) -> [Double] {
      let scale = 1 / (variance + epsilon).squareRoot()
      return deviations.map { $0 * scale }
    }
  }

  /// Weight and bias per channel that make the reference out of the normalised rows.
  private struct Fit {
    let weight: [Double]
    let bias: [Double]
    /// The largest difference that is left.
    let error: Double

    init?(epsilon: Double, _ rows: [Row], _ reference: [[Double]]) {
      let normalised = rows.map { $0.normalised(epsilon) }
      guard let channels = reference.first?.count else { return nil }
      var lines = [LineFit](repeating: LineFit(), count: channels)
      for (row, expected) in zip(normalised, reference) {
        for channel in 0..<channels { lines[channel].add(x: row[channel], y: expected[channel]) }
      }
      let fits = lines.compactMap(\.line)
      guard fits.count == channels else { return nil }
      weight = fits.map(\.slope)
      bias = fits.map(\.intercept)
      var largest = 0.0
      for (row, expected) in zip(normalised, reference) {
        for channel in 0..<channels {
          largest = max(
            largest, abs(row[channel] * fits[channel].slope + fits[channel].intercept - expected[channel]))
        }
      }
      error = largest
    }
  }
}
