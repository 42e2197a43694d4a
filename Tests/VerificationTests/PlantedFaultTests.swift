// Every fault that hints speak of, planted in tensors; and noise, of which they must say nothing.
import Foundation
import Tensors
import Testing

@testable import Verification

/// Numbers that look random and are the same every time.
struct Noise {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  /// Between −1 and 1.
  mutating func next() -> Float {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int32(truncatingIfNeeded: state >> 32)) / Float(Int32.max)
  }

  mutating func tensor(_ shape: Shape) -> Tensor { Tensor(shape, (0..<shape.count).map { _ in next() }) }
}

extension Tensor {
  /// Every element by its index along each axis.
  init(_ shape: Shape, at element: ([Int]) -> Float) {
    let strides = shape.strides
    self.init(
      shape,
      (0..<shape.count).map { position in
        element(shape.extents.indices.map { position / strides[$0] % shape[$0] })
      })
  }

  subscript(index: [Int]) -> Float { elements[zip(index, shape.strides).map(*).reduce(0, +)] }

  func mapped(_ body: (Float) -> Float) -> Tensor { Tensor(shape, elements.map(body)) }
}

/// The causes that are named, first the one that explains most.
private func causes(
  _ reference: Tensor, _ candidate: Tensor, inputs: [Tensor] = [], weights: [String: Tensor] = [:]
) -> [Hint.Cause] {
  hints(reference, candidate, inputs: inputs, weights: weights).map(\.cause)
}

private func hints(
  _ reference: Tensor, _ candidate: Tensor, inputs: [Tensor] = [], weights: [String: Tensor] = [:]
) -> [Hint] {
  let found = Hypotheses.hints(
    for: Evidence(
      reference: reference, candidate: candidate,
      inputs: inputs.enumerated().map { Evidence.Named("input/\($0)", $1) }, weights: weights, tolerance: 1e-4))
  for hint in found {
    #expect(hint.errorBefore > 1e-4)
    #expect(hint.errorAfter <= 1e-4 && hint.errorAfter <= hint.errorBefore / 10, "\(hint)")
  }
  return found
}

@Suite struct PlantedFaultTests {
  private let x: Tensor
  private let image: Tensor

  init() {
    var noise = Noise(1)
    x = noise.tensor([2, 9, 16])
    image = noise.tensor([1, 3, 12, 10])
  }

  @Test func aConstantFactor() {
    #expect(causes(x, x.mapped { $0 * 0.125 }) == [.constantFactor])
    #expect(hints(x, x.mapped { $0 / 255 }).first?.claim.contains("(1/255)") == true)
    #expect(causes(x, x.mapped { $0 + 0.5 }) == [.constantOffset])
  }

