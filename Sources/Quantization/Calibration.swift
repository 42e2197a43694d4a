// Ranges of layers' inputs out of what they are while a model runs in floating point.
public import Kernels
import Synchronization
public import Taps
public import Tensors

/// Watches the inputs of layers: a writer for a run's taps.
public protocol InputWatcher: TapWriter {
  /// The layers that are watched.
  var layers: [ModulePath] { get }
}

extension InputWatcher {
  /// Whether a call is of a layer that is watched.
  public func wants(_ call: CallID) -> Bool { wants(call.module) }

  /// Predictions are none of its concern.
  public func write(_ prediction: PredictedValue, _ tensor: Tensor, at place: PredictionPlace?) throws {}

  /// There is nothing to put anywhere.
  public func finish() throws {}
}

/// Finds the ranges of layers' inputs, and what their weights are to be rounded by.
public final class Calibration: InputWatcher {
  /// A range that was chosen, and by what.
  public struct Input: Sendable, Encodable {
    /// The layer whose input it is.
    public let layer: String
    /// The range.
    public let range: QuantizedRange
    /// What found it: of the methods the one with the highest SQNR.
    public let method: RangeMethod
    /// For each method, how far the layer's result is from the exact one with its weights exact and inputs in that range,
    /// in dB; by the names of methods.
    public let sqnr: [String: Double]

    enum CodingKeys: String, CodingKey {
      case layer, range, method
      case sqnr = "output_sqnr_db"
    }
  }

  /// What was seen of one layer.
  private struct Seen {
    let isConvolution: Bool
    /// By what its inputs are divided before they are looked at, where channels were equalised.
    let divisors: [Float]?
    /// How often which numbers were; nil where no range is asked for.
    var histogram: InputHistogram?
    /// nil where they are not asked for.
    var moments: InputMoments?
    var vectors: KeptVectors
  }

  private let seen: Mutex<[ModulePath: Seen]>
  /// What multiplies, in Float32.
  let backend: any Backend

  /// A writer for the layers of a model whose inputs are quantized, and for those whose weights are to be rounded by what they
  /// are given.
  ///
  /// - Parameters:
  ///   - model: what was quantized by a plan.
  ///   - rounding: the layers that `QuantizedModel.round` is to round.
  ///   - findsRanges: whether ranges are asked for, of the layers in `w8a8`.
  ///   - equalized: by what the model's weights were changed, while the model that is watched has the ones before.
  ///   - backend: what multiplies, in Float32.
  public init(
    _ model: QuantizedModel, rounding: Set<ModulePath> = [], findsRanges: Bool = true,
    equalized: EqualizedWeights? = nil, on backend: any Backend
  ) {
    var seen: [ModulePath: Seen] = [:]
    for layer in model.layers {
      let path = ModulePath(layer.layer)
      let (hasRange, isRounded) = (findsRanges && layer.precision == .w8a8, rounding.contains(path))
      guard hasRange || isRounded else { continue }
      let isConvolution = layer.shape.rank == 4
      seen[path] = Seen(
        isConvolution: isConvolution, divisors: equalized?.divisors[path],
        histogram: hasRange ? InputHistogram() : nil,
        moments: isRounded ? InputMoments(size: layer.shape[1]) : nil,
        vectors: KeptVectors(isConvolution: isConvolution))
    }
    self.seen = Mutex(seen)
    self.backend = backend
  }

  /// A writer for some of a model's layers: what they are given and how often which numbers are among it.
  public init(watching layers: [QuantizedModel.Layer], on backend: any Backend) {
    let seen = layers.map { layer in
      let isConvolution = layer.shape.rank == 4
      return (
        ModulePath(layer.layer),
        Seen(
          isConvolution: isConvolution, divisors: nil, histogram: InputHistogram(), moments: nil,
          vectors: KeptVectors(isConvolution: isConvolution))
      )
    }
    self.seen = Mutex(Dictionary(uniqueKeysWithValues: seen))
    self.backend = backend
  }

  /// The layers that are watched.
  public var layers: [ModulePath] { seen.withLock { $0.keys.sorted { $0.name < $1.name } } }

  /// Whether a layer is watched.
  public func wants(_ module: ModulePath) -> Bool { seen.withLock { $0[module] != nil } }

  /// Looks at a layer's input.
  public func write(
    _ module: ModulePath, call: Int, sequence: Int, at place: TapPlace, inputs: [(String, any TapValue)],
    output: any TapValue
  ) throws {
    for (name, value) in inputs {
      value.visitTensors(named: name) { _, tensor in look(at: tensor.contiguous(), of: module) }
    }
  }

  /// What was seen of a layer's inputs, and some of them, `[count, in]`; nil where it was not watched or never called.
  func samples(of module: ModulePath) -> (histogram: InputHistogram, vectors: Tensor)? {
    guard let layer = seen.withLock({ $0[module] }), let histogram = layer.histogram, layer.vectors.calls > 0
    else { return nil }
    return (histogram, layer.vectors.tensor)
  }

