import ArgumentParser
import Files
import Foundation
import Reports
import Verification

/// How a comparison is shown and kept: to a terminal, to machines, to a CI, to people with a browser.
struct ComparisonOutput: ParsableArguments {
  @Option(
    name: .long, help: "The table's rows as the model ran (execution), or the furthest off first (worst).")
  var order = RowOrder.execution
  @Flag(name: .long, help: "The ten worst taps and the verdict, instead of every tap.")
  var brief = false
  @Flag(name: .long, help: "Print JSON.")
  var json = false
  @Option(name: .long, help: "Write the same JSON to this file, which `judge` reads.")
  var save: String?
  @Option(name: .long, help: "Write a JUnit XML file, one test case a tap, for a CI.")
  var junit: String?
  @Option(
    name: .long,
    help: "Write a page to look at, one file: the module tree, errors by depth and where they are, masks.")
  var html: String?

  func validate() throws {
    try OutputName.check(save, "--save", is: OutputName.json)
    try OutputName.check(junit, "--junit", is: OutputName.xml)
    try OutputName.check(html, "--html", is: OutputName.page)
  }

  /// What is written.
  var files: CommandFiles { CommandFiles(written: [save, junit, html]) }

  /// Whether it takes knowing where errors are, and pictures of the masks.
  var wantsPictures: Bool { html != nil }

  /// Shows a comparison; ends with exit code 1 if it fails.
  ///
  /// - Parameter masks: How masks differ, for the page.
  func present(_ result: Verdict, masks: [MaskDifference] = []) throws {
    for difference in result.differences {
      Console.remark(
        "note: \(difference.attribute) \(difference.isUnknown ? "is not known on both sides" : "differs"): reference "
          + "\(difference.reference.orUnknown), candidate \(difference.candidate.orUnknown)"
      )
    }
    let report = ComparisonReport(result)
    // All are written before the first is in its place.
    let saved = try save.map { try Self.written(report.json(), to: $0) }
    let cases = try junit.map { try Self.written(JUnitReport(report).xml.utf8, to: $0) }
    let page = try html.map { try Self.written(HTMLReport(report, masks: masks).page.utf8, to: $0) }
    if let saved { try saved.commit() }
    if let cases { try cases.commit() }
    if let page { try page.commit() }
    if json {
      StandardOutput.write(json: try report.json())
    } else {
      let table = ComparisonTable(
        result.comparison, order: brief || order == .worst ? .worst : .execution, limit: brief ? 10 : nil,
        isColoured: Console.isColoured)
      StandardOutput.write(shown: table.text)
      print(result.divergence?.sentences.map(\.shownWords) ?? [])
    }
    if !result.comparison.passes { throw ExitCode(1) }
  }

  private static func written(_ bytes: some Sequence<UInt8>, to path: String) throws -> OutputFile {
    let file = try OutputFile(path: path)
    try file.write(bytes)
    return file
  }
}

/// How the table's rows follow each other.
enum RowOrder: String, ExpressibleByArgument, CaseIterable {
  case execution, worst
}

extension String {
  fileprivate var orUnknown: String { isEmpty ? "unknown" : self }
}
