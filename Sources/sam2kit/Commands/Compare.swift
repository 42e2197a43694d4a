import ArgumentParser
import Foundation
import Traces
import Verification

struct Compare: Command {
  static let configuration = CommandConfiguration(
    abstract: "Compare two traces or sketches tap by tap and name the first divergence.",
    discussion: """
      A tap passes when its largest error is at most the tolerance times the reference's largest magnitude. \
      Taps that read stored memories, which are bfloat16, may differ by one such rounding. \
      A tap that the candidate lacks fails; taps that it has beyond the reference are mentioned. Where one of the two \
      is a sketch, sketches are compared: samples, projections, norms and moments. Exits with 0 if everything passes, \
      1 if something doesn't, 2 if a file can't be read.
      """)

  @Argument(help: "The trace or sketch to trust, usually recorded from PyTorch.")
  var reference: String
  @Argument(help: "The trace or sketch to judge.")
  var candidate: String
  @OptionGroup var policy: PolicyOptions
  @Option(name: .long, help: "Compare only taps whose module path or name matches this glob; may be repeated.")
  var tap: [String] = []
  @Flag(name: .long, help: "The ten worst taps and the verdict, instead of every tap in order.")
  var brief = false
  @Flag(name: .long, help: "Print JSON.")
  var json = false

  func execute() throws {
    let result = try TraceComparison(
      reference: .open(path: reference), candidate: .open(path: candidate),
      patterns: tap.map { TapPattern($0) }, policy: policy.policy())
    for difference in result.differences {
      Console.remark(
        "note: \(difference.attribute) differs: reference \(difference.reference), candidate \(difference.candidate)"
      )
    }
    if json {
      print(String(decoding: try ComparisonReport(result).json(), as: UTF8.self))
    } else {
      let table =
        brief
        ? ComparisonTable(result.comparison, order: .worst, limit: 10) : ComparisonTable(result.comparison)
      print(table.text)
    }
    if !result.comparison.passes { throw ExitCode(1) }
  }
}
