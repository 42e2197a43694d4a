// What rounding does to a layer's own result: as expected from the sizes of steps, and on vectors that it was given.
import Foundation
import Kernels
public import SAM2
public import Tensors

/// What rounding does to one layer, as far as its inputs were seen.
public struct LayerSensitivity: Sendable {
  /// An output channel and how far its results are from exact ones, in dB.
  public struct Channel: Hashable, Sendable, Codable {
    /// Its number, from 0.
    public let channel: Int
    /// 10 · log₁₀(Σ y² / Σ (y − ŷ)²) with weights and inputs rounded.
    public let sqnr: Double

    enum CodingKeys: String, CodingKey {
      case channel
      case sqnr = "sqnr_db"
    }
  }

  /// How many channels are told of.
  private static let told = 3

  /// The layer.
  public let layer: String
  /// To the first order: what errors, even over a step and independent of all else, do to the result. No product is
  /// computed in whole numbers for it.
  public let expected: SQNRByRounding
  /// Of the layer's result on vectors that it was given, without its bias.
  public let isolated: SQNRByRounding
  /// The output channels that are off most, by their own size.
  public let worstChannels: [Channel]
  /// What was seen of its inputs.
  public let histogram: InputHistogram

  let expectedNoise: (weights: SignalToNoise, inputs: SignalToNoise?)

  /// Holds a layer's products with rounded weights and inputs against exact ones.
  ///
  /// - Parameters:
  ///   - layer: its name.
  ///   - weight: `[out, in]`, exact.
  ///   - stored: what became of it.
  ///   - range: what its inputs are rounded to; nil where they aren't.
  ///   - vectors: `[count, in]`, some of its inputs.
  ///   - backend: what multiplies, in Float32.
  /// - Throws: what the backend throws.
  init(
    _ layer: String, weight: Tensor, stored: StoredWeight, range: QuantizedRange?, vectors: Tensor,
    histogram: InputHistogram, on backend: any Backend
  ) throws {
    self.layer = layer
    self.histogram = histogram
    func product(_ weight: Tensor) throws -> any Kernel<Tensor, Tensor> {
      try backend.linear(LinearLayer(Site(ModulePath(layer)), weight: weight, bias: nil))
    }
    let (exactly, coarsely) = (try product(weight), try product(stored.weight.reshaped(weight.shape)))
    let exact = exactly(vectors)
    func decibels(_ found: Tensor) -> Double? { SignalToNoise(exact, found).decibels }
    let rounded = range.map { vectors.rounded(to: $0) }
    let both = coarsely(rounded ?? vectors)
    isolated = SQNRByRounding(
      weights: decibels(coarsely(vectors)), inputs: rounded.flatMap { decibels(exactly($0)) },
      both: decibels(both))
    worstChannels = Self.channels(exact, both).sorted { ($0.sqnr, $0.channel) < ($1.sqnr, $1.channel) }
      .prefix(Self.told).map { $0 }

    let signal = exact.squares
    var ofWeights = SignalToNoise()
    ofWeights.add(signal: signal, noise: Self.noise(ofWeights: stored, vectors))
    let ofInputs = range.map { range in
      var ratio = SignalToNoise()
      let step = Double(range.scale)
      ratio.add(signal: signal, noise: Double(vectors.shape[0]) * step * step / 12 * weight.squares)
      return ratio
    }
    expectedNoise = (ofWeights, ofInputs)
    expected = Self.expected([expectedNoise])
  }

  /// Σ over weights of step² / 12 · Σ x²: each weight's error times what it is multiplied with.
  private static func noise(ofWeights stored: StoredWeight, _ vectors: Tensor) -> Double {
    let inputs = vectors.shape[1]
    var squares = [Double](repeating: 0, count: inputs)
    vectors.withElements { elements in
      for index in elements.indices {
        squares[index % inputs] += Double(elements[index]) * Double(elements[index])
      }
    }
    switch stored {
    case .perChannel(let weight):
      let steps = weight.scales.reduce(0) { $0 + Double($1) * Double($1) }
      return steps / 12 * squares.reduce(0, +)
    case .grouped(let weight):
      let size = GroupedWeight.groupSize
      let groups = inputs / size
      return weight.scales.indices.reduce(0) { sum, place in
        let (step, first) = (Double(weight.scales[place]), place % groups * size)
        return sum + step * step / 12 * squares[first..<first + size].reduce(0, +)
      }
    }
  }

  /// Channels whose results are all zeros are left out.
  private static func channels(_ exact: Tensor, _ found: Tensor) -> [Channel] {
    let outputs = exact.shape[-1]
    var ratios = [SignalToNoise](repeating: SignalToNoise(), count: outputs)
    exact.withElements { exact in
      found.withElements { found in
        for index in exact.indices {
          let off = Double(exact[index]) - Double(found[index])
          ratios[index % outputs].add(signal: Double(exact[index]) * Double(exact[index]), noise: off * off)
        }
      }
    }
    return ratios.enumerated().compactMap { channel, ratio in
      ratio.signal > 0 ? ratio.decibels.map { Channel(channel: channel, sqnr: $0) } : nil
    }
  }

  /// What is expected of several layers together: their shares of noise add up.
  static func expected(_ layers: [(weights: SignalToNoise, inputs: SignalToNoise?)]) -> SQNRByRounding {
    func decibels(_ shares: [Double]) -> Double? {
      let share = shares.reduce(0, +)
      return shares.isEmpty ? nil : share > 0 ? -10 * log10(share) : .infinity
    }
    func share(_ ratio: SignalToNoise) -> Double? { ratio.signal > 0 ? ratio.noise / ratio.signal : nil }
    let weights = layers.compactMap { share($0.weights) }
    let inputs = layers.compactMap { $0.inputs.flatMap(share) }
    return SQNRByRounding(
      weights: decibels(weights), inputs: decibels(inputs), both: decibels(weights + inputs))
  }
}

extension Tensor {
  /// The sum of all elements' squares.
  fileprivate var squares: Double {
    withElements { $0.reduce(0.0) { $0 + Double($1) * Double($1) } }
  }
}

extension Calibration {
  /// What rounding does to each layer that was seen and whose weight is multiplied with vectors.
  ///
  /// - Parameters:
  ///   - model: what the weights became.
  ///   - plan: the ranges of inputs. An input in `w8a8` without one has the range of what was seen.
  ///   - source: the weights in floating point.
  /// - Throws: what the source or the backend throws.
  public func sensitivities(
    of model: QuantizedModel, _ plan: PrecisionPlan, _ source: any WeightSource
  ) throws -> [LayerSensitivity] {
    try model.layers.compactMap { layer -> LayerSensitivity? in
      let name = "\(layer.layer).weight"
      guard let stored = model.weights[name], let seen = samples(of: ModulePath(layer.layer)) else {
        return nil
      }
      let weight = try source.float32(name)
      let (outputs, inputs) = (weight.shape[0], weight.shape[1])
      guard weight.count == outputs * inputs, seen.vectors.count > 0 else { return nil }
      let range =
        layer.precision == .w8a8
        ? plan.inputs[layer.layer] ?? seen.histogram.range(by: .minMax) : nil
      return try LayerSensitivity(
        layer.layer, weight: weight.reshaped([outputs, inputs]), stored: stored, range: range,
        vectors: seen.vectors, histogram: seen.histogram, on: backend)
    }
  }
}
