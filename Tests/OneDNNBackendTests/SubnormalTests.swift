// Numbers below the least normal one: zero to the fast backend, and what they are to everybody else.
import Kernels
import OneDNNBackend
import Tensors
import Testing

/// Times 2⁶⁰ these are well within Float32, so that who multiplies them tells.
private let weights = Tensor(repeating: .leastNonzeroMagnitude * 1000, [32, 32])
private let input = Tensor(repeating: 0x1p60, [64, 32])

@Suite struct SubnormalTests {
  /// Whatever thread computes, and none is left other than it was.
  @Test(arguments: [1, 3]) func theFastBackendTakesThemForZero(threads: Int) throws {
    let before = Parallelism.threads
    Parallelism.threads = threads
    defer { Parallelism.threads = before }
    let layer = LinearLayer(Site(ModulePath("layer")), weight: weights, bias: nil)
    let kernel = try OneDNNBackend().linear(layer)
    #expect(kernel(input).elements.allSatisfy { $0 == 0 })
    #expect(Tensor(repeating: .leastNonzeroMagnitude, [1]).elements[0] * Float(0x1p100) > 0)
    parallelFor(64) { _ in #expect(weights.elements[0] * Float(0x1p60) > 0) }
  }
}
