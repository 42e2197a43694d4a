import Architecture
import Configurations
import ArgumentParser
import Checkpoints
import Files
import Foundation
import Kernels
import OpenBLASBackend
import SAM2

/// Which model to run, and how.
struct ModelOptions: ParsableArguments {
  @Option(name: .long, help: "A checkpoint: .safetensors, .pt, .h5, .gguf or a folder of transformers.")
  var model: String

  @OptionGroup var source: SourceOptions
  @OptionGroup var architecture: ArchitectureOptions

  @Option(name: .long, help: "Threads to use; results are the same bits for any number.")
  var threads: Int = ProcessInfo.processInfo.activeProcessorCount

  func validate() throws {
    guard threads > 0 else { throw ValidationError("--threads should be at least 1, found \(threads)") }
  }

  /// Opens the checkpoint and builds its model.
  func load() throws -> (model: SAM2Base, checkpoint: Checkpoint) {
    try load(try OpenBLASBackend()) { try architecture.configuration(of: $0) }
  }

  /// Opens the checkpoint and builds its model as a recording says that it was, unless `--config` says otherwise.
  ///
  /// - Parameter origin: The recording, for errors.
  func load(
    _ backend: any Backend, recorded configuration: String, origin: String
  ) throws -> (model: SAM2Base, checkpoint: Checkpoint) {
    try load(backend) {
      try architecture.configuration(of: $0, recorded: configuration, origin: origin)
    }
  }

  private func load(
    _ backend: any Backend, as configuration: (Checkpoint) throws -> ModelConfiguration
  ) throws -> (model: SAM2Base, checkpoint: Checkpoint) {
    Parallelism.threads = threads
    let checkpoint = try source.open(model)
    Console.progress("loading \(model)")
    return (try SAM2Base(configuration(checkpoint), weights: checkpoint, backend: backend), checkpoint)
  }
}

/// Which of the models in a file to take, and what the file may make its reader do.
struct SourceOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Which model of a file with several: a key such as model or ema, or a prefix of names.", valueName: "key")
  )
  var key: String?
  @OptionGroup var limits: LimitOptions

  /// Opens a checkpoint and says what was chosen or left out, if anything.
  func open(_ path: String, digesting: Bool = false) throws -> Checkpoint {
    try limits.open(path, key: key, digesting: digesting)
  }
}

/// What a checkpoint's architecture is, where its tensors don't say so.
struct ArchitectureOptions: ParsableArguments {
  @Option(
    name: .long,
    help:
      "The model's official YAML, or transformers' config.json. Needed for anything but the eight released models."
  )
  var config: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Change a key of the configuration, such as fill_hole_area=0; may be repeated.", valueName: "key=value"))
  var settings: [SettingArgument] = []

  /// The architecture: from `--config`, else as a converted file states it, else from the `config.json` beside a
  /// file of transformers, else recognised by its tensors.
  func configuration(of checkpoint: Checkpoint) throws -> ModelConfiguration {
    try stated(by: checkpoint).changed(by: settings.map(\.setting), origin: "--set")
  }

  /// The architecture: from `--config`, else as a recording states it, else as without one.
  func configuration(
    of checkpoint: Checkpoint, recorded: String, origin: String
  ) throws -> ModelConfiguration {
    guard config == nil, !recorded.isEmpty else { return try configuration(of: checkpoint) }
    return try ModelConfiguration(yaml: recorded, origin: "\(origin) (configuration)")
      .changed(by: settings.map(\.setting), origin: "--set")
  }

  private func stated(by checkpoint: Checkpoint) throws -> ModelConfiguration {
    if let config {
      let text = String(decoding: try MappedFile.contents(of: config), as: UTF8.self)
      return try config.lowercased().hasSuffix(".json") && text.contains("\"model_type\"")
        ? ModelConfiguration(transformers: text, origin: config)
        : ModelConfiguration(yaml: text, origin: config)
    }
    if let stated = checkpoint.metadata[MetadataKey.configuration] {
      return try ModelConfiguration(yaml: stated, origin: "\(checkpoint.path) (\(MetadataKey.configuration))")
    }
    if let beside = try checkpoint.transformersConfiguration { return beside }
    let recognition = Recognition(checkpoint.shapes)
    guard let variant = recognition.variant else {
      throw UnknownArchitecture(path: checkpoint.path, recognition: recognition)
    }
    return variant.configuration
  }
}

extension Checkpoint {
  /// What the `config.json` beside weights in transformers' naming says, if there is one.
  var transformersConfiguration: ModelConfiguration? {
    get throws {
      guard selection.naming == .transformers else { return nil }
      let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
      guard FileManager.default.fileExists(atPath: "\(folder)config.json") else { return nil }
      let text = String(decoding: try MappedFile.contents(of: "\(folder)config.json"), as: UTF8.self)
      return try ModelConfiguration(transformers: text, origin: "\(folder)config.json")
    }
  }
}

/// `KEY=VALUE`.
struct SettingArgument: ExpressibleByArgument {
  let setting: ConfigurationSetting

  init?(argument: String) {
    guard let setting = ConfigurationSetting(argument) else { return nil }
    self.setting = setting
  }
}

/// The keys that a converted file's metadata has from us, beside the source's digest.
enum MetadataKey {
  static let configuration = "sam2_configuration"
  static let variant = "sam2_variant"
  static let producer = "producer"
  /// What large tensors were rounded to.
  static let precision = "precision"
  /// Which framework's tensors these are, for transformers.
  static let framework = "format"
  /// What other programs show of a GGUF file.
  static let name = "general.name"
  /// The digests of the checkpoint that a chain of conversions began with; see `CheckpointIdentity`.
  static let checkpointDigest = "checkpoint_sha256"
  static let checkpointDirectoryDigest = "checkpoint_directory_sha256"
}

/// A checkpoint that is none of the released models, and no YAML to say what it is.
struct UnknownArchitecture: Error, CustomStringConvertible {
  let path: String
  let recognition: Recognition

  var description: String {
    "\(path): \(recognition.summary). If it is a SAM 2 model, give its official YAML with --config"
  }
}
