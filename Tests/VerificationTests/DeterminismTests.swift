// The same bits however an array is cut up and however many threads work on it.
import Kernels
import Taps
import Tensors
import Testing

@testable import Verification

@Suite(.serialized) struct DeterminismTests {
  /// Masks are compared in pieces, too.
  private let mask = "prediction/low_res_logits"

  /// More elements than a piece has, some of them not finite.
  private func arrays() -> (HeldTensors, HeldTensors) {
    let shape: Shape = [3, 211, 331]
    let reference = (0..<shape.count).map { (index: Int) -> Float in
      Float(index * 7919 % 24001 - 12000) * 1e-3
    }
    var candidate = reference.enumerated().map { (index: Int, value: Float) -> Float in
      value * (1 + Float(index % 13) * 1e-6)
    }
    candidate[70_000] += 1
    candidate[140_123] = .nan
    candidate[140_124] = .infinity
    return (
      held([(mask, Tensor(shape, reference))]), held([(mask, Tensor(shape, candidate))])
    )
  }

  @Test func neitherSlabsNorThreadsChangeABit() throws {
    let (reference, candidate) = arrays()
    let threads = Parallelism.threads
    defer { Parallelism.threads = threads }
    var seen: [ArrayComparison] = []
    for (slabSize, threads) in [(1, 1), (1, 2), (100_000, 3), (1 << 22, 1), (1 << 22, 2), (1 << 22, 5)] {
      Parallelism.threads = threads
      seen.append(try compared(reference, candidate, heatMaps: true, slabSize: slabSize).arrays[0])
    }
    // Doubles are equal only if their bits are, save for NaN and zeros, of which there are none here.
    #expect(seen.dropFirst().allSatisfy { String(describing: $0) == String(describing: seen[0]) })
    let metrics = try #require(seen[0].metrics)
    #expect(metrics.count == 3 * 211 * 331)
    #expect(metrics.maxAbsError > 0.99 && metrics.maxAbsError < 1.01)
    #expect(metrics.nonFiniteMismatches == 2)
    #expect(metrics.candidateNonFinite.firstNaN == [2, 1, 140_123 - 2 * 211 * 331 - 331])
    #expect(metrics.candidateNonFinite.firstInfinite == [2, 1, 140_124 - 2 * 211 * 331 - 331])
    #expect(metrics.worst?.index == metrics.candidateNonFinite.firstNaN)
  }

  @Test func readingThatFailsOnAnyThreadThrows() throws {
    struct Failing: TapSource {
      struct Broken: Error {}
      var side: Verdict.Side { .init(path: "failing", provenance: nil) }
      var arrays: [SourceArray] { [SourceArray("a", [1 << 20])] }
      func read(_ id: TapID, from offset: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws {
        guard offset < 1 << 19 else { throw Broken() }
        buffer.update(repeating: 1)
      }
    }
    #expect(throws: Failing.Broken.self) { try compared(Failing(), Failing()) }
  }
}
