import Foundation
import Tensors

/// Forms that an operation can have, worked out at some positions of its result. A port has the wrong one if the
/// reference fits one form and the candidate another.
struct AlternativeForms {
  /// One form of the operation.
  struct Form {
    /// Its name, as in "with the weight transposed".
    let name: String
    /// Its result at every position.
    let values: [Double]
  }

  let positions: [Int]
  let forms: [Form]

  /// The hint, if the reference fits one form and the candidate another.
  func hint(_ cause: Hint.Cause, _ operation: String, _ evidence: Evidence) -> Hint? {
    guard positions.count >= Evidence.fewestElements, evidence.hasOneShape else { return nil }
    let (reference, candidate) = evidence.reference.withElements { reference in
      evidence.candidate.withElements { candidate in
        (positions.map { Double(reference[$0]) }, positions.map { Double(candidate[$0]) })
      }
    }
    guard let expected = nearest(reference), let found = nearest(candidate), expected.form != found.form,
      expected.error <= evidence.tolerance * evidence.magnitude
    else { return nil }
    return evidence.hint(
      cause,
      "\(operation): the candidate fits \(forms[found.form].name), the reference \(forms[expected.form].name)",
      before: Self.distance(reference, candidate) / evidence.magnitude,
      after: found.error / evidence.magnitude)
  }

  /// The form that is nearest to some elements, and how far it is from them.
  private func nearest(_ elements: [Double]) -> (form: Int, error: Double)? {
    forms.indices.map { (form: $0, error: Self.distance(elements, forms[$0].values)) }
      .filter { $0.error.isFinite }.min { $0.error < $1.error }
  }

  /// The largest difference; infinite where one is no number.
  private static func distance(_ first: [Double], _ second: [Double]) -> Double {
    zip(first, second).reduce(0) { largest, pair in
      let difference = abs(pair.0 - pair.1)
      return difference.isNaN ? .infinity : max(largest, difference)
    }
  }
}

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

/// An activation of another form: above all GELU by tanh where it should be by the error function.
struct OtherActivation: Hypothesis {
  private static let forms: [(name: String, apply: @Sendable (Double) -> Double)] = [
    ("GELU by erf", { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) }),
    (
      "GELU by tanh",
      { 0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
    ),
    ("GELU by sigmoid", { $0 / (1 + exp(-1.702 * $0)) }),
    ("ReLU", { max($0, 0) }),
    ("SiLU", { $0 / (1 + exp(-$0)) }),
    ("nothing", { $0 }),
  ]

  func hints(for evidence: Evidence) -> [Hint] {
    // What has parameters is no activation.
    guard evidence.weights.isEmpty,
      let input = evidence.inputs.first(where: { $0.tensor.shape == evidence.reference.shape })?.tensor
    else { return [] }
    let positions = Array(evidence.positions)
    let values = input.withElements { elements in positions.map { Double(elements[$0]) } }
    let forms = AlternativeForms(
      positions: positions, forms: Self.forms.map { .init(name: $0.name, values: values.map($0.apply)) })
    return forms.hint(.activation, "activation", evidence).map { [$0] } ?? []
  }
}

/// A picture resized by another rule, above all with `align_corners`.
struct OtherInterpolation: Hypothesis {
  private static let mostPositions = 4096

  func hints(for evidence: Evidence) -> [Hint] {
    let output = evidence.reference.shape
    guard evidence.hasOneShape, output.rank >= 2 else { return [] }
    let leading = output.extents.dropLast(2)
    for input in evidence.inputs.map(\.tensor)
    where input.shape.rank == output.rank && input.shape.extents.dropLast(2) == leading && input.shape != output
    {
      let positions = evidence.somePositions(atMost: Self.mostPositions)
      let forms = InterpolationRule.allCases.map { rule in
        AlternativeForms.Form(name: rule.rawValue, values: rule.values(of: input, at: positions, in: output))
      }
      if let hint = AlternativeForms(positions: positions, forms: forms)
        .hint(.interpolation, "interpolation", evidence)
      {
        return [hint]
      }
    }
    return []
  }
}

/// A rule for what stands between pixels, as `torch.nn.functional.interpolate` has them.
private enum InterpolationRule: String, CaseIterable {
  case nearest = "the nearest pixel"
  case bilinear = "bilinear with align_corners=False"
  case bilinearAligned = "bilinear with align_corners=True"
  case bicubic = "bicubic with align_corners=False"
  case bicubicAligned = "bicubic with align_corners=True"

  /// Elements of a resized picture at some positions.
  func values(of input: Tensor, at positions: [Int], in output: Shape) -> [Double] {
    let (height, width) = (input.shape[-2], input.shape[-1])
    let rows = (0..<output[-2]).map { weights(at: $0, from: height, to: output[-2]) }
    let columns = (0..<output[-1]).map { weights(at: $0, from: width, to: output[-1]) }
    return input.withElements { elements in
      positions.map { position in
        let plane = position / (output[-2] * output[-1]) * height * width
        var sum = 0.0
        for row in rows[position / output[-1] % output[-2]] {
          for column in columns[position % output[-1]] {
            sum += row.weight * column.weight * Double(elements[plane + row.index * width + column.index])
          }
        }
        return sum
      }
    }
  }

  /// Which pixels along one axis, and how much of each.
  private func weights(at position: Int, from source: Int, to target: Int) -> [(index: Int, weight: Double)] {
    let scale = Double(source) / Double(target)
    let centre = (Double(position) + 0.5) * scale - 0.5
    let aligned = target > 1 ? Double(position) * Double(source - 1) / Double(target - 1) : 0
    func clamped(_ index: Int) -> Int { min(max(index, 0), source - 1) }
    func linear(_ place: Double) -> [(Int, Double)] {
      let place = max(0, place)
      let (first, fraction) = (Int(place), place - place.rounded(.down))
      return [(clamped(first), 1 - fraction), (clamped(first + 1), fraction)]
    }
    func cubic(_ place: Double) -> [(Int, Double)] {
      let first = place.rounded(.down)
      return (-1...2).map { (clamped(Int(first) + $0), Self.cubic(abs(place - first - Double($0)))) }
    }
    switch self {
    case .nearest: return [(clamped(Int(Double(position) * scale)), 1)]
    case .bilinear: return linear(centre)
    case .bilinearAligned: return linear(aligned)
    case .bicubic: return cubic(centre)
    case .bicubicAligned: return cubic(aligned)
    }
  }

  /// Keys' kernel with a = −0.75. Source: ATen/native/UpSample.h.
  private static func cubic(_ x: Double) -> Double {
    let a = -0.75
    return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
  }
}
