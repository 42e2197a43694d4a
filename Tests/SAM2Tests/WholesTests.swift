// Modules that a backend runs as one, held against their parts: who looks inside sees the parts, to the bit.
import Architecture
import Checkpoints
import Configurations
import Files
import Kernels
import OpenBLASBackend
import Prompts
import Synchronization
import Taps
import Tensors
import Testing
import TestSupport

@testable import SAM2

/// Keeps what it is offered.
private final class Kept: TapWriter {
  /// A tap's name and bits, in the order in which calls return.
  struct Entry: Equatable {
    let name: String
    let shape: Shape
    let bits: [UInt32]
  }

  private let kept = Mutex<[Entry]>([])

  var entries: [Entry] { kept.withLock { $0 } }
  var names: [String] { entries.map(\.name) }

  func write(
    _ module: ModulePath, call: Int, sequence: Int, at place: TapPlace, inputs: [(String, any TapValue)],
    output: any TapValue
  ) throws {
    func keep(_ name: String, _ value: any TapValue) {
      value.visitTensors(named: "\(module)/\(call)/\(name)") { name, tensor in
        let entry = Entry(name: name, shape: tensor.shape, bits: tensor.elements.map(\.bitPattern))
        kept.withLock { $0.append(entry) }
      }
    }
    for (name, value) in inputs { keep("input/\(name)", value) }
    keep("output", output)
  }

  func write(_ prediction: PredictedValue, _ tensor: Tensor, at place: PredictionPlace?) throws {}
  func finish() throws {}
}

/// Counts the modules that begin, and sees whether each ends before those around it.
private final class Observer: CallObserver {
  private struct State {
    var begun: [String: Int] = [:]
    var open: [ModulePath] = []
    var isBalanced = true
  }

  private let state = Mutex(State())

  var begun: [String: Int] { state.withLock(\.begun) }
  var isBalanced: Bool { state.withLock { $0.isBalanced && $0.open.isEmpty } }

  func begin(_ path: ModulePath) {
    state.withLock { state in
      state.begun[path.name, default: 0] += 1
      state.open.append(path)
    }
  }

  func end(_ path: ModulePath) {
    state.withLock { state in
      if state.open.popLast() != path { state.isBalanced = false }
    }
  }
}

/// The micro model at 128 pixels on a backend, asked about a picture of noise and tracking through four more.
private struct Model {
  let model: SAM2Base

  /// - Parameter edit: changes the configuration.
  init(
    _ backend: any Backend, plan: PrecisionPlan = PrecisionPlan(), edit: (String) -> String = { $0 }
  ) throws {
    let path = TestFiles.package("Reference/micro.yaml")
    let yaml = edit(String(decoding: try MappedFile.contents(of: path), as: UTF8.self))
    model = try SAM2Base(
      ModelConfiguration(yaml: yaml, origin: path),
      weights: Checkpoint.open(path: TestFiles.package("Weights/sam2.1_micro.pt")), backend: backend, plan: plan
    )
  }

  private struct Noise: VideoFrames {
    var count: Int? { 4 }
    func frame(_ index: Int, size: Int) throws -> Tensor { Model.noise(size, UInt64(10 + index)) }
  }

  static func noise(_ size: Int, _ seed: UInt64) -> Tensor {
    let hash = CounterHash(seed: seed, name: "picture")
    return Tensor([3, size, size]) { out in
      for index in out.indices { out[index] = Float(hash[index] >> 40) / Float(1 << 24) * 4 - 2 }
    }
  }

  /// Two prompts at once on a picture, a mask prompt, and one object through four frames: all logits.
  @discardableResult
  func perform(_ run: Run = Run()) throws -> [Float] {
    let size = model.configuration.imageSize
    let predictor = ImagePredictor(model)
    let embedding = try predictor.embed(Self.noise(size, 1), width: size, height: size, run)
    let two = try predictor.predict(
      [Prompt(points: [.init(x: 40, y: 50)]), Prompt(points: [.init(x: 80, y: 20)])], in: embedding,
      multimask: true, run)
    let masked = try predictor.predict(
      [Prompt(maskLogits: two.lowResLogits[0][0..<1])], in: embedding, multimask: false, run)
    var logits = two.lowResLogits.elements + masked.lowResLogits.elements
    var session = try VideoPredictor(model).session(Noise(), width: size, height: size, history: .window)
    try session.prompt(object: 1, frame: 0, points: [.init(x: 40, y: 50)], run)
    try session.propagate(run) { masks in
      for mask in masks.objects { logits += mask.lowResLogits.elements }
    }
    return logits
  }
}

