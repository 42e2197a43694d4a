// Runs held against recordings while they are made: modules alone, planted faults, and nothing changed by looking.
import Architecture
import Checkpoints
import Configurations
import Files
import Foundation
import Kernels
import Media
import OpenBLASBackend
import Prompts
import Synchronization
import Taps
import Tensors
import Testing
import TestSupport
import Traces
import Verification

@testable import SAM2

/// A checkpoint with one tensor changed.
private struct AlteredWeights: WeightSource {
  let original: Checkpoint
  let name: String
  let change: @Sendable (Tensor) -> Tensor

  var origin: String { original.origin }
  var shapes: [String: Shape] { original.shapes }

  func tensor(_ name: String) throws -> Tensor {
    let tensor = try original.tensor(name)
    return name == self.name ? change(tensor) : tensor
  }
}

/// The reference backend, but for the epsilon of its normalisations over the last axis.
private struct WrongEpsilon: Backend {
  let epsilon: Float
  private let right: OpenBLASBackend

  init(epsilon: Float) throws {
    self.epsilon = epsilon
    right = try OpenBLASBackend()
  }

  var name: String { "wrong" }
  var version: String { "0" }

  func linear(_ layer: LinearLayer) throws -> any Kernel<Tensor, Tensor> { try right.linear(layer) }
  func conv2d(_ layer: ConvolutionLayer) throws -> any Kernel<Tensor, Tensor> { try right.conv2d(layer) }
  func convTranspose2d(_ layer: TransposedConvolutionLayer) throws -> any Kernel<Tensor, Tensor> {
    try right.convTranspose2d(layer)
  }
  func layerNorm(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> {
    try right.layerNorm(NormLayer(layer.site, weight: layer.weight, bias: layer.bias, epsilon: epsilon))
  }
  func layerNorm2d(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> { try right.layerNorm2d(layer) }
  func attention(_ site: Site) throws -> any AttentionKernel { try right.attention(site) }
  func matmul(_ a: Tensor, _ b: Tensor) -> Tensor { right.matmul(a, b) }
}

/// The micro model and its recording from PyTorch.
private struct Micro {
  let reader: TraceReader
  let weights: Checkpoint
  let configuration: ModelConfiguration

  init(_ recording: String = "Reference/micro.h5") throws {
    reader = try TraceReader(path: TestFiles.package(recording))
    weights = try Checkpoint.open(path: TestFiles.package("Weights/sam2.1_micro.pt"))
    configuration = try ModelConfiguration(yaml: reader.provenance.configuration, origin: recording)
  }

  /// Runs the recorded picture, and returns the masks' bits.
  @discardableResult
  func run(
    _ taps: Taps?, _ weights: (any WeightSource)? = nil, _ backend: (any Backend)? = nil
  ) throws -> [UInt32] {
    let model = try SAM2Base(
      configuration, weights: weights ?? self.weights, backend: backend ?? OpenBLASBackend())
    let predictor = ImagePredictor(model)
    let image = try reader.tensor(reader.tap("image_encoder/0/input/sample"))
    let (width, height) = (reader.provenance.input.width, reader.provenance.input.height)
    let run = Run(taps: taps)
    let embedding = try predictor.embed(
      image.reshaped([3, configuration.imageSize, configuration.imageSize]), width: width, height: height, run)
    let predictions = try reader.provenance.prompts.objects.map {
      try predictor.predict(
        [Prompt(points: $0.points, box: $0.box)], in: embedding,
        multimask: false, run
      )
    }
    try taps?.record(.lowResLogits, .concatenated(predictions.map(\.lowResLogits), axis: 0))
    try taps?.record(.iou, .concatenated(predictions.map(\.iou), axis: 0))
    try taps?.record(.objectScore, .concatenated(predictions.map(\.objectScore), axis: 0))
    return predictions.flatMap { $0.lowResLogits.elements.map(\.bitPattern) }
  }

  /// Verifies, every module by itself too.
  func verify(
    _ weights: (any WeightSource)? = nil, _ backend: (any Backend)? = nil, isolates: Bool = true
  ) throws -> LiveComparison {
    let verifier = LiveComparison(
      reference: .trace(reader), policy: .f32, isolates: isolates,
      weights: ModuleWeights(weights ?? self.weights))
    let taps = verifier.makeTaps()
    try run(taps, weights, backend)
    try taps.finish()
    return verifier
  }

  func altered(_ name: String, _ change: @escaping @Sendable (Tensor) -> Tensor) -> AlteredWeights {
    AlteredWeights(original: weights, name: name, change: change)
  }
}

@Suite struct IsolationTests {
  @Test func everyModuleAloneMatchesPyTorch() throws {
    let verifier = try Micro().verify()
    let comparison = verifier.comparison
    #expect(comparison.passes)
    #expect(verifier.divergence == nil)
    #expect(comparison.extra.isEmpty)
    // What has no isolated error: predictions, and the inputs of modules that no module calls.
    let calledByNone = [
      "image_encoder", "sam_prompt_encoder", "sam_prompt_encoder.pe_layer", "sam_mask_decoder",
      "sam_mask_decoder.conv_s0", "sam_mask_decoder.conv_s1",
    ]
    for array in comparison.arrays where array.isolated == nil {
      #expect(
        array.id.call == nil || array.id.isInput && calledByNone.contains(array.id.module?.name ?? ""),
        "\(array.name)")
    }
    // An error that is inherited is not a module's own: of one without arithmetic none is left.
    let carried = comparison.arrays.filter { $0.name.contains("drop_path/") }
    #expect(!carried.isEmpty)
    #expect(carried.allSatisfy { $0.isolated?.maxAbsError == 0 })
    #expect(carried.contains { ($0.metrics?.maxAbsError ?? 0) > 0 })
  }

  @Test func whatTheRecordingDoesNotLookIntoRunsAsOneAndAlone() throws {
    let micro = try Micro()
    let backend = WholeBackend(try OpenBLASBackend())
    let verifier = LiveComparison(
      reference: .trace(micro.reader),
      patterns: ["image_encoder.trunk.blocks.?", "sam_mask_decoder.transformer", "prediction/*"].map {
        TapPattern($0)
      },
      policy: .f32, isolates: true)
    let taps = verifier.makeTaps()
    try micro.run(taps, nil, backend)
    #expect(backend.runs["HieraBlock", default: 0] > 0 && backend.runs["TwoWay", default: 0] > 0)
    let comparison = verifier.comparison
    #expect(comparison.passes)
    // A whole is isolated as a whole, and is near by itself too.
    let alone = comparison.arrays.filter { $0.name.hasSuffix("/output") && $0.isolated != nil }
    #expect(alone.count >= 4)
    #expect(alone.allSatisfy { ($0.isolated?.relativeError ?? 1) < 1e-5 })
    // Each ran in the run, and once more alone.
    #expect(backend.runs["HieraBlock"] == 2 * alone.filter { $0.name.contains("blocks.") }.count)
  }

  @Test func aRecordingOfEverythingTakesWholesApart() throws {
    let micro = try Micro()
    let backend = WholeBackend(try OpenBLASBackend(), fault: 2)
    let verifier = try micro.verify(nil, backend)
    #expect(backend.runs.isEmpty)
    #expect(verifier.comparison.passes)
    #expect(!verifier.comparison.arrays.contains { if case .fused = $0.outcome { true } else { false } })
  }

  @Test(arguments: [Float(1), 1.01]) func keptWholesAreHeldAgainstTheirParts(fault: Float) throws {
    let micro = try Micro()
    let backend = WholeBackend(try OpenBLASBackend(), fault: fault)
    let verifier = LiveComparison(reference: .trace(micro.reader), policy: .f32, isolates: true)
    let taps = verifier.makeTaps(keepsWholes: true)
    try micro.run(taps, nil, backend)
    verifier.take(wholes: taps.wholes)
    let comparison = verifier.comparison
    let fused = comparison.arrays.filter { if case .fused = $0.outcome { true } else { false } }
    #expect(fused.count > 100)
    #expect(fused.contains { $0.name == "image_encoder.trunk.blocks.0.attn.qkv/0/output" })
    #expect(!fused.contains { $0.name == "image_encoder.trunk.blocks.0/0/output" })
    #expect(comparison.passes == (fault == 1))
    if fault != 1 {
      let found = try #require(verifier.divergence)
      #expect(found.tap == "image_encoder.trunk.blocks.0/0/output")
      #expect(found.origin.module == "image_encoder.trunk.blocks.0" && found.origin.isIsolated)
    }
  }

  @Test func lookingChangesNoBit() throws {
    let micro = try Micro()
    let plain = try micro.run(nil)
    let verifier = LiveComparison(reference: .trace(micro.reader), policy: .f32, isolates: true)
    #expect(try micro.run(verifier.makeTaps()) == plain)
    try TestFiles.withTemporaryFolder { folder in
      var traces: [[UInt8]] = []
      for name in ["a", "b"] {
        let writer = try TraceWriter(path: "\(folder)/\(name).h5", provenance: micro.reader.provenance)
        // Isolated or not, the recording is of the run itself.
        let taps = name == "a" ? Taps(writer: writer) : verifier.makeTaps([writer])
        #expect(try micro.run(taps) == plain)
        try taps.finish()
        traces.append(try MappedFile.contents(of: "\(folder)/\(name).h5"))
      }
      #expect(traces[0] == traces[1])
    }
  }

  @Test func aScaledWeightIsFoundWhereItIs() throws {
    let micro = try Micro()
    let name = "image_encoder.trunk.blocks.2.attn.qkv"
    let verifier = try micro.verify(micro.altered("\(name).weight") { $0 * 1.5 })
    let found = try #require(verifier.divergence)
    #expect(found.tap == "\(name)/0/output")
    #expect(found.origin.kind == .module)
    #expect(found.origin.module == name)
    #expect(found.origin.isIsolated)
    #expect(found.introducing == [name])
    #expect(found.inputs.map(\.tap) == ["\(name)/0/input/input"])
    #expect(found.inputs.allSatisfy { $0.agrees })
    #expect(found.carried > 100)
    #expect(found.hints.map(\.cause) == [.scaledWeight])
    // Without isolation the module is found by what agrees.
    let plain = try #require(
      try micro.verify(micro.altered("\(name).weight") { $0 * 1.5 }, isolates: false).divergence)
    #expect(plain.origin.module == name)
    #expect(!plain.origin.isIsolated)
    #expect(plain.hints.map(\.cause) == [.scaledWeight])
  }

