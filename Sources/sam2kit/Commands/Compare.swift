import ArgumentParser
import Checkpoints
import Dumps
import Files
import Pipelines
import Reports
import Taps
import Traces
import Verification

struct Compare: Command {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare two runs tap by tap and name the first divergence.",
    discussion: """
      A side is a trace or a sketch, or what any other program dumped: a folder of .npy files, an .npz, safetensors, \
      HDF5. A dump's arrays bear the names of taps, or --map says which is which (Sources/Dumps/README.md).

      A tap passes when it is within the bounds of the policy. That of f32, the default, bounds the largest error by \
      1e-4 of the reference's largest magnitude; taps that read stored memories, which are bfloat16, may differ by one \
      such rounding. A tap that the candidate lacks fails; taps that it has beyond the reference are mentioned; taps that \
      are all zeros on both sides are pointed out. Where one of the two is a sketch, sketches are compared: samples, \
      projections, norms and moments. Exits with 0 if everything passes, 1 if something doesn't, 2 if a file can't be \
      read.
      """)

  @Argument(help: "The run to trust, usually recorded from PyTorch.")
  var reference: String
  @Argument(help: "The run to judge.")
  var candidate: String
  @OptionGroup var policy: PolicyOptions
  @OptionGroup var provenance: AgreementOptions
  @OptionGroup var dump: DumpOptions
  @OptionGroup var limits: LimitOptions
  @Option(
    name: .long,
    help: "The model that ran, for causes of the first divergence that only its weights show.")
  var model: String?
  @Option(name: .long, help: "Compare only taps whose module path or name matches this glob; may be repeated.")
  var tap: [String] = []
  @OptionGroup var output: ComparisonOutput

  var files: CommandFiles {
    CommandFiles(read: [reference, candidate])
      .and(CommandFiles(read: model.map { CheckpointName.files($0) } ?? [])).and(policy.files).and(dump.files)
      .and(output.files)
  }

  func execute() throws {
    let policy = try policy.policy()
    let expected = try ComparedFile.reference(path: reference, limits: limits.limits)
    let found = try dump.candidate(path: candidate, of: expected, limits: limits.limits)
    let agreement = try expected.agreement(with: found, configuration: Agreement.settings)
    if let agreement, !provenance.force {
      try agreement.requireSameRun(reference: reference, candidate: candidate)
    }
    var result = try expected.comparison(
      with: found, patterns: tap.map { TapPattern($0) }, policy: policy, heatMaps: output.wantsPictures,
      agreement: agreement)
    try result.explain(
      expected.source, found.source,
      weights: model.map { ModuleWeights(try Checkpoint.open(path: CheckpointName.path($0))) })
    let masks =
      output.wantsPictures ? try MaskDifference.all(of: result.comparison, expected.source, found.source) : []
    try output.present(result, masks: masks)
    // Only what passes comes here.
    if FilePath.isSame(reference, candidate) {
      Console.remark(
        "note: \(reference) and \(candidate) are the same file: that it agrees with itself says nothing")
    }
  }
}
