// A model in floating point beside the same one quantized, held against each other module by module.
import Checkpoints
import Foundation
import Kernels
import Media
import Quantization
import SAM2
import Taps
import Tensors

/// A model about to be quantized: in floating point, and by its plan.
struct QuantizationStudy {
  /// In Float32.
  let float: Model
  /// The weights as the file will have them.
  let quantized: QuantizedModel
  /// With the ranges of inputs.
  let plan: PrecisionPlan
  /// What is measured, and kept in floating point, together.
  let modules: [QuantizedModule]

  /// - Parameter float: the checkpoint's model in Float32.
  init(_ float: Model, _ quantized: QuantizedModel, plan: PrecisionPlan) {
    self.float = float
    self.quantized = quantized
    self.plan = plan
    modules = QuantizedModule.groups(of: quantized.layers)
  }

  /// The plan with some modules in floating point.
  func plan(keeping floats: Set<String>) -> PrecisionPlan {
    let sites = float.base.layers.map { plan.site($0.path) }
    return plan.keeping(modules.filter { floats.contains($0.name) }, of: sites)
  }

  /// The quantized model with some modules in floating point.
  func model(keeping floats: Set<String> = []) throws -> Model {
    try model(plan(keeping: floats), weights: StoredWeights(float: float.checkpoint, stored: quantized.weights))
  }

  /// What is rounded, in a model that rounds nothing else.
  private enum Rounding: CaseIterable { case weights, inputs, both }

  private func model(rounding: Rounding) throws -> Model? {
    let rounded = Set(quantized.layers.filter { $0.precision == .w8a8 }.map(\.layer))
    switch rounding {
    case .both: return try model()
    case .weights:
      // In 8 bits, whatever becomes of inputs.
      let rules = quantized.layers.map { layer in
        PrecisionPlan.Rule(layers: layer.layer, precision: layer.precision == .w4 ? .w4 : .w8)
      }
      return try model(
        PrecisionPlan(rules: rules), weights: StoredWeights(float: float.checkpoint, stored: quantized.weights))
    case .inputs:
      guard !rounded.isEmpty else { return nil }
      return try model(
        PrecisionPlan(inputs: plan.inputs), weights: float.checkpoint,
        on: RoundedInputs(float.backend.make(), layers: rounded))
    }
  }

  private func model(
    _ plan: PrecisionPlan, weights: any WeightSource, on backend: (any Backend)? = nil
  ) throws -> Model {
    let base = try SAM2Base(
      float.configuration, weights: weights, backend: backend ?? float.backend.make(), plan: plan)
    return Model(base, like: float)
  }

  /// What rounding does to each layer and module, on pictures and clips.
  struct Exactness {
    let layers: [LayerSensitivity]
    let modules: [ModuleSensitivity]
  }

  /// Runs the model in Float32 and rounded in each way on the same pictures and clips, one after the other.
  ///
  /// - Throws: `CalibrationError`, `FileError`, `SAM2Error`, `CancellationError`.
  func exactness(
    on request: CalibrationRequest, _ watch: PipelineWatcher, _ isCancelled: () -> Bool
  ) throws -> Exactness {
    let paths = modules.map { ModulePath($0.name) }
    let record = ModuleRecord(paths)
    let samples = Calibration(watching: quantized.layers, on: float.base.backend)
    let roundings = try Rounding.allCases.compactMap { rounding in
      try model(rounding: rounding).map { (rounding, $0, ModuleMeter(against: record)) }
    }
    let shown = TapFilter(paths.map(\.name) + samples.layers.map(\.name))
    let shows = try CalibrationFolder(path: request.folder).shows(request)
    var failures: [String] = []
    for (place, (path, show)) in shows.enumerated() {
      if isCancelled() || Task.isCancelled { throw CancellationError() }
      watch(.step("comparing modules on \(path), \(place + 1) of \(shows.count)"))
      record.clear()
      do {
        try show(float, Run(taps: Taps(writers: [record, samples], filter: shown)))
        for (_, model, meter) in roundings {
          let taps = Taps(writers: [meter], filter: TapFilter(paths.map(\.name)), isolator: meter)
          try show(model, Run(taps: taps))
          try meter.finish()
        }
      } catch let error as MediaError { failures.append("\(error)") }
    }
    try CalibrationError.require(failures, below: shows.count, in: request.folder)
    func meter(_ rounding: Rounding) -> ModuleMeter? { roundings.first { $0.0 == rounding }?.2 }
    let layers = try samples.sensitivities(of: quantized, plan, float.checkpoint)
    let sizes = Dictionary(uniqueKeysWithValues: quantized.layers.map { ($0.layer, $0.shape.count) })
    return Exactness(
      layers: layers,
      modules: zip(modules, paths).map { module, path in
        ModuleSensitivity(
          module, layers, weights: module.layers.reduce(0) { $0 + (sizes[$1] ?? 0) },
          isolated: SQNRByRounding(
            weights: meter(.weights)?.isolated(path), inputs: meter(.inputs)?.isolated(path),
            both: meter(.both)?.isolated(path)),
          accumulated: meter(.both)?.accumulated(path))
      })
  }
}

extension Model {
  /// The model in Float32, whatever precision and plan are asked for.
  ///
  /// What there is to say of its file is not said.
  init(inFloat32 source: ModelRequest) throws {
    var request = source
    (request.precision, request.plan) = (.f32, nil)
    try self.init(request)
  }

  /// Another tree of the same checkpoint.
  init(_ base: SAM2Base, like model: Model) {
    self.base = base
    (checkpoint, configurationSource, backend) = (model.checkpoint, model.configurationSource, model.backend)
  }
}

/// A checkpoint in floating point, and the whole numbers that some of its weights became.
private struct StoredWeights: WeightSource {
  let float: any WeightSource
  let stored: [String: StoredWeight]

  var origin: String { float.origin }
  var shapes: [String: Shape] { float.shapes }
  func tensor(_ name: String) throws -> Tensor { try float.tensor(name) }
  func quantized(_ name: String) throws -> StoredWeight? { stored[name] }
}
