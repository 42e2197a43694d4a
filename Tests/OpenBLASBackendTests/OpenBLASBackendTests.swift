import Kernels
import OpenBLASBackend
import Tensors
import Testing

@Test func namesItselfAndItsVersion() throws {
  let backend = try OpenBLASBackend()
  #expect(backend.name == "openblas")
  #expect(backend.version.split(separator: ".").count >= 2)
}

/// Every operation at sizes of several tiles.
private func everyOperation() throws -> [[Float]] {
  let backend = try OpenBLASBackend()
  let image = noise([1, 24, 70, 66], seed: 4)
  let tokens = noise([2000, 48], seed: 5)
  let (c24, c48) = (noise([24], seed: 6), noise([48], seed: 7))
  let square = { (weight: Shape, stride: Int, padding: Int, groups: Int) in
    try backend.conv2d(
      ConvolutionLayer(
        site, weight: noise(weight, seed: 8), bias: c24, stride: stride, padding: padding, groups: groups))
  }
  let onTokens: [any Kernel<Tensor, Tensor>] = [
    try backend.linear(LinearLayer(site, weight: noise([48, 48], seed: 9), bias: c48)),
    try backend.layerNorm(NormLayer(site, weight: c48, bias: c48, epsilon: 1e-6)),
  ]
  let onImages: [any Kernel<Tensor, Tensor>] = [
    try square([24, 24, 3, 3], 2, 1, 1), try square([24, 24, 1, 1], 1, 0, 1),
    try square([24, 1, 7, 7], 1, 3, 24),
    try backend.convTranspose2d(
      TransposedConvolutionLayer(site, weight: noise([24, 24, 2, 2], seed: 10), bias: c24)),
    try backend.layerNorm2d(NormLayer(site, weight: c24, bias: c24, epsilon: 1e-6)),
  ]
  let wide = try backend.linear(LinearLayer(site, weight: noise([900, 48], seed: 9), bias: nil))
  let attend = try backend.attention(site)
  let results =
    onTokens.map { $0(tokens) } + onImages.map { $0(image) } + [
      wide(tokens[0..<5]), attend(packed: tokens.reshaped([5, 400, 3, 2, 8])),
      backend.matmul(tokens, noise([48, 20], seed: 11)),
    ]
  return results.map(\.elements)
}

/// One test, because the number of threads is the process's.
@Test func sameBitsAtAnyNumberOfThreads() throws {
  let before = Parallelism.threads
  defer { Parallelism.threads = before }
  Parallelism.threads = 1
  let expected = try everyOperation()
  for threads in [1, 2, 3, 7] {
    Parallelism.threads = threads
    for (found, expected) in zip(try everyOperation(), expected) {
      #expect(found.map(\.bitPattern) == expected.map(\.bitPattern), "\(threads) threads")
    }
  }
}
