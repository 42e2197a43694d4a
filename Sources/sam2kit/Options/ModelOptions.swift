import Architecture
import ArgumentParser
import Checkpoints
import Files
import Foundation
import Kernels
import OpenBLASBackend
import SAM2

/// Which model to run, and how.
struct ModelOptions: ParsableArguments {
  @Option(name: .long, help: "A checkpoint: .safetensors, .pt or .h5.")
  var model: String

  @OptionGroup var architecture: ArchitectureOptions

  @Option(name: .long, help: "Threads to use; results are the same bits for any number.")
  var threads: Int = ProcessInfo.processInfo.activeProcessorCount

  func validate() throws {
    guard threads > 0 else { throw ValidationError("--threads should be at least 1, found \(threads)") }
  }

  /// Opens the checkpoint and builds its model.
  func load() throws -> (model: SAM2Base, checkpoint: Checkpoint) {
    Parallelism.threads = threads
    let checkpoint = try Checkpoint.open(path: model)
    Console.progress("loading \(model)")
    let configuration = try architecture.configuration(of: checkpoint)
    return (try SAM2Base(configuration, weights: checkpoint, backend: OpenBLASBackend()), checkpoint)
  }
}

/// What a checkpoint's architecture is, where its tensors don't say so.
struct ArchitectureOptions: ParsableArguments {
  @Option(name: .long, help: "The model's official YAML. Needed for anything but the eight released models.")
  var config: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Change a key of the configuration, such as fill_hole_area=0; may be repeated.", valueName: "key=value"))
  var settings: [SettingArgument] = []

  /// The architecture: from `--config`, else as a converted file states it, else recognised by its tensors.
  func configuration(of checkpoint: Checkpoint) throws -> ModelConfiguration {
    try stated(by: checkpoint).changed(by: settings.map(\.setting), origin: "--set")
  }

  private func stated(by checkpoint: Checkpoint) throws -> ModelConfiguration {
    if let config {
      let text = String(decoding: try MappedFile.contents(of: config), as: UTF8.self)
      return try ModelConfiguration(yaml: text, origin: config)
    }
    if let stated = checkpoint.metadata[MetadataKey.configuration] {
      return try ModelConfiguration(yaml: stated, origin: "\(checkpoint.path) (\(MetadataKey.configuration))")
    }
    let recognition = Recognition(checkpoint.shapes)
    guard let variant = recognition.variant else {
      throw UnknownArchitecture(path: checkpoint.path, recognition: recognition)
    }
    return variant.configuration
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
