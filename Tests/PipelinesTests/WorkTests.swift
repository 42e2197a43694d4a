// What there is to multiply: by hand for small layers, by parts against wholes for models, and as published for tiny.
import Architecture
import Configurations
import Files
import Kernels
import Prompts
import SAM2
import Tensors
import Testing
import TestSupport

@testable import Pipelines

private func site(_ name: String, _ precision: Precision = .f32) -> Site {
  Site(ModulePath(name), precision: precision)
}

private func zeros(_ shape: Shape) -> Tensor { Tensor(repeating: 0, shape) }

private func linear(_ name: String, _ inputs: Int, _ outputs: Int, _ precision: Precision = .f32) -> LinearLayer
{
  LinearLayer(site("block.\(name)", precision), weight: zeros([outputs, inputs]), bias: nil)
}

private func norm(_ channels: Int) -> NormLayer {
  NormLayer(site("block.norm"), weight: zeros([channels]), bias: zeros([channels]), epsilon: 1e-6)
}

private func block(dim: Int, dimOut: Int, window: Int, pool: Int?) -> HieraBlock {
  HieraBlock(
    norm1: norm(dim), qkv: linear("qkv", dim, 3 * dimOut), proj: linear("proj", dimOut, dimOut), heads: 1,
    window: window, pool: pool, shortcut: dim == dimOut ? nil : linear("shortcut", dim, dimOut),
    norm2: norm(dimOut),
    mlp: FeedForward([linear("mlp.0", dimOut, 4 * dimOut), linear("mlp.1", 4 * dimOut, dimOut)], .gelu))
}

/// Leaves modules that may run as one to their parts, and counts these.
private struct CountingByParts: Backend {
  let counting: CountingBackend

  var name: String { counting.name }
  var version: String { counting.version }

  func linear(_ layer: LinearLayer) throws -> any Kernel<Tensor, Tensor> { try counting.linear(layer) }

  func conv2d(_ layer: ConvolutionLayer) throws -> any Kernel<Tensor, Tensor> { try counting.conv2d(layer) }

  func convTranspose2d(_ layer: TransposedConvolutionLayer) throws -> any Kernel<Tensor, Tensor> {
    try counting.convTranspose2d(layer)
  }

