import ArgumentParser
import Verification

/// What is near enough.
struct PolicyOptions: ParsableArguments {
  @Option(
    name: .long, help: "What is near enough: fp32, bf16, int8 or a JSON file (Sources/Verification/README.md).")
  var policy = "fp32"

  @Option(name: .long, help: "The largest relative error that passes, instead of the policy's.")
  var tolerance: Double?

  func validate() throws {
    if let tolerance, !(tolerance >= 0) {
      throw ValidationError("--tolerance should not be negative, found \(tolerance)")
    }
  }

  /// The policy that was asked for.
  func policy() throws -> TolerancePolicy {
    let named = try TolerancePolicy(named: policy)
    return tolerance.map(named.withRelative) ?? named
  }
}
