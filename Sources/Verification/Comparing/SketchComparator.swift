import Tensors
import Taps
import Traces

/// Compares recordings of which at least one is a sketch; a trace's taps are sketched on the way.
struct SketchComparator {
  private let reference: Recording
  private let candidate: Recording
  private let seed: UInt64
  private let samples: Int

  /// A comparator that looks where the reference's sketch does, or the candidate's if the reference is a trace.
  init(reference: Recording, candidate: Recording) {
    self.reference = reference
    self.candidate = candidate
    switch (reference, candidate) {
    case (.sketch(let sketch), _), (_, .sketch(let sketch)):
      (seed, samples) = (sketch.seed, sketch.sampleCount)
    default: (seed, samples) = (SketchSchema.seed, SketchSchema.samples)
    }
  }

  /// Holds every tap of the reference that fits against the candidate's of the same name.
  func compare(patterns: [TapPattern], policy: TolerancePolicy) throws -> Comparison {
    func kept(_ run: Recording) -> [Tap] {
      run.taps.filter { tap in patterns.isEmpty || patterns.contains { tap.matches($0) } }
    }
    let (expected, offered) = (kept(reference), kept(candidate))
    let found = Dictionary(offered.map { ($0.name, $0) }) { first, _ in first }
    let compared = try expected.map { tap in
      let outcome: ArrayComparison.Outcome
      if let other = found[tap.name] {
        outcome =
          other.shape == tap.shape
          ? .matched(try metrics(tap, other)) : .shapeMismatch(candidate: other.shape)
      } else {
        outcome = .missing
      }
      return ArrayComparison(name: tap.name, shape: tap.shape, outcome: outcome)
    }
    let names = Set(expected.map(\.name))
    return Comparison(
      policy: policy, arrays: compared, extra: offered.map(\.name).filter { !names.contains($0) })
  }

  private func metrics(_ expected: Tap, _ found: Tap) throws -> ErrorMetrics {
    try ErrorMetrics(
      reference.sketch(of: expected, seed: seed, samples: samples),
      candidate.sketch(of: found, seed: seed, samples: samples), shape: expected.shape, seed: seed)
  }
}
