// A model's weights as whole numbers, and what that does to each of them.
public import Architecture
public import Kernels
public import SAM2
public import Tensors

/// Weights as whole numbers, by a plan.
public struct QuantizedModel: Sendable {
  /// Which whole numbers a file holds.
  public enum Form: Sendable {
    /// Those of a layer's precision: 8 bits with a scale for each output channel, or 4 with one for each 32 inputs.
    case channels
    /// 8 bits with a scale for each 32 neighbours of a row, where rows are multiples of 32: GGUF's Q8_0.
    case blocks
  }

  /// What became of a layer's weight.
  public struct Layer: Sendable, Encodable {
    /// Its name.
    public let layer: String
    /// How it is computed.
    public let precision: Precision
    /// Its weight's shape.
    public let shape: Shape
    /// How far the whole numbers are from the weight: 10 · log₁₀(Σ w² / Σ (w − ŵ)²), in dB; infinite where they are it.
    public fileprivate(set) var sqnr: Double
    /// How far the layer's result alone is from the exact one, in dB, with its weights and, where they are, its inputs as whole
    /// numbers; nil where no inputs were seen.
    public fileprivate(set) var resultSQNR: Double?
    /// Output channels of nothing but zeros, which stay so.
    public let zeroChannels: Int
    /// Why its weight is no whole numbers after all; nil where it is.
    public let kept: String?

    enum CodingKeys: String, CodingKey {
      case layer, precision, shape, kept
      case sqnr = "weight_sqnr_db"
      case resultSQNR = "result_sqnr_db"
      case zeroChannels = "zero_channels"
    }
  }

  /// By which it was quantized.
  public let plan: PrecisionPlan
  /// What became of the layers that the plan quantizes, in the order of the model.
  public private(set) var layers: [Layer] = []
  /// Norms and the layers that alone read them.
  let normed: [LayerInventory.NormedLayers]
  private let form: Form
  /// The whole numbers, by their weights' names.
  public private(set) var weights: [String: StoredWeight] = [:]

  /// Quantizes what a plan says.
  ///
  /// - Parameters:
  ///   - source: weights in floating point.
  ///   - plan: see `PrecisionPlan(scheme:for:)`.
  ///   - form: what a file is to hold.
  /// - Throws: `SAM2Error` where the plan doesn't fit the model or a weight can't be quantized, `BackendError` where it asks for
  ///   whole numbers of what has none, `QuantizationError`, what the source throws.
  public init(
    _ source: any WeightSource, _ configuration: ModelConfiguration, plan: PrecisionPlan,
    form: Form = .channels
  ) throws {
    self.plan = plan
    let inventory = LayerInventory()
    _ = try SAM2Base(configuration, weights: source, backend: inventory, plan: plan)
    let quantized = inventory.layers.filter(\.site.precision.isQuantized)
    guard !quantized.isEmpty else { throw QuantizationError.nothingToQuantize }
    normed = inventory.normed
    self.form = form
    for layer in quantized { try add(layer, source, form) }
  }

  private mutating func add(
    _ layer: LayerInventory.Entry, _ source: any WeightSource, _ form: Form
  ) throws {
    let name = layer.site.path.child("weight").name
    let (original, precision) = (try source.float32(name), layer.site.precision)
    let stored: StoredWeight
    var kept: String?
    switch (form, layer.quantized) {
    case (.channels, let weight?): stored = .perChannel(weight)
    case (.channels, nil): stored = .grouped(GroupedWeight(quantizing: original, as: .fourBits))
    case (.blocks, _):
      guard precision == .w8 || precision == .w8a16 else {
        throw QuantizationError.blocks(layer: layer.site.path, asked: precision)
      }
      guard original.shape[-1].isMultiple(of: GroupedWeight.groupSize) else {
        kept =
          "its rows of \(original.shape[-1]) are no multiple of \(GroupedWeight.groupSize), as Q8_0 asks for"
        layers.append(
          Layer(
            layer: layer.site.path.name, precision: precision, shape: original.shape,
            sqnr: Self.sqnr(original, original.converted(to: .float16).converted(to: .float32)),
            zeroChannels: Self.zeroChannels(original), kept: kept))
        return
      }
      stored = .grouped(GroupedWeight(quantizing: original, as: .eightBits))
    }
    weights[name] = stored
    layers.append(
      Layer(
        layer: layer.site.path.name, precision: precision, shape: original.shape,
        sqnr: Self.sqnr(original, stored.weight), zeroChannels: Self.zeroChannels(original), kept: kept))
  }

  /// The layers that can be rounded by what they are given, in sets whose moments take no more than so many bytes each, or
  /// are of one layer.
  public func roundable(within byteCount: Int) -> [Set<ModulePath>] {
    var sets: [Set<ModulePath>] = []
    var rest = 0
    for layer in layers where layer.kept == nil && layer.shape.extents.dropFirst(2).allSatisfy({ $0 == 1 }) {
      let needed = InputMoments.byteCount(layer.shape[1])
      if needed > rest || sets.isEmpty {
        sets.append([])
        rest = byteCount
      }
      sets[sets.count - 1].insert(ModulePath(layer.layer))
      rest -= needed
    }
    return sets
  }

