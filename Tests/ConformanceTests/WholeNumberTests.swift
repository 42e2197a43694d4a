// Layers in whole numbers: every backend that has them, against sums that double precision holds exactly.
import Kernels
import Tensors
import Testing

/// A linear layer or convolution of whole numbers whose scales are powers of two, so that nothing but the sum is rounded.
private struct WholeNumbers {
  let example: Case
  let range: QuantizedRange
  let input: Tensor
  let weight: QuantizedWeight
  let bias: Tensor?

  /// - Parameter spread: what the input reaches, in steps of the range; beyond 128 it saturates.
  init(_ example: Case, spread: Float) {
    self.example = example
    range = QuantizedRange(scale: 1.0 / 32, zeroPoint: 117)
    input = noise(example.input, seed: 11, times: spread / 32)
    let shape: Shape
    switch example.operation {
    case .linear(let outputs): shape = [outputs, example.input[-1]]
    case .conv2d(let weight, _, _, _): shape = weight
    default: preconditionFailure("\(example) isn't computed in whole numbers")
    }
    // All of -127 to 127, the ends included.
    let values = noise(shape, seed: 12, times: 140).elements.map { Int8(max(-127, min(127, $0))) }
    weight = QuantizedWeight(
      shape: shape, values: values, scales: (0..<shape[0]).map { 1 / Float(1 << ($0 % 7)) })
    bias = example.hasBias ? noise([shape[0]], seed: 13) : nil
  }

  func result(_ backend: any Backend, isStatic: Bool = true, input: Tensor? = nil) throws -> Tensor {
    let site = Site(ModulePath("layer"), precision: .w8a8, input: isStatic ? range : nil)
    let kernel: any Kernel<Tensor, Tensor>
    if case .conv2d(_, let stride, let padding, let groups) = example.operation {
      kernel = try backend.conv2d(
        ConvolutionLayer(
          site, weight: weight.weight, bias: bias, stride: stride, padding: padding, groups: groups,
          quantized: weight))
    } else {
      kernel = try backend.linear(
        LinearLayer(site, weight: weight.weight, bias: bias, quantized: weight))
    }
    return kernel(input ?? self.input)
  }

  /// Of what an input's steps stand for, in double precision.
  func expected(_ input: Tensor) -> [Expected] {
    let shape = example.output
    if case .conv2d(_, let stride, let padding, let groups) = example.operation {
      return DoubleReference.conv2d(
        input, weight: weight.weight, bias: bias, stride: stride, padding: padding, groups: groups, shape)
    }
    return DoubleReference.linear(input, weight: weight.weight, bias: bias, shape)
  }

  /// What the steps nearest to the input stand for.
  var rounded: Tensor {
    Tensor(
      input.shape,
      input.elements.map { number in
        let step = (Double(number) * 32).rounded(.toNearestOrEven) + 117
        return Float((max(0, min(255, step)) - 117) / 32)
      })
  }
}

extension BackendUnderTest {
  /// Those that have whole numbers.
  fileprivate static let ofWholeNumbers = all.filter { $0.layerPrecisions.contains(.w8a8) }
}

@Suite struct WholeNumberTests {
  private static let examples =
    Case.edges.filter {
      switch $0.operation {
      case .linear, .conv2d: true
      default: false
      }
    } + [
      Case(.linear(outputs: 96), [70, 3072]),
      Case(.conv2d(weight: [64, 256, 1, 1], stride: 1, padding: 0, groups: 1), [1, 256, 9, 7]),
    ]

  /// Within the range, and far beyond it.
  @Test(arguments: BackendUnderTest.ofWholeNumbers, examples)
  func sumsAreExact(tested: BackendUnderTest, example: Case) throws {
    for spread in [90, 400] as [Float] {
      let numbers = WholeNumbers(example, spread: spread)
      let found = try numbers.result(tested.make())
      #expect(found.shape == example.output)
      guard found.shape == example.output else { continue }
      let elements = found.elements
      for place in numbers.expected(numbers.rounded) {
        // The sum is rounded to Float32 once, and once more where a bias is added.
        let largest = max(abs(place.value), example.hasBias ? abs(place.value) + 1 : 0)
        #expect(
          abs(Double(elements[place.index]) - place.value) <= largest * 0x1p-23,
          "element \(place.index): expected \(place.value), found \(elements[place.index])")
      }
    }
  }

  /// Without a range it is the one that covers the input and 0.
  @Test(arguments: BackendUnderTest.ofWholeNumbers)
  func rangesAreFoundAnewForEveryInput(tested: BackendUnderTest) throws {
    let example = Case(.linear(outputs: 6), [5, 40])
    let numbers = WholeNumbers(example, spread: 90)
    // 0 to 255 / 64 in steps of 1 / 64; -51 / 64 to 204 / 64 likewise.
    for shift in [0, -51] as [Float] {
      let steps = (0..<200).map { Float($0 * 37 % 256) }
      var elements = steps.map { ($0 + shift) / 64 }
      (elements[0], elements[1]) = (shift / 64, (255 + shift) / 64)
      let input = Tensor(example.input, elements)
      let found = try numbers.result(tested.make(), isStatic: false, input: input).elements
      for place in numbers.expected(input) {
        #expect(abs(Double(found[place.index]) - place.value) <= (abs(place.value) + 1) * 0x1p-23)
      }
    }
  }

  @Test(arguments: BackendUnderTest.ofWholeNumbers)
  func saturatingSumsDoNotOverflow(tested: BackendUnderTest) throws {
    // All products as large as they get, of one sign and of the other.
    let inputs = 3072
    let site = Site(
      ModulePath("layer"), precision: .w8a8, input: QuantizedRange(scale: 1, zeroPoint: 0))
    let weight = QuantizedWeight(
      shape: [2, inputs], values: (0..<2 * inputs).map { $0 < inputs ? 127 : -127 }, scales: [1, 0.5])
    let linear = try tested.make().linear(
      LinearLayer(site, weight: weight.weight, bias: nil, quantized: weight))
    let found = linear(Tensor(repeating: 1e6, [1, inputs])).elements
    // 255 · 127 · 3072
    #expect(found == [99_486_720, -49_743_360])
  }

  /// Weights alone: Float32 with what the whole numbers stand for.
  @Test(
    arguments: BackendUnderTest.all.filter { $0.layerPrecisions.contains(.w8) }, [Precision.w8, .w4])
  func weightsAloneAreComputedInFloat32(tested: BackendUnderTest, precision: Precision) throws {
    let example = Case(.linear(outputs: 33), [50, 64])
    let numbers = WholeNumbers(example, spread: 90)
    let site = Site(ModulePath("layer"), precision: precision)
    let linear = try tested.make().linear(
      LinearLayer(
        site, weight: numbers.weight.weight, bias: numbers.bias,
        quantized: precision == .w8 ? numbers.weight : nil))
    expectClose(
      linear(numbers.input), example.output, numbers.expected(numbers.input),
      within: tested.tolerances[.f32] ?? 0)
  }
}