private func relativeDifference(_ found: [Float], _ expected: [Float]) -> Float {
  guard found.count == expected.count else { return .infinity }
  let largest = expected.reduce(0) { max($0, abs($1)) }
  return zip(found, expected).reduce(0) { max($0, abs($1.0 - $1.1)) } / largest
}

@Suite struct WholesTests {
  /// What the reference backend makes of everything, by its parts.
  private static let parts: Result<[Kept.Entry], any Error> = Result {
    let kept = Kept()
    try Model(try OpenBLASBackend()).perform(Run(taps: Taps(writer: kept)))
    return kept.entries
  }

  @Test func wholesRunWhereNobodyLooksAndMeanTheirParts() throws {
    let backend = WholeBackend(try OpenBLASBackend())
    let model = try Model(backend)
    let expected = try Model(try OpenBLASBackend()).perform()
    // The memories are rounded to bfloat16, which makes more of a last bit.
    #expect(relativeDifference(try model.perform(), expected) < 2e-3)
    for whole in [
      "PatchEmbedding", "HieraBlock", "MemoryLayer", "ConvNeXtBlock", "ConvolutionRow", "TwoWay",
      "MaskUpscaling", "ProjectedLevel",
    ] {
      #expect(backend.runs[whole, default: 0] > 0, "\(whole)")
    }
    #expect(
      model.model.wholes.map(\.name).contains("image_encoder.trunk.blocks.0")
        && model.model.wholes.map(\.name).contains("sam_mask_decoder.output_upscaling"))
    #expect(try Model(try OpenBLASBackend()).model.wholes.isEmpty)
  }

  /// Who takes the time is told of modules that run, and changes neither which do nor what they make of it.
  @Test func whoObservesLooksNowhere() throws {
    let (plain, observed) = (WholeBackend(try OpenBLASBackend()), WholeBackend(try OpenBLASBackend()))
    let expected = try Model(plain).perform()
    let observer = Observer()
    let model = try Model(observed)
    let found = try model.perform(Run(observer: observer))
    #expect(found.map(\.bitPattern) == expected.map(\.bitPattern))
    #expect(observed.runs == plain.runs)
    let begun = observer.begun
    #expect(begun["image_encoder"] == 5 && begun["sam_mask_decoder"] == 6 && begun["memory_attention"] == 3)
    for whole in ["image_encoder.trunk.blocks.0", "memory_attention.layers.0", "sam_mask_decoder.transformer"] {
      #expect(begun[whole, default: 0] > 0, "\(whole)")
      #expect(!begun.keys.contains { $0.hasPrefix("\(whole).") }, "\(whole)")
    }
    #expect(observer.isBalanced)
    // Taps beside it see what they see without it.
    let kept = Kept()
    let watched = Observer()
    try Model(try OpenBLASBackend()).perform(Run(taps: Taps(writer: kept), observer: watched))
    #expect(kept.entries == (try Self.parts.get()))
    #expect(watched.begun["image_encoder.trunk.blocks.0.attn.qkv"] == 5 && watched.isBalanced)
  }

  @Test func whoLooksEverywhereSeesTheParts() throws {
    let backend = WholeBackend(try OpenBLASBackend())
    let kept = Kept()
    let taps = Taps(writer: kept)
    try Model(backend).perform(Run(taps: taps))
    #expect(kept.entries == (try Self.parts.get()))
    #expect(backend.runs.isEmpty)
    #expect(taps.wholes.isEmpty)
  }

  @Test(arguments: [
    ("image_encoder.trunk.blocks.2.attn.qkv", "HieraBlock"),
    ("*layers.0.cross_attn_image.k_proj", "MemoryLayer"),
    ("memory_encoder.fuser.layers.1.act", "ConvNeXtBlock"), ("*mask_downsampler.encoder.4", "ConvolutionRow"),
    ("*mask_downscaling.?", "ConvolutionRow"), ("*final_attn_token_to_image", "TwoWay"),
    ("*output_upscaling.3", "MaskUpscaling"), ("sam_mask_decoder.conv_s0", "ProjectedLevel"),
    ("image_encoder.neck.convs.2.conv", "ProjectedLevel"), ("image_encoder.neck.convs.3", "ProjectedLevel"),
    // These have levels among what they take or give.
    ("image_encoder", "ProjectedLevel"), ("image_encoder.neck", "ProjectedLevel"),
    ("image_encoder.neck.position_encoding", "ProjectedLevel"),
  ])
  func whoLooksInsideSeesTheseParts(pattern: String, whole: String) throws {
    let plain = WholeBackend(try OpenBLASBackend())
    try Model(plain).perform()
    let backend = WholeBackend(try OpenBLASBackend())
    let kept = Kept()
    let taps = Taps(writer: kept, patterns: [pattern])
    try Model(backend).perform(Run(taps: taps))
    let glob = TapPattern(pattern)
    let expected = try Self.parts.get().filter { entry in
      glob.matches(entry.name.split(separator: "/").first.map(String.init) ?? "")
    }
    // Same names and call numbers; the bits of a module in the middle depend on wholes before it.
    #expect(kept.names == expected.map(\.name))
    #expect(!kept.names.isEmpty)
    #expect(zip(kept.entries, expected).allSatisfy { $0.shape == $1.shape })
    // Others stay wholes, this one doesn't.
    #expect(backend.runs[whole, default: 0] < plain.runs[whole, default: 0])
    for (name, count) in plain.runs where name != whole { #expect(backend.runs[name] == count, "\(name)") }
    #expect(!taps.wholes.contains { inner in expected.contains { $0.name.hasPrefix("\(inner).") } })
  }

  @Test func whoLooksAtAWholeItselfDoesNotTakeItApart() throws {
    let backend = WholeBackend(try OpenBLASBackend())
    let kept = Kept()
    let taps = Taps(writer: kept, patterns: ["image_encoder.trunk.blocks.?", "memory_attention.layers.?"])
    try Model(backend).perform(Run(taps: taps))
    #expect(backend.runs["HieraBlock", default: 0] > 0)
    #expect(backend.runs["MemoryLayer", default: 0] > 0)
    #expect(taps.wholes.contains(ModulePath("image_encoder.trunk.blocks.0")))
    #expect(kept.names.contains("image_encoder.trunk.blocks.0/0/output"))
    // Called as a part calls it, in the same order, with the same arguments.
    let outer = try Self.parts.get().filter { kept.names.contains($0.name) }
    #expect(kept.names == outer.map(\.name))
  }

  @Test func aModuleIsComputedOneWayWhateverFrameIsLookedAt() throws {
    let backend = WholeBackend(try OpenBLASBackend())
    let kept = Kept()
    let filter = TapFilter(["memory_attention.layers.0.linear1"], frames: [3])
    try Model(backend).perform(Run(taps: Taps(writers: [kept], filter: filter)))
    // One frame is recorded, yet layer 0 ran by its parts on all: half of two layers' runs are left.
    let all = WholeBackend(try OpenBLASBackend())
    try Model(all).perform()
    let layers = try Model(all).model.configuration.memoryAttention.numLayers
    #expect(
      backend.runs["MemoryLayer", default: 0] * layers == all.runs["MemoryLayer", default: 0] * (layers - 1))
    #expect(Set(kept.names.map { $0.split(separator: "/")[0] }) == ["memory_attention.layers.0.linear1"])
    #expect(kept.names.count == 2)
  }

  /// A level that others are added to, or that is added to one, isn't projected right from its stage.
  @Test(arguments: [
    ("fpn_top_down_levels: [2, 3]", 2), ("fpn_top_down_levels: [1, 2, 3]", 1),
    ("fpn_top_down_levels: [0, 2]", 0),
    ("fpn_top_down_levels: [0, 1, 2, 3]", 0), ("", 0),
  ])
  func levelsThatAreAddedStayLevels(levels: String, count: Int) throws {
    func logits(_ backend: any Backend) throws -> [Float] {
      let model = try Model(backend) { $0.replacing("fpn_top_down_levels: [2, 3]", with: levels) }.model
      let (predictor, size) = (ImagePredictor(model), model.configuration.imageSize)
      let embedding = try predictor.embed(Model.noise(size, 1), width: size, height: size)
      return try predictor.predict(
        [Prompt(points: [.init(x: 40, y: 50)])], in: embedding, multimask: true
      ).lowResLogits.elements
    }
    let backend = WholeBackend(try OpenBLASBackend())
    #expect(relativeDifference(try logits(backend), try logits(try OpenBLASBackend())) < 1e-4)
    #expect(backend.runs["ProjectedLevel", default: 0] == count)
  }

  @Test func wholesAreKeptWhereThatIsAsked() throws {
    let backend = WholeBackend(try OpenBLASBackend())
    let kept = Kept()
    let taps = Taps(writers: [kept], keepsWholes: true)
    try Model(backend).perform(Run(taps: taps))
    #expect(backend.runs["HieraBlock", default: 0] > 0)
    #expect(!kept.names.contains { $0.hasPrefix("image_encoder.trunk.blocks.0.") })
    #expect(kept.names.contains("image_encoder.trunk.blocks.0/0/output"))
    #expect(kept.names.contains("image_encoder.neck/0/input/xs/0"))
    // Levels are kept as PyTorch has them.
    let finest = kept.entries.first { $0.name == "image_encoder/0/output/backbone_fpn/0" }
    #expect(finest?.shape == [1, 64, 32, 32])
    #expect(Set(taps.wholes) == Set(try Model(backend).model.wholes))
  }

  @Test(arguments: [
    [], ["*blocks.1.attn.qkv"], ["image_encoder.trunk.blocks.0"], ["*output_upscaling"],
    ["*linear1", "*q_proj"],
    ["sam_mask_decoder"],
  ])
  func theWholesOfARecordingAreKnownBeforeIt(patterns: [String]) throws {
    let model = try Model(WholeBackend(try OpenBLASBackend()))
    let filter = TapFilter(patterns)
    let taps = Taps(writers: [Kept()], filter: filter)
    try model.perform(Run(taps: taps))
    #expect(model.model.wholes(notTakenApartBy: filter) == taps.wholes)
  }

  /// Without finer features the decoder calls the upscaling as a module, which the whole then replaces with the product.
  @Test func theUpscalingItselfIsSeenWhereItIsCalled() throws {
    let path = TestFiles.fixture("plain.yaml")
    let yaml = String(decoding: try MappedFile.contents(of: path), as: UTF8.self)
    let backend = WholeBackend(try OpenBLASBackend())
    let predictor = ImagePredictor(
      try SAM2Base(
        ModelConfiguration(yaml: yaml, origin: path),
        weights: Checkpoint.open(path: TestFiles.fixture("plain.pt")),
        backend: backend))
    let size = predictor.model.configuration.imageSize
    func predict(_ run: Run) throws {
      let embedding = try predictor.embed(Model.noise(size, 1), width: size, height: size, run)
      _ = try predictor.predict([Prompt(points: [.init(x: 4, y: 5)])], in: embedding, multimask: true, run)
    }
    try predict(Run())
    #expect(backend.runs["MaskUpscaling"] == 1)
    let kept = Kept()
    try predict(Run(taps: Taps(writer: kept, patterns: ["sam_mask_decoder.output_upscaling"])))
    #expect(backend.runs["MaskUpscaling"] == 1)
    #expect(
      kept.names == ["input/input", "output"].map { "sam_mask_decoder.output_upscaling/0/\($0)" })
  }

  /// The official code repeats for each prompt what is kept once here.
  @Test func whatAllPromptsShareIsOfferedForEach() throws {
    let shapes = Dictionary(uniqueKeysWithValues: try Self.parts.get().map { ($0.name, $0.shape) })
    for name in [
      "sam_prompt_encoder/0/output/1", "sam_mask_decoder/0/input/dense_prompt_embeddings",
      "sam_mask_decoder.transformer/0/input/image_embedding", "sam_mask_decoder.transformer/0/input/image_pe",
    ] {
      #expect(shapes[name]?.extents.first == 2, "\(name)")
    }
    #expect(shapes["sam_mask_decoder/0/input/image_embeddings"]?.extents.first == 1)
  }

  @Test func everyLayerIsPackedOnce() throws {
    let backend = WholeBackend(try OpenBLASBackend())
    let model = try Model(backend).model
    let packed = backend.preparations
    #expect(packed.values.allSatisfy { $0 == 1 }, "\(packed.filter { $0.value != 1 })")
    #expect(packed["image_encoder.trunk.blocks.0.attn.qkv"] == 1)
    #expect(Set(packed.keys).isSubset(of: model.layers.map(\.path.name)))
  }
}

