// Which model to run, what computes it, and what its file may make its reader do.

import Architecture
public import ArgumentParser
import Checkpoints
import Configurations
import Foundation
import Kernels
import Pipelines
import SAM2

/// Which model to run, and how.
struct ModelOptions: ParsableArguments {
  @Option(
    name: .long,
    help:
      "A checkpoint: .safetensors, .pt, .h5, .gguf, a folder of transformers, or the name of a model that fetch stored.",
    completion: .file())
  var model: String
  @OptionGroup var running: RunningOptions

  /// What is asked for.
  ///
  /// - Parameter unnamed: What computes where nothing was named.
  /// - Throws: What keeps a plan from being read.
  func request(backend unnamed: BackendChoice) throws -> ModelRequest {
    try running.request(model, backend: unnamed)
  }

  /// Opens the checkpoint and builds its model.
  ///
  /// - Parameters:
  ///   - isRecorded: Whether what it computes is to be compared: then the reference computes, unless told otherwise.
  ///   - parts: Which modules are needed.
  func load(isRecorded: Bool = false, parts: ModelParts = .all) throws -> Model {
    try running.load(model, isRecorded: isRecorded, parts: parts)
  }

  /// From here on this many threads compute.
  func useThreads() { running.useThreads() }

  /// What is read.
  var files: CommandFiles { running.files(model) }
}

/// How to run a model, whichever it is.
struct RunningOptions: ParsableArguments {
  @OptionGroup var source: SourceOptions
  @OptionGroup var architecture: ArchitectureOptions
  @OptionGroup var backend: BackendOptions

  @Option(
    name: .long,
    help: """
      Threads to use; results are the same bits for any number. By default one for each physical core that the process \
      may use, by its affinity and CPU quota.
      """)
  var threads = Ranged<ThreadCount>(Parallelism.defaultThreads)

  /// What is asked for of a checkpoint.
  ///
  /// - Parameter unnamed: What computes where nothing was named.
  /// - Throws: What keeps a plan from being read.
  func request(_ checkpoint: String, backend unnamed: BackendChoice) throws -> ModelRequest {
    var request = ModelRequest(path: try CheckpointName.path(checkpoint))
    source.apply(to: &request)
    architecture.apply(to: &request)
    try backend.apply(to: &request, unnamed: unnamed)
    return request
  }

  /// Opens a checkpoint and builds its model; `ModelOptions.load` says more.
  func load(_ checkpoint: String, isRecorded: Bool = false, parts: ModelParts = .all) throws -> Model {
    useThreads()
    var request = try request(checkpoint, backend: isRecorded ? .openblas : .fastest)
    request.parts = parts
    do { return try Model(request, watch: Console.watchModel) } catch let error as SAM2Error {
      throw backend.plan.map { FileProblem(path: $0, problem: "\(error)") } ?? error
    }
  }

  /// From here on this many threads compute.
  func useThreads() { Parallelism.threads = threads.value }

  /// Whether anything is said of how the model runs, but for threads.
  var saysHow: Bool {
    let (source, how, what) = (source, backend, architecture)
    return source.key != nil || !source.limits.limit.isEmpty || how.backend != nil || how.precision != nil
      || how.plan != nil || what.config != nil || !what.settings.isEmpty || what.imageSize != nil
  }

  /// What is read of a checkpoint and beside it.
  func files(_ checkpoint: String?) -> CommandFiles {
    let named = checkpoint.map { CheckpointName.files($0, isConfigured: architecture.config != nil) } ?? []
    return CommandFiles(read: named).and(CommandFiles(read: [architecture.config, backend.plan]))
  }
}

/// What computes, and how each layer is computed.
struct BackendOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "What computes the heavy operations: by default openblas, the reference, to verify and record, and elsewhere onednn "
        + "where it is installed and the processor has AVX2."))
  var backend: BackendChoice?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "How all layers are computed; by default as the plan says that the file carries, else f32. auto: the fastest that "
        + "the processor multiplies natively."))
  var precision: PrecisionArgument?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "A precision plan: JSON that says which layers are computed how (Sources/SAM2/README.md).",
      valueName: "file"))
  var plan: String?

  func validate() throws {
    guard precision == nil || plan == nil else {
      throw ValidationError("--precision is for all layers and --plan for each: give one of them")
    }
  }

  func apply(to request: inout ModelRequest, unnamed: BackendChoice) throws {
    let backend = backend ?? unnamed
    request.backend = backend
    switch precision {
    case .named(let precision): request.precision = precision
    case .fastest:
      let fastest = backend.fastestPrecision
      Console.remark(
        "computing in \(fastest.rawValue), the fastest of \(backend.rawValue) on this processor")
      request.precision = fastest
    case nil: break
    }
    if let plan { try request.readPlan(path: plan) }
  }
}

extension BackendChoice: ExpressibleByArgument {}

/// A precision, or the fastest.
enum PrecisionArgument: Hashable, Sendable, ExpressibleByArgument {
  case named(Precision)
  case fastest

  init?(argument: String) {
    if argument == "auto" {
      self = .fastest
    } else if let precision = Precision(rawValue: argument) {
      self = .named(precision)
    } else {
      return nil
    }
  }

  static var allValueStrings: [String] { ["auto"] + Precision.allCases.map(\.rawValue) }
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

  func apply(to request: inout ModelRequest) { (request.key, request.limits) = (key, limits.limits) }

  /// Opens a checkpoint and says what was chosen or left out, if anything.
  func open(_ name: String) throws -> Checkpoint { try limits.open(name, key: key) }
}

/// What a checkpoint's architecture is, where its tensors don't say so.
struct ArchitectureOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The model's official YAML, or transformers' config.json. Converted files carry it, the released models are "
        + "recognised, and a YAML of the checkpoint's name beside it is found.", valueName: "file"))
  var config: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Change a key of the configuration, such as fill_hole_area=0; may be repeated.", valueName: "key=value"))
  var settings: [SettingArgument] = []

  @Option(
    name: .long,
    help: """
      The side of the pictures that the model is given, in pixels, a multiple of 16 from 16 to 4096: fewer are sooner computed, \
      and seen less of. The same as --set image_size=N.
      """)
  var imageSize: Int?

  func validate() throws {
    let sizes = ModelConfiguration.imageSizes
    if let imageSize, !sizes.contains(imageSize) || !imageSize.isMultiple(of: 16) {
      throw ValidationError(
        "--image-size should be a multiple of 16 from \(sizes.lowerBound) to \(sizes.upperBound), found \(imageSize)"
      )
    }
  }

  func apply(to request: inout ModelRequest) {
    let size = imageSize.flatMap { ConfigurationSetting("image_size=\($0)") }
    (request.configuration, request.settings) = (config, settings.map(\.setting) + (size.map { [$0] } ?? []))
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
