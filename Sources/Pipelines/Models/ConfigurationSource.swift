public import Architecture
package import Checkpoints
package import Configurations
import Files
import Foundation
import Tensors

/// What said how a model is built.
public enum ConfigurationSource: Equatable, Sendable {
  /// A file that was named.
  case named(String)
  /// The recording that the model is to repeat.
  case recording(String)
  /// What the checkpoint's own metadata says, as a converted file's does.
  case metadata
  /// The `config.json` beside weights in transformers' naming.
  case transformers(String)
  /// A YAML beside the checkpoint that bears its name.
  case beside(String)
  /// The names and shapes of its tensors, which are those of a released model.
  case recognised(Variant)

  /// What a user should know of it; nil where it is what he named, or what the file itself says.
  var note: String? {
    guard case .beside(let path) = self else { return nil }
    return "configuration taken from \(path) beside it"
  }

  /// The architecture of a checkpoint: from a named file, else as a recording states it, else as a converted file states
  /// it, else from the `config.json` beside a file of transformers, else from a YAML of the checkpoint's name beside it,
  /// else recognised by its tensors.
  ///
  /// A YAML beside it comes before what its tensors look like, as shapes don't tell sizes of pictures.
  ///
  /// - Parameters:
  ///   - path: The named file.
  ///   - recorded: What a recording says, and its name for errors.
  ///   - settings: What is to be changed of it, in order.
  /// - Throws: `ConfigurationError`, `FileError`, `UnfitConfiguration`, `UnknownArchitecture`.
  package static func of(
    _ checkpoint: Checkpoint, named path: String?, recorded: (configuration: String, origin: String)? = nil,
    settings: [ConfigurationSetting]
  ) throws -> (configuration: ModelConfiguration, source: Self) {
    let source: Self
    let configuration: ModelConfiguration
    if let path {
      let text = try Self.text(path)
      configuration =
        try path.lowercased().hasSuffix(".json") && text.contains("\"model_type\"")
        ? ModelConfiguration(transformers: text, origin: path) : ModelConfiguration(yaml: text, origin: path)
      source = .named(path)
    } else if let recorded, !recorded.configuration.isEmpty {
      configuration = try ModelConfiguration(
        yaml: recorded.configuration, origin: "\(recorded.origin) (configuration)")
      source = .recording(recorded.origin)
    } else if let stated = checkpoint.metadata[MetadataKey.configuration] {
      configuration = try ModelConfiguration(
        yaml: stated, origin: "\(checkpoint.path) (\(MetadataKey.configuration))")
      source = .metadata
    } else if let beside = try checkpoint.transformersConfiguration {
      configuration = beside.configuration
      source = .transformers(beside.path)
    } else if let beside = yaml(beside: checkpoint.path) {
      do {
        configuration = try ModelConfiguration(yaml: text(beside), origin: beside)
      } catch { throw UnfitConfiguration(path: beside, checkpoint: checkpoint.path, reason: "\(error)") }
      source = .beside(beside)
    } else {
      let recognition = Recognition(checkpoint.shapes)
      // The picture models of 2.0 and 2.1 are alike.
      let picture = recognition.difference.isOfPictureModel ? recognition.nearest : nil
      guard let variant = recognition.variant ?? picture else {
        throw UnknownArchitecture(path: checkpoint.path, recognition: recognition)
      }
      configuration = variant.configuration
      source = .recognised(variant)
    }
    return (try configuration.changed(by: settings, origin: "--set"), source)
  }

  private static func text(_ path: String) throws(FileError) -> String {
    String(decoding: try MappedFile.contents(of: path), as: UTF8.self)
  }

  /// `model.yaml` or `model.yml` beside `model.pt`, if it is there.
  private static func yaml(beside path: String) -> String? {
    let stem = (path as NSString).deletingPathExtension
    guard stem != path else { return nil }
    return ["\(stem).yaml", "\(stem).yml"].first(where: FilePath.exists)
  }

  /// The files beside weights that may say how the model is built.
  fileprivate static func files(beside weights: String) -> [String] {
    let named = FilePath.exists(Checkpoint.configurationPath(beside: weights))
    return [yaml(beside: weights), named ? Checkpoint.configurationPath(beside: weights) : nil].compactMap {
      $0
    }
  }
}

extension ModelRequest {
  /// The files that a checkpoint's path stands for: of a folder or an index those that it leads to, and what may be read beside
  /// them.
  ///
  /// - Parameter isConfigured: Whether a configuration is named, so that none is looked for.
  public static func files(of path: String, isConfigured: Bool) -> [String] {
    let files = Checkpoint.files(at: path)
    return files + (isConfigured ? [] : files.flatMap(ConfigurationSource.files(beside:)))
  }
}

extension Checkpoint {
  /// Where transformers' configuration of a file of weights lies.
  fileprivate static func configurationPath(beside path: String) -> String {
    "\(path.lastIndex(of: "/").map { String(path[...$0]) } ?? "")config.json"
  }

  /// What the `config.json` beside weights in transformers' naming says, if there is one.
  package var transformersConfiguration: (configuration: ModelConfiguration, path: String)? {
    get throws {
      guard selection.naming == .transformers else { return nil }
      let file = Self.configurationPath(beside: path)
      guard FilePath.exists(file) else { return nil }
      let text = String(decoding: try MappedFile.contents(of: file), as: UTF8.self)
      return (try ModelConfiguration(transformers: text, origin: file), file)
    }
  }
}

/// A YAML that was read because it bears a checkpoint's name, and is no model's.
public struct UnfitConfiguration: Error, CustomStringConvertible {
  /// The YAML.
  public let path: String
  /// The checkpoint beside it.
  public let checkpoint: String
  let reason: String

  /// One sentence.
  public var description: String {
    "\(reason) (read because it stands beside \(checkpoint) under its name; name another with --config, or rename it)"
  }
}

/// A checkpoint that is none of the released models, and no YAML to say what it is.
public struct UnknownArchitecture: Error, CustomStringConvertible {
  /// The checkpoint.
  public let path: String
  /// What it is most like.
  public let recognition: Recognition

  /// One sentence.
  public var description: String {
    let name = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    return "\(path): \(recognition.summary). If it is a SAM 2 model, give its official YAML with --config, or "
      + "lay it beside the checkpoint as \(name).yaml"
  }
}

/// The keys that a converted file's metadata has from us, beside the source's digest.
package enum MetadataKey {
  package static let configuration = "sam2_configuration"
  package static let variant = "sam2_variant"
  package static let producer = "producer"
  /// Which layer is to be computed how, as the JSON of a `PrecisionPlan`.
  package static let plan = "precision_plan"
  /// How weights became whole numbers, where not each to the nearest: a `Rounding`.
  package static let weightRounding = "weight_rounding"
  /// The norms whose channels were made alike before, separated by blanks: they aren't the checkpoint's any more.
  package static let equalizedNorms = "equalized_norms"
  /// What large tensors were rounded to.
  package static let precision = "precision"
  /// Which framework's tensors these are, for transformers.
  package static let framework = "format"
  /// What other programs show of a GGUF file.
  package static let name = "general.name"
  /// The digests of the checkpoint that a chain of conversions began with; see `CheckpointIdentity`.
  package static let checkpointDigest = "checkpoint_sha256"
  package static let checkpointDirectoryDigest = "checkpoint_directory_sha256"
}
