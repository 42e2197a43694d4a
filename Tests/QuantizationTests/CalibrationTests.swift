import Foundation
import Kernels
import OpenBLASBackend
import Taps
import Tensors
import Testing

@testable import Quantization

/// Numbers with the spread of a normal distribution: sums of twelve uniform ones.
private func normal(_ count: Int, seed: UInt64) -> [Float] {
  let hash = CounterHash(seed: seed, name: "normal")
  return (0..<count).map { index in
    var sum: Float = -6
    for term in 0..<12 { sum += Float(hash[12 * index + term] >> 40) / 16_777_216 }
    return sum
  }
}

private func error(_ range: QuantizedRange, _ numbers: [Float]) -> Double {
  numbers.reduce(0) { sum, number in
    let error = Double(number) - Double(range.number(of: range.quantize(number)))
    return sum + error * error
  }
}

@Suite struct InputHistogramTests {
  private func histogram(_ batches: [Float]...) -> InputHistogram {
    var histogram = InputHistogram()
    for batch in batches { batch.withUnsafeBufferPointer { histogram.add($0) } }
    return histogram
  }

  /// However often the bins had to grow, each number is counted where it belongs.
  @Test func countsAreThoseOfOnePass() {
    let batches: [[Float]] = [
      [0, 0, 0], normal(1000, seed: 1).map { $0 * 0.01 }, normal(1000, seed: 2), [-3000, 17, 0.25, -0.25],
      normal(10, seed: 3),
    ]
    let found = histogram(batches[0], batches[1], batches[2], batches[3], batches[4])
    let all = batches.flatMap { $0 }
    #expect(found.width == 2)
    var expected = [Int](repeating: 0, count: 4096)
    for number in all { expected[2048 + Int((number / 2).rounded(.down))] += 1 }
    #expect(found.counts == expected)
    #expect(found.total == all.count)
    #expect(found.least == -3000 && found.largest == 17)
    #expect(found.range(by: .minMax) == QuantizedRange(from: -3000, to: 17))
  }

  @Test func whatIsNotFiniteIsPassedOver() {
    let found = histogram([.nan, 1, .infinity, -.infinity, -0.5])
    #expect(found.total == 2 && found.least == -0.5 && found.largest == 1)
    #expect(found.notFinite == 3 && histogram([.nan, 0]).total == 1)
  }

  @Test func nothingHasARangeToo() {
    for method in RangeMethod.allCases {
      #expect(histogram([]).range(by: method) == QuantizedRange(scale: 1, zeroPoint: 0))
      #expect(histogram([0, 0]).range(by: method) == QuantizedRange(scale: 1, zeroPoint: 0))
    }
  }

  /// 5 of 100,005 numbers lie far out, fewer than one in ten thousand.
  @Test func aPercentileCutsOutliersOff() {
    let bulk = (0..<100_000).map { Float($0 % 1000) / 1000 }
    let range = histogram(bulk, [50, 60, 70, 80, -40]).range(by: .percentile)
    #expect(range.number(of: 255) < 1.1 && range.number(of: 255) > 0.98)
    #expect(abs(range.number(of: 0)) < 0.1)
    // Without outliers nothing is cut that there is.
    let whole = histogram(bulk).range(by: .percentile)
    #expect(abs(whole.number(of: 255) - 0.999) < 0.003)
  }

  /// Held against all pairs of ends in steps of a twentieth, on the numbers themselves.
  @Test func leastSquaresAreLeast() {
    var numbers: [Float] = [1.6, -0.9]
    for index in 0..<400_000 { numbers.append(Float(index * 7919 % 400_000) * 3.75e-6 - 0.5) }
    let range = histogram(numbers).range(by: .leastSquares)
    var least = Double.infinity
    for low in stride(from: Float(0.5), through: 1.01, by: 0.05) {
      for high in stride(from: Float(0.5), through: 1.01, by: 0.05) {
        least = min(least, error(QuantizedRange(from: -0.9 * low, to: 1.6 * high), numbers))
      }
    }
    #expect(error(range, numbers) < 1.02 * least)
    #expect(error(range, numbers) < 0.9 * error(QuantizedRange(from: -0.9, to: 1.6), numbers))
  }

