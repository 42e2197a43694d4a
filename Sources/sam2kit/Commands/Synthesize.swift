import Architecture
import ArgumentParser
import Checkpoints
import Configurations
import Files
import Synthesis
import Tensors

struct Synthesize: Command {
  static let configuration = CommandConfiguration(
    commandName: "synthesize",
    abstract: "Make up a full-size checkpoint from a seed, to verify or measure with.",
    discussion: """
      The weights are not trained: masks mean nothing, but every layer computes something. The same seed gives the \
      same bytes on every machine, and PyTorch reads the file. Variants: \
      \(Variant.allCases.map(\.rawValue).joined(separator: ", ")).

        sam2kit synthesize sam2.1_hiera_tiny tiny.pt --seed 1
        sam2kit synthesize --config model.yaml model.pt --seed 1
      """)

  @Argument(help: "A variant, unless --config is given; then the .pt to write.")
  var arguments: [String]
  @Option(name: .long, help: "An official YAML, for any other model.")
  var config: String?
  @Option(name: .long, help: "Another seed gives other weights.")
  var seed = Ranged<Seed>(1)

  func validate() throws {
    let expected = config == nil ? ["VARIANT", "OUT.pt"] : ["OUT.pt"]
    guard arguments.count == expected.count else {
      throw ValidationError(
        "expected \(expected.joined(separator: " "))\(config == nil ? "" : " beside --config"), found "
          + "\(arguments.count) arguments")
    }
    if config == nil, Variant(rawValue: arguments[0]) == nil {
      throw ValidationError(
        "\(arguments[0]): expected one of \(Variant.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    guard output.lowercased().hasSuffix(".pt") else {
      throw ValidationError("\(output): expected .pt; `sam2kit convert` makes other formats of it")
    }
  }

  private var output: String { arguments.last ?? "" }

  var files: CommandFiles {
    CommandFiles(read: [config], written: [output])
  }

  func execute() throws {
    let model: ModelConfiguration
    if let config {
      model = try ModelConfiguration(
        yaml: String(decoding: try MappedFile.contents(of: config), as: UTF8.self), origin: config)
    } else if let variant = Variant(rawValue: arguments[0]) {
      model = variant.configuration
    } else {
      return
    }
    let weights = SynthesizedWeights(model, seed: seed.value)
    var writer = try TorchWriter(
      path: output, weights.tensors.map { TorchWriter.Item(name: $0.name, shape: $0.shape) })
    for (name, _) in weights.tensors {
      try weights.tensor(name).withElements { try writer.write(UnsafeRawBufferPointer($0)) }
    }
    try writer.finish()
    let count = weights.tensors.reduce(0) { $0 + $1.shape.count }
    print("\(output)  \(weights.tensors.count) tensors  \(count.grouped) parameters  seed \(seed.value)")
  }
}
