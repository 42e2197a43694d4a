public import Architecture
public import Checkpoints
public import Configurations
import Files
import Foundation
public import Kernels
import OneDNNBackend
import OpenBLASBackend
import Prompts
import Quantization
public import SAM2
import Taps
import Tensors
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
  /// What computes the heavy operations; nil for the fastest. To verify a model take the reference, `.openblas`.
  public var backend: BackendChoice?
  /// How layers are computed: all of them, or of 8 and 4 bits those that the default policy has; nil to go by the plan, or by
  /// Float32 where there is none.
  public var precision: Precision?
  /// Which layer is computed how; nil for the plan that the file carries, if it does.
  public var plan: PrecisionPlan?

  /// Which modules to build; the decoder alone serves pictures that were embedded earlier.
  public var parts = ModelParts.all

  /// The model in a file, with everything else found out.
  public init(path: String) { self.path = path }

  /// Asks for the plan that a JSON file holds.
  ///
  /// - Throws: `FileError`, `SAM2Error.malformedPlan`.
  public mutating func readPlan(path: String) throws {
    plan = try PrecisionPlan(json: String(decoding: MappedFile.contents(of: path), as: UTF8.self), origin: path)
  }
}

/// The backends that there are, by the names that traces have for them.
public enum BackendChoice: String, Sendable, CaseIterable {
  /// The reference: Float32 on OpenBLAS.
  case openblas
  /// The fast one: Float32 and bfloat16 on oneDNN.
  case onednn

  /// The fastest that is there and that this processor serves.
  public static let fastest: BackendChoice = OneDNNBackend.isServed ? .onednn : .openblas

  /// The fastest precision that it has and that the processor multiplies natively.
  public var fastestPrecision: Precision {
    switch self {
    case .openblas: .f32
    case .onednn: OneDNNBackend.fastestPrecision
    }
  }

  func make() throws -> any Backend {
    switch self {
    case .openblas: try OpenBLASBackend()
    case .onednn: try OneDNNBackend()
    }
  }
}

/// A model out of a file, ready to run: immutable, to be shared and used from any number of threads.
public struct Model: Sendable {
  /// The model tree.
  public let base: SAM2Base
  /// The file that its weights come from.
  public let checkpoint: Checkpoint
  /// What said how it is built.
  public let configurationSource: ConfigurationSource
  /// What computes.
  public let backend: BackendChoice

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
    let chosen = request.backend ?? .fastest
    let backend = try chosen.make()
    let checkpoint = try Checkpoint.open(path: request.path, key: request.key, limits: request.limits)
    for remark in checkpoint.selection.remarks { watch(.note("\(request.path): \(remark)")) }
    let found = try ConfigurationSource.of(
      checkpoint, named: request.configuration, recorded: recorded, settings: request.settings)
    if let note = found.source.note { watch(.note("\(request.path): \(note)")) }
    watch(.step("loading \(request.path)"))
    base = try SAM2Base(
      found.configuration, weights: checkpoint, backend: backend,
      plan: Self.plan(request, checkpoint, found.configuration, watch), parts: request.parts)
    if backend is OneDNNBackend, let note = OneDNNBackend.wholeNumbersNote,
      base.layers.contains(where: { $0.precision == .w8a8 })
    {
      watch(.note("\(request.path): \(note)"))
    }
    self.checkpoint = checkpoint
    configurationSource = found.source
    self.backend = chosen
  }

  /// The plan that is asked for, or that the file carries.
  private static func plan(
    _ request: ModelRequest, _ checkpoint: Checkpoint, _ configuration: ModelConfiguration,
    _ watch: PipelineWatcher
  ) throws -> PrecisionPlan {
    if let precision = request.precision { return PrecisionPlan(scheme: precision, for: configuration) }
    if let plan = request.plan { return plan }
    guard let carried = checkpoint.metadata[MetadataKey.plan] else { return PrecisionPlan() }
    watch(.note("\(checkpoint.path): computed by the precision plan that it carries"))
    return try PrecisionPlan(json: carried, origin: "\(checkpoint.path) (\(MetadataKey.plan))")
  }

  /// How it is built.
  public var configuration: ModelConfiguration { base.configuration }

  /// What its layers are computed in, such as `f32`; several precisions in a row, such as `bf16+f32`.
  public var precision: String {
    Set(base.layers.map(\.precision.rawValue)).sorted().joined(separator: "+")
  }

  /// What a recording says of a run of this model: all of it, the truth about backend and precision included, in one
  /// place.
  ///
  /// - Parameters:
  ///   - filter: What is recorded: modules that it looks inside are computed by their parts.
  ///   - keepsWholes: Whether none is, whoever looks.
  func provenance(
    of input: TraceInput, prompts: PromptScript, _ digests: RunDigests, filter: TapFilter,
    keepsWholes: Bool = false
  ) -> Provenance {
    var provenance = Provenance(
      producer: Product.name, producerVersion: Product.version, backend: base.backend.name,
      backendVersion: base.backend.version, precision: precision, threads: Parallelism.threads,
      checkpointSHA256: digests.checkpoint.sha256 ?? "",
      checkpointDirectorySHA256: digests.checkpoint.directorySHA256, inputSHA256: digests.input, input: input,
      prompts: prompts, configuration: configuration.json)
    provenance.kernels = base.backend.kernels
    if Set(base.layers.map(\.precision)).count > 1 { provenance.plan = base.plan.json }
    provenance.wholes = base.wholes(notTakenApartBy: keepsWholes ? nil : filter).map(\.name)
    return provenance
  }
}

/// What a run is of: its checkpoint, and the SHA-256 of its picture or video.
struct RunDigests {
  let checkpoint: CheckpointIdentity
  let input: String
}
