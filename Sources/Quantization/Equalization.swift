// Channels of a norm's result made alike, what one gains its weights' columns lose.
// Source: G. Xiao et al., "SmoothQuant" (2022); the strength is chosen here for each norm by what it does to the result.
import Foundation
public import Kernels
import Synchronization
public import Taps
public import Tensors

/// Weights with some norms divided channel by channel, and what reads them multiplied: the model's results are the same
/// but for roundings.
public struct EqualizedWeights: WeightSource {
  /// What was done to a norm.
  public struct Norm: Sendable, Encodable {
    /// Its name.
    public let norm: String
    /// The layers that read it.
    public let layers: [String]
    /// How much of the inputs' spread went to the weights: 0 nothing, 1 all of it.
    public let strength: Float
    /// How far the layers' results were from the exact ones, in dB, on inputs that were seen.
    public let sqnrBefore: Double
    /// How far they are.
    public let sqnr: Double

    enum CodingKeys: String, CodingKey {
      case norm, layers, strength
      case sqnrBefore = "output_sqnr_db_before"
      case sqnr = "output_sqnr_db"
    }
  }

  private let source: any WeightSource
  private var changed: [String: Tensor] = [:]
  /// What was done to the norms where something was gained.
  public private(set) var norms: [Norm] = []
  /// By what the inputs of layers are divided now.
  private(set) var divisors: [ModulePath: [Float]] = [:]

  init(_ source: any WeightSource) { self.source = source }

  /// That of the weights before.
  public var origin: String { source.origin }

  /// Those of the weights before.
  public var shapes: [String: Shape] { source.shapes }

  /// A norm or a layer that was changed, or what the source has.
  public func tensor(_ name: String) throws -> Tensor { try changed[name] ?? source.tensor(name) }

  mutating func equalize(_ norm: Norm, by scales: [Float]) throws {
    norms.append(norm)
    for part in ["weight", "bias"] {
      let name = "\(norm.norm).\(part)"
      changed[name] = try source.float32(name).dividingLastAxis(by: scales)
    }
    for layer in norm.layers {
      let name = "\(layer).weight"
      changed[name] = try source.float32(name).multiplyingInputs(by: scales)
      divisors[ModulePath(layer)] = scales
    }
  }
}

/// Watches what norms return, and makes their channels alike.
public final class Equalization: InputWatcher {
  private let model: QuantizedModel
  private let normed: [LayerInventory.NormedLayers]
  private let backend: any Backend
  /// By the first layer that reads a norm, which is given the same as the others.
  private let seen: Mutex<[ModulePath: Seen]>

  private struct Seen {
    var largest: [Float] = []
    var vectors = KeptVectors(isConvolution: false)
  }

  /// What of the spread may go to the weights.
  private static let strengths: [Float] = [0.25, 0.35, 0.5, 0.65, 0.75, 0.85, 1]

  /// A writer for the norms of a model whose readers are quantized.
  ///
  /// - Parameter backend: what multiplies, in Float32.
  public init(_ model: QuantizedModel, on backend: any Backend) {
    let quantized = Set(model.layers.map { ModulePath($0.layer) })
    let normed = model.normed.filter { $0.layers.contains { quantized.contains($0) } }
    self.model = model
    self.normed = normed
    self.backend = backend
    seen = Mutex(Dictionary(normed.map { ($0.layers[0], Seen()) }) { first, _ in first })
  }

  /// The layers that are watched.
  public var layers: [ModulePath] { normed.map { $0.layers[0] } }

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

  private func look(at tensor: Tensor, of module: ModulePath) {
    guard tensor.count > 0 else { return }
    let channels = tensor.shape[-1]
    seen.withLock { seen in
      guard var layer = seen.removeValue(forKey: module) else { return }
      if layer.largest.isEmpty { layer.largest = [Float](repeating: 0, count: channels) }
      tensor.withElements { elements in
        for start in stride(from: 0, to: elements.count, by: channels) {
          for index in 0..<channels {
            layer.largest[index] = max(layer.largest[index], abs(elements[start + index]))
          }
        }
      }
      layer.vectors.add(tensor, of: module.name)
      seen[module] = layer
    }
  }