  func layerNorm(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> { try counting.layerNorm(layer) }

  func layerNorm2d(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> {
    try counting.layerNorm2d(layer)
  }

  func attention(_ site: Site) throws -> any AttentionKernel { try counting.attention(site) }

  func matmul(_ a: Tensor, _ b: Tensor) -> Tensor { counting.matmul(a, b) }
}

/// The micro model of the recordings, or tiny.
private func counted(_ backend: any Backend, tiny: Bool = false) throws -> SAM2Base {
  let path = TestFiles.package("Reference/micro.yaml")
  let yaml = String(decoding: try MappedFile.contents(of: path), as: UTF8.self)
  let configuration = try tiny ? Variant.sam21Tiny.configuration : ModelConfiguration(yaml: yaml, origin: path)
  return try SAM2Base(configuration, weights: UnmadeWeights(configuration), backend: backend)
}

/// What each stage multiplies of a picture with two clicks, then of each of some frames with one object.
private func stages(
  _ backend: CountingBackend, byParts: Bool = false, tiny: Bool = false, frames: Int
) throws -> [[Stage: Work]] {
  let model = try counted(byParts ? CountingByParts(counting: backend) : backend, tiny: tiny)
  let meter = StageMeter(StageMap(model.configuration)) { backend.work }
  let size = model.configuration.imageSize
  let predictor = ImagePredictor(model)
  let run = Run(observer: meter)
  let embedding = try predictor.embed(.unmade([3, size, size]), width: 64, height: 64, run)
  _ = try predictor.predict(
    spreadClicks(2, width: 64, height: 64).map { Prompt(points: [$0]) }, in: embedding, multimask: false, run)
  var stages = [meter.take()]
  var session = try VideoPredictor(model).session(
    UnmadeFrames(count: frames), width: 64, height: 64, history: .window)
  try session.prompt(object: 1, frame: 0, points: [Click(x: 5, y: 6)], run)
  try session.propagate(run) { _ in stages.append(meter.take()) }
  return stages
}

@Suite struct WorkTests {
  @Test func layersAreCountedAsByHand() {
    // 2 rows of 3 by 5: 30 products; 6 numbers in and 10 out of 4 bytes, 15 weights of 2.
    let row = linear("l", 3, 5, .bf16).work(rows: 2)
    #expect(row.operations == [.bf16: 60] && row.bytes == 4 * 16 + 2 * 15)
    // 3 × 3 outputs of 4 channels, each of one channel's 3 × 3 inputs.
    let convolution = ConvolutionLayer(
      site("c"), weight: zeros([4, 1, 3, 3]), bias: nil, stride: 2, padding: 1, groups: 2)
    #expect(convolution.output(of: [1, 2, 5, 5]) == [1, 4, 3, 3])
    #expect(convolution.work(on: [1, 2, 5, 5]).operations == [.f32: 648])
    #expect(convolution.work(on: [1, 2, 5, 5]).bytes == 4 * (50 + 36 + 36))
    // 4 pixels of 3 channels, each to 2 × 2 of 5.
    let transposed = TransposedConvolutionLayer(site("t"), weight: zeros([3, 5, 2, 2]), bias: nil)
    #expect(transposed.output(of: [1, 3, 2, 2]) == [1, 5, 4, 4])
    #expect(transposed.work(on: [1, 3, 2, 2]).operations == [.f32: 480])
    // 2 windows, 3 queries and 5 keys of 7 channels: 105 products of scores and as many of values, in each.
    let attention = site("a").attentionWork(batch: 2, queries: 3, keys: 5, channels: 7)
    #expect(attention.operations == [.f32: 840] && attention.bytes == 4 * 2 * (3 + 5 + 5 + 3) * 7)
  }

  @Test func aPoolingBlockIsCountedAsByHand() {
    let pooling = block(dim: 2, dimOut: 4, window: 2, pool: 2)
    // Of 4 × 4 tokens: qkv 16 · 2 · 12, attention 4 windows of 1 query, 4 keys, 4 channels, twice; proj 4 · 4 · 4;
    // shortcut 16 · 2 · 4; mlp 4 · (4 · 16 + 16 · 4).
    let products = 384 + 128 + 64 + 128 + 512
    #expect(pooling.work(on: [1, 4, 4, 2]).operations == [.f32: Double(2 * products)])
    #expect(pooling.output(of: [1, 4, 4, 2]) == [1, 2, 2, 4])
  }

  @Test func thePaddingOfWindowsIsMultipliedToo() {
    let windowed = block(dim: 4, dimOut: 4, window: 2, pool: nil)
    // 3 × 3 tokens in 4 windows of 4: qkv 16 · 4 · 12, attention 4 · 4 · 4 · 4, twice; proj 16 · 4 · 4; but mlp 9 · 128.
    #expect(windowed.work(on: [1, 3, 3, 4]).operations == [.f32: Double(2 * (768 + 512 + 256 + 1152))])
    // Over everything: 9 tokens, 9 · 9 · 4 products twice.
    let global = block(dim: 4, dimOut: 4, window: 0, pool: nil)
    #expect(global.work(on: [1, 3, 3, 4]).operations == [.f32: Double(2 * (432 + 648 + 144 + 1152))])
  }

  @Test func wholesComeToWhatTheirPartsComeTo() throws {
    let parts = try stages(CountingBackend(), byParts: true, frames: 10)
    let wholes = try stages(CountingBackend(), frames: 10)
    #expect(parts.count == 11 && wholes.count == 11)
    for (part, whole) in zip(parts, wholes) {
      for (stage, work) in part {
        #expect(whole[stage]?.totalOperations ?? 0 == work.totalOperations, "\(stage.name)")
        #expect(whole[stage]?.bytes ?? 0 == work.bytes, "\(stage.name)")
      }
    }
    // Every stage of a model is among them but the prompt encoder, which multiplies masks alone.
    let seen = Set(parts.flatMap { $0.filter { $0.value.totalOperations > 0 }.keys.map(\.name) })
    #expect(
      seen == [
        "patch_embedding", "trunk_stage_1", "trunk_stage_2", "trunk_stage_3", "trunk_stage_4", "neck",
        "high_res_projection", "mask_decoder", "memory_attention", "memory_encoder",
        "object_pointers",
      ])
  }

  @Test func whatRunsAsOneMovesLess() throws {
    let apart = try stages(CountingBackend(), frames: 2)[0]
    let model = try counted(CountingBackend())
    let first = model.configuration.imageEncoder.trunk
    let fused = try stages(
      CountingBackend(wholes: [ModulePath("image_encoder.trunk.blocks.0")]), frames: 2)[0]
    let (before, after) = (try #require(apart[.trunk(0)]), try #require(fused[.trunk(0)]))
    #expect(before.totalOperations == after.totalOperations && before.bytes > after.bytes)
    #expect(fused[.trunk(1)] == apart[.trunk(1)])
    // The block alone: its tokens in and out, and the weights of its layers.
    let side = model.configuration.imageSize / 4
    let dim = first.embedDim
    #expect(first.stages[0] == 1 && after.bytes == Double(4 * (2 * side * side * dim + 12 * dim * dim)))
  }

  /// Figures of the official tiny at 1024 pixels: 292 GFLOP for the encoder, 913 for a frame with a full memory bank; the
  /// memory attention's self-attention is 77, its products with 7 · 4096 keys 241 each.
  @Test func tinyComesToWhatPyTorchMultiplies() throws {
    let frames = try stages(CountingBackend(), tiny: true, frames: 8)
    func giga(_ stages: [Stage: Work], _ part: String?) -> Double {
      stages.filter { part == nil || $0.key.part == part }.map(\.value.totalOperations).reduce(0, +) / 1e9
    }
    #expect(abs(giga(frames[0], "image_encoder") - 292) < 3)
    #expect(abs(giga(frames[8], "image_encoder") - giga(frames[0], "image_encoder")) < 1e-6)
    #expect(abs(giga(frames[8], nil) - 913) < 9)
    // A frame later there is one memory more of 4096 tokens.
    let (fifth, sixth) = (frames[6][.memoryAttention], frames[7][.memoryAttention])
    let more = try #require(sixth).totalOperations - (try #require(fifth)).totalOperations
    // Four layers: products of 4096 queries with 4096 keys more of 256 channels, twice; keys and values of 64 channels.
    let pointers = 4.0
    let keys = 4096 + pointers
    #expect(more == 4 * (2 * 2 * 4096 * keys * 256 + 2 * 2 * keys * 64 * 256))
  }
}

@Suite struct StageMeterTests {
  /// A quantity that grows when it is told to.
  private final class Clock: @unchecked Sendable { var now = 0.0 }

  @Test func theInnermostStageGetsWhatIsAdded() throws {
    let clock = Clock()
    let meter = StageMeter<Double>(StageMap(Variant.sam21Tiny.configuration)) { clock.now }
    func module(_ path: String, _ body: () -> Void = {}) {
      meter.begin(ModulePath(path))
      clock.now += 1
      body()
      meter.end(ModulePath(path))
    }
    clock.now += 100
    module("image_encoder") {
      module("image_encoder.trunk") {
        module("image_encoder.trunk.patch_embed") { module("image_encoder.trunk.patch_embed.proj") }
        // Tiny's stages are of 1, 2, 7 and 2 blocks.
        for block in 0..<12 { module("image_encoder.trunk.blocks.\(block)") }
      }
      module("image_encoder.neck")
    }
    module("sam_mask_decoder.conv_s0")
    meter.measure(.writeMasks) { clock.now += 7 }
    clock.now += 1000
    #expect(
      meter.take() == [
        .rest: 1100, .encoderRest: 2, .patchEmbedding: 2, .trunk(0): 1, .trunk(1): 2, .trunk(2): 7,
        .trunk(3): 2,
        .neck: 1, .highResolution: 1, .writeMasks: 7,
      ])
    clock.now += 3
    #expect(meter.take() == [.rest: 3])
  }

  @Test func workIsAddedAndTakenAway() {
    let one = Work(products: 10, .f32, elements: 3)
    let other = Work(products: 5, .bf16, elements: 1, weightBytes: 2)
    #expect(one + other - other == one)
    #expect(one - one == .zero)
    #expect((one + other + other).operations == [.f32: 20, .bf16: 20])
  }
}
