import Architecture
import Checkpoints

/// The words that a converted file carries: its source's, and what this program knows of the model.
struct ConvertedMetadata {
  private(set) var words: [String: String]

  /// The released model that it is, if any.
  var variant: String? { words[MetadataKey.variant] }

  init(of source: Checkpoint, _ configuration: ModelConfiguration, as format: Checkpoint.Format) {
    words = source.metadata
    words[MetadataKey.configuration] = configuration.json
    words[MetadataKey.producer] = "\(Product.name) \(Product.version)"
    words[MetadataKey.variant] = Recognition(source.shapes).variant?.rawValue
    let origin = CheckpointIdentity(statedBy: source.metadata)
    words[MetadataKey.checkpointDigest] = origin?.sha256
    words[MetadataKey.checkpointDirectoryDigest] = origin?.directorySHA256
    if format == .gguf, words[MetadataKey.name] == nil {
      words[MetadataKey.name] = words[MetadataKey.variant] ?? "SAM 2"
    }
  }

  /// Says what large tensors were rounded to, if they were.
  mutating func add(_ rounding: WeightRounding?) {
    if let rounding { words[MetadataKey.precision] = rounding.rawValue }
  }

  /// transformers reads a safetensors file only if it says that it is PyTorch's.
  mutating func add(_ naming: Naming) {
    words[MetadataKey.framework] = naming == .transformers ? "pt" : nil
  }
}
