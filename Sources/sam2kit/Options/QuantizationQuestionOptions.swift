import ArgumentParser
import Files
import Foundation
import Pipelines
import Reports

/// What is to be found out beside quantizing.
struct QuantizationQuestionOptions: ParsableArguments {
  @Flag(name: .long, help: "Rank modules by what quantizing them does.")
  var analyze = false
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Measure what masks lose on a folder with pictures/ and clips/, such as Reference/validation.",
      valueName: "folder"))
  var data: String?
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Keep the fewest modules in floating point that it takes to lose no more mIoU and J&F on --data.",
      valueName: "points"))
  var maxDrop: Ranged<LostPoints>?
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Write a page with what quantizing did to this file; --json prints it too.", valueName: "file"))
  var html: String?
  @Option(
    name: .long,
    help: ArgumentHelp("Write the plan, ranges included, as JSON that --plan takes.", valueName: "file"))
  var savePlan: String?

  func validate() throws {
    try OutputName.check(html, "--html", is: OutputName.page)
    try OutputName.check(savePlan, "--save-plan", is: OutputName.json)
    guard maxDrop == nil || data != nil else {
      throw ValidationError("--max-drop needs --data to measure the loss on")
    }
    guard data == nil || isAsked else {
      throw ValidationError("--data needs --analyze, --max-drop or --html")
    }
  }

  /// What is read and written.
  var files: CommandFiles { CommandFiles(read: [data], written: [html, savePlan]) }

  /// Whether modules are looked at, which needs pictures.
  var isAsked: Bool { analyze || maxDrop != nil || html != nil }

  /// Quantizes and finds out what was asked; files are known to be writable before the work begins.
  func answer(_ asked: QuantizeRequest) throws -> QuantizeResult {
    var request = asked
    (request.ranksModules, request.data, request.maximumLoss) = (analyze, data, maxDrop?.value)
    request.wantsReport = html != nil
    let page = try html.map { try OutputFile(path: $0) }
    let plan = try savePlan.map { try OutputFile(path: $0) }
    let result = try isAsked ? interruptible(request) : quantize(request, watch: Console.watchModel)
    if let page, let report = result.report {
      try page.write(QuantizationPage(report).page.utf8)
      try page.commit()
    }
    if let plan {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      try plan.write(encoder.encode(result.plan))
      try plan.write("\n".utf8)
      try plan.commit()
    }
    return result
  }

  /// Ends between pictures and clips after a first interrupt.
  private func interruptible(_ request: QuantizeRequest) throws -> QuantizeResult {
    PartialFiles.awaitInterrupt()
    defer { Console.endLine() }
    do {
      return try quantize(request, watch: watch, isCancelled: { PartialFiles.interrupt != nil })
    } catch is CancellationError {
      Console.remark(
        maxDrop == nil ? "interrupted" : "interrupted; the same command goes on after what was evaluated")
      throw ExitCode(128 + (PartialFiles.interrupt ?? 2))
    }
  }

  /// There are hundreds of steps: each is written over the one before.
  private func watch(_ event: PipelineEvent) {
    if case .step(let text) = event { Console.line(text) } else { Console.watchModel(event) }
  }
}
