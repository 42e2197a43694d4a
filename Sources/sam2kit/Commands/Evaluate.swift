import ArgumentParser
import Evaluation
import Pipelines

struct Evaluate: Command {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure how good a model's masks are, on pictures and clips with true masks.",
    discussion: """
      Prompts are derived from the true masks by a fixed rule. Pictures: the mean IoU after one click, for a box, and \
      after three clicks. Clips: J, F and J&F as the evaluators of DAVIS and SA-V define them, tracked from the first \
      frame's masks. Beside each mean stands its standard error over pictures or clips. \
      Reference/validation/README.md describes the folder and the rule.
      """)

  @OptionGroup var model: ModelOptions
  @Option(name: .long, help: "A folder with pictures/ and clips/, such as Reference/validation.")
  var data: String
  @Flag(
    name: .long, help: "Print JSON: the means, also by picture, clip and frame, and the scores of every object."
  )
  var json = false

  func execute() throws {
    let set = try ValidationSet(folder: data)
    let found = try model.load().evaluate(set) { event in
      if case .step(let name) = event { Console.line(name) }
    }
    Console.line("")
    let report = EvaluationReport(found)
    if json { try Console.json(report) } else { report.lines.forEach { print($0) } }
  }
}
