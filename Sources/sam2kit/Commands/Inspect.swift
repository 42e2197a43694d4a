import ArgumentParser
import Checkpoints

struct Inspect: Command {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Say what a checkpoint is and what its tensors look like.",
    discussion: """
      Nothing in the file is executed. Tensors have their official names whatever the file calls them. Of a training \
      checkpoint the weights are taken; other objects beside them (NumPy, Namespace, OmegaConf, functions …) are named and \
      left out, and neither imported nor called. torch.save(model), PyTorch before 1.6, models in several files with \
      their index and HDF5 in groups are read too. What is no checkpoint is named for what it is. Statistics \
      are of the finite numbers; std is the population's. Taking them reads the whole file and verifies its checksums; \
      --no-statistics reads only what says where the tensors are.

      --security reads no tensors. It walks every pickle in the file without carrying it out and lists the globals \
      and opcodes that unpickling would use, those that reading leaves out as well: pickles beside data.pkl, stacked and \
      legacy ones and cut ones too, every file of several, and what \
      a broken zip archive still gives. Other formats are checked for what they claim to be and for names of other \
      files and programs. Exit code 1 if anything is off the allow-list or could not be walked to its end.

      Limits, which --limit changes and beyond which a file is refused:
      \(LimitOptions.table)
      """)

  @Argument(
    help: ArgumentHelp(
      "A .pt, .safetensors, .h5 or .gguf file, a folder of transformers, or a *.index.json; with --security any file."
    ))
  var file: String
  @OptionGroup var source: SourceOptions
  @Flag(name: .long, inversion: .prefixedNo, help: "Read every tensor for its statistics.")
  var statistics = true
  @Flag(name: .long, help: "Say what the file would run or import if it were unpickled.")
  var security = false
  @Flag(name: .long, help: "Print JSON.")
  var json = false

  var files: CommandFiles {
    CommandFiles(read: [file])
  }

  func execute() throws {
    if security {
      let report = try SecurityScan.report(path: CheckpointName.path(file), limits: source.limits.limits)
      if json { try Console.json(report) } else { print(report.text) }
      guard report.isSafe else { throw ExitCode(1) }
    } else {
      let checkpoint = try source.open(file)
      let report = try InspectionReport(checkpoint, statistics: statistics)
      if json { try Console.json(report) } else { print(report.text) }
    }
  }
}
