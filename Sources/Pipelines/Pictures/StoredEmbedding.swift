// A picture's embedding as a file: a prompt then costs the decoder alone.

import Architecture
public import Checkpoints
import Files
import Foundation
import Kernels
import SAM2
import Tensors

/// A picture's embedding with what it was made of and by, as it lies in a file or is about to.
public struct StoredEmbedding: Sendable {
  /// What an embedding was made of, and by which model.
  struct Provenance: Codable, Equatable {
    /// What only the same model has: digests of its checkpoint, its configuration, its plan, what it was rounded to.
    struct ModelIdentity: Codable, Equatable {
      var checkpointSHA256: String?
      var checkpointDirectorySHA256: String?
      let configuration: String
      let plan: String
      let rounding: String?
    }

    var version = 1
    var producer = "\(Product.name) \(Product.version)"
    let model: ModelIdentity
    let backend: String
    let precision: String
    let picture: String
    let pictureSHA256: String
    let preprocessing: String
    let width: Int
    let height: Int
  }

  /// The file that it was read from; nil for one that was just made.
  public let path: String?
  let provenance: Provenance
  let tensors: [String: Tensor]

  /// The name of the picture's file.
  public var picture: String { provenance.picture }
  /// Pixels per row of the picture, in which prompts are given.
  public var width: Int { provenance.width }
  /// Rows of the picture.
  public var height: Int { provenance.height }

  private static let key = "sam2kit_embedding"

  init(_ embedding: ImageEmbedding, of picture: PictureInput, by model: Model) throws {
    path = nil
    provenance = Provenance(
      model: model.embeddingIdentity, backend: model.backend.rawValue, precision: model.precision,
      picture: (picture.path as NSString).lastPathComponent, pictureSHA256: try picture.digest,
      preprocessing: picture.preprocessing, width: picture.width, height: picture.height)
    tensors = embedding.tensors
  }

  /// Reads a file that `write` left.
  ///
  /// - Throws: `CheckpointError` for a file that is damaged, cut short or none, `EmbeddingError.notAnEmbedding`,
  ///   `.notFinite`.
  public init(path: String) throws {
    guard try Self.isSafetensors(path) else { throw EmbeddingError.notAnEmbedding(path: path) }
    let file = try Checkpoint.open(path: path)
    guard let text = file.metadata[Self.key] else { throw EmbeddingError.notAnEmbedding(path: path) }
    guard let provenance = try? JSONDecoder().decode(Provenance.self, from: Data(text.utf8)),
      provenance.version == 1, provenance.width > 0, provenance.height > 0
    else { throw EmbeddingError.notAnEmbedding(path: path) }
    self.path = path
    self.provenance = provenance
    tensors = try Dictionary(uniqueKeysWithValues: file.shapes.keys.map { ($0, try file.tensor($0)) })
    // The generator would find no mask in such a picture, and say nothing.
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key })
    where tensor.elementType == .float32 && tensor.firstNotFinite != nil {
      throw EmbeddingError.notFinite(path: path, tensor: name)
    }
  }

  /// Whether a file begins with the length of a header and a brace; what else it is matters to nobody who wants an embedding.
  private static func isSafetensors(_ path: String) throws(FileError) -> Bool {
    let file = try MappedFile(path: path)
    return file.bytes.count > 8 && file.bytes[8] == UInt8(ascii: "{")
  }

  /// Writes the embedding as safetensors, with its provenance; it appears whole or not at all.
  ///
  /// - Throws: `CheckpointError`.
  public func write(to path: String) throws(CheckpointError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let words = (try? encoder.encode(provenance)) ?? Data()
    try SafetensorsOutput.write(
      tensors, metadata: [Self.key: String(decoding: words, as: UTF8.self)], to: path)
  }

  /// The embedding for a model, which has to be the one that made it.
  ///
  /// - Throws: `EmbeddingError.otherModel`, `SAM2Error.wrongEmbedding`.
  func embedding(for model: Model) throws -> ImageEmbedding {
    let (ours, theirs) = (model.embeddingIdentity, provenance.model)
    func require(_ isSame: Bool, _ what: String) throws(EmbeddingError) {
      guard isSame else { throw .otherModel(path: path ?? "", model: model.checkpoint.path, what: what) }
    }
    if let mine = ours.checkpointDirectorySHA256, let made = theirs.checkpointDirectorySHA256 {
      try require(mine == made, "checkpoint")
    } else {
      try require(
        ours.checkpointSHA256 != nil && ours.checkpointSHA256 == theirs.checkpointSHA256, "checkpoint")
    }
    try require(ours.configuration == theirs.configuration, "configuration")
    try require(ours.plan == theirs.plan, "precision plan")
    try require(ours.rounding == theirs.rounding, "rounding of weights")
    return try ImagePredictor(model.base).embedding(tensors, width: width, height: height)
  }

  /// Throws unless a file is the picture that this is of.
  ///
  /// - Throws: `EmbeddingError.otherPicture`, `FileError`.
  func check(isOf picture: String) throws {
    guard try SHA256.hex(ofFile: picture) == provenance.pictureSHA256 else {
      throw EmbeddingError.otherPicture(path: path ?? "", picture: picture, expected: self.picture)
    }
  }
}

/// What keeps a stored embedding from being used.
public enum EmbeddingError: Error, Equatable, CustomStringConvertible {
  /// A file that holds something else.
  case notAnEmbedding(path: String)
  /// A tensor with infinities or what isn't a number.
  case notFinite(path: String, tensor: String)
  /// Another model made it.
  case otherModel(path: String, model: String, what: String)
  /// It is of another picture.
  case otherPicture(path: String, picture: String, expected: String)

  /// One sentence naming the file, what was expected and what was found.
  public var description: String {
    switch self {
    case .notAnEmbedding(let path):
      "\(path): expected a picture's embedding as `sam2kit encode` writes it, found another file"
    case .notFinite(let path, let tensor):
      "\(path): expected finite numbers in \(tensor), found others; encode the picture again"
    case .otherModel(let path, let model, let what):
      "\(path): expected an embedding that \(model) made, found one of another \(what)"
    case .otherPicture(let path, let picture, let expected):
      "\(path): expected the embedding of \(picture), found that of another picture, called \(expected)"
    }
  }
}

extension Model {
  /// What an embedding has to be made by to be used with this model. Digests are taken the quick way where there is one.
  fileprivate var embeddingIdentity: StoredEmbedding.Provenance.ModelIdentity {
    let stated = CheckpointIdentity(statedBy: checkpoint.metadata)
    let directory = stated?.directorySHA256 ?? checkpoint.directoryDigest
    var whole = stated?.sha256
    if directory == nil, whole == nil { whole = checkpoint.wholeDigest() }
    return .init(
      checkpointSHA256: whole, checkpointDirectorySHA256: directory, configuration: configuration.json,
      plan: base.plan.json, rounding: checkpoint.metadata[MetadataKey.precision])
  }

  /// Embeds a picture, to be stored and asked about later.
  ///
  /// - Parameter watch: Is told what goes on.
  /// - Throws: `SAM2Error`, `FileError` where the picture can't be read again for its digest.
  public func encode(
    _ picture: PictureInput, watch: PipelineWatcher = { _ in }
  ) throws -> StoredEmbedding {
    watch(.step("embedding \(picture.width) × \(picture.height) pixels"))
    return try StoredEmbedding(EmbeddedPicture(picture, model: self).embedding, of: picture, by: self)
  }
}
