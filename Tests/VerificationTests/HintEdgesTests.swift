// What hints must not say, which of several they say, and the forms they tell apart as PyTorch has them; recorded by
// tools/fixtures/make_operations.py.
import Foundation
import Tensors
import Testing
import TestSupport

@testable import Verification

/// `Fixtures/operations.json`.
private struct Operations: Decodable {
  struct Numbers: Decodable {
    let shape: [Int]
    let values: [Float]
    var tensor: Tensor { Tensor(Shape(shape), values) }
  }

  struct Forms: Decodable {
    let input: Numbers
    let results: [String: Numbers]
  }

  struct Convolution: Decodable {
    let input: Numbers
    let weight: Numbers
    let bias: Numbers
    let result: Numbers
    let others: [String: Numbers]
  }

  let interpolations: [Forms]
  let convolutions: [Convolution]
  let activations: [Forms]

  static func read() throws -> Operations {
    try JSONDecoder().decode(
      Self.self, from: Data(contentsOf: URL(filePath: TestFiles.fixture("operations.json"))))
  }
}

private func hints(
  _ reference: Tensor, _ candidate: Tensor, inputs: [Tensor] = [], weights: [String: Tensor] = [:],
  tolerance: Double = 1e-4
) -> [Hint] {
  Hypotheses.hints(
    for: Evidence(
      reference: reference, candidate: candidate,
      inputs: inputs.enumerated().map { Evidence.Named("input/\($0)", $1) }, weights: weights,
      tolerance: tolerance))
}

@Suite struct HintEdgesTests {
  private let x: Tensor

  init() {
    var noise = Noise(21)
    x = noise.tensor([4, 8, 12])
  }

  /// Everything off by 1.5 times the tolerance, and by half of it at random: undoing the offset leaves a third.
  @Test func whatLeavesMoreThanATenthIsNoCause() {
    var noise = Noise(22)
    let magnitude = Float(x.elements.map { abs($0) }.max() ?? 1)
    func off(by noisy: Float) -> Tensor {
      Tensor(x.shape, x.elements.map { $0 + magnitude * (1.5e-4 + noisy * noise.next()) })
    }
    #expect(hints(x, off(by: 0.5e-4)).isEmpty)
    // As little as a twentieth is a cause.
    #expect(hints(x, off(by: 0.05e-4)).map(\.cause) == [.constantOffset])
  }

  /// An error that passes needs no cause, whatever would remove it.
  @Test func whatIsWithinTheToleranceHasNoCause() {
    let magnitude = Float(x.elements.map { abs($0) }.max() ?? 1)
    func off(by part: Float) -> Tensor { Tensor(x.shape, x.elements.map { $0 + magnitude * part }) }
    #expect(hints(x, off(by: 0.9e-4)).isEmpty)
    #expect(hints(x, off(by: 1.1e-4)).map(\.cause) == [.constantOffset])
  }

