import Architecture
public import Checkpoints
import Files
import Foundation
import Quantization
import SAM2

/// What to convert into what.
public struct ConvertRequest: Sendable {
  /// What can be written.
  public enum Target: Equatable, Sendable {
    /// One file.
    case file(Checkpoint.Format)
    /// A folder that transformers' `from_pretrained` takes.
    case folder

    /// What an output's name asks for; nil where that can't be told.
    ///
    /// - Parameter format: What to write whatever the name says.
    public static func of(_ output: String, format: Checkpoint.Format?, naming: Naming) -> Self? {
      if let format { return .file(format) }
      let name = output.split(separator: "/").last ?? ""
      let inferred = name.split(separator: ".").last.flatMap { formats[$0.lowercased()] }
      if naming == .transformers, !name.isEmpty,
        FilePath.exists(output) ? FilePath.isFolder(output) : inferred == nil
      {
        return .folder
      }
      return inferred.map(Self.file)
    }

    /// Whether a file of this name is written into a folder for transformers.
    public static func folderHolds(_ name: String) -> Bool {
      ([TransformersFolder.weights, TransformersFolder.configuration] + TransformersFolder.processors)
        .contains(name)
    }

    private static let formats: [String: Checkpoint.Format] = [
      "pt": .torch, "pth": .torch, "safetensors": .safetensors, "h5": .hdf5, "gguf": .gguf,
    ]
  }

  /// The checkpoint to read, which of its models to take, and what it may make its reader do; backend and precision play
  /// no part.
  public var model: ModelRequest
  /// The file or folder to write; a file that is there is replaced when the new one is whole.
  public var output: String
  /// What to write.
  public var target: Target
  /// What to round large tensors to; nil to keep every bit.
  public var rounding: WeightRounding?
  /// What to call the tensors.
  public var naming = Naming.meta
  /// Whether the SHA-256 of the whole source is taken however large it is.
  public var takesWholeDigest = false
  /// Whether to wait until the output is on the disk.
  public var isDurable = false

  /// A checkpoint to convert, bit for bit.
  public init(model: ModelRequest, output: String, target: Target) {
    self.model = model
    self.output = output
    self.target = target
  }
}

/// What was written.
public struct ConvertResult: Sendable {
  /// How many tensors.
  public let tensorCount: Int
  /// The released model that it is, if any.
  public let variant: String?
}

/// Converts a checkpoint, bit for bit or rounded; the output carries configuration, origin and this program's version.
///
/// - Parameter watch: Is told what was chosen or left out of the file.
/// - Throws: `CheckpointError`, `ConfigurationError`, `UnknownArchitecture`, `SAM2Error.wrongModel`, `FileError`.
public func convert(_ request: ConvertRequest, watch: PipelineWatcher = { _ in }) throws -> ConvertResult {
  let source = request.model
  // One that is there is this run's from the beginning.
  let taken =
    request.target == .folder && FilePath.exists(request.output) ? try OutputFolder(request.output) : nil
  let opened = try Checkpoint.open(
    path: source.path, key: source.key, limits: source.limits, digesting: true)
  for remark in opened.selection.remarks { watch(.note("\(source.path): \(remark)")) }
  let rounded = request.rounding.map { opened.rounded(to: $0) } ?? opened
  let found = try ConfigurationSource.of(rounded, named: source.configuration, settings: source.settings)
  if let note = found.source.note { watch(.note("\(source.path): \(note)")) }
  if try SAM2Base.check(rounded, fit: found.configuration) {
    watch(.note("\(source.path): a picture model, without what tracking needs; the output is one too"))
  }
  let format: Checkpoint.Format
  switch request.target {
  case .file(let asked): format = asked
  case .folder:
    format = .safetensors
    if let obstacle = found.configuration.transformersVideoObstacle { watch(.note(obstacle)) }
  }
  var metadata = ConvertedMetadata(of: rounded, found.configuration, as: format)
  metadata.add(request.rounding)
  metadata.add(request.naming)
  watch(.step("converting \(rounded.entries.count) tensors"))
  let conversion = Conversion(
    try rounded.named(request.naming), metadata: metadata.words, wholeDigest: request.takesWholeDigest,
    durable: request.isDurable)
  if request.target == .folder {
    try TransformersFolder(path: request.output, model: found.configuration).write(conversion, to: taken)
  } else {
    try conversion.write(to: request.output, as: format)
  }
  return ConvertResult(tensorCount: conversion.source.entries.count, variant: metadata.variant)
}

