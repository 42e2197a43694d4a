public import Architecture
public import Checkpoints
import Foundation
import Kernels
import OpenBLASBackend
public import SAM2
import Traces

/// Which model to load, and what is to compute it.
public struct ModelRequest: Sendable {
  /// A checkpoint: `.safetensors`, `.pt`, `.h5`, `.gguf` or a folder of transformers.
  public var path: String
  /// Which model of a file with several: a key such as `model` or `ema`, or a prefix of names; nil for the likeliest.
  public var key: String?
  /// What the file may make its reader do.
  public var limits = ReadingLimits()
  /// The model's official YAML, or transformers' `config.json`; nil to find out.
  public var configuration: String?
  /// What is to be changed of the configuration, in order.
  public var settings: [ConfigurationSetting] = []
  /// What computes the heavy operations.
  public var backend = BackendChoice.openblas
  /// The element type of the arithmetic.
  public var precision = PrecisionChoice.float32

  /// The model in a file, with everything else found out.
  public init(path: String) { self.path = path }
}

/// The backends that there are, by the names that traces have for them.
public enum BackendChoice: String, Sendable, CaseIterable {
  /// The reference: 32-bit floating point on OpenBLAS.
  case openblas

  /// A backend that computes in an element type.
  func make(_ precision: PrecisionChoice) throws -> any Backend {
    switch (self, precision) {
    case (.openblas, .float32): try OpenBLASBackend()
    }
  }
}

/// The element types that backends compute in, by the names that traces have for them.
public enum PrecisionChoice: String, Sendable, CaseIterable {
  /// 32-bit floating point.
  case float32
}

/// A model out of a file, ready to run: immutable, to be shared and used from any number of threads.
public struct Model: Sendable {
  /// The model tree.
  public let base: SAM2Base
  /// The file that its weights come from.
  public let checkpoint: Checkpoint
  /// What said how it is built.
  public let configurationSource: ConfigurationSource
  /// What computes, and in which element type.
  public let backend: BackendChoice, precision: PrecisionChoice

  /// The model in a file; its configuration is found out unless it is named.
  ///
  /// - Parameters:
  ///   - path: A checkpoint: `.safetensors`, `.pt`, `.h5`, `.gguf` or a folder of transformers.
  ///   - configuration: The model's official YAML, or transformers' `config.json`.
  /// - Throws: `CheckpointError`, `ConfigurationError`, `UnknownArchitecture`, `SAM2Error`.
  public init(path: String, configuration: String? = nil) throws {
    var request = ModelRequest(path: path)
    request.configuration = configuration
    try self.init(request)
  }

  /// The model that is asked for.
  ///
  /// - Parameter watch: Is told what was chosen or left out of the file, and which configuration was found beside it.
  /// - Throws: `CheckpointError`, `ConfigurationError`, `UnknownArchitecture`, `SAM2Error`.
  public init(_ request: ModelRequest, watch: PipelineWatcher = { _ in }) throws {
    try self.init(request, recorded: nil, watch: watch)
  }

  /// The model that is asked for, built as a recording says that it was, unless a configuration is named.
  init(
    _ request: ModelRequest, recorded: (configuration: String, origin: String)?, watch: PipelineWatcher
  ) throws {
    let backend = try request.backend.make(request.precision)
    let checkpoint = try Checkpoint.open(path: request.path, key: request.key, limits: request.limits)
    for remark in checkpoint.selection.remarks { watch(.note("\(request.path): \(remark)")) }
    let found = try ConfigurationSource.of(
      checkpoint, named: request.configuration, recorded: recorded, settings: request.settings)
    if let note = found.source.note { watch(.note("\(request.path): \(note)")) }
    watch(.step("loading \(request.path)"))
    base = try SAM2Base(found.configuration, weights: checkpoint, backend: backend)
    self.checkpoint = checkpoint
    configurationSource = found.source
    (self.backend, precision) = (request.backend, request.precision)
  }

  /// How it is built.
  public var configuration: ModelConfiguration { base.configuration }

  /// What a recording says of a run of this model: all of it, the truth about backend and precision included, in one
  /// place.
  func provenance(of input: TraceInput, prompts: PromptScript, _ digests: RunDigests) -> Provenance {
    Provenance(
      producer: Product.name, producerVersion: Product.version, backend: base.backend.name,
      backendVersion: base.backend.version, precision: precision.rawValue, threads: Parallelism.threads,
      checkpointSHA256: digests.checkpoint.sha256 ?? "",
      checkpointDirectorySHA256: digests.checkpoint.directorySHA256, inputSHA256: digests.input, input: input,
      prompts: prompts, configuration: configuration.json)
  }
}

/// What a run is of: its checkpoint, and the SHA-256 of its picture or video.
struct RunDigests {
  let checkpoint: CheckpointIdentity
  let input: String
}