  @Test func aTransposedWeightIsRecognised() throws {
    let micro = try Micro()
    let name = "sam_mask_decoder.transformer.layers.0.self_attn.q_proj"
    let found = try #require(
      try micro.verify(micro.altered("\(name).weight") { $0.permuted(1, 0) }).divergence)
    #expect(found.origin.module == name)
    #expect(found.introducing == [name])
    #expect(found.hints.map(\.cause) == [.weightLayout])
  }

  @Test func aMissingBiasIsRecognised() throws {
    let micro = try Micro()
    let name = "image_encoder.trunk.blocks.1.mlp.layers.0"
    let found = try #require(try micro.verify(micro.altered("\(name).bias") { $0 * 0 }).divergence)
    #expect(found.origin.module == name)
    #expect(found.hints.map(\.cause) == [.missingBias])
  }

  @Test func kernelsInBGROrderAreRecognised() throws {
    let micro = try Micro()
    let name = "image_encoder.trunk.patch_embed.proj"
    let found = try #require(
      try micro.verify(
        micro.altered("\(name).weight") { weight in
          let channels = (0..<3).map { weight.sliced(axis: 1, $0..<$0 + 1) }
          return .concatenated(channels.reversed(), axis: 1)
        }
      ).divergence)
    #expect(found.origin.module == name)
    #expect(found.hints.first?.claim.contains("BGR for RGB") == true, "\(found.hints)")
  }

  @Test func anotherEpsilonIsRecognisedInEveryNorm() throws {
    let verifier = try Micro().verify(nil, try WrongEpsilon(epsilon: 1e-3))
    let found = try #require(verifier.divergence)
    #expect(found.origin.kind == .module)
    #expect(found.origin.module?.contains("norm") == true)
    #expect(found.introducing.allSatisfy { $0.contains("norm") }, "\(found.introducing)")
    #expect(found.hints.first?.cause == .epsilon, "\(found.hints)")
    #expect(found.hints.first?.claim.contains("candidate fits epsilon 1e-03") == true)
  }

  @Test(
    arguments: [
      ("clicks", "memory_attention."), ("refined", "memory_encoder/"), ("leaving", "memory_attention/"),
      ("edited", "memory_attention/"),
    ])
  func aVideosModulesAloneMatchPyTorch(name: String, module: String) throws {
    let recording = try RecordedVideo.micro(name)
    let verifier = LiveComparison(
      reference: .trace(recording.reader), policy: .memories.withRelative(RecordedVideo.rounding),
      isolates: true)
    try recording.perform(verifier.makeTaps())
    let comparison = verifier.comparison
    #expect(comparison.passes, "\(comparison.failures.prefix(3).map { "\($0)" })")
    // What memories round to is inherited: on recorded ones a module is as near as without.
    let isolated = comparison.arrays.filter { $0.isolated != nil }
    #expect(isolated.contains { $0.name.hasPrefix(module) })
    #expect(isolated.allSatisfy { ($0.isolated?.relativeError ?? 0) < 1e-5 })
  }
}
