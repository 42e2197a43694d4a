// Ranges of the inputs of kernels of several pixels, and how far numbers are from exact ones: figures by hand.
import Kernels
import OpenBLASBackend
import SAM2
import Taps
import Tensors
import Testing

@testable import Quantization

@Suite struct KernelInputsTests {
  /// Even from −1 to 2: the mean square is 1, that of rounding to 255 steps (3 / 255)² / 12, which is 49.4 dB. What is
  /// compared is the input itself, all three channels of it, since a kernel of 7 × 7 takes more than a pixel.
  @Test func aKernelsInputIsComparedItself() throws {
    let micro = try Micro()
    let layer = ModulePath("image_encoder.trunk.patch_embed.proj")
    let model = try micro.quantized(
      by: PrecisionPlan(rules: [.init(layers: layer.name, precision: .w8a8)]))
    #expect(model.layers.map(\.layer) == [layer.name])
    // A kernel of several pixels isn't rounded by what it is given.
    #expect(model.roundable(within: 1 << 30).isEmpty)
    let calibration = Calibration(model, on: try OpenBLASBackend())
    let count = 3 * 32 * 32
    let even = Tensor([1, 3, 32, 32], (0..<count).map { Float($0 * 1009 % count) / Float(count - 1) * 3 - 1 })
    for call in 0..<8 {
      try calibration.write(
        layer, call: call, sequence: call, at: TapPlace(), inputs: [("input", even)], output: even)
    }
    let found = try #require(calibration.inputs(of: micro).first)
    #expect(found.layer == layer.name && found.sqnr.count == 4)
    #expect(abs((found.sqnr["min_max"] ?? 0) - 49.4) < 1.5, "\(found.sqnr)")
    #expect(abs(found.range.number(of: 0) + 1) < 0.08 && abs(found.range.number(of: 255) - 2) < 0.08)
  }

  /// numpy: 10 * log10(sum(x**2) / sum((x - y)**2)).
  @Test func signalToNoiseIsOfSquares() throws {
    let exact = Tensor([4], [3, -4, 0, 5])
    let near = SignalToNoise(exact, Tensor([4], [3, -3, 0, 5]))
    #expect(near.signal == 50 && near.noise == 1)
    #expect(abs((near.decibels ?? 0) - 16.98970004336019) < 1e-12)
    #expect(SignalToNoise(exact, exact).decibels == .infinity)
    #expect(SignalToNoise(Tensor([2], [0, 0]), Tensor([2], [0, 0])).decibels == nil)
    #expect(SignalToNoise(Tensor([1], [0]), Tensor([1], [2])).decibels == -.infinity)
    // Piece by piece it is the same.
    var sum = SignalToNoise(Tensor([2], [3, -4]), Tensor([2], [3, -3]))
    sum.add(Tensor([2], [0, 5]), Tensor([2], [0, 5]))
    #expect(sum.decibels == near.decibels)
  }

  /// Rounded to whole steps of a range, and not beyond it: of −1 to 2 in 255 steps, 0 is the 85th.
  @Test func inputsAreRoundedToTheirRange() {
    let range = QuantizedRange(from: -1, to: 2)
    let rounded = Tensor([5], [-5, -1, 0, 0.004, 9]).rounded(to: range).elements
    for (found, expected) in zip(rounded, [-1, -1, 0, 0, 2] as [Float]) {
      #expect(abs(found - expected) < 1e-5)
    }
    #expect(Tensor([2], [0.1234, 5]).rounded(to: nil).elements == [0.1234, 5])
  }

  /// Shares of the ends: one in ten thousand may be cut off, no more, at either end.
  @Test func aPercentileCutsOneInTenThousand() {
    func range(outliers: Int) -> QuantizedRange {
      var histogram = InputHistogram()
      let numbers =
        (0..<20_000).map { Float($0 % 200) / 200 } + [Float](repeating: 8, count: outliers)
      numbers.withUnsafeBufferPointer { histogram.add($0) }
      return histogram.range(by: .percentile)
    }
    #expect(range(outliers: 2).number(of: 255) < 1.01)
    #expect(range(outliers: 3).number(of: 255) > 7.9)
  }

  /// More numbers than one thread takes at a time, the extremes among the last of them.
  @Test func whatComesLateCountsToo() {
    var histogram = InputHistogram()
    let count = 1 << 20
    var numbers = [Float](repeating: 0.5, count: 2 * count + 3)
    (numbers[count + 7], numbers[2 * count], numbers[2 * count + 1]) = (-7, 9, .nan)
    numbers.withUnsafeBufferPointer { histogram.add($0) }
    #expect(histogram.least == -7 && histogram.largest == 9)
    #expect(histogram.notFinite == 1 && histogram.total == 2 * count + 2)
    #expect(histogram.range(by: .minMax) == QuantizedRange(from: -7, to: 9))
  }
}
