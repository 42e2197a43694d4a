// Commands on comparisons that were saved: judged again, or made into a policy.

import ArgumentParser
import Files
import Foundation
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

  var files: CommandFiles {
    CommandFiles(read: [saved]).and(policy.files).and(output.files)
  }

  func execute() throws {
    let report = try ComparisonReport(path: saved)
    try output.present(
      Verdict(report, policy: policy.policy(or: report.policy), file: saved))
  }
}

struct CalibratePolicy: Command {
  static let configuration = CommandConfiguration(
    commandName: "calibrate-policy",
    abstract: "Propose a policy from saved comparisons of runs that are known to be right.",
    discussion: """
      Each tap's largest error over all comparisons, times the margin, will pass: one default for nearly all, and rules \
      for the others. Says how many comparisons pass what the others alone would have proposed: if that is not all of \
      them, more runs or a larger margin are needed.
      """)

  @Argument(help: "What `compare --json` printed or `compare --save` wrote, of different pictures or seeds.")
  var saved: [String]
  @Option(name: .long, help: "By how much errors may exceed the largest seen.")
  var margin = Ranged<ErrorMargin>(4)
  @Option(name: .long, help: "What the policy is called.")
  var name = "calibrated"
  @Option(name: .shortAndLong, help: "Write the policy to this file instead of printing it.")
  var output: String?

  func validate() throws {
    try OutputName.check(output, "--output", is: OutputName.json)
  }

  var files: CommandFiles {
    CommandFiles(read: saved, written: [output])
  }

  func execute() throws {
    let reports = try saved.map { try ComparisonReport(path: $0) }
    let calibration = try PolicyCalibration(reports, margin: margin.value, name: name)
    let json = try calibration.policy.json()
    if let output {
      let file = try OutputFile(path: output)
      try file.write(json + Data("\n".utf8))
      try file.commit()
    } else {
      StandardOutput.write(json: json)
    }
    if let passing = calibration.passingWhenLeftOut {
      Console.remark("left out in turn, \(passing) of \(saved.count) pass what the others propose")
    } else {
      Console.remark("one comparison alone: how far errors vary from run to run is not known")
    }
  }
}
