import Architecture
import Checkpoints
import Files
import Foundation
public import Kernels
public import Quantization
public import SAM2
import Tensors

/// What to quantize into what.
public struct QuantizeRequest: Sendable {
  /// A checkpoint in floating point; backend, precision and plan play no part.
  public var model: ModelRequest
  /// The file to write: `.safetensors` or `.gguf`; one that is there is replaced when the new one is whole.
  public var output: String
  /// Which layers are computed how.
  public var policy: Policy
  /// What the ranges of `w8a8` inputs are found with; nil to leave them as the plan says, or to be found anew for every input.
  public var calibration: CalibrationRequest?
  /// How weights become whole numbers; `.gptq` needs a calibration.
  public var rounding = Rounding.nearest
  /// Whether norms' channels are made alike, at the cost of the weights that read them; needs a calibration.
  public var equalizes = false
  /// Whether to wait until the output is on the disk.
  public var isDurable = false

  /// What says which layers are computed how.
  public enum Policy: Sendable {
    /// The default policy for a precision; see `PrecisionPlan(scheme:for:)`.
    case scheme(Precision, elsewhere: Precision = .f32)
    /// A plan.
    case plan(PrecisionPlan)
  }

  /// A checkpoint to quantize.
  public init(model: ModelRequest, output: String, policy: Policy) {
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
  /// Bytes of the file that was written.
  public let outputBytes: Int

  enum CodingKeys: String, CodingKey {
    case plan, layers, inputs, rounding, equalized
    case float32Bytes = "float32_bytes"
    case sourceBytes = "source_bytes"
    case outputBytes = "output_bytes"
  }
}

/// Makes a model's weights whole numbers; the output carries the plan, the configuration, and what identifies its source.
///
/// - Parameters:
///   - watch: Is told what was chosen or left out of the file, and what a user should know of the result.
///   - isCancelled: Asked between pictures and clips of a calibration, beside the task's own cancellation.
/// - Throws: `QuantizationError`, `CalibrationError`, `CheckpointError`, `ConfigurationError`, `UnknownArchitecture`, `SAM2Error`, `BackendError`.
public func quantize(
  _ request: QuantizeRequest, watch: @escaping PipelineWatcher = { _ in }, isCancelled: () -> Bool = { false }
) throws -> QuantizeResult {
  let format = try QuantizedFile.format(of: request.output)
  let source = request.model
  guard !leadToOneFile(source.path, request.output) else {
    throw QuantizationError.overwritesSource(path: request.output)
  }
  let checkpoint = try Checkpoint.open(path: source.path, key: source.key, limits: source.limits)
  for remark in checkpoint.selection.remarks { watch(.note("\(source.path): \(remark)")) }
  guard !checkpoint.holdsWholeNumbers else {
    throw QuantizationError.alreadyQuantized(path: source.path)
  }
  let found = try ConfigurationSource.of(
    checkpoint, named: source.configuration, settings: source.settings)
  if let note = found.source.note { watch(.note("\(source.path): \(note)")) }
  var plan: PrecisionPlan
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
  let model = try work.model(isCancelled)
  QuantizedFile.remarks(on: model, plan: work.plan, scheme: request.policy).forEach { watch(.note($0)) }
  var metadata = ConvertedMetadata(of: checkpoint, found.configuration, as: format)
  metadata.add(work.plan)
  try metadata.addDigests(of: checkpoint)
  watch(.step("writing \(request.output)"))
  try WholeNumberOutput.write(
    QuantizedFile.tensors(of: checkpoint, work.weights, model), metadata: metadata.words, to: request.output,
    as: format, durable: request.isDurable)
  return QuantizeResult(
    plan: work.plan, layers: model.layers, inputs: work.inputs, rounding: request.rounding,
    equalized: work.equalized?.norms ?? [],
    float32Bytes: checkpoint.entries.reduce(0) { $0 + 4 * $1.shape.count },
    sourceBytes: checkpoint.fileByteCount,
    outputBytes: try MappedFile(path: request.output).bytes.count)
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
  mutating func model(_ isCancelled: () -> Bool) throws -> QuantizedModel {
    let nearest = try QuantizedModel(checkpoint, configuration, plan: plan, form: form)
    guard let calibration = request.calibration else {
      guard request.rounding == .nearest, !request.equalizes else { throw QuantizationError.noCalibration }
      return nearest
    }
    let findsRanges = nearest.layers.contains { $0.precision == .w8a8 }
    guard findsRanges || request.rounding == .gptq || request.equalizes else {
      throw QuantizationError.nothingToCalibrate
    }
    var float = request.model
    (float.precision, float.plan, float.backend) = (.f32, nil, float.backend ?? .fastest)
    // What there is to say of the file was said.
    let shown = try Model(float)
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
          .note("rounded to the nearest, as no inputs were seen that tell more: \(QuantizedFile.list(left))"))
      }
      try model.measure(by: seen, of: weights, inputs: plan.inputs)
    }
    return model
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
          + list(zero.map { "\($0.zeroChannels) of \($0.layer)" }))
    }
    let kept = model.layers.filter { $0.kept != nil }
    if !kept.isEmpty {
      remarks.append("stored as F16, since their rows are no multiple of 32: \(list(kept.map(\.layer)))")
    }
    if case .scheme(.w4, _) = scheme {
      let wide = model.layers.filter { $0.precision != .w4 }
      if !wide.isEmpty {
        remarks.append("w8, since their inputs are no multiple of 32: \(list(wide.map(\.layer)))")
      }
    }
    let dynamic = model.layers.filter { $0.precision == .w8a8 && plan.inputs[$0.layer] == nil }
    if !dynamic.isEmpty {
      remarks.append(
        "the inputs of \(dynamic.count) layers have no range in the plan: it is found anew for every input")
    }
    return remarks
  }

  static func list(_ things: [String]) -> String {
    things.prefix(4).joined(separator: ", ") + (things.count > 4 ? " and \(things.count - 4) more" : "")
  }
}
