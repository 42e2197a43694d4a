public import Tensors

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

/// What there is to explain: an array that is off, and what it was made from.
public struct Evidence: Sendable {
  /// A tensor and what it is called.
  public struct Named: Sendable {
    /// Its name, such as the parameter's.
    public let name: String
    /// Its elements.
    public let tensor: Tensor

    /// A tensor and its name.
    public init(_ name: String, _ tensor: Tensor) {
      self.name = name
      self.tensor = tensor
    }
  }

  /// The array as it should be.
  public let reference: Tensor
  /// The array as it is.
  public let candidate: Tensor
  /// What the module was given when it made the reference; empty where that isn't known.
  public let inputs: [Named]
  /// The module's own parameters by their names; empty where they aren't known.
  public let weights: [String: Tensor]
  /// The relative error that counts as none.
  public let tolerance: Double
  /// The largest |reference|, or 1 where it is all zeros.
  let magnitude: Double
  /// Where the largest difference is.
  let worst: Int
  /// Where hypotheses are tried: everywhere, or at positions spread over large arrays.
  let positions: SpreadPositions

  /// Elements at which a hypothesis is tried at most.
  private static let mostPositions = 1 << 18
  /// An explanation leaves at most this part of the error, lest an error at the tolerance's edge be explained by what
  /// moves it a little.
  static let remainder = 0.1
  /// With fewer elements almost anything fits.
  static let fewestElements = 12

  /// What there is to explain.
  public init(
    reference: Tensor, candidate: Tensor, inputs: [Named] = [], weights: [String: Tensor] = [:],
    tolerance: Double
  ) {
    self.reference = reference
    self.candidate = candidate
    self.inputs = inputs
    self.weights = weights
    self.tolerance = tolerance
    let largest = reference.withElements { elements in
      elements.reduce(Float(0)) { $1.isFinite ? max($0, abs($1)) : $0 }
    }
    magnitude = largest == 0 ? 1 : Double(largest)
    positions = SpreadPositions(of: reference.count, atMost: Self.mostPositions)
    worst = Self.furthest(reference, candidate)
  }

  private static func furthest(_ reference: Tensor, _ candidate: Tensor) -> Int {
    guard reference.count == candidate.count else { return 0 }
    return reference.withElements { reference in
      candidate.withElements { candidate in
        var (place, largest) = (0, Float(0))
        for index in reference.indices {
          let error = abs(reference[index] - candidate[index])
          if error > largest { (place, largest) = (index, error) }
        }
        return place
      }
    }
  }

  /// Positions spread over the array, and that of the largest difference.
  func somePositions(atMost most: Int) -> [Int] {
    let spread = Array(SpreadPositions(of: reference.count, atMost: most))
    return spread.count < reference.count ? spread + [worst] : spread
  }

  var hasOneShape: Bool { reference.shape == candidate.shape }

  var isMeaningful: Bool { reference.count >= Self.fewestElements && reference.count == candidate.count }

  /// The hint, if the error is gone where the candidate's elements are replaced by what `corrected` makes of them.
  ///
  /// - Parameter corrected: The element of a position; nil where the claim says nothing about it.
  func hint(
    _ cause: Hint.Cause, _ claim: @autoclosure () -> String,
    _ corrected: (_ position: Int, _ candidate: UnsafeBufferPointer<Float>) -> Double?
  ) -> Hint? {
    let allowed = tolerance * magnitude
    var (before, after, compared) = (0.0, 0.0, 0)
    let isPossible = reference.withElements { reference in
      candidate.withElements { candidate in
        for position in positions {
          guard let value = corrected(position, candidate) else { continue }
          let expected = Double(reference[position])
          let error = abs(value - expected)
          guard error <= allowed else { return false }  // also where one is NaN
          after = max(after, error)
          before = max(before, abs(Double(candidate[position]) - expected))
          compared += 1
        }
        return true
      }
    }
    guard isPossible, 2 * compared >= positions.count, compared >= Self.fewestElements else { return nil }
    return hint(cause, claim(), before: hasOneShape ? before / magnitude : .infinity, after: after / magnitude)
  }

  /// The hint, if the error is past the tolerance before and gone afterwards.
  func hint(_ cause: Hint.Cause, _ claim: String, before: Double, after: Double) -> Hint? {
    guard before > tolerance, after <= tolerance, after <= before * Self.remainder else { return nil }
    return Hint(cause: cause, claim: claim, errorBefore: before, errorAfter: after)
  }
}

/// All positions of an array, or so many of them that are spread over it, at no regular distance along any axis.
struct SpreadPositions: Sequence, Sendable {
  let count: Int
  private let total: Int
  private let step: Int

  init(of total: Int, atMost most: Int) {
    self.total = total
    count = Swift.min(total, most)
    guard total > most else {
      step = 1
      return
    }
    // A step near the golden section that shares no factor with the total comes by no position twice.
    var step = Int(Double(total) * 0.6180339887498949)
    while Self.greatestCommonDivisor(step, total) != 1 { step += 1 }
    self.step = step
  }

  func makeIterator() -> AnyIterator<Int> {
    var (position, left) = (0, count)
    return AnyIterator {
      guard left > 0 else { return nil }
      left -= 1
      defer { position = (position + step) % total }
      return position
    }
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    b == 0 ? a : greatestCommonDivisor(b, a % b)
  }
}
