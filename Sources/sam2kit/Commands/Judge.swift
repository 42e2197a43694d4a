import ArgumentParser
import Verification

struct Judge: Command {
  static let configuration = CommandConfiguration(
    commandName: "judge",
    abstract: "Judge a saved comparison again, by another policy, without running or comparing anything.",
    discussion: """
      SAVED is what `compare --json` printed or `compare --save` wrote. Without --policy it is judged by its own. Exits \
      as `compare` does.
      """)

  @Argument(help: "The saved comparison.")
  var saved: String
  @OptionGroup var policy: PolicyOptions
  @OptionGroup var output: ComparisonOutput

  func execute() throws {
    let report = try ComparisonReport(path: saved)
    try output.present(
      Verdict(report, policy: policy.policy(or: report.policy), file: saved))
  }
}