  /// Weights in which each norm has the strength under which the results of the layers that read it have the highest SQNR.
  ///
  /// - Throws: what the source or the backend throws.
  public func equalized(_ source: any WeightSource) throws -> EqualizedWeights {
    var equalized = EqualizedWeights(source)
    for pair in normed {
      guard let seen = seen.withLock({ $0[pair.layers[0]] }), seen.vectors.calls > 0 else { continue }
      let readers = try pair.layers.map { try Reader($0, source, model) }
      let vectors = seen.vectors.tensor
      let before = try sqnr(readers, vectors)
      let weights = seen.largest.indices.map { channel in readers.map { $0.largest[channel] }.max() ?? 0 }
      var best: (strength: Float, scales: [Float], sqnr: Double)?
      for strength in Self.strengths {
        let scales = Self.scales(strength, inputs: seen.largest, weights: weights)
        let found = try sqnr(
          readers.map { $0.multiplied(by: scales) }, vectors.dividingLastAxis(by: scales))
        if found > best?.sqnr ?? before { best = (strength, scales, found) }
      }
      guard let best else { continue }
      try equalized.equalize(
        .init(
          norm: pair.norm.name, layers: pair.layers.map(\.name), strength: best.strength, sqnrBefore: before,
          sqnr: best.sqnr), by: best.scales)
    }
    return equalized
  }

  /// max|x|^strength / max|w|^(1 - strength) for each channel, their geometric mean 1; 1 where inputs or weights are all zeros.
  ///
  /// - Parameters:
  ///   - inputs: the largest magnitude of each channel.
  ///   - weights: that of what each channel is multiplied with.
  static func scales(_ strength: Float, inputs: [Float], weights: [Float]) -> [Float] {
    let logarithms = zip(inputs, weights).map { input, weight -> Float? in
      guard input.isNormal, weight.isNormal else { return nil }
      return strength * log2(input) - (1 - strength) * log2(weight)
    }
    let known = logarithms.compactMap { $0 }
    let mean = known.reduce(0, +) / Float(max(1, known.count))
    // So far apart, and channels that hardly count would be all that a range is about.
    return logarithms.map { $0.map { exp2(max(-8, min(8, $0 - mean))) } ?? 1 }
  }

  /// A layer that reads a norm.
  private struct Reader {
    let layer: ModulePath
    /// `[out, in]`.
    let weight: Tensor
    /// How it is computed; nil where it isn't quantized.
    let precision: Precision?
    /// The largest magnitude of each input's weights.
    let largest: [Float]

    init(_ layer: ModulePath, _ source: any WeightSource, _ model: QuantizedModel) throws {
      let weight = try source.float32("\(layer.name).weight")
      self.init(
        layer, weight.reshaped([weight.shape[0], weight.shape[1]]),
        model.layers.first { $0.layer == layer.name }?.precision)
    }

    private init(_ layer: ModulePath, _ weight: Tensor, _ precision: Precision?) {
      self.layer = layer
      self.weight = weight
      self.precision = precision
      var largest = [Float](repeating: 0, count: weight.shape[1])
      weight.withElements { elements in
        for (index, element) in elements.enumerated() {
          let input = index % largest.count
          largest[input] = max(largest[input], abs(element))
        }
      }
      self.largest = largest
    }

    func multiplied(by scales: [Float]) -> Reader {
      Reader(layer, weight.multiplyingInputs(by: scales), precision)
    }

    /// What the whole numbers stand for.
    var rounded: Tensor {
      switch precision {
      case .w8, .w8a16, .w8a8: QuantizedWeight(quantizing: weight).weight
      case .w4: GroupedWeight(quantizing: weight, as: .fourBits).weight
      default: weight
      }
    }
  }

  /// How far results are from the exact ones; inputs in the best of three ranges where a layer's are quantized.
  private func sqnr(_ readers: [Reader], _ vectors: Tensor) throws -> Double {
    var histogram = InputHistogram()
    vectors.withElements { histogram.add($0) }
    let ranges: [QuantizedRange?] =
      readers.contains { $0.precision == .w8a8 }
      ? [RangeMethod.minMax, .percentile, .leastSquares].map { histogram.range(by: $0) } : [nil]
    let exact = try readers.map { try product($0.layer, $0.weight, vectors) }
    let weights = readers.map(\.rounded)
    var best = -Double.infinity
    for range in ranges {
      let rounded = vectors.rounded(to: range)
      var ratio = SignalToNoise()
      for (index, reader) in readers.enumerated() where reader.precision != nil {
        let found = try product(reader.layer, weights[index], reader.precision == .w8a8 ? rounded : vectors)
        ratio.add(exact[index], found)
      }
      best = max(best, ratio.decibels ?? .infinity)
    }
    return best
  }

  private func product(_ layer: ModulePath, _ weight: Tensor, _ vectors: Tensor) throws -> Tensor {
    let linear = try backend.linear(LinearLayer(Site(layer), weight: weight, bias: nil))
    return linear(vectors)
  }
}

extension Tensor {
  /// A weight `[out, in, …]`, each input's numbers multiplied by its own.
  fileprivate func multiplyingInputs(by scales: [Float]) -> Tensor {
    let inner = count / max(1, shape[0] * shape[1])
    return Tensor(shape) { target in
      withElements { elements in
        for index in elements.indices {
          target[index] = elements[index] * scales[index / inner % scales.count]
        }
      }
    }
  }
}
