// What rounding does to layers, held against loops in double precision.
import Foundation
import Kernels
import OpenBLASBackend
import SAM2
import Taps
import Tensors
import Testing

@testable import Quantization

/// Evenly spread over -1 to 1, by lot.
private func uniform(_ count: Int, seed: UInt64) -> [Float] {
  let hash = CounterHash(seed: seed, name: "uniform")
  return (0..<count).map { Float(hash[$0] >> 40) / 8_388_608 - 1 }
}

@Suite struct LayerSensitivityTests {
  private let outputs = 24
  private let inputs = 64
  private let count = 256
  private let range = QuantizedRange(from: -1, to: 1)

  private var weight: Tensor {
    // Channels of very different sizes.
    var elements = uniform(outputs * inputs, seed: 1)
    for index in elements.indices { elements[index] *= Float(1 + index / inputs) }
    return Tensor([outputs, inputs], elements)
  }

  private func sensitivity(_ stored: StoredWeight, _ range: QuantizedRange?) throws -> LayerSensitivity {
    var histogram = InputHistogram()
    uniform(count * inputs, seed: 2).withUnsafeBufferPointer { histogram.add($0) }
    return try LayerSensitivity(
      "layer", weight: weight, stored: stored, range: range,
      vectors: Tensor([count, inputs], uniform(count * inputs, seed: 2)), histogram: histogram,
      on: OpenBLASBackend())
  }

  /// Signal and noise of each channel, in double precision.
  private func channels(weights: [Float], _ range: QuantizedRange?) -> [(signal: Double, noise: Double)] {
    let (exact, vectors) = (weight.elements, uniform(count * inputs, seed: 2))
    let rounded = vectors.map { number -> Double in
      guard let range else { return Double(number) }
      let step = Double(range.scale)
      return step
        * max(-Double(range.zeroPoint), min(255 - Double(range.zeroPoint), (Double(number) / step).rounded()))
    }
    return (0..<outputs).map { output in
      var (signal, noise) = (0.0, 0.0)
      for vector in 0..<count {
        var (y, found) = (0.0, 0.0)
        for input in 0..<inputs {
          y += Double(exact[output * inputs + input]) * Double(vectors[vector * inputs + input])
          found += Double(weights[output * inputs + input]) * rounded[vector * inputs + input]
        }
        signal += y * y
        noise += (y - found) * (y - found)
      }
      return (signal, noise)
    }
  }

  private func decibels(_ channels: [(signal: Double, noise: Double)]) -> Double {
    10 * log10(channels.map(\.signal).reduce(0, +) / channels.map(\.noise).reduce(0, +))
  }

