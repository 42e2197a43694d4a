import ArgumentParser
import Files
import Foundation
import Reports
import Verification

/// How a comparison is told: to a terminal, to machines, to a CI, to people with a browser.
struct ReportOptions: ParsableArguments {
  @Option(
    name: .long,
    help: "Order the table's rows as the model ran (execution), or the furthest off first (worst).")
  var order = ComparisonTable.Order.execution
  @Flag(name: .long, help: "The ten worst taps and the verdict, instead of every tap.")
  var brief = false
  @Flag(name: .long, help: "Print JSON instead of the table.")
  var json = false
  @Option(name: .long, help: "Write a JUnit XML file, one test case a tap, for a CI.")
  var junit: String?
  @Option(
    name: .long,
    help: "Write a page to look at: the module tree, errors by depth, where they are, masks. One file.")
  var html: String?

  func validate() throws {
    let files = [junit, html].compactMap { $0 }
    guard Set(files).count == files.count else { throw ValidationError("--junit and --html name one file") }
  }

  /// Whether it takes knowing where errors are.
  var wantsHeatMaps: Bool { html != nil }
  /// Whether it takes pictures of the masks.
  var wantsMasks: Bool { html != nil }

  /// Writes the files that were asked for, then prints.
  ///
  /// - Parameters:
  ///   - masks: How masks differ, for the page.
  ///   - explanation: What is known of the first divergence beyond the numbers, a paragraph each.
  /// - Throws: `FileError` when a file can't be written.
  func tell(_ result: TraceComparison, masks: [MaskDifference] = [], explanation: [String] = []) throws {
    for difference in result.differences {
      Console.remark(
        "note: \(difference.attribute) differs: reference \(difference.reference), candidate \(difference.candidate)"
      )
    }
    let report = ComparisonReport(result)
    if let junit { try Self.write(JUnitReport(report).xml, to: junit) }
    if let html {
      try Self.write(HTMLReport(report, masks: masks, explanation: explanation).page, to: html)
    }
    if json {
      print(String(decoding: try report.json(), as: UTF8.self))
    } else {
      print(
        ComparisonTable(
          result.comparison, order: brief ? .worst : order, limit: brief ? 10 : nil,
          isColoured: Console.isColoured
        ).text)
    }
  }

  private static func write(_ text: String, to path: String) throws {
    let file = try OutputFile(path: path)
    try file.write(text.utf8)
    try file.commit()
  }
}

extension ComparisonTable.Order: ExpressibleByArgument {}
