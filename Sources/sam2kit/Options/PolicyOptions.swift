import ArgumentParser
import Pipelines
import Verification

/// What is near enough.
struct PolicyOptions: ParsableArguments {
  @Option(
    name: .long,
    help: "What is near enough: f32, bf16, w8a8 or a JSON file (Reference/policies.md describes it).")
  var policy: String?

  @Option(name: .long, help: "The largest relative error that passes, instead of the policy's.")
  var tolerance: Ranged<RelativeError>?

  /// What is read; a policy's name is mostly none of a file.
  var files: CommandFiles { CommandFiles(read: [policy]) }

  /// The policy that was asked for, or else `base`.
  func policy(or base: TolerancePolicy = SAM2Policies.f32) throws -> TolerancePolicy {
    let chosen = try policy.map { try TolerancePolicy(named: $0, presets: SAM2Policies.presets) } ?? base
    return tolerance.map { chosen.withRelative($0.value) } ?? chosen
  }
}

/// What to do about recordings that are of different things.
struct AgreementOptions: ParsableArguments {
  @Flag(
    name: .long,
    help: "Go on although checkpoint, input, prompts or configuration are others than the reference's.")
  var force = false
}
