// Ranges of layers' inputs out of what they are while a model runs in floating point.
public import Kernels
import Synchronization
public import Taps
public import Tensors

/// Watches the inputs of layers: a writer for a run's taps.
public final class Calibration: TapWriter {
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
    var histogram = InputHistogram()
    /// Some of the vectors that the weight was multiplied with, `[…, in]`.
    var vectors: [[Float]] = []
    var calls = 0
  }

  /// Vectors that are kept of a layer, and of one call.
  private static let kept = 256
  private static let keptOfCall = 32

  private let seen: Mutex<[ModulePath: Seen]>

  /// A writer for the layers of a model whose inputs are quantized.
  ///
  /// - Parameter model: what was quantized by a plan that has `w8a8`.
  public convenience init(_ model: QuantizedModel) {
    self.init(watching: model.layers.filter { $0.precision == .w8a8 })
  }

  /// A writer for some of a model's layers.
  public init(watching layers: [QuantizedModel.Layer]) {
    seen = Mutex(
      Dictionary(
        uniqueKeysWithValues: layers.map { (ModulePath($0.layer), Seen(isConvolution: $0.shape.rank == 4)) }))
  }

  /// The layers that are watched.
  public var layers: [ModulePath] { seen.withLock { $0.keys.sorted { $0.name < $1.name } } }

  /// Whether a call is of a layer that is watched.
  public func wants(_ call: CallID) -> Bool { wants(call.module) }

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

  /// Predictions are none of its concern.
  public func write(_ prediction: PredictedValue, _ tensor: Tensor, at place: PredictionPlace?) throws {}

  /// There is nothing to put anywhere.
  public func finish() throws {}

  /// What was seen of a layer's inputs, and some of them; nil where it was not watched or never called.
  func samples(of module: ModulePath) -> (histogram: InputHistogram, vectors: [[Float]])? {
    seen.withLock { $0[module].flatMap { $0.calls > 0 ? ($0.histogram, $0.vectors) : nil } }
  }

  private func look(at tensor: Tensor, of module: ModulePath) {
    guard tensor.count > 0 else { return }
    seen.withLock { seen in
      guard var layer = seen.removeValue(forKey: module) else { return }
      tensor.withElements { layer.histogram.add($0) }
      let hash = CounterHash(seed: UInt64(layer.calls), name: module.name)
      layer.calls += 1
      for index in 0..<Self.keptOfCall {
        let vector = Self.vector(of: tensor, isConvolution: layer.isConvolution, at: hash[2 * index])
        if layer.vectors.count < Self.kept {
          layer.vectors.append(vector)
        } else if hash[2 * index + 1] % UInt64(layer.calls) < 8 {
          // Later calls replace ever fewer of the earlier ones, so that all have a share: 8 calls fill what is kept.
          layer.vectors[Int(hash[2 * index + 1] >> 32) % Self.kept] = vector
        }
      }
      seen[module] = layer
    }
  }

  /// One of the vectors that a weight is multiplied with: a row, or a pixel of all channels.
  private static func vector(of tensor: Tensor, isConvolution: Bool, at number: UInt64) -> [Float] {
    let shape = tensor.shape
    let inputs = isConvolution ? shape[1] : shape[-1]
    let place = Int(number % UInt64(tensor.count / inputs))
    return tensor.withElements { elements in
      guard isConvolution else { return Array(elements[place * inputs..<(place + 1) * inputs]) }
      let pixels = shape[2] * shape[3]
      let start = place / pixels * inputs * pixels + place % pixels
      return (0..<inputs).map { elements[start + $0 * pixels] }
    }
  }

  /// The ranges of all layers that were seen, each by the method with which the layer's result has the highest SQNR. Two layers
  /// that are given the same (Hiera's `qkv`, and `proj` in the block where channels change) have one range.
  ///
  /// - Parameters:
  ///   - source: the weights in floating point.
  ///   - backend: what multiplies, in Float32.
  /// - Throws: what the source or the backend throws.
  public func inputs(of source: any WeightSource, on backend: any Backend) throws -> [Input] {
    var found: [Input] = []
    for (module, layer) in seen.withLock({ $0 }).sorted(by: { $0.key.name < $1.key.name })
    where layer.calls > 0 {
      found.append(try Self.input(of: module, layer, source, backend))
    }
    let ranges = Dictionary(uniqueKeysWithValues: found.map { ($0.layer, $0) })
    return found.map { input in
      guard input.layer.hasPrefix("image_encoder.trunk.blocks."), input.layer.hasSuffix(".proj"),
        let tied = ranges["\(input.layer.dropLast(5)).attn.qkv"]
      else { return input }
      return Input(layer: input.layer, range: tied.range, method: tied.method, sqnr: input.sqnr)
    }
  }

  private static func input(
    of module: ModulePath, _ layer: Seen, _ source: any WeightSource, _ backend: any Backend
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
    let vectors = Tensor([layer.vectors.count, inputs], layer.vectors.flatMap { $0 })
    let exact = linear(vectors)
    for method in RangeMethod.allCases {
      let range = layer.histogram.range(by: method)
      let rounded = Tensor(
        vectors.shape, vectors.elements.map { range.number(of: range.quantize($0)) })
      let found = QuantizedModel.sqnr(exact, linear(rounded))
      sqnr[method.rawValue] = found
      if found > best?.sqnr ?? -.infinity { best = (method, range, found) }
    }
    let fallback = layer.histogram.range(by: .minMax)
    return Input(
      layer: module.name, range: best?.range ?? fallback, method: best?.method ?? .minMax, sqnr: sqnr)
  }
}

extension Tensor {
  /// Ones on the diagonal, `[count, count]`.
  fileprivate static func identity(_ count: Int) -> Tensor {
    Tensor([count, count], (0..<count * count).map { $0 % (count + 1) == 0 ? 1 : 0 })
  }
}
