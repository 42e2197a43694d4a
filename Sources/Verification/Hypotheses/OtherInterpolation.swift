import Tensors

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
