// Every bound, at its edge and past it.
import Taps
import Tensors
import Testing

@testable import Verification

@Suite struct ToleranceTests {
  /// Errors 0, 0, 1, −1 and two flipped pixels of a mask.
  private func metrics() throws -> ErrorMetrics {
    try ErrorMetrics(Tensor([2, 2], [2, -0.5, -4, 0.5]), Tensor([2, 2], [2, 0.5, -4, -0.5]), isMask: true)
  }

  @Test(arguments: Bound.allCases.filter { $0 != .klDivergence })
  func everyBoundIncludesItsEdge(_ bound: Bound) throws {
    let metrics = try metrics()
    let found = try #require(bound.value(in: metrics))
    #expect(Tolerance(limits: [bound: found]).breaches(metrics).isEmpty)
    let past = bound.isCeiling ? found.nextDown : found.nextUp
    #expect(
      Tolerance(limits: [bound: past]).breaches(metrics)
        == [Breach(of: .bound(bound), limit: past, found: found)])
  }

  @Test func divergenceIsBoundWhereThereAreProbabilities() throws {
    let found = try ErrorMetrics(Tensor([1, 2], [0.5, 0.5]), Tensor([1, 2], [0.25, 0.75]))
    // ½ ln 2 + ½ ln ⅔.
    let divergence = 0.14384103622589042
    #expect(abs((found.klDivergence?.largest ?? 0) - divergence) < 1e-15)
    #expect(Tolerance(limits: [.klDivergence: 0.15]).breaches(found).isEmpty)
    #expect(!Tolerance(limits: [.klDivergence: 0.14]).breaches(found).isEmpty)
    #expect(try Tolerance(limits: [.klDivergence: 0]).breaches(metrics()).isEmpty)
  }

  @Test func anAbsoluteErrorMayBeExcused() throws {
    let metrics = try metrics()
    #expect(Tolerance(limits: [.relative: 1e-4, .absolute: 1]).breaches(metrics).isEmpty)
    #expect(
      Tolerance(limits: [.relative: 1e-4, .absolute: 0.5]).breaches(metrics).map(\.of) == [.bound(.relative)])
    // What is excused needs no tolerance; an error of 1 among numbers of up to 4 else does.
    let array = ArrayComparison(id: "a", shape: [2, 2], outcome: .matched(metrics))
    for (absolute, smallest) in [(1.0, 0.0), (0.5, 0.25)] {
      let policy = TolerancePolicy(
        name: "p", defaults: Tolerance(limits: [.relative: 1e-4, .absolute: absolute]))
      #expect(array.smallestPassingTolerance(policy) == smallest)
    }
  }

  @Test func nanAnywhereInTheNumbersFails() throws {
    var metrics = try metrics()
    metrics.relativeError = .nan
    metrics.cosineSimilarity = .nan
    #expect(
      Tolerance(limits: [.relative: 1, .cosine: -1]).breaches(metrics).map(\.of)
        == [.bound(.relative), .bound(.cosine)])
  }

  @Test func zerosOnBothSidesAreFlaggedAndFailIfAsked() throws {
    let zeros = Tensor([3], [0, -0.0, 0])
    let found = try ErrorMetrics(zeros, zeros)
    #expect(found.isZero)
    let array = ArrayComparison(id: "a", shape: [3], outcome: .matched(found))
    #expect(array.passes(.f32))
    #expect(array.flags(.f32) == [.zero])
    var strict = TolerancePolicy.f32
    strict.defaults.zero = .fail
    #expect(array.breaches(strict)?.map(\.of) == [.zero])
    #expect(array.smallestPassingTolerance(strict) == .infinity)
    #expect(try !ErrorMetrics(zeros, Tensor([3], [0, 0, .leastNonzeroMagnitude])).isZero)
    #expect(try !ErrorMetrics(Tensor([0], []), Tensor([0], [])).isZero)
    #expect(try !ErrorMetrics(Tensor([2], [0, .nan]), Tensor([2], [0, .nan])).isZero)
  }

  @Test func nanThatAgreesIsFlaggedAndFailsIfAsked() throws {
    let values = Tensor([3], [.nan, .nan, .nan])
    let array = ArrayComparison(id: "a", shape: [3], outcome: .matched(try ErrorMetrics(values, values)))
    #expect(array.passes(.f32))
    #expect(array.flags(.f32) == [.nonFinite])
    var strict = TolerancePolicy.f32
    strict.defaults.nonFinite = .fail
    #expect(array.breaches(strict)?.map(\.of) == [.nonFinite])
  }

  @Test func correlationOfWhatDoesNotVary() throws {
    let (one, ramp) = (Tensor([3], [1, 1, 1]), Tensor([3], [1, 2, 3]))
    #expect(try ErrorMetrics(one, one).pearson.isNaN)
    #expect(try ErrorMetrics(one, ramp).pearson.isNaN)
    #expect(try ErrorMetrics(ramp, one).pearson.isNaN)
    // What isn't defined doesn't count against equal arrays, and does against others.
    let bound = Tolerance(limits: [.pearson: 0.5])
    #expect(try bound.breaches(ErrorMetrics(one, one)).isEmpty)
    #expect(try bound.breaches(ErrorMetrics(one, ramp)).map(\.of) == [.bound(.pearson)])
    #expect(try ErrorMetrics(ramp, Tensor([3], [3, 2, 1])).pearson == -1)
  }

  @Test func rowsThatDoNotAddUpToOneAreNoProbabilities() throws {
    func divergence(_ elements: [Float]) throws -> KLDivergence? {
      let tensor = Tensor([2, 2], elements)
      return try ErrorMetrics(tensor, tensor).klDivergence
    }
    #expect(try divergence([0.5, 0.5, 1, 0]) == KLDivergence(mean: 0, largest: 0, rows: 2))
    #expect(try divergence([0.6, 0.6, 0.4, 0.4]) == nil)  // only together
    #expect(try divergence([1.5, -0.5, 0.5, 0.5]) == nil)
    #expect(try ErrorMetrics(Tensor([2, 1], [1, 1]), Tensor([2, 1], [1, 1])).klDivergence == nil)
  }

  @Test func anUnderflowIsNotInfinitelyFar() throws {
    let found = try ErrorMetrics(Tensor([1, 2], [1e-6, 1]), Tensor([1, 2], [0, 1])).klDivergence
    // 10⁻⁶ · ln(10⁻⁶ · 2¹²⁶)
    #expect(abs((found?.largest ?? 0) - 7.352e-5) < 1e-8)
  }
}
