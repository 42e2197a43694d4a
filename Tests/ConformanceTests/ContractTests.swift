// What a backend promises beside its numbers.
import Kernels
import Tensors
import Testing

/// Every operation at sizes of several tiles.
private let everyOperation = [
  Case(.linear(outputs: 48), [2000, 48]), Case(.linear(outputs: 900), [5, 48]),
  Case(.conv2d(weight: [24, 24, 3, 3], stride: 2, padding: 1, groups: 1), [1, 24, 70, 66]),
  Case(.conv2d(weight: [24, 24, 1, 1], stride: 1, padding: 0, groups: 1), [2, 24, 70, 66]),
  Case(.conv2d(weight: [24, 1, 7, 7], stride: 1, padding: 3, groups: 24), [1, 24, 70, 66]),
  Case(.convTranspose2d(weight: [24, 24, 2, 2]), [1, 24, 70, 66]), Case(.layerNorm(epsilon: 1e-6), [2000, 48]),
  Case(.layerNorm2d(epsilon: 1e-6), [1, 24, 70, 66]), Case(.packedAttention, [5, 400, 3, 2, 8]),
  Case(.attention(keys: 1300), [2, 300, 2, 8]), Case(.matmul(columns: 20), [2, 700, 48]),
]

private func bits(_ tensor: Tensor) -> [UInt32] { tensor.elements.map(\.bitPattern) }

@Suite struct ContractTests {
  @Test(arguments: BackendUnderTest.all)
  func saysItsNameAndVersion(tested: BackendUnderTest) throws {
    let backend = try tested.make()
    #expect(backend.name == tested.name)
    #expect(!backend.version.isEmpty)
  }

