import ArgumentParser
import Evaluation
import Files
import Pipelines

struct Evaluate: Command {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measure how good masks are, on pictures and clips with true masks.",
    discussion: """
      Prompts are derived from the true masks by a fixed rule. Pictures: the mean IoU after one click, for a box, and \
      after three clicks. Clips: J, F and J&F as the evaluators of DAVIS and SA-V define them, tracked from the first \
      frame's masks. Beside each mean stands its standard error over pictures or clips. \
      Reference/validation/README.md describes the folder and the rule; DAVIS, YouTube-VOS, MOSE, LVOS and SA-V are taken \
      as they are unpacked.

      With --masks nothing is computed: masks that any program made, DIR/CLIP/FRAME.png of object numbers or \
      DIR/CLIP/OBJECT/FRAME.png, are judged instead.

        sam2kit evaluate --model tiny.safetensors --data DAVIS --split val --csv scores.csv
        sam2kit evaluate --masks predictions --data DAVIS --split val
      """)

  @Option(name: .long, help: "A checkpoint: .safetensors, .pt, .h5, .gguf or a folder of transformers.")
  var model: String?
  @OptionGroup var running: RunningOptions
  @Option(
    name: .long, help: "A folder with pictures/ and clips/, such as Reference/validation, or a public data set."
  )
  var data: String
  @Option(name: .long, help: "Which list of a public data set's clips to take, such as val.")
  var split: String?
  @Option(name: .long, help: "Judge the masks in this folder instead of running a model.")
  var masks: String?
  @Option(name: .long, help: "Write every object's J and F to this file, in the columns of DAVIS's evaluator.")
  var csv: String?
  @Flag(
    name: .long, help: "Print JSON: the means, also by picture, clip and frame, and the scores of every object."
  )
  var json = false

  func validate() throws {
    guard (model == nil) != (masks == nil) else {
      throw ValidationError("say what to judge: --model FILE to run, or --masks DIR that are there")
    }
    guard masks == nil || !running.saysHow else {
      throw ValidationError("with --masks no model runs: leave out what says how it would")
    }
    try OutputName.check(csv, "--csv", is: ["csv"])
  }

  var files: CommandFiles {
    CommandFiles(read: [data, masks], written: [csv]).and(running.files(model))
  }

  func execute() throws {
    let set = try ValidationSet(folder: data, split: split)
    let table = try csv.map { try OutputFile(path: $0) }
    let found: EvaluationResult
    if let masks {
      found = try EvaluationResult(of: set, masksIn: masks, watch: watch)
    } else {
      found = try running.load(model ?? "").evaluate(set, watch: watch)
    }
    Console.line("")
    try found.requireScores(of: data)
    let report = EvaluationReport(found)
    if let table {
      try table.write(report.csv.utf8)
      try table.commit()
    }
    if json { try Console.json(report) } else { print(report.lines) }
  }

  /// Pictures and clips are many, so each is written over the one before.
  private func watch(_ event: PipelineEvent) {
    if case .step(let name) = event { Console.line(name) } else { Console.watch(event) }
  }
}
