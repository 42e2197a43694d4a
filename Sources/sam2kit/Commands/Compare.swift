import ArgumentParser
import Checkpoints
import Traces
import Verification

struct Compare: Command {
  static let configuration = CommandConfiguration(
    abstract: "Compare two traces or sketches tap by tap and name the first divergence.",
    discussion: """
      A tap passes when it is within the bounds of the policy. That of fp32, the default, bounds the largest error by \
      1e-4 of the reference's largest magnitude; taps that read stored memories, which are bfloat16, may differ by one \
      such rounding. A tap that the candidate lacks fails; taps that it has beyond the reference are mentioned; taps that \
      are all zeros on both sides are pointed out. Where one of the two is a sketch, sketches are compared: samples, \
      projections, norms and moments. Exits with 0 if everything passes, 1 if something doesn't, 2 if a file can't be \
      read.
      """)

  @Argument(help: "The trace or sketch to trust, usually recorded from PyTorch.")
  var reference: String
  @Argument(help: "The trace or sketch to judge.")
  var candidate: String
  @OptionGroup var policy: PolicyOptions
  @OptionGroup var provenance: ProvenanceOptions
  @Option(
    name: .long,
    help: "The model that ran, for causes of the first divergence that only its weights show.")
  var model: String?
  @Option(name: .long, help: "Compare only taps whose module path or name matches this glob; may be repeated.")
  var tap: [String] = []
  @OptionGroup var output: ComparisonOutput

  func execute() throws {
    let policy = try policy.policy()
    let (expected, found) = (try RecordedRun.open(path: reference), try RecordedRun.open(path: candidate))
    let agreement = try RunAgreement(
      expected.provenance, found.provenance, configuration: ProvenanceOptions.settings)
    try provenance.check(agreement, reference: reference, candidate: candidate)
    var result = try TraceComparison(
      reference: expected, candidate: found, patterns: tap.map { TapPattern($0) }, policy: policy,
      agreement: agreement)
    try result.explain(
      expected, found, weights: try model.map { ModuleWeights(try Checkpoint.open(path: $0)) })
    try output.present(result)
  }
}
