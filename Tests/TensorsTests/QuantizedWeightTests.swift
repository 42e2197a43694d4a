import Tensors
import Testing

@Suite struct QuantizedWeightTests {
  // w = torch.tensor([[0.5, -1.0, 0.25, 0.003], [0.1, 0.2, -0.3, 0.05]]); scales w.abs().amax(1) / 127;
  // torch.quantize_per_channel(w, scales, zeros, 0, torch.qint8)
  @Test func channelsArePyTorchs() {
    let weight = QuantizedWeight(
      quantizing: Tensor([2, 4], [0.5, -1.0, 0.25, 0.003, 0.1, 0.2, -0.3, 0.05]))
    #expect(weight.values == [64, -127, 32, 0, 42, 85, -127, 21])
    #expect(weight.scales == [0.007874015718698502, 0.0023622047156095505])
    #expect(weight.weight.elements[1] == -127 * weight.scales[0])
    #expect(weight.weight.elements[4] == 42 * weight.scales[1])
  }

  @Test func channelsOfNothingHaveScaleOne() {
    let weight = QuantizedWeight(quantizing: Tensor([3, 2], [0, 0, 1, -0.5, .leastNonzeroMagnitude, 0]))
    #expect(weight.scales == [1, 1 / 127, 1])
    #expect(weight.values == [0, 0, 127, -64, 0, 0])
  }

  /// The first group has 7 as its largest magnitude, so that a step is 1; the second 0.7.
  @Test func groupsOfFourBitsHaveScalesOfTheirOwn() {
    let first = (0..<32).map { Float($0 % 15 - 7) + ($0 == 3 ? 0.4 : 0) }
    let second = (0..<32).map { Float($0 % 3) * 0.35 }
    let weight = GroupedWeight(quantizing: Tensor([1, 64], first + second), as: .fourBits)
    #expect(weight.scales.count == 2)
    #expect(weight.scales[0] == 1)
    #expect(abs(weight.scales[1] - 0.1) < 1e-7)
    #expect(Array(weight.values.prefix(5)) == [-7, -6, -5, -4, -3])
    // 0.35 / 0.1 is 3.5, or just beside it.
    #expect(weight.values[32] == 0 && [3, 4].contains(weight.values[33]) && weight.values[34] == 7)
    #expect(weight.weight.elements[34] == 7 * weight.scales[1])
  }

  @Test func scalesOfEightBitGroupsFitFloat16() {
    let weight = GroupedWeight(
      quantizing: Tensor([1, 32], (0..<32).map { Float($0) / 31 }), as: .eightBits)
    // numpy.float16(1 / 127)
    #expect(weight.scales == [0.007874])
    #expect(weight.values[31] == 127)
  }

  @Test func rowsForGroups() {
    #expect(GroupedWeight.hasRows([5, 64]))
    #expect(GroupedWeight.hasRows([5, 32, 1, 1]))
    #expect(!GroupedWeight.hasRows([5, 48]))
    #expect(!GroupedWeight.hasRows([5, 32, 3, 3]))
    #expect(!GroupedWeight.hasRows([32]))
  }

  @Test func whatIsNotFiniteIsFound() {
    #expect(Tensor([3], [1, .nan, .infinity]).firstNotFinite == 1)
    #expect(Tensor([2], [1, -.infinity]).firstNotFinite == 1)
    #expect(Tensor([2], [1, -2]).firstNotFinite == nil)
  }
}