  @Test func entropyKeepsWhatIsEvenAndCutsWhatIsRare() {
    let even = (0..<40_000).map { Float($0 % 4000) / 4000 }
    #expect(abs(histogram(even).range(by: .entropy).number(of: 255) - 1) < 0.06)
    let rare = histogram(normal(40_000, seed: 5), [40, -40]).range(by: .entropy)
    #expect(rare.number(of: 255) < 21 && rare.number(of: 255) > 3)
  }
}

@Suite struct KeptVectorsTests {
  /// How many vectors of each call are kept: a call's are its number.
  private func kept(ofCalls calls: Int) -> [Int] {
    var vectors = KeptVectors(isConvolution: false)
    for call in 0..<calls { vectors.add(Tensor([1, 1], [Float(call)]), of: "layer") }
    let numbers = vectors.tensor.elements
    return (0..<calls).map { call in numbers.filter { $0 == Float(call) }.count }
  }

  @Test func eightCallsFillWhatIsKept() {
    #expect(kept(ofCalls: 1) == [32])
    #expect(kept(ofCalls: 8) == [32, 32, 32, 32, 32, 32, 32, 32])
  }

  /// Sixteen of 256 each, as the lot falls. Counted in Python: where entry `2 * index + 1` of SplitMix64, see
  /// `tools/sketch.py`, leaves less than 8 divided by the calls so far, a vector is replaced, whose number is
  /// the entry's upper half, modulo 256.
  @Test func allCallsHaveAShare() {
    let expected = [12, 22, 21, 15, 15, 13, 16, 12, 15, 16, 17, 19, 18, 14, 15, 16]
    #expect(kept(ofCalls: 16) == expected)
  }
}

@Suite struct CalibrationTests {
  private let qkv = ModulePath("image_encoder.trunk.blocks.1.attn.qkv")
  private let proj = ModulePath("image_encoder.trunk.blocks.1.proj")
  private let conv = ModulePath("image_encoder.neck.convs.0.conv")

  private func show(_ tensor: Tensor, to calibration: Calibration, _ module: ModulePath) throws {
    try calibration.write(
      module, call: 0, sequence: 0, at: TapPlace(), inputs: [("input", tensor)], output: tensor)
  }

  @Test func rangesCoverWhatLayersWereGiven() throws {
    let micro = try Micro()
    let calibration = Calibration(try micro.quantized(by: plan(.w8a8)), on: try OpenBLASBackend())
    #expect(calibration.wants(qkv) && calibration.wants(proj) && calibration.wants(conv))
    #expect(!calibration.wants(ModulePath("image_encoder.trunk.patch_embed.proj")))
    // Evenly spread, so that nothing is worth cutting off.
    let even = (0..<9600).map { index -> Float in
      let place = index * 7919 % 9600
      return Float(place) / 3200 - 1
    }
    try show(Tensor([1, 20, 20, 24], even), to: calibration, qkv)
    try show(Tensor([1, 20, 20, 24], even.map { $0 / 2 }), to: calibration, proj)
    try show(Tensor([1, 192, 10, 5], even.map { -$0 }), to: calibration, conv)
    let found = try calibration.inputs(of: micro)
    #expect(Set(found.map(\.layer)) == [qkv.name, proj.name, conv.name])
    let ranges = Dictionary(uniqueKeysWithValues: found.map { ($0.layer, $0) })
    let range = try #require(ranges[qkv.name]).range
    #expect(abs(range.number(of: 0) + 1) < 0.06 && abs(range.number(of: 255) - 2) < 0.06)
    // Both are given what norm1 returns.
    #expect(ranges[proj.name]?.range == range)
    let mirrored = try #require(ranges[conv.name]).range
    #expect(abs(mirrored.number(of: 0) + 2) < 0.06 && abs(mirrored.number(of: 255) - 1) < 0.06)
    for input in found where input.layer != proj.name {
      #expect(input.sqnr.count == 4)
      #expect(input.sqnr[input.method.rawValue] == input.sqnr.values.max())
      #expect((35...60).contains(input.sqnr.values.max() ?? 0), "\(input)")
    }
  }