  /// Rounds weights anew by what a calibration saw of their layers' inputs.
  ///
  /// - Parameters:
  ///   - layers: those whose moments it took.
  ///   - source: the weights in floating point.
  /// - Returns: Layers that were never given anything that tells, and keep what is nearest.
  /// - Throws: what the source throws.
  public mutating func round(
    _ layers: Set<ModulePath>, by calibration: Calibration, of source: any WeightSource
  ) throws -> [String] {
    var left: [String] = []
    for index in self.layers.indices where layers.contains(ModulePath(self.layers[index].layer)) {
      let name = self.layers[index].layer
      guard let feedback = calibration.feedback(of: ModulePath(name)) else {
        left.append(name)
        continue
      }
      let original = try source.float32("\(name).weight")
      let stored: StoredWeight
      switch (form, self.layers[index].precision) {
      case (.blocks, _): stored = .grouped(feedback.grouped(original, as: .eightBits))
      case (.channels, .w4): stored = .grouped(feedback.grouped(original, as: .fourBits))
      case (.channels, _): stored = .perChannel(feedback.perChannel(original))
      }
      weights["\(name).weight"] = stored
      self.layers[index].sqnr = Self.sqnr(original, stored.weight)
    }
    return left
  }

  /// Notes how far each layer's result alone is from the exact one, on inputs that a calibration saw.
  ///
  /// - Parameters:
  ///   - source: the weights in floating point.
  ///   - inputs: the ranges of inputs.
  /// - Throws: what the source or the calibration's backend throws.
  public mutating func measure(
    by calibration: Calibration, of source: any WeightSource, inputs: [String: QuantizedRange]
  ) throws {
    for index in layers.indices {
      let (name, isWhole) = (layers[index].layer, layers[index].precision == .w8a8)
      guard let stored = weights["\(name).weight"], !isWhole || inputs[name] != nil,
        let found = try calibration.resultSQNR(
          of: ModulePath(name), source.float32("\(name).weight"), stored.weight,
          range: isWhole ? inputs[name] : nil)
      else { continue }
      layers[index].resultSQNR = found
    }
  }

  /// How far numbers are from exact ones, in dB; infinite where they are equal.
  static func sqnr(_ exact: Tensor, _ found: Tensor) -> Double {
    SignalToNoise(exact, found).decibels ?? .infinity
  }

  private static func zeroChannels(_ weight: Tensor) -> Int {
    let count = weight.count / max(1, weight.shape[0])
    return weight.withElements { elements in
      (0..<weight.shape[0]).count { channel in
        elements[channel * count..<(channel + 1) * count].allSatisfy { $0 == 0 }
      }
    }
  }
}

/// Why a model can't be quantized as asked.
public enum QuantizationError: Error, Equatable, CustomStringConvertible {
  /// The file holds whole numbers already.
  case alreadyQuantized(path: String)
  /// The file to write is the one that is read, whose weights would be gone.
  case overwritesSource(path: String)
  /// The plan leaves all layers in floating point.
  case nothingToQuantize
  /// What asks for a calibration was asked for without one.
  case noCalibration
  /// Ranges of inputs were asked for where no input is quantized.
  case nothingToCalibrate
  /// A layer was given NaN or infinities, of which no range is one.
  case inputsNotFinite(layer: ModulePath, count: Int)
  /// GGUF has no whole numbers for a precision.
  case blocks(layer: ModulePath, asked: Precision)
  /// A file that can't hold whole numbers.
  case format(output: String, expected: String)
  /// Neither floating point nor a scheme was asked for.
  case scheme(found: Precision)

  /// One sentence: the thing, what was expected, what was found.
  public var description: String {
    switch self {
    case .alreadyQuantized(let path):
      "\(path): expected weights in floating point, found whole numbers: quantize what they were made from, or "
        + "convert them back first"
    case .overwritesSource(let path):
      "\(path): expected another file than the one that is read, whose weights no whole numbers give back, found that one"
    case .nothingToQuantize:
      "expected a plan that quantizes some layer, found one that leaves all in floating point"
    case .nothingToCalibrate:
      "expected a layer in w8a8 to calibrate, found none: other inputs have no range, and rounding to the nearest needs none"
    case .inputsNotFinite(let layer, let count):
      "\(layer): expected finite inputs to find a range of, found \(count) that are not: "
        + "`sam2kit inspect` shows whether weights are"
    case .noCalibration:
      "expected a folder to calibrate with, as rounding by gptq and equalizing ask for, found none"
    case .blocks(let layer, let asked):
      "\(layer): GGUF's Q8_0 serves w8 and w8a16, and \(asked.rawValue) was asked for: write .safetensors"
    case .format(let output, let expected): "\(output): expected a name that ends in \(expected)"
    case .scheme(let found): "expected one of the schemes w8, w8a16, w8a8 and w4, found \(found.rawValue)"
    }
  }
}
