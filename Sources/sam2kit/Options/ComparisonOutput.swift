import ArgumentParser
import Files
import Foundation
import Verification

/// How a comparison is shown and kept.
struct ComparisonOutput: ParsableArguments {
  @Flag(name: .long, help: "The ten worst taps and the verdict, instead of every tap in order.")
  var brief = false
  @Flag(name: .long, help: "Print JSON.")
  var json = false
  @Option(name: .long, help: "Write the same JSON to this file, which `judge` reads.")
  var save: String?

  /// Shows a comparison; ends with exit code 1 if it fails.
  func present(_ result: TraceComparison) throws {
    for difference in result.differences {
      Console.remark(
        "note: \(difference.attribute) \(difference.isUnknown ? "is not known on both sides" : "differs"): reference "
          + "\(difference.reference.orUnknown), candidate \(difference.candidate.orUnknown)"
      )
    }
    let report = json || save != nil ? try ComparisonReport(result).json() : Data()
    if let save {
      let file = try OutputFile(path: save)
      try file.write(report)
      try file.commit()
    }
    if json {
      print(String(decoding: report, as: UTF8.self))
    } else {
      let table =
        brief
        ? ComparisonTable(result.comparison, order: .worst, limit: 10) : ComparisonTable(result.comparison)
      print(([table.text] + (result.divergence?.sentences ?? [])).joined(separator: "\n"))
    }
    if !result.comparison.passes { throw ExitCode(1) }
  }
}

extension String {
  fileprivate var orUnknown: String { isEmpty ? "unknown" : self }
}
