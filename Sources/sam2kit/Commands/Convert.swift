import Architecture
import ArgumentParser
import Checkpoints
import SAM2

struct Convert: Command {
  static let configuration = CommandConfiguration(
    abstract: "Convert a checkpoint, bit for bit.",
    discussion: """
      Reads .pt, .safetensors or .h5 by content and writes .safetensors or .h5 by the output's extension. The \
      output carries the model's configuration, the source's SHA-256 and this program's version. The tensors must \
      be those of a released model, or of the one that --config describes.
      """)

  @Argument(help: "The checkpoint to read.")
  var input: String
  @Argument(help: "The file to write; one that is there is replaced when the new one is whole.")
  var output: String
  @Option(name: .long, help: "What to write, whatever the extension says: safetensors or h5.")
  var format: OutputFormat?
  @OptionGroup var architecture: ArchitectureOptions

  /// What can be written.
  enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case safetensors, h5

    var format: Checkpoint.Format { self == .h5 ? .hdf5 : .safetensors }
  }

  func validate() throws {
    guard format != nil || inferredFormat != nil else {
      throw ValidationError("\(output): expected .safetensors or .h5; for another name add --format")
    }
  }

  private var inferredFormat: OutputFormat? {
    output.split(separator: ".").last.flatMap { OutputFormat(rawValue: $0.lowercased()) }
  }

  func execute() throws {
    guard let target = format ?? inferredFormat else { return }
    let source = try Checkpoint.open(path: input, digesting: true)
    let configuration = try architecture.configuration(of: source)
    try SAM2Base.check(source, fit: configuration)
    var metadata = [
      MetadataKey.configuration: configuration.json, MetadataKey.producer: "\(Product.name) \(Product.version)",
    ]
    metadata[MetadataKey.variant] = Recognition(source.shapes).variant?.rawValue
    metadata[MetadataKey.checkpointDigest] =
      source.metadata[MetadataKey.checkpointDigest] ?? source.metadata[Conversion.digestKey]
    Console.progress("converting \(source.entries.count) tensors, \(source.fileByteCount.bytes)")
    try Conversion(source, metadata: metadata).write(to: output, as: target.format)
    print(
      "\(output)  \(source.entries.count) tensors  "
        + (metadata[MetadataKey.variant] ?? "a model as its configuration describes"))
  }
}
