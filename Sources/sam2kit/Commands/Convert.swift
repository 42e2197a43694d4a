import Architecture
import ArgumentParser
import Checkpoints
import SAM2

struct Convert: Command {
  static let configuration = CommandConfiguration(
    abstract: "Convert a checkpoint, bit for bit or rounded.",
    discussion: """
      Reads .pt, .safetensors, .h5 or .gguf by content and writes one of them by the output's extension. A .pt \
      loads with torch.load(weights_only=True) and in the official build_sam2. The output carries the model's \
      configuration, what identifies the source, its metadata and this program's version; a .pt has them as strings \
      beside `model`. GGUF has no names beyond 63 bytes: longer ones are stored short and listed in full under \
      tensors.full_names. The tensors must be those of a released model, or of the one that --config describes.

      --dtype rounds to nearest, of two equally near numbers to the even one. Rounded are floating-point tensors \
      of at least \(Precision.threshold) elements with two or more axes longer than 1; norms, biases and all \
      smaller ones are kept in f32, whole numbers as they are. A number too large for the type is named, and \
      nothing is written.

      source_sha256 is the SHA-256 of the whole source file. Of a .pt above \(Conversion.wholeDigestLimit >> 20) MB it \
      is taken with --sha256 only, since that takes longer than all else; source_directory_sha256 then identifies the \
      source by the names, sizes and checksums of its parts, which are verified in any case. Holes of a sparse file \
      stay holes, but for .h5.

      Killed at any moment, the program leaves the old output or the whole new one. A loss of power may take the new \
      one's last bytes unless --durable waits for the disk.
      """)

  @Argument(help: "The checkpoint to read.")
  var input: String
  @Argument(help: "The file to write; one that is there is replaced when the new one is whole.")
  var output: String
  @Option(name: .long, help: "What to write, whatever the extension says: pt, safetensors, h5 or gguf.")
  var format: OutputFormat?
  @Option(name: .long, help: "Round large tensors to f32, f16 or bf16; without, every bit is kept.")
  var dtype: NumberType?
  @Flag(name: .customLong("sha256"), help: "Take the SHA-256 of the whole source however large it is.")
  var wholeDigest = false
  @Flag(name: .long, help: "Wait until the output is on the disk before it replaces what is there.")
  var durable = false
  @OptionGroup var architecture: ArchitectureOptions

  /// What can be written.
  enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case pt, pth, safetensors, h5, gguf

    var format: Checkpoint.Format {
      switch self {
      case .pt, .pth: .torch
      case .safetensors: .safetensors
      case .h5: .hdf5
      case .gguf: .gguf
      }
    }
  }

  /// What can be rounded to.
  enum NumberType: String, ExpressibleByArgument, CaseIterable {
    case f32, f16, bf16

    var precision: Precision {
      switch self {
      case .f32: .float32
      case .f16: .float16
      case .bf16: .bfloat16
      }
    }
  }

  func validate() throws {
    guard format != nil || inferredFormat != nil else {
      throw ValidationError(
        "\(output): expected .pt, .pth, .safetensors, .h5 or .gguf; for another name add --format")
    }
  }

  private var inferredFormat: OutputFormat? {
    output.split(separator: ".").last.flatMap { OutputFormat(rawValue: $0.lowercased()) }
  }

  func execute() throws {
    guard let target = format ?? inferredFormat else { return }
    let opened = try Checkpoint.open(path: input, digesting: true)
    let source = dtype.map { opened.rounded(to: $0.precision) } ?? opened
    let configuration = try architecture.configuration(of: source)
    try SAM2Base.check(source, fit: configuration)
    var metadata = source.metadata
    metadata[MetadataKey.configuration] = configuration.json
    metadata[MetadataKey.producer] = "\(Product.name) \(Product.version)"
    metadata[MetadataKey.variant] = Recognition(source.shapes).variant?.rawValue
    let origin = CheckpointIdentity(statedBy: source.metadata)
    metadata[MetadataKey.checkpointDigest] = origin?.sha256
    metadata[MetadataKey.checkpointDirectoryDigest] = origin?.directorySHA256
    if let dtype { metadata[MetadataKey.precision] = dtype.rawValue }
    if target.format == .gguf, metadata[MetadataKey.name] == nil {
      metadata[MetadataKey.name] = metadata[MetadataKey.variant] ?? "SAM 2"
    }
    Console.progress("converting \(source.entries.count) tensors, \(source.fileByteCount.bytes)")
    try Conversion(source, metadata: metadata, wholeDigest: wholeDigest, durable: durable)
      .write(to: output, as: target.format)
    print(
      "\(output)  \(source.entries.count) tensors  "
        + (metadata[MetadataKey.variant] ?? "a model as its configuration describes"))
  }
}