  @Test func inputsThatAreNoNumbersAreRefusedByLayer() throws {
    let micro = try Micro()
    let calibration = Calibration(try micro.quantized(by: plan(.w8a8)), on: try OpenBLASBackend())
    var numbers = normal(24 * 20, seed: 3)
    (numbers[7], numbers[8]) = (.nan, .infinity)
    try show(Tensor([20, 24], numbers), to: calibration, qkv)
    #expect(throws: QuantizationError.inputsNotFinite(layer: qkv, count: 2)) {
      _ = try calibration.inputs(of: micro)
    }
  }

  /// Rounding by what was seen is in the weights, and its worth told; a layer that was never called keeps the nearest.
  @Test func weightsAreRoundedByWhatWasSeen() throws {
    let micro = try Micro()
    for scheme in [Precision.w8, .w8a8] {
      var model = try micro.quantized(by: plan(scheme))
      let (nearest, sets) = (model, model.roundable(within: 1 << 30))
      #expect(sets.count == 1 && sets[0].count == model.layers.count)
      let calibration = Calibration(model, rounding: sets[0], on: try OpenBLASBackend())
      // Two channels in three say what the first does.
      let noise = normal(24 * 600, seed: 11)
      try show(
        Tensor([600, 24], (0..<24 * 600).map { noise[$0 / 3 * 3] + 0.05 * noise[$0] }), to: calibration, qkv)
      let ranges = scheme == .w8a8 ? try calibration.inputs(of: micro) : []
      let inputs = Dictionary(uniqueKeysWithValues: ranges.map { ($0.layer, $0.range) })
      var before = model
      try before.measure(by: calibration, of: micro, inputs: inputs)
      let left = try model.round(sets[0], by: calibration, of: micro)
      #expect(left.count == model.layers.count - 1 && !left.contains(qkv.name))
      try model.measure(by: calibration, of: micro, inputs: inputs)
      for (was, now) in zip(before.layers, model.layers) {
        let name = "\(now.layer).weight"
        guard case .perChannel(let old) = nearest.weights[name], case .perChannel(let new) = model.weights[name]
        else {
          Issue.record("\(name)")
          continue
        }
        #expect((old.values == new.values) == (now.layer != qkv.name))
        #expect(old.scales == new.scales)
        #expect((now.resultSQNR != nil) == (now.layer == qkv.name))
        guard let now = now.resultSQNR, let was = was.resultSQNR else { continue }
        #expect(now > was + (scheme == .w8 ? 4 : 0.3), "\(scheme): \(was) to \(now)")
        if scheme == .w8a8 { #expect(was < (ranges[0].sqnr.values.max() ?? 0)) }
      }
    }
  }

  /// Sets of layers whose moments fit; one that alone is too large has its own.
  @Test func momentsAreBounded() throws {
    let model = try Micro().quantized(by: plan(.w8))
    let bytes = Dictionary(
      uniqueKeysWithValues: model.layers.map { (ModulePath($0.layer), 4 * $0.shape[1] * $0.shape[1]) })
    let sets = model.roundable(within: 1 << 20)
    #expect(sets.count > 2 && sets.reduce(0) { $0 + $1.count } == model.layers.count)
    for set in sets {
      let sum = set.reduce(0) { $0 + (bytes[$1] ?? 0) }
      #expect(sum <= 1 << 20 || set.count == 1)
    }
  }

  /// A channel that the weight barely looks at may be cut off; the choice is by the layer's result.
  @Test func whatCountsIsTheLayersResult() throws {
    let micro = try Micro(changing: "\(qkv.name).weight") { elements in
      for row in 0..<elements.count / 24 { elements[row * 24] = 0 }
    }
    let calibration = Calibration(try micro.quantized(by: plan(.w8a8)), on: try OpenBLASBackend())
    var numbers = normal(24 * 2000, seed: 7)
    for row in 0..<2000 { numbers[row * 24] = row == 11 ? 30 : numbers[row * 24] }
    try show(Tensor([2000, 24], numbers), to: calibration, qkv)
    let found = try #require(calibration.inputs(of: micro).first)
    #expect(found.method != .minMax && found.range.number(of: 255) < 20)
    #expect((found.sqnr["min_max"] ?? 0) + 6 < (found.sqnr[found.method.rawValue] ?? 0))
  }
}