/// The words that a converted file carries: its source's, and what this program knows of the model.
struct ConvertedMetadata {
  private(set) var words: [String: String]

  /// The released model that it is, if any.
  var variant: String? { words[MetadataKey.variant] }

  init(of source: Checkpoint, _ configuration: ModelConfiguration, as format: Checkpoint.Format) {
    words = source.metadata
    // What stands for whole numbers is written: the plan was for those.
    if source.holdsWholeNumbers { words[MetadataKey.plan] = nil }
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

  /// Says how the model is computed.
  mutating func add(_ plan: PrecisionPlan) { words[MetadataKey.plan] = plan.json }

  /// Says what quantizing did to weights that the numbers themselves don't tell.
  mutating func add(_ rounding: Rounding, equalized norms: [String]) {
    words[MetadataKey.weightRounding] = rounding == .nearest ? nil : rounding.rawValue
    words[MetadataKey.equalizedNorms] = norms.isEmpty ? nil : norms.joined(separator: " ")
  }

  /// Says which file the tensors come from, as a conversion does.
  mutating func addDigests(of source: Checkpoint) {
    words[Conversion.digestKey] = source.takesWholeDigest ? source.wholeDigest() : nil
    words[Conversion.directoryDigestKey] = source.directoryDigest
  }

  /// transformers reads a safetensors file only if it says that it is PyTorch's.
  mutating func add(_ naming: Naming) {
    words[MetadataKey.framework] = naming == .transformers ? "pt" : nil
  }
}

/// A folder that transformers' `from_pretrained` takes: the weights, the model's configuration and how pictures and
/// videos are prepared.
private struct TransformersFolder {
  /// Where it will stand.
  let path: String
  let model: ModelConfiguration

  static let weights = "model.safetensors"
  static let configuration = "config.json"
  static let processors = [
    "processor_config.json", "preprocessor_config.json", "video_preprocessor_config.json",
  ]

  /// Writes the folder; one that is there gets new files of these names and keeps its others.
  ///
  /// Everything is written beside it first, or within it. The weights come last, when all else is in place.
  ///
  /// - Parameter taken: The folder where it is there already.
  func write(_ conversion: Conversion, to taken: OutputFolder?) throws {
    let path = path.hasSuffix("/") ? String(path.dropLast()) : path
    if let taken {
      try taken.replace(report: Self.weights) { try write(conversion, into: $0.path) }
      return
    }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let parent = path.hasPrefix("/") || path.contains("/") ? String(path.dropLast(name.count)) : ""
    let staged = "\(parent).\(name).\(UInt32.random(in: 0 ... .max)).partial"
    PartialFiles.add(staged)
    defer {
      FilePath.remove(staged)
      PartialFiles.remove(staged)
    }
    do { try FilePath.makeFolder(staged) } catch {
      guard case .unwritable(_, let reason) = error else { throw error }
      throw FileError.unwritable(path: path, reason: reason)
    }
    try write(conversion, into: staged)
    try FilePath.move(staged, to: path)
  }

  private func write(_ conversion: Conversion, into folder: String) throws {
    for (file, text) in try texts() {
      let output = try OutputFile(path: "\(folder)/\(file)")
      try output.write(text.utf8)
      try output.commit()
    }
    try conversion.write(to: "\(folder)/\(Self.weights)", as: .safetensors)
  }

  private func texts() throws -> [(file: String, text: String)] {
    let processors = TransformersProcessors(model)
    return [
      (Self.configuration, try model.transformersJSON()),
      // Version 5 reads one file for all three, version 4 one for each.
      (Self.processors[0], processors.processor),
      (Self.processors[1], processors.picture),
      (Self.processors[2], processors.video),
    ]
  }
}
