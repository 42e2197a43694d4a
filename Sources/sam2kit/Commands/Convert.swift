import ArgumentParser
import Checkpoints
import Pipelines

struct Convert: Command {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Convert a checkpoint, bit for bit or rounded.",
    discussion: """
      Reads .pt, .safetensors, .h5 or .gguf by content and writes one of them by the output's extension. Training \
      checkpoints, torch.save(model), PyTorch before 1.6, models in several files (their folder or *.index.json), HDF5 in \
      groups and transformers' picture-only Sam2Model are read too; what stands beside the weights is named, left out and \
      never run. A .pt \
      loads with torch.load(weights_only=True) and in the official build_sam2. The output carries the model's \
      configuration, what identifies the source, its metadata and this program's version; a .pt has them as strings \
      beside `model`. GGUF has no names beyond 63 bytes: longer ones are stored short and listed in full under \
      tensors.full_names. --naming transformers calls the tensors as Hugging Face does; where the output is a \
      folder, or a name without extension, it gets config.json and the processors' files beside \
      model.safetensors, so that from_pretrained takes it. Either naming is recognised on input, prefixes such \
      as module. and _orig_mod. are taken off, and of a training checkpoint the weights are taken: --key says \
      which if there are several. The tensors must be those of a released model, or of the one that --config describes.

      --dtype rounds to nearest, of two equally near numbers to the even one. Rounded are floating-point tensors \
      of at least \(WeightRounding.threshold) elements with two or more axes longer than 1; norms, biases and all \
      smaller ones are kept in f32, whole numbers as they are. A number too large for the type is named, and \
      nothing is written.

      source_sha256 is the SHA-256 of the whole source file, of several one after the other by name. Of a .pt above \(Conversion.wholeDigestLimit >> 20) MB it \
      is taken with --sha256 only, since that takes longer than all else; source_directory_sha256 then identifies the \
      source by the names, sizes and checksums of its parts, which are verified in any case. Holes of a sparse file \
      stay holes, but for .h5.

      Killed at any moment, the program leaves the old output or the whole new one. A loss of power may take the new \
      one's last bytes unless --durable waits for the disk.
      """)

  @Argument(help: "The checkpoint to read.")
  var input: String
  @Argument(help: "The file or folder to write; a file that is there is replaced when the new one is whole.")
  var output: String
  @Option(name: .long, help: "What to write, whatever the extension says: pt, safetensors, h5 or gguf.")
  var format: OutputFormat?
  @Option(name: .long, help: "Round large tensors to f32, f16 or bf16; without, every bit is kept.")
  var dtype: NumberType?
  @Option(name: .long, help: "What to call the tensors: as Meta does or as Hugging Face's transformers does.")
  var naming = NamingChoice.meta
  @OptionGroup var source: SourceOptions
  @Flag(name: .customLong("sha256"), help: "Take the SHA-256 of the whole source however large it is.")
  var wholeDigest = false
  @Flag(name: .long, help: "Wait until the output is on the disk before it replaces what is there.")
  var durable = false
  @OptionGroup var architecture: ArchitectureOptions

  func validate() throws { _ = try target() }

  private func target() throws -> ConvertRequest.Target {
    if let target = ConvertRequest.Target.of(output, format: format?.format, naming: naming.naming) {
      return target
    }
    throw ValidationError(
      "\(output): expected .pt, .pth, .safetensors, .h5 or .gguf; for another name add --format")
  }

  var files: CommandFiles {
    let config = architecture.config
    var files = CommandFiles(read: CheckpointName.files(input, isConfigured: config != nil))
      .and(CommandFiles(read: [config]))
    let isFolder = (try? target()) == .folder
    files.written = [isFolder ? .folder(output, names: ConvertRequest.Target.folderHolds) : .file(output)]
    return files
  }

  func execute() throws {
    var model = ModelRequest(path: try CheckpointName.path(input))
    source.apply(to: &model)
    architecture.apply(to: &model)
    var request = ConvertRequest(model: model, output: output, target: try target())
    (request.rounding, request.naming) = (dtype?.rounding, naming.naming)
    (request.takesWholeDigest, request.isDurable) = (wholeDigest, durable)
    let written = try convert(request, watch: Console.watchModel)
    print(
      "\(output)  \(written.tensorCount) tensors  "
        + (written.variant ?? "a model as its configuration describes"))
  }
}

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

  var rounding: WeightRounding {
    switch self {
    case .f32: .float32
    case .f16: .float16
    case .bf16: .bfloat16
    }
  }
}

/// What tensors can be called.
enum NamingChoice: String, ExpressibleByArgument, CaseIterable {
  case meta, transformers

  var naming: Naming {
    switch self {
    case .meta: .meta
    case .transformers: .transformers
    }
  }
}