  /// One test for all numbers, because the number of threads is the process's.
  @Test(arguments: Setting.all)
  func bitsAreTheSameAtAnyNumberOfThreads(setting: Setting) throws {
    let before = Parallelism.threads
    defer { Parallelism.threads = before }
    let backend = try setting.backend.make()
    let (transformer, exchanged) = WholeTests.Exchange(prompts: 9, tokens: 7, size: (40, 21)).make(setting)
    if let whole = try backend.whole(transformer) {
      let results = [1, 2, 3, 7].map { threads -> [UInt32] in
        Parallelism.threads = threads
        let found = whole(exchanged)
        return bits(found.tokens) + bits(found.image)
      }
      #expect(Set(results).count == 1, "TwoWay")
    }
    for example in everyOperation {
      let experiment = Experiment(example)
      Parallelism.threads = 1
      let expected = bits(try experiment.result(backend, setting.site))
      for threads in [1, 2, 3, 7] {
        Parallelism.threads = threads
        #expect(
          bits(try experiment.result(backend, setting.site)) == expected,
          "\(example.testDescription), \(threads) threads")
      }
    }
  }

  /// A kernel serves many calls, of any size, at once.
  @Test(arguments: Setting.all)
  func kernelsRememberNothing(setting: Setting) throws {
    let backend = try setting.backend.make()
    let linear = try backend.linear(
      LinearLayer(setting.site, weight: noise([40, 24], seed: 1), bias: noise([40], seed: 2)))
    let convolution = try backend.conv2d(
      ConvolutionLayer(setting.site, weight: noise([4, 3, 3, 3], seed: 3), bias: nil, stride: 2, padding: 1))
    let (small, large) = (noise([5, 24], seed: 4), noise([900, 24], seed: 5))
    let (narrow, wide) = (noise([1, 3, 9, 8], seed: 6), noise([2, 3, 70, 90], seed: 7))
    let (first, firstImage) = (bits(linear(small)), bits(convolution(narrow)))
    _ = linear(large)
    _ = convolution(wide)
    #expect(bits(linear(small)) == first)
    #expect(bits(convolution(narrow)) == firstImage)
  }

  /// A slice shares memory with what is before and behind it, and whoever else holds an argument keeps it.
  @Test(arguments: Setting.all)
  func argumentsMayBeSlicesAndStayAsTheyAre(setting: Setting) throws {
    let backend = try setting.backend.make()
    let (c8, square) = (noise([8], seed: 1), noise([8, 8], seed: 2))
    let norm = NormLayer(setting.site, weight: c8, bias: c8, epsilon: 1e-6)
    let kernels: [(String, Shape, any Kernel<Tensor, Tensor>)] = [
      ("linear", [5, 4, 8], try backend.linear(LinearLayer(setting.site, weight: square, bias: c8))),
      ("layerNorm", [5, 4, 8], try backend.layerNorm(norm)),
      ("layerNorm2d", [5, 8, 3, 4], try backend.layerNorm2d(norm)),
      (
        "conv2d", [5, 8, 3, 4],
        try backend.conv2d(
          ConvolutionLayer(setting.site, weight: noise([8, 8, 3, 3], seed: 3), bias: c8, padding: 1))
      ),
      (
        "depthwise", [5, 8, 3, 4],
        try backend.conv2d(
          ConvolutionLayer(setting.site, weight: noise([8, 1, 3, 3], seed: 3), bias: c8, padding: 1, groups: 8))
      ),
      (
        "convTranspose2d", [5, 8, 3, 4],
        try backend.convTranspose2d(
          TransposedConvolutionLayer(setting.site, weight: noise([8, 2, 2, 2], seed: 3), bias: nil))
      ),
    ]
    for (name, shape, kernel) in kernels {
      let whole = noise(shape, seed: 4)
      let before = bits(whole)
      let slice = whole[2..<4]
      let copy = Tensor(slice.shape, slice.elements)
      #expect(bits(kernel(slice)) == bits(kernel(copy)), "\(name)")
      #expect(bits(whole) == before, "\(name)")
      #expect(bits(slice) == bits(copy), "\(name)")
    }
    let attend = try backend.attention(setting.site)
    let tokens = noise([5, 7, 2, 4], seed: 5)
    let copy = Tensor([2, 7, 2, 4], tokens[2..<4].elements)
    #expect(bits(attend(tokens[2..<4], tokens[2..<4], tokens[2..<4])) == bits(attend(copy, copy, copy)))
    #expect(
      bits(backend.matmul(tokens[2..<4], square[0..<4].reshaped([1, 1, 4, 8]).broadcast(to: [2, 7, 4, 8])))
        == bits(backend.matmul(copy, square[0..<4].reshaped([1, 1, 4, 8]).broadcast(to: [2, 7, 4, 8]))))
  }

  /// Attention straight from the projection is the same attention.
  @Test(arguments: Setting.all, [(3, 150, 2, 12), (2, 1030, 1, 4), (30, 16, 3, 8), (1, 1, 2, 4)])
  func packedAttentionIsAttention(setting: Setting, sizes: (Int, Int, Int, Int)) throws {
    let (batch, tokens, heads, size) = sizes
    let packed = noise([batch, tokens, 3, heads, size], seed: 1)
    let parts = (0..<3).map {
      packed.sliced(axis: 2, $0..<$0 + 1).reshaped([batch, tokens, heads, size])
    }
    let attend = try setting.backend.make().attention(setting.site)
    #expect(bits(attend(packed: packed)) == bits(attend(parts[0], parts[1], parts[2])))
  }

  /// By the layer's name, at load, saying what there is.
  @Test(arguments: BackendUnderTest.all, Precision.allCases)
  func precisionsThatItLacksAreRefused(tested: BackendUnderTest, precision: Precision) throws {
    guard tested.tolerances[precision] == nil else { return }
    let backend = try tested.make()
    let path = ModulePath("image_encoder.some.layer")
    let site = Site(path, precision: precision)
    let (c2, image) = (noise([2], seed: 1), noise([2, 2, 2, 2], seed: 2))
    let norm = NormLayer(site, weight: c2, bias: c2, epsilon: 1e-6)
    func refusal(_ supported: [Precision]) -> BackendError {
      .unsupportedPrecision(backend: tested.name, layer: path, supported: supported, asked: precision)
    }
    if !tested.layerPrecisions.contains(precision) {
      let expected = refusal(tested.layerPrecisions)
      #expect(throws: expected) {
        _ = try backend.linear(LinearLayer(site, weight: noise([2, 2], seed: 3), bias: nil))
      }
      #expect(throws: expected) { _ = try backend.conv2d(ConvolutionLayer(site, weight: image, bias: nil)) }
      #expect(throws: expected) {
        _ = try backend.conv2d(
          ConvolutionLayer(site, weight: noise([2, 1, 3, 3], seed: 4), bias: nil, groups: 2))
      }
    }
    // Norms and transposed convolutions stay floating point; queries and keys can be bytes.
    let floating = Precision.allCases.filter { tested.tolerances[$0] != nil }
    let expected = refusal(floating)
    #expect(throws: expected) {
      _ = try backend.convTranspose2d(TransposedConvolutionLayer(site, weight: image, bias: nil))
    }
    #expect(throws: expected) { _ = try backend.layerNorm(norm) }
    #expect(throws: expected) { _ = try backend.layerNorm2d(norm) }
    guard precision != .w8a8 else { return }
    #expect(throws: refusal(floating + [.w8a8])) { _ = try backend.attention(site) }
  }
}