  private func look(at tensor: Tensor, of module: ModulePath) {
    guard tensor.count > 0 else { return }
    seen.withLock { seen in
      guard var layer = seen.removeValue(forKey: module) else { return }
      let tensor = layer.divisors.map { tensor.dividingLastAxis(by: $0) } ?? tensor
      if layer.histogram != nil { tensor.withElements { layer.histogram?.add($0) } }
      layer.moments?.add(
        tensor, isConvolution: layer.isConvolution, shift: UInt64(layer.vectors.calls), on: backend)
      layer.vectors.add(tensor, of: module.name)
      seen[module] = layer
    }
  }

  /// What its weights are rounded by; nil where that wasn't asked for, or nothing seen that tells.
  func feedback(of layer: ModulePath) -> ErrorFeedback? {
    guard let seen = seen.withLock({ $0[layer] }), let moments = seen.moments, seen.vectors.calls > 0
    else { return nil }
    return ErrorFeedback(moments, on: backend)
  }

  /// How far a layer's result is from the exact one, in dB, on vectors that it was given.
  ///
  /// - Parameters:
  ///   - exact: its weight, `[out, in]` or `[out, in, 1, 1]`.
  ///   - found: what the whole numbers stand for.
  ///   - range: that of its inputs; nil where they are exact.
  /// - Returns: nil for a layer that wasn't seen, or that multiplies with more than a vector.
  func resultSQNR(of layer: ModulePath, _ exact: Tensor, _ found: Tensor, range: QuantizedRange?) throws
    -> Double?
  {
    guard let seen = seen.withLock({ $0[layer] }), seen.vectors.calls > 0,
      exact.count == exact.shape[0] * exact.shape[1]
    else { return nil }
    let vectors = seen.vectors.tensor
    return QuantizedModel.sqnr(
      try product(layer, exact, vectors), try product(layer, found, vectors.rounded(to: range)))
  }

  private func product(_ layer: ModulePath, _ weight: Tensor, _ vectors: Tensor) throws -> Tensor {
    let linear = try backend.linear(
      LinearLayer(Site(layer), weight: weight.reshaped([weight.shape[0], weight.shape[1]]), bias: nil))
    return linear(vectors)
  }

  /// The ranges of all layers that were seen, each by the method with which the layer's result has the highest SQNR. Two layers
  /// that are given the same (Hiera's `qkv`, and `proj` in the block where channels change) have one range.
  ///
  /// - Parameter source: the weights in floating point, those that were equalised if any were.
  /// - Throws: `QuantizationError.inputsNotFinite`, what the source or the backend throws.
  public func inputs(of source: any WeightSource) throws -> [Input] {
    var found: [Input] = []
    for (module, layer) in seen.withLock({ $0 }).sorted(by: { $0.key.name < $1.key.name })
    where layer.vectors.calls > 0 {
      guard let histogram = layer.histogram else { continue }
      guard histogram.notFinite == 0 else {
        throw QuantizationError.inputsNotFinite(layer: module, count: histogram.notFinite)
      }
      found.append(try input(of: module, histogram, layer.vectors.tensor, source))
    }
    let ranges = Dictionary(uniqueKeysWithValues: found.map { ($0.layer, $0) })
    return found.map { input in
      guard input.layer.hasPrefix("image_encoder.trunk.blocks."), input.layer.hasSuffix(".proj"),
        let tied = ranges["\(input.layer.dropLast(5)).attn.qkv"]
      else { return input }
      return Input(layer: input.layer, range: tied.range, method: tied.method, sqnr: input.sqnr)
    }
  }

  private func input(
    of module: ModulePath, _ histogram: InputHistogram, _ vectors: Tensor, _ source: any WeightSource
  ) throws -> Input {
    let weight = try source.float32(module.child("weight").name)
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    var sqnr: [String: Double] = [:]
    var best: (method: RangeMethod, range: QuantizedRange, sqnr: Double)?
    // A kernel of several pixels is multiplied with more than a vector: there the input itself is what is compared.
    let isVector = weight.count == outputs * inputs
    let linear = try backend.linear(
      LinearLayer(
        Site(module), weight: isVector ? weight.reshaped([outputs, inputs]) : .identity(inputs), bias: nil))
    let exact = linear(vectors)
    for method in RangeMethod.allCases {
      let range = histogram.range(by: method)
      let found = QuantizedModel.sqnr(exact, linear(vectors.rounded(to: range)))
      sqnr[method.rawValue] = found
      if found > best?.sqnr ?? -.infinity { best = (method, range, found) }
    }
    let fallback = histogram.range(by: .minMax)
    return Input(
      layer: module.name, range: best?.range ?? fallback, method: best?.method ?? .minMax, sqnr: sqnr)
  }
}

extension Tensor {
  /// Ones on the diagonal, `[count, count]`.
  fileprivate static func identity(_ count: Int) -> Tensor {
    Tensor([count, count], (0..<count * count).map { $0 % (count + 1) == 0 ? 1 : 0 })
  }

  /// Each entry of the last axis divided by its own number.
  func dividingLastAxis(by divisors: [Float]) -> Tensor {
    Tensor(shape) { target in
      withElements { elements in
        for start in stride(from: 0, to: elements.count, by: divisors.count) {
          for (index, divisor) in divisors.enumerated() {
            target[start + index] = elements[start + index] / divisor
          }
        }
      }
    }
  }
}
