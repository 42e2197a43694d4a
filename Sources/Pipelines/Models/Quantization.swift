import Architecture
import Checkpoints
import Files
import Foundation
public import Kernels
public import Quantization
public import Reports
public import SAM2
import Tensors

/// What to quantize into what.
public struct QuantizeRequest: Sendable {
  /// A checkpoint in floating point; backend, precision and plan play no part.
  public var model: ModelRequest
  /// The file to write: `.safetensors` or `.gguf`; one that is there is replaced when the new one is whole. Nil to write none.
  public var output: String?
  /// Which layers are computed how.
  public var policy: Policy
  /// What the ranges of `w8a8` inputs are found with; nil to leave them as the plan says, or to be found anew for every input.
  public var calibration: CalibrationRequest?
  /// How weights become whole numbers; `.gptq` needs a calibration, and nothing else to be asked.
  public var rounding = Rounding.nearest
  /// Whether norms' channels are made alike, at the cost of the weights that read them; needs a calibration, and nothing else
  /// to be asked.
  public var equalizes = false
  /// Whether to wait until the output is on the disk.
  public var isDurable = false
  /// Whether modules are ranked by what quantizing them does: to their results on what the calibration sees, and to masks on
  /// `data`, where that is given.
  public var ranksModules = false
  /// A validation set, to measure what masks lose.
  public var data: String?
  /// How many points of mIoU and of J&F may be lost on `data`: the fewest modules are kept in floating point that it takes.
  public var maximumLoss: Double?
  /// Whether to find out all that a report shows.
  public var wantsReport = false

  /// What says which layers are computed how.
  public enum Policy: Sendable {
    /// The default policy for a precision; see `PrecisionPlan(scheme:for:)`.
    case scheme(Precision, elsewhere: Precision = .f32)
    /// A plan.
    case plan(PrecisionPlan)
  }

  /// A checkpoint to quantize.
  public init(model: ModelRequest, output: String?, policy: Policy) {
    self.model = model
    self.output = output
    self.policy = policy
  }
}

/// What was quantized.
public struct QuantizeResult: Sendable, Encodable {
  /// The plan that the file carries, ranges that were found included.
  public let plan: PrecisionPlan
  /// What became of the layers that it quantizes.
  public let layers: [QuantizedModel.Layer]
  /// The ranges that calibration found.
  public let inputs: [Calibration.Input]
  /// How weights became whole numbers.
  public let rounding: Rounding
  /// The norms whose channels were made alike.
  public let equalized: [EqualizedWeights.Norm]
  /// Bytes of all tensors in Float32.
  public let float32Bytes: Int
  /// Bytes of the file that was read.
  public let sourceBytes: Int
  /// Bytes of the file that was written; nil where none was.
  public let outputBytes: Int?
  /// The modules, the most harmful first, where they were ranked.
  public var modules: [ModuleSensitivity]?
  /// What a search for modules to keep in floating point came to.
  public var search: FloatSearch.Outcome?
  /// What quantizing did, where a report was asked for.
  public var report: QuantizationReport?

  enum CodingKeys: String, CodingKey {
    case plan, layers, inputs, rounding, equalized, modules, search, report
    case float32Bytes = "float32_bytes"
    case sourceBytes = "source_bytes"
    case outputBytes = "output_bytes"
  }
}