  @Test func resultsAreAsExactAsLoopsInDoublePrecisionFind() throws {
    let stored = QuantizedWeight(quantizing: weight)
    let found = try sensitivity(.perChannel(stored), range)
    let both = channels(weights: stored.weight.elements, range)
    for (name, ours, theirs) in [
      ("weights", found.isolated.weights, decibels(channels(weights: stored.weight.elements, nil))),
      ("inputs", found.isolated.inputs, decibels(channels(weights: weight.elements, range))),
      ("both", found.isolated.both, decibels(both)),
    ] { #expect(abs((ours ?? 0) - theirs) < 0.05, "\(name): \(String(describing: ours)), \(theirs)") }
    let worst = both.enumerated().map { (channel: $0.offset, sqnr: decibels([$0.element])) }
      .sorted { $0.sqnr < $1.sqnr }.prefix(3)
    #expect(found.worstChannels.map(\.channel) == worst.map(\.channel))
    for (ours, theirs) in zip(found.worstChannels, worst) { #expect(abs(ours.sqnr - theirs.sqnr) < 0.05) }
    // Neither is exact, and both together are less so than each.
    #expect((found.isolated.both ?? 0) < min(found.isolated.weights ?? 0, found.isolated.inputs ?? 0))
  }

  /// Errors that are even over a step have step² / 12 as their square: for numbers spread evenly over many steps that is what
  /// happens.
  @Test func whatIsExpectedHappens() throws {
    for stored in [
      StoredWeight.perChannel(QuantizedWeight(quantizing: weight)),
      .grouped(GroupedWeight(quantizing: weight, as: .fourBits)),
    ] {
      let found = try sensitivity(stored, range)
      for (name, expected, isolated) in [
        ("weights", found.expected.weights, found.isolated.weights),
        ("inputs", found.expected.inputs, found.isolated.inputs),
        ("both", found.expected.both, found.isolated.both),
      ] { #expect(abs((expected ?? 0) - (isolated ?? 9)) < 0.6, "\(name): \(String(describing: expected))") }
    }
  }

  @Test func whatIsNotRoundedIsNotMeasured() throws {
    let found = try sensitivity(.perChannel(QuantizedWeight(quantizing: weight)), nil)
    #expect(found.isolated.inputs == nil && found.expected.inputs == nil)
    #expect(found.isolated.both == found.isolated.weights && found.expected.both == found.expected.weights)
  }

  /// Shares of noise add up: two layers as exact as one another are 3.01 dB less exact together.
  @Test func modulesAreAsExactAsTheirLayersTogether() {
    var one = SignalToNoise()
    one.add(signal: 1000, noise: 1)
    var other = SignalToNoise()
    other.add(signal: 5, noise: 0.005)
    let found = LayerSensitivity.expected([(one, nil), (other, one)])
    #expect(abs((found.weights ?? 0) - (30 - 10 * log10(2))) < 1e-9)
    #expect(abs((found.inputs ?? 0) - 30) < 1e-9)
    #expect(abs((found.both ?? 0) - (30 - 10 * log10(3))) < 1e-9)
    #expect(LayerSensitivity.expected([]) == SQNRByRounding())
  }

  @Test func inputsAreRoundedAndWeightsAreNot() throws {
    let site = Site(ModulePath("a"), precision: .f32, input: range)
    let backend = RoundedInputs(try OpenBLASBackend(), layers: ["a"])
    let layer = LinearLayer(site, weight: weight, bias: nil)
    let vectors = Tensor([count, inputs], uniform(count * inputs, seed: 2))
    let (rounding, plain) = (try backend.linear(layer), try OpenBLASBackend().linear(layer))
    let exact = plain(vectors)
    let byHand = plain(Tensor(vectors.shape, vectors.elements.map { range.number(of: range.quantize($0)) }))
    #expect(rounding(vectors).elements == byHand.elements && exact.elements != byHand.elements)
    let other = try backend.linear(LinearLayer(Site(ModulePath("b")), weight: weight, bias: nil))
    #expect(other(vectors).elements == exact.elements)
    // Without a range it is that of what comes.
    let free = try backend.linear(LinearLayer(Site(ModulePath("a")), weight: weight, bias: nil))
    let covering = QuantizedRange(covering: vectors)
    let found = plain(
      Tensor(vectors.shape, vectors.elements.map { covering.number(of: covering.quantize($0)) }))
    #expect(free(vectors).elements == found.elements)
  }

  /// Of several results the worst counts; what is not recorded is passed over.
  @Test func modulesAreHeldAgainstTheirRecord() throws {
    let module = ModulePath("m")
    let record = ModuleRecord([module], byteLimit: 4 * 40)
    let exact = Tensor([8], (0..<8).map { Float($0) })
    func off(_ tensor: Tensor, by error: Float) -> Tensor {
      Tensor(tensor.shape, tensor.elements.map { $0 + error })
    }
    try record.write(
      module, call: 0, sequence: 0, inputs: [("x", exact)], output: [exact, exact])
    // There is no room for a second call.
    try record.write(module, call: 1, sequence: 1, inputs: [("x", exact)], output: [exact, exact])
    let meter = ModuleMeter(against: record)
    #expect(meter.wants(module) && !meter.wants(ModulePath("n")))
    #expect(try meter.inputs(of: CallID(module, 0))?.tensor("input/x").elements == exact.elements)
    #expect(meter.inputs(of: CallID(module, 1)) == nil && meter.outputs(of: CallID(module, 0)) == nil)
    try meter.write(
      module, call: 0, sequence: 0, inputs: [], output: [off(exact, by: 0.1), off(exact, by: 0.01)])
    try meter.write(module, call: 1, sequence: 1, inputs: [], output: [off(exact, by: 9), exact])
    meter.take(isolated: [exact, off(exact, by: 0.01)], of: CallID(module, 0))
    // Σ x² = 140 and Σ e² = 8 e².
    #expect(abs((meter.accumulated(module) ?? 0) - 10 * log10(140 / 0.08)) < 1e-3)
    #expect(abs((meter.isolated(module) ?? 0) - 10 * log10(140 / 0.0008)) < 1e-2)
    #expect(meter.isolated(ModulePath("n")) == nil)
    record.clear()
    #expect(meter.inputs(of: CallID(module, 0)) == nil)
    try meter.finish()
    meter.take(failure: CancellationError())
    #expect(throws: CancellationError.self) { try meter.finish() }
  }

  @Test func binsHoldEveryNumber() {
    var histogram = InputHistogram()
    let numbers: [Float] = [-1, -0.99, 0.5, 2.99, 3, 3, 0]
    numbers.withUnsafeBufferPointer { histogram.add($0) }
    #expect(histogram.bins(4) == [2, 2, 0, 3])
    #expect(InputHistogram().bins(4).isEmpty)
  }
}