  @Test func swappedChannels() {
    let bgr = Tensor(image.shape) { image[[$0[0], 2 - $0[1], $0[2], $0[3]]] }
    #expect(causes(image, bgr).first == .channelOrder)
    // Swapped before it was normalised.
    let (mean, deviation): ([Float], [Float]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    let right = Tensor(image.shape) { (image[$0] - mean[$0[1]]) / deviation[$0[1]] }
    let wrong = Tensor(image.shape) { (bgr[$0] - mean[$0[1]]) / deviation[$0[1]] }
    #expect(causes(right, wrong).first == .channelOrder)
    #expect(hints(right, wrong).first?.claim.contains("BGR") == true)
    // Scaled to −1 to 1 where ImageNet's mean and deviation were due.
    #expect(causes(right, image.mapped { 2 * $0 - 1 }).first == .normalisation)
  }

  @Test func aMirroredAxis() {
    #expect(causes(x, Tensor(x.shape) { x[[$0[0], 8 - $0[1], $0[2]]] }) == [.mirroredAxis])
  }

  @Test(arguments: [1, -1, 2, -2]) func anOffByOneShift(distance: Int) {
    // What comes in at the edge is anything.
    let shifted = Tensor(image.shape) { index in
      let place = index[3] - distance
      return (0..<10).contains(place) ? image[[index[0], index[1], index[2], place]] : 7
    }
    #expect(causes(image, shifted) == [.shiftedAxis])
    #expect(hints(image, shifted).first?.claim.contains("axis 3") == true)
  }

  @Test func permutedAxes() {
    // The shape says so too.
    let permuted = Tensor([2, 16, 9]) { x[[$0[0], $0[2], $0[1]]] }
    #expect(causes(x, permuted) == [.permutedAxes])
    #expect(hints(x, permuted).first?.errorBefore == .infinity)
    // Only memory says so: NHWC read as NCHW.
    let channelsLast = Tensor([1, 12, 10, 3]) { image[[$0[0], $0[3], $0[1], $0[2]]] }
    #expect(causes(image, channelsLast.reshaped(image.shape)) == [.permutedAxes])
    // A square transposed.
    var noise = Noise(2)
    let square = noise.tensor([1, 4, 8, 8])
    #expect(causes(square, Tensor(square.shape) { square[[$0[0], $0[1], $0[3], $0[2]]] }) == [.permutedAxes])
  }

  @Test func aMissingBias() {
    var noise = Noise(3)
    let bias = noise.tensor([16])
    let without = Tensor(x.shape) { x[$0] - bias[[$0[2]]] }
    #expect(causes(x, without, weights: ["bias": bias]) == [.missingBias])
    #expect(causes(x, without) == [.missingBias])
    let twice = Tensor(x.shape) { x[$0] + bias[[$0[2]]] }
    #expect(causes(x, twice, weights: ["bias": bias]) == [.missingBias])
    // The model under test has a zero bias, the reference had another.
    #expect(causes(x, without, weights: ["bias": Tensor(repeating: 0, [16])]) == [.missingBias])
    let scaled = Tensor(x.shape) { (x[$0] - bias[[$0[2]]]) * 3 + bias[[$0[2]]] }
    #expect(causes(x, scaled, weights: ["bias": bias]) == [.scaledWeight])
  }

  /// x · weightᵀ + bias.
  private func linear(_ x: Tensor, _ weight: Tensor, _ bias: Tensor) -> Tensor {
    Tensor([x.shape[0], x.shape[1], bias.count]) { index in
      (0..<x.shape[2]).reduce(bias[[index[2]]]) { $0 + x[[index[0], index[1], $1]] * weight[[index[2], $1]] }
    }
  }

  @Test func aTransposedWeight() {
    var noise = Noise(4)
    let (square, bias) = (noise.tensor([16, 16]), noise.tensor([16]))
    let transposed = Tensor(square.shape) { square[[$0[1], $0[0]]] }
    let (right, wrong) = (linear(x, square, bias), linear(x, transposed, bias))
    // Whether the weights at hand are the right ones or the wrong ones.
    for weight in [square, transposed] {
      #expect(causes(right, wrong, inputs: [x], weights: ["weight": weight, "bias": bias]) == [.weightLayout])
    }
    // Of a weight that is no square, the memory may be taken for that of its transpose.
    let (oblong, long) = (noise.tensor([24, 16]), noise.tensor([24]))
    let misread = Tensor([24, 16]) { oblong.elements[$0[1] * 24 + $0[0]] }
    #expect(
      causes(
        linear(x, oblong, long), linear(x, misread, long), inputs: [x],
        weights: ["weight": oblong, "bias": long]) == [.weightLayout])
  }

  /// A convolution with padding 1 and stride 2, 3 × 3.
  private func convolved(_ x: Tensor, _ weight: Tensor) -> Tensor {
    let (height, width) = (x.shape[2] / 2, x.shape[3] / 2)
    return Tensor([1, weight.shape[0], height, width]) { index in
      var sum: Float = 0
      for channel in 0..<x.shape[1] {
        for ky in 0..<3 {
          for kx in 0..<3 {
            let (y, column) = (2 * index[2] + ky - 1, 2 * index[3] + kx - 1)
            guard (0..<x.shape[2]).contains(y), (0..<x.shape[3]).contains(column) else { continue }
            sum += x[[0, channel, y, column]] * weight[[index[1], channel, ky, kx]]
          }
        }
      }
      return sum
    }
  }

  @Test func aKernelReadOtherwise() {
    var noise = Noise(5)
    let kernel = noise.tensor([8, 3, 3, 3])
    let right = convolved(image, kernel)
    let wrongs: [(String, Tensor)] = [
      ("rows and columns exchanged", Tensor(kernel.shape) { kernel[[$0[0], $0[1], $0[3], $0[2]]] }),
      ("180°", Tensor(kernel.shape) { kernel[[$0[0], $0[1], 2 - $0[2], 2 - $0[3]]] }),
      ("BGR", Tensor(kernel.shape) { kernel[[$0[0], 2 - $0[1], $0[2], $0[3]]] }),
    ]
    for (words, wrong) in wrongs {
      let found = hints(right, convolved(image, wrong), inputs: [image], weights: ["weight": kernel])
      #expect(found.map(\.cause) == [.weightLayout])
      #expect(found.first?.claim.contains(words) == true, "\(found)")
    }
  }

  /// LayerNorm over the last axis.
  private func normalised(_ x: Tensor, _ weight: Tensor, _ bias: Tensor, epsilon: Double) -> Tensor {
    let width = x.shape[-1]
    let rows = stride(from: 0, to: x.count, by: width).flatMap { start -> [Float] in
      let row = x.elements[start..<start + width].map(Double.init)
      let mean = row.reduce(0, +) / Double(width)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
      return row.enumerated().map { channel, value in
        Float((value - mean) / (variance + epsilon).squareRoot()) * weight.elements[channel]
          + bias.elements[channel]
      }
    }
    return Tensor(x.shape, rows)
  }