/// Makes a model's weights whole numbers; the output carries the plan, the configuration, and what identifies its source.
///
/// - Parameters:
///   - watch: Is told what was chosen or left out of the file, and what a user should know of the result.
///   - isCancelled: Asked between pictures and clips, beside the task's own cancellation.
/// - Throws: `QuantizationError`, `QuantizationQuestionError`, `EvaluationError`, `UnreachableLoss`, `CancellationError`, `CalibrationError`, `CheckpointError`, `ConfigurationError`, `UnknownArchitecture`, `SAM2Error`, `BackendError`.
public func quantize(
  _ request: QuantizeRequest, watch: @escaping PipelineWatcher = { _ in },
  isCancelled: @escaping () -> Bool = { false }
) throws -> QuantizeResult {
  let format = try request.output.map(QuantizedFile.format)
  let questions = try QuantizationQuestions(request)
  let source = request.model
  if let output = request.output, FilePath.isSame(source.path, output) {
    throw QuantizationError.overwritesSource(path: output)
  }
  let checkpoint = try Checkpoint.open(path: source.path, key: source.key, limits: source.limits)
  for remark in checkpoint.selection.remarks { watch(.note("\(source.path): \(remark)")) }
  guard !checkpoint.holdsWholeNumbers else {
    throw QuantizationError.alreadyQuantized(path: source.path)
  }
  let found = try ConfigurationSource.of(
    checkpoint, named: source.configuration, settings: source.settings)
  if let note = found.source.note { watch(.note("\(source.path): \(note)")) }
  let plan: PrecisionPlan
  switch request.policy {
  case .plan(let asked): plan = asked
  case .scheme(let scheme, let elsewhere):
    guard scheme.isQuantized else { throw QuantizationError.scheme(found: scheme) }
    plan = PrecisionPlan(scheme: scheme, for: found.configuration, elsewhere: elsewhere)
  }
  watch(.step("quantizing \(source.path)"))
  try checkpoint.verify()
  var work = QuantizationWork(
    request, checkpoint, found.configuration, plan, format == .gguf ? .blocks : .channels, watch: watch)
  var model = try work.model(isAsked: questions != nil, isCancelled)
  let findings = try questions?.findings(
    QuantizationStudy(work.float ?? Model(inFloat32: source), model, plan: work.plan), watch: watch,
    isCancelled: isCancelled)
  if let kept = findings?.planOfSearch { model = try work.model(keeping: kept) }
  QuantizedFile.remarks(on: model, plan: work.plan, scheme: request.policy).forEach { watch(.note($0)) }
  if let output = request.output, let format {
    var metadata = ConvertedMetadata(of: checkpoint, found.configuration, as: format)
    metadata.add(work.plan)
    metadata.add(request.rounding, equalized: work.equalized?.norms.map(\.norm) ?? [])
    metadata.addDigests(of: checkpoint)
    watch(.step("writing \(output)"))
    try WholeNumberOutput.write(
      QuantizedFile.tensors(of: checkpoint, work.weights, model), metadata: metadata.words, to: output,
      as: format, durable: request.isDurable)
  }
  questions?.finish()
  var result = QuantizeResult(
    plan: work.plan, layers: model.layers, inputs: work.inputs, rounding: request.rounding,
    equalized: work.equalized?.norms ?? [],
    float32Bytes: checkpoint.entries.reduce(0) { $0 + 4 * $1.shape.count },
    sourceBytes: checkpoint.fileByteCount,
    outputBytes: try request.output.map { try MappedFile(path: $0).bytes.count })
  if let findings {
    (result.modules, result.search) = (request.ranksModules ? findings.ranked : nil, findings.search)
    if request.wantsReport {
      let after = QuantizationStudy(findings.study.float, model, plan: work.plan)
      result.report = try findings.report(on: result, request, after, watch: watch, isCancelled: isCancelled)
    }
  }
  return result
}

/// What happens between a checkpoint and its whole numbers.
private struct QuantizationWork {
  private let request: QuantizeRequest
  private let checkpoint: Checkpoint
  private let configuration: ModelConfiguration
  private let form: QuantizedModel.Form
  private let watch: PipelineWatcher
  /// What was asked for, with the ranges that were found.
  private(set) var plan: PrecisionPlan
  /// The ranges that were found.
  private(set) var inputs: [Calibration.Input] = []
  /// The weights whose channels were made alike; nil where that wasn't asked for.
  private(set) var equalized: EqualizedWeights?
  /// The model in floating point, where it was watched and questions are asked of it; nil elsewhere.
  private(set) var float: Model?

  /// Bytes that moments of inputs may take at once; what takes more is seen to in several passes.
  private static let momentBytes = 1 << 30

  init(
    _ request: QuantizeRequest, _ checkpoint: Checkpoint, _ configuration: ModelConfiguration,
    _ plan: PrecisionPlan, _ form: QuantizedModel.Form, watch: @escaping PipelineWatcher
  ) {
    self.request = request
    self.checkpoint = checkpoint
    self.configuration = configuration
    self.plan = plan
    self.form = form
    self.watch = watch
  }

  /// The weights that whole numbers are made of.
  var weights: any WeightSource { equalized ?? checkpoint }