@Suite struct PrecisionPlanTests {
  @Test func theLastRuleThatFitsHolds() throws {
    let plan = try PrecisionPlan(
      json: """
        {"default": "bf16",
         "rules": [{"layers": "image_encoder.*", "precision": "w8"}, {"layers": "*.qkv", "precision": "f32"}],
         "inputs": {"image_encoder.neck": {"scale": 0.5, "zero_point": 3}}}
        """, origin: "plan.json")
    #expect(plan.site(ModulePath("memory_attention.norm")).precision == .bf16)
    #expect(plan.site(ModulePath("image_encoder.trunk.blocks.0.attn.proj")).precision == .w8)
    #expect(plan.site(ModulePath("image_encoder.trunk.blocks.0.attn.qkv")).precision == .f32)
    #expect(plan.site(ModulePath("image_encoder.neck")).input == QuantizedRange(scale: 0.5, zeroPoint: 3))
    #expect(plan.site(ModulePath("image_encoder.trunk")).input == nil)
    #expect(try PrecisionPlan(json: plan.json, origin: "again") == plan)
  }

  @Test func aRuleWithoutLayersIsRefusedWithThoseNearIt() throws {
    let plan = PrecisionPlan(rules: [.init(layers: "image_encoder.trunk.blocks.*.attn.qvk", precision: .f32)])
    let error = try #require(throws: SAM2Error.self) { _ = try Model(try OpenBLASBackend(), plan: plan) }
    guard case .planWithoutLayer(let pattern, let near) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(pattern == "image_encoder.trunk.blocks.*.attn.qvk")
    #expect(near.first == "image_encoder.trunk.blocks.0.attn.qkv")
    #expect(near.count == 3)
    #expect(
      "\(error)".contains("fits no layer of this model; near it are image_encoder.trunk.blocks.0.attn.qkv"))
  }

  @Test func aModulesNameIsMetWithItsLayers() {
    let names = ["a.b.c", "a.b.d", "a.e", "f"]
    #expect(PrecisionPlan.nearest(to: "a.b", of: names) == ["a.b.c", "a.b.d"])
    #expect(PrecisionPlan.nearest(to: "a.b.x", of: names) == ["a.b.c", "a.b.d", "a.e"])
  }

  @Test func aRangeWithoutItsLayerIsRefused() throws {
    let plan = PrecisionPlan(
      inputs: ["memory_attention.layers.0.linear3": QuantizedRange(scale: 1, zeroPoint: 0)])
    let error = try #require(throws: SAM2Error.self) { _ = try Model(try OpenBLASBackend(), plan: plan) }
    guard case .planWithoutLayer(_, let near) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(near.contains("memory_attention.layers.0.linear1"))
  }

  @Test func aPrecisionThatTheBackendLacksIsRefusedByLayer() throws {
    let plan = PrecisionPlan(rules: [.init(layers: "*blocks.1.mlp.layers.0", precision: .bf16)])
    let expected = BackendError.unsupportedPrecision(
      backend: "openblas", layer: ModulePath("image_encoder.trunk.blocks.1.mlp.layers.0"),
      supported: [.f32, .w8, .w8a8, .w4],
      asked: .bf16)
    #expect(throws: expected) { _ = try Model(try OpenBLASBackend(), plan: plan) }
  }

  @Test(arguments: [
    (
      #"{"rules": [{"layers": "*", "precision": "int8"}]}"#,
      "rules.0.precision: expected f32, bf16, w8, w8a16, w8a8, w4, found int8"
    ),
    (#"{"rulez": []}"#, "expected the fields default, rules, inputs, found rulez"),
    (
      #"{"rules": [{"layers": "*", "precision": "f32", "precison": "bf16"}]}"#,
      "rules.0: expected the fields layers, precision, found precison"
    ),
    (#"{"rules": [{"layers": "*"}]}"#, "rules.0: expected a field precision, found none"),
    (#"{"rules": {}}"#, "rules: expected a list"),
    (
      #"{"inputs": {"a": {"scale": 1, "zero_point": 1, "zero": 2}}}"#,
      "inputs.a: expected the fields scale, zero_point, found zero"
    ),
    (
      #"{"inputs": {"a": {"scale": 1, "zero_point": 1.5}}}"#,
      "inputs.a.zero_point: expected a whole number from 0 to 255, found 1.5"
    ),
    (#"{"default": "f32", "default": "bf16"}"#, "default"), ("[]", "expected an object"),
    (#"{"inputs": {"a": {"scale": 0, "zero_point": 0}}}"#, "inputs.a.scale: expected more than 0, found 0.0"),
    (#"{"inputs": {"a": {"scale": 1, "zero_point": 256}}}"#, "inputs.a.zero_point"), ("{", "plan.json"),
  ])
  func aMalformedPlanIsRefused(json: String, says: String) throws {
    let error = try #require(throws: SAM2Error.self) { _ = try PrecisionPlan(json: json, origin: "plan.json") }
    #expect("\(error)".hasPrefix("plan.json: "))
    #expect("\(error)".contains(says), "\(error)")
  }
}