  @Test func aShiftIsSaidWithItsSignAndAxis() {
    var noise = Noise(23)
    let picture = noise.tensor([1, 2, 9, 11])
    for axis in [2, 3] {
      for distance in [1, -1, 2, -2] {
        let shifted = Tensor(picture.shape) { index in
          var index = index
          index[axis] -= distance
          return (0..<picture.shape[axis]).contains(index[axis]) ? picture[index] : 5
        }
        let claim = hints(picture, shifted).first?.claim ?? "nothing"
        // An element that stands at 3 where it should at 2 is shifted by +1.
        #expect(
          claim
            == "along axis \(axis) the candidate is shifted by \(distance > 0 ? "+" : "−")\(abs(distance))",
          "\(axis) \(distance)")
      }
    }
  }

  @Test func factorsAndOffsetsAreThoseOfTheCandidate() {
    let claims: [(Tensor, String)] = [
      (x.mapped { $0 * 0.125 }, "the candidate is the reference times 0.125 (1/8)"),
      (x.mapped { $0 * -3 }, "the candidate is the reference times -3"),
      (x.mapped { $0 / Float(8).squareRoot() }, "(1/√8)"), (x.mapped { $0 * Float(8).squareRoot() }, "(√8)"),
      (x.mapped { $0 + 0.5 }, "the candidate is the reference plus 0.5"),
      (x.mapped { $0 - 0.25 }, "the candidate is the reference plus -0.25"),
    ]
    for (candidate, words) in claims {
      let found = hints(x, candidate).first?.claim ?? "nothing"
      #expect(found.contains(words), "\(found)")
    }
  }

  /// Every number is off by itself, so that the largest error is that of the largest one, −16.
  @Test func errorsArePartsOfTheLargestMagnitude() {
    let numbers = Tensor([3, 4], (1...11).map { Float($0) } + [-16])
    let found = hints(numbers, numbers.mapped { 2 * $0 }).first { $0.cause == .constantFactor }
    #expect(found?.errorBefore == 1 && found?.errorAfter == 0)
  }

  /// Of numbers that hardly vary a factor and an offset both explain it; what leaves less comes first.
  @Test func theCauseThatLeavesLeastComesFirst() {
    let nearlyOne = x.mapped { 1 + 1e-5 * $0 }
    let doubled = hints(nearlyOne, nearlyOne.mapped { 2 * $0 })
    #expect(doubled.map(\.cause) == [.constantFactor, .constantOffset])
    #expect(doubled[0].errorAfter < 1e-7 && doubled[1].errorAfter > 1e-6)
    let raised = hints(nearlyOne, nearlyOne.mapped { $0 + 1 })
    #expect(raised.map(\.cause) == [.constantOffset, .constantFactor])
  }

  @Test func everyRuleOfInterpolationIsToldFromEveryOther() throws {
    let recorded = try Operations.read().interpolations
    #expect(recorded.allSatisfy { $0.results.count == 5 })
    for picture in recorded {
      for (right, expected) in picture.results {
        for (wrong, found) in picture.results where wrong != right {
          let claims = hints(expected.tensor, found.tensor, inputs: [picture.input.tensor]).filter {
            $0.cause == .interpolation
          }.map(\.claim)
          #expect(
            claims == ["interpolation: the candidate fits \(wrong), the reference \(right)"],
            "\(wrong) for \(right)")
        }
      }
    }
  }

  @Test func everyActivationIsToldFromEveryOther() throws {
    let recorded = try #require(try Operations.read().activations.first)
    for (right, expected) in recorded.results {
      for (wrong, found) in recorded.results where wrong != right {
        // The two forms of GELU differ by 5e-4 at most, among numbers of up to 9.
        let claims = hints(
          expected.tensor, found.tensor, inputs: [recorded.input.tensor], tolerance: 1e-5
        ).filter { $0.cause == .activation }.map(\.claim)
        #expect(claims == ["activation: the candidate fits \(wrong), the reference \(right)"])
      }
    }
    // What has parameters is no activation.
    let (right, wrong) = (recorded.results["ReLU"], recorded.results["SiLU"])
    let found = try hints(
      #require(right).tensor, #require(wrong).tensor, inputs: [recorded.input.tensor],
      weights: ["weight": Tensor([1], [1])])
    #expect(!found.contains { $0.cause == .activation })
  }

  /// In groups, with a bias, strided, and transposed.
  @Test func kernelsReadOtherwiseAreToldInConvolutionsOfAllKinds() throws {
    let recorded = try Operations.read().convolutions
    #expect(recorded.count == 5 && recorded.allSatisfy { !$0.others.isEmpty })
    for (number, convolution) in recorded.enumerated() {
      let weights = ["weight": convolution.weight.tensor, "bias": convolution.bias.tensor]
      for (words, wrong) in convolution.others {
        let claims = hints(
          convolution.result.tensor, wrong.tensor, inputs: [convolution.input.tensor], weights: weights
        ).filter { $0.cause == .weightLayout }.map(\.claim)
        #expect(
          claims == ["convolution: the candidate fits \(words), the reference the kernel as it is"],
          "\(number): \(words)")
      }
    }
  }

  /// A reference that fits no form tells nothing of the candidate.
  @Test func aReferenceOfNoFormGivesNoHint() throws {
    let recorded = try Operations.read()
    let convolution = try #require(recorded.convolutions.first)
    var noise = Noise(25)
    let result = convolution.result.tensor
    let spoilt = Tensor(result.shape, result.elements.map { $0 + 0.1 * noise.next() })
    for wrong in convolution.others.values {
      let found = hints(
        spoilt, wrong.tensor, inputs: [convolution.input.tensor],
        weights: ["weight": convolution.weight.tensor, "bias": convolution.bias.tensor])
      #expect(!found.contains { $0.cause == .weightLayout })
    }
    // Eleven numbers prove nothing, twelve may.
    for count in [11, 12] {
      let few = noise.tensor([count])
      #expect(hints(few, few.mapped { 2 * $0 }).isEmpty == (count == 11))
    }
  }
}