  /// Quantizes as asked, watching the model in floating point where ranges, norms or rounding ask for it.
  ///
  /// - Parameter isAsked: whether the calibration serves questions too, which may be about weights alone; otherwise one that finds no
  ///   ranges is a mistake.
  mutating func model(isAsked: Bool, _ isCancelled: () -> Bool) throws -> QuantizedModel {
    let nearest = try QuantizedModel(checkpoint, configuration, plan: plan, form: form)
    guard let calibration = request.calibration else {
      guard request.rounding == .nearest, !request.equalizes else { throw QuantizationError.noCalibration }
      return nearest
    }
    let findsRanges = nearest.layers.contains { $0.precision == .w8a8 }
    guard findsRanges || request.rounding == .gptq || request.equalizes else {
      guard isAsked else { throw QuantizationError.nothingToCalibrate }
      return nearest
    }
    let shown = try Model(inFloat32: request.model)
    if isAsked { float = shown }
    let backend = shown.base.backend
    func show(_ watcher: any InputWatcher) throws {
      try shown.show(to: watcher, with: calibration, watch: watch, isCancelled: isCancelled)
    }
    var model = nearest
    if request.equalizes {
      let equalization = Equalization(nearest, on: backend)
      try show(equalization)
      watch(.step("equalizing channels"))
      let weights = try equalization.equalized(checkpoint)
      equalized = weights
      model = try QuantizedModel(weights, configuration, plan: plan, form: form)
    }
    let rounded = request.rounding == .gptq ? model.roundable(within: Self.momentBytes) : []
    guard findsRanges || !rounded.isEmpty else { return model }
    for pass in 0..<max(1, rounded.count) {
      let layers = pass < rounded.count ? rounded[pass] : []
      let seen = Calibration(
        model, rounding: layers, findsRanges: findsRanges && pass == 0, equalized: equalized, on: backend)
      try show(seen)
      if pass == 0 {
        inputs = try seen.inputs(of: weights)
        for input in inputs { plan.inputs[input.layer] = input.range }
      }
      watch(.step(layers.isEmpty ? "measuring layers" : "rounding \(layers.count) layers"))
      let left = try model.round(layers, by: seen, of: weights)
      if !left.isEmpty {
        watch(
          .note("rounded to the nearest, as no inputs were seen that tell more: \(left.listed(4))"))
      }
      try model.measure(by: seen, of: weights, inputs: plan.inputs)
    }
    return model
  }

  /// Quantizes by the plan that a search ended with.
  mutating func model(keeping found: PrecisionPlan) throws -> QuantizedModel {
    plan = found
    return try QuantizedModel(checkpoint, configuration, plan: found, form: form)
  }
}

/// What a quantized file holds.
private enum QuantizedFile {
  /// What an output's name asks for.
  static func format(of output: String) throws(QuantizationError) -> Checkpoint.Format {
    switch (output as NSString).pathExtension.lowercased() {
    case "safetensors": return .safetensors
    case "gguf": return .gguf
    default: throw .format(output: output, expected: ".safetensors or .gguf")
    }
  }

  /// All tensors: whole numbers where the model has them, F16 where blocks don't fit, else Float32.
  static func tensors(
    of checkpoint: Checkpoint, _ weights: any WeightSource, _ model: QuantizedModel
  ) throws -> [(name: String, content: WholeNumberOutput.Content)] {
    let kept = Set(model.layers.filter { $0.kept != nil }.map { "\($0.layer).weight" })
    return try checkpoint.entries.map { entry in
      if let weight = model.weights[entry.name] { return (entry.name, .whole(weight)) }
      let float = try weights.float32(entry.name)
      return (entry.name, .plain(kept.contains(entry.name) ? float.converted(to: .float16) : float))
    }
  }

  /// What a user should know.
  static func remarks(
    on model: QuantizedModel, plan: PrecisionPlan, scheme: QuantizeRequest.Policy
  ) -> [String] {
    var remarks: [String] = []
    let zero = model.layers.filter { $0.zeroChannels > 0 }
    if !zero.isEmpty {
      remarks.append(
        "output channels of nothing but zeros have scale 1 and stay zeros: "
          + zero.map { "\($0.zeroChannels) of \($0.layer)" }.listed(4))
    }
    let kept = model.layers.filter { $0.kept != nil }
    if !kept.isEmpty {
      remarks.append("stored as F16, since their rows are no multiple of 32: \(kept.map(\.layer).listed(4))")
    }
    if case .scheme(.w4, _) = scheme {
      let wide = model.layers.filter { $0.precision != .w4 }
      if !wide.isEmpty {
        remarks.append("w8, since their inputs are no multiple of 32: \(wide.map(\.layer).listed(4))")
      }
    }
    let dynamic = model.layers.filter { $0.precision == .w8a8 && plan.inputs[$0.layer] == nil }
    if !dynamic.isEmpty {
      remarks.append(
        "the inputs of \(dynamic.count) layers have no range in the plan: it is found anew for every input, which takes "
          + "longer; clips to calibrate on give those of tracking")
    }
    return remarks
  }
}