  @Test func anotherEpsilon() {
    var noise = Noise(6)
    // Rows of very different variance, some as small as the epsilons.
    let x = Tensor([1, 40, 16]) { noise.next() * powf(10, Float(-$0[1] % 4)) }
    let (weight, bias) = (noise.tensor([16]), noise.tensor([16]))
    let right = normalised(x, weight, bias, epsilon: 1e-6)
    let found = hints(right, normalised(x, weight, bias, epsilon: 1e-5), inputs: [x])
    #expect(found.map(\.cause) == [.epsilon])
    #expect(found.first?.claim.contains("fits epsilon 1e-05, the reference epsilon 1e-06") == true, "\(found)")
    // The same along axis 1 of a picture.
    let turned = { (tensor: Tensor) in Tensor([1, 16, 5, 8]) { tensor[[0, $0[2] * 8 + $0[3], $0[1]]] } }
    #expect(
      causes(
        turned(right), turned(normalised(x, weight, bias, epsilon: 1e-12)), inputs: [turned(x)]) == [.epsilon])
  }

  @Test func anotherGELU() {
    let wide = x.mapped { 4 * $0 }
    let exact = wide.mapped { Float(0.5 * Double($0) * (1 + erf(Double($0) / 2.0.squareRoot()))) }
    let approximate = wide.mapped {
      let x = Double($0)
      return Float(0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x))))
    }
    let found = hints(exact, approximate, inputs: [wide])
    #expect(found.map(\.cause) == [.activation])
    #expect(found.first?.claim.contains("fits GELU by tanh, the reference GELU by erf") == true)
    #expect(causes(approximate, exact, inputs: [wide]) == [.activation])
  }

  /// Bilinear resizing to twice the size.
  private func doubled(_ image: Tensor, alignsCorners: Bool) -> Tensor {
    let (height, width) = (image.shape[2], image.shape[3])
    func place(_ index: Int, _ extent: Int) -> Double {
      alignsCorners
        ? Double(index) * Double(extent - 1) / Double(2 * extent - 1) : max(0, (Double(index) + 0.5) / 2 - 0.5)
    }
    return Tensor([image.shape[0], image.shape[1], 2 * height, 2 * width]) { index in
      let (y, x) = (place(index[2], height), place(index[3], width))
      var sum = 0.0
      for (row, rowWeight) in [(Int(y), 1 - y + y.rounded(.down)), (Int(y) + 1, y - y.rounded(.down))] {
        for (column, weight) in [(Int(x), 1 - x + x.rounded(.down)), (Int(x) + 1, x - x.rounded(.down))] {
          sum +=
            rowWeight * weight
            * Double(image[[index[0], index[1], min(row, height - 1), min(column, width - 1)]])
        }
      }
      return Float(sum)
    }
  }

  @Test func alignedCorners() {
    let found = hints(
      doubled(image, alignsCorners: false), doubled(image, alignsCorners: true), inputs: [image])
    #expect(found.map(\.cause) == [.interpolation])
    #expect(found.first?.claim.contains("candidate fits bilinear with align_corners=True") == true)
  }

  @Test(arguments: [Float(3e-4), 1e-2, 1]) func noiseHasNoCause(amplitude: Float) {
    var noise = Noise(7)
    let weights = ["weight": noise.tensor([16, 16]), "bias": noise.tensor([16])]
    for shape in [Shape([2, 9, 16]), [1, 3, 12, 10], [1, 16, 8, 8], [24], [6, 4]] {
      let reference = noise.tensor(shape)
      let candidate = Tensor(shape, reference.elements.map { $0 + amplitude * noise.next() })
      #expect(hints(reference, candidate, inputs: [noise.tensor(shape)]).isEmpty)
      #expect(hints(reference, candidate, inputs: [x], weights: weights).isEmpty)
    }
  }

  @Test func fewNumbersProveNothing() {
    #expect(causes(Tensor([1, 1], [2]), Tensor([1, 1], [4])).isEmpty)
    #expect(causes(Tensor([3], [1, 2, 3]), Tensor([3], [3, 2, 1])).isEmpty)
  }

  @Test func nanHasNoCause() {
    var elements = x.elements
    elements[5] = .nan
    #expect(causes(x, Tensor(x.shape, elements)).isEmpty)
    #expect(causes(Tensor(x.shape, elements), x).isEmpty)
  }

  @Test func largeArraysAreLookedAtInPlacesSpreadAllOver() {
    let positions = SpreadPositions(of: 1 << 20, atMost: 1 << 10)
    let found = Array(positions)
    #expect(found.count == 1 << 10)
    #expect(Set(found).count == found.count)
    // No column of a row of 1024 is left out that chance would not leave out.
    #expect(Set(found.map { $0 % 1024 }).count > 600)
    #expect(Array(SpreadPositions(of: 5, atMost: 10)) == [0, 1, 2, 3, 4])
  }
}
