// Every backend in every precision: operations against triple loops in double precision, at the sizes of the released
// models and at the edges.
import Kernels
import Tensors
import Testing

@Suite struct OperationTests {
  /// So many products that all cases together take seconds.
  private static let work = 100_000_000

  @Test(arguments: Setting.all, Case.edges)
  func edgesMatchTripleLoops(setting: Setting, example: Case) throws {
    try hold(setting, example)
  }

  @Test(arguments: Setting.all, try VariantShapes.all.get().cases)
  func variantsMatchTripleLoops(setting: Setting, example: Case) throws {
    try hold(setting, example.reduced(toWork: Self.work))
  }

  private func hold(_ setting: Setting, _ example: Case) throws {
    let experiment = Experiment(example)
    let found = try experiment.result(setting.backend.make(), setting.site)
    expectClose(found, example.output, experiment.expected(), within: setting.tolerance)
  }

  /// A row of few numbers, after one of NaN in the same place of memory that the next call may be given.
  @Test(arguments: Setting.all, [1, 3, 33])
  func whatMemoryHeldBeforeIsNotMultiplied(setting: Setting, inputs: Int) throws {
    let layer = LinearLayer(
      setting.site, weight: Tensor([1, inputs], [Float](repeating: 0.5, count: inputs)), bias: nil)
    let linear = try setting.backend.make().linear(layer)
    for rows in 1..<8 {
      _ = linear(Tensor([8, inputs], [Float](repeating: .nan, count: 8 * inputs)))
      let found = linear(Tensor([rows, inputs], [Float](repeating: 1, count: rows * inputs))).elements
      #expect(found == [Float](repeating: Float(inputs) / 2, count: rows), "\(rows) rows")
    }
  }

  /// What was read off the official code, so that a variant that is not run, or not whole, shows.
  @Test func variantsAreNotedWhole() throws {
    let shapes = try VariantShapes.all.get()
    #expect(shapes.uncalled == [])
    #expect(shapes.cases.count == Set(shapes.cases).count)
    let expected =
      [
        // The first layer of tiny and small, base_plus, large.
        96, 112, 144,
      ].map { Case(.conv2d(weight: [$0, 3, 7, 7], stride: 4, padding: 3, groups: 1), [1, 3, 1024, 1024]) } + [
        // Windows of 14 tokens in tiny's third stage, of 16 in large's; everything in its global blocks.
        Case(.packedAttention, [25, 196, 3, 4, 96]), Case(.packedAttention, [16, 256, 3, 8, 72]),
        Case(.packedAttention, [1, 4096, 3, 8, 72]),
        // Pooled queries where tiny's second stage begins.
        Case(.attention(keys: 64), [1024, 16, 2, 96]),
        // Seven memories of 4096 tokens and the pointers of seven frames, four tokens each.
        Case(.attention(keys: 7 * 4096 + 28), [1, 4096, 1, 256]),
        Case(.conv2d(weight: [256, 1, 7, 7], stride: 1, padding: 3, groups: 256), [1, 256, 64, 64]),
        Case(.convTranspose2d(weight: [64, 32, 2, 2]), [3, 64, 128, 128]),
        Case(.matmul(columns: 65536), [3, 4, 32]),
        // Tokens of three prompts with a click each: six of the decoder's own, the click and its filler.
        Case(.attention(keys: 8), [3, 4096, 8, 16]), Case(.linear(outputs: 2048), [3, 8, 256]),
      ]
    for example in expected { #expect(shapes.cases.contains(example), "\(example.testDescription)") }
  }
}

@Suite struct NumericalEdgeTests {
  /// Equal logits, however far from 0, weigh all values alike; one that is larger by far takes all.
  @Test(arguments: Setting.all, [1, 100, 3000, 1e5, -100, -3000, -1e5] as [Float])
  func softmaxIsSafeAtAnySize(setting: Setting, logit: Float) throws {
    let attend = try setting.backend.make().attention(setting.site)
    let (tokens, size) = (1500, 4)
    let q = Tensor(repeating: 1, [1, 3, 1, size])
    // q · k / √4 is the logit.
    var k = Tensor(repeating: logit / 2, [1, tokens, 1, size])
    let values = noise([1, tokens, 1, size], seed: 1)
    let sums = values.elements.indices.reduce(into: [Double](repeating: 0, count: size)) {
      $0[$1 % size] += Double(values.elements[$1])
    }
    func expected(_ value: (Int) -> Double) -> [Expected] {
      (0..<3 * size).map { Expected(index: $0, value: value($0 % size), scale: 1) }
    }
    expectClose(
      attend(q, k, values), q.shape, expected { sums[$0] / Double(tokens) }, within: setting.tolerance)
    // Among the last keys, and among the first: sums so far then shrink to nothing, or what comes is nothing.
    for chosen in [0, 1499] {
      k.withMutableElements { k in
        k.update(repeating: logit / 2)
        for i in 0..<size { k[chosen * size + i] = logit / 2 + 1e4 }
      }
      let chosenValues = values.elements[chosen * size..<(chosen + 1) * size].map(Double.init)
      expectClose(attend(q, k, values), q.shape, expected { chosenValues[$0] }, within: setting.tolerance)
    }
  }

  /// Inputs far from zero, as E(x²) − E(x)² can't take them; a variance beside which epsilon counts, and none at all.
  @Test(
    arguments: Setting.all,
    [(1, 1000), (1e-3, 0), (1e-3, 0.25), (0, 0.5), (0, 0), (1e4, -3e4)] as [(Float, Float)])
  func normsKeepTheirDigits(setting: Setting, spread: (scale: Float, shift: Float)) throws {
    let backend = try setting.backend.make()
    let (weight, bias) = (noise([64], seed: 1), noise([64], seed: 2))
    let layer = NormLayer(setting.site, weight: weight, bias: bias, epsilon: 1e-6)
    let rows = noise([9, 64], seed: 3, times: spread.scale, plus: spread.shift)
    let image = noise([2, 64, 5, 7], seed: 4, times: spread.scale, plus: spread.shift)
    let overRows = try backend.layerNorm(layer)
    expectClose(
      overRows(rows), rows.shape,
      DoubleReference.normalise(rows, stride: 1, weight: weight, bias: bias, epsilon: 1e-6),
      within: setting.tolerance)
    let overChannels = try backend.layerNorm2d(layer)
    expectClose(
      overChannels(image), image.shape,
      DoubleReference.normalise(image, stride: 35, weight: weight, bias: bias, epsilon: 1e-6),
      within: setting.tolerance)
  }
}
