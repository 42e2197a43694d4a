import Kernels
import Tensors
import Testing

@Suite struct InputQuantizationTests {
  // torch.ao.quantization.MinMaxObserver(torch.quint8, torch.per_tensor_affine, eps=1e-30), torch.quantize_per_tensor
  @Test(
    arguments: [
      ([-1.5, 0.25, 3.0], 0.01764706, 85, [0, 99, 255]), ([0.5, 2.0], 0.007843138, 0, [64, 255]),
      ([-4.0, -1.0], 0.015686275, 255, [0, 191]), ([-1.0, 1.0], 0.007843138, 127, [0, 254]),
      ([-0.3, 0.7], 0.003921569, 76, [0, 254]),
    ] as [([Float], Float, UInt8, [UInt8])])
  func rangesAndStepsArePyTorchs(numbers: [Float], scale: Float, zeroPoint: UInt8, steps: [UInt8]) {
    let tensor = Tensor([numbers.count], numbers)
    let range = QuantizedRange(covering: tensor)
    #expect(range == QuantizedRange(scale: scale, zeroPoint: zeroPoint))
    #expect(range.quantize(tensor).withElements(of: UInt8.self) { Array($0) } == steps)
  }

  /// Ties go to even, and beyond the range is its end.
  @Test func roundingAndSaturationArePyTorchs() {
    let range = QuantizedRange(scale: 0.25, zeroPoint: 3)
    let numbers: [Float] = [
      -100, -1.0, -0.26, -0.25, -0.125, 0, 0.124, 0.125, 0.375, 0.625, 1, 15, 31.9, 1e9,
    ]
    #expect(numbers.map(range.quantize) == [0, 0, 2, 2, 3, 3, 3, 3, 5, 5, 7, 63, 131, 255])
    #expect(range.number(of: 0) == -0.75)
    #expect(range.number(of: 255) == 63)
  }

  @Test func zeroIsExactWhereverTheRangeLies() {
    for (least, largest) in [(-3, -2), (2, 3), (-1e-3, 5), (-7, 0.01)] as [(Float, Float)] {
      let range = QuantizedRange(from: least, to: largest)
      #expect(range.number(of: range.quantize(0)) == 0)
    }
  }

  @Test func whatHasNoRangeHasOne() {
    let one = QuantizedRange(scale: 1, zeroPoint: 0)
    #expect(QuantizedRange(covering: Tensor([0], [])) == one)
    #expect(QuantizedRange(covering: Tensor([2], [0, -0.0])) == one)
    #expect(QuantizedRange(covering: Tensor([1], [.leastNonzeroMagnitude])) == one)
    #expect(QuantizedRange(from: -3e38, to: 3e38).scale.isFinite)
    let broken = QuantizedRange(covering: Tensor([4], [.nan, -1, .infinity, 1.55]))
    #expect(broken == QuantizedRange(from: -1, to: 1.55))
    #expect(broken.quantize(.nan) == broken.zeroPoint)
    #expect(broken.quantize(.infinity) == 255)
    #expect(broken.quantize(-.infinity) == 0)
  }
}
