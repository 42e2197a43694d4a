/// A fault that ports tend to have, and that arrays can show.
///
/// A hypothesis applies the fault, or its cure, to the tensors; what it says is a hint only if the error is gone then.
protocol Hypothesis: Sendable {
  /// What this fault explains, if anything: the simplest explanation of its kind first.
  func hints(for evidence: Evidence) -> [Hint]
}

/// A cause that was put to the test and removed the error.
public struct Hint: Equatable, Sendable, Codable {
  /// The kind of fault.
  public enum Cause: String, Sendable, Codable, CaseIterable {
    case constantFactor = "constant_factor"
    case constantOffset = "constant_offset"
    case channelOrder = "channel_order"
    case normalisation = "normalisation"
    case mirroredAxis = "mirrored_axis"
    case shiftedAxis = "shifted_axis"
    case permutedAxes = "permuted_axes"
    case missingBias = "missing_bias"
    case scaledWeight = "scaled_weight"
    case weightLayout = "weight_layout"
    case epsilon = "epsilon"
    case activation = "activation"
    case interpolation = "interpolation"
  }

  /// The kind of fault.
  public let cause: Cause
  /// What was found, in a sentence.
  public let claim: String
  /// The relative error as it is; infinite where the shapes differ.
  public let errorBefore: Double
  /// The relative error that is left if the claim is true.
  public let errorAfter: Double
}

/// Every fault that is looked for.
public enum Hypotheses {
  private static let all: [any Hypothesis] = [
    ConstantFactor(), MissingBias(), ChannelOrder(), PermutedAxes(), MirroredAxis(), ShiftedAxis(),
    LinearWeight(), ConvolutionWeight(), NormalisationEpsilon(), OtherActivation(), OtherInterpolation(),
  ]

  /// The faults that remove the error, those that explain most of it first.
  ///
  /// Nothing is said of arrays with fewer than twelve elements: there almost anything fits.
  public static func hints(for evidence: Evidence) -> [Hint] {
    guard evidence.isMeaningful else { return [] }
    return all.flatMap { $0.hints(for: evidence) }.enumerated()
      .sorted { ($0.element.errorAfter, $0.offset) < ($1.element.errorAfter, $1.offset) }.map(\.element)
  }
}
