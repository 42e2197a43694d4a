// Small things as the official code has them, made by tools/fixtures/make_parts.py: bounds at their edge, ties, rules of
// interpolation on rough pictures, and what a frame attends to under every switch.
import Foundation
import Kernels
import Masks
import OpenBLASBackend
import Tensors
import Testing
import TestSupport

@testable import Architecture
@testable import SAM2

/// `Fixtures/parts.json`.
private struct OfficialParts: Decodable {
  struct Numbers: Decodable {
    let shape: [Int]
    let values: [Float]
    var tensor: Tensor { Tensor(Shape(shape), values) }
  }

  struct Neck: Decodable {
    let interpolation: String
    let fuse: String
    let levels: [Int]?
    let weights: [String: Numbers]
    let inputs: [Numbers]
    let features: [Numbers]
    let position: Numbers
  }

  struct Upsampled: Decodable {
    let low: Numbers
    let logits: Numbers
  }

  struct Separated: Decodable {
    let logits: [Numbers]
    let separated: [Numbers]
  }

  struct Stability: Decodable {
    let threshold: Float
    let logits: Numbers
    let scores: Numbers
    let stability: Numbers
    let chosen: Numbers
    let ious: Numbers
    let generator: [[Float?]]
  }

  struct Memories: Decodable {
    struct Switches: Decodable {
      let num_maskmem: Int
      let memory_temporal_stride_for_eval: Int
      let max_cond_frames_in_attn: Int
      let use_obj_ptrs_in_encoder: Bool
      let max_obj_ptrs_in_encoder: Int
      let only_obj_ptrs_in_the_past_for_eval: Bool
      let use_signed_tpos_enc_to_obj_ptrs: Bool

      var configuration: ModelConfiguration {
        var configuration = Variant.sam21Tiny.configuration
        configuration.numMaskmem = num_maskmem
        configuration.memoryTemporalStrideForEval = memory_temporal_stride_for_eval
        configuration.maxCondFramesInAttn = max_cond_frames_in_attn
        configuration.useObjPtrsInEncoder = use_obj_ptrs_in_encoder
        configuration.maxObjPtrsInEncoder = max_obj_ptrs_in_encoder
        configuration.onlyObjPtrsInThePastForEval = only_obj_ptrs_in_the_past_for_eval
        configuration.useSignedTposEncToObjPtrs = use_signed_tpos_enc_to_obj_ptrs
        return configuration
      }
    }

    let frame: Int
    let count: Int
    let reverse: Bool
    let conditioning: [Int]
    let tracked: [Int]
    let switches: Switches
    let near: [Int]
    let far: [Int]
    /// Place in time and frame.
    let memories: [[Int]]
    /// Frame and distance.
    let pointers: [[Int]]
    let tellsDistances: Bool
  }

  struct Sines: Decodable {
    let places: [Float]
    let channels: Int
    let sines: Numbers
  }

  let necks: [Neck]
  let masks: [Upsampled]
  let separated: [Separated]
  let stability: [Stability]
  let memories: [Memories]
  let sines: [Sines]

  static func read() throws -> OfficialParts {
    try JSONDecoder().decode(
      Self.self, from: Data(contentsOf: URL(filePath: TestFiles.fixture("parts.json"))))
  }
}

/// The largest difference; infinite where the shapes differ.
private func distance(_ found: Tensor, _ expected: Tensor) -> Float {
  guard found.shape == expected.shape else { return .infinity }
  return zip(found.elements, expected.elements).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

/// A neck's weights by their names.
private struct NeckWeights: WeightSource {
  let origin = "parts.json"
  let weights: [String: Tensor]
  var shapes: [String: Shape] { weights.mapValues(\.shape) }
  func tensor(_ name: String) throws -> Tensor { try #require(weights[name]) }
}

@Suite struct OfficialPartsTests {
  private let parts: OfficialParts

  init() throws { parts = try OfficialParts.read() }

  @Test func pyramidsAreThoseOfPyTorchByEveryRule() throws {
    #expect(parts.necks.map(\.interpolation) == ["nearest", "bilinear", "bicubic", "bilinear"])
    for recorded in parts.necks {
      var configuration = FpnNeckConfiguration(
        positionEncoding: SinePositionConfiguration(numPosFeats: 8), dModel: 8,
        backboneChannelList: [6, 5, 4, 3])
      configuration.fpnInterpModel = recorded.interpolation
      configuration.fuseType = recorded.fuse
      configuration.fpnTopDownLevels = recorded.levels
      let loader = WeightLoader(
        source: NeckWeights(weights: recorded.weights.mapValues(\.tensor)), backend: try OpenBLASBackend(),
        plan: PrecisionPlan())
      let neck = try FpnNeck(configuration, Scope(loader: loader))
      let found = neck(recorded.inputs.map(\.tensor), Run())
      let words = "\(recorded.interpolation) \(recorded.fuse)"
      #expect(found.features.count == recorded.features.count)
      for (level, (feature, expected)) in zip(found.features, recorded.features).enumerated() {
        #expect(distance(feature, expected.tensor) < 2e-5, "\(words), level \(level)")
      }
      #expect(distance(found.positions[3].tensor, recorded.position.tensor) < 1e-6, "\(words)")
    }
  }

  /// Of pictures and of videos.
  @Test func masksAreBroughtToAPicturesSizeAsByPyTorch() throws {
    for recorded in parts.masks {
      let (low, expected) = (recorded.low.tensor, recorded.logits.tensor)
      let (height, width) = (expected.shape[0], expected.shape[1])
      let prediction = Prediction(
        logits: low.reshaped([1, 1, low.shape[0], low.shape[1]]), iou: Tensor([1, 1], [0.5]),
        objectScore: Tensor([1, 1], [1]), width: width, height: height)
      #expect(distance(prediction.maskLogits(object: 0, mask: 0), expected) < 1e-5)
      let frame = FrameMasks(
        frame: 0, objects: [.init(id: 1, lowResLogits: low, objectScore: 1, predictedIoU: 1)], width: width,
        height: height, areSeparated: false)
      #expect(frame.logits().count == 1)
      for logits in frame.logits() { #expect(distance(logits, expected) < 1e-5) }
    }
  }

  @Test func objectsExcludeEachOtherAsInPyTorchWhereTheyTieToo() {
    #expect(parts.separated.map(\.logits.count) == [1, 2, 3])
    for recorded in parts.separated {
      let found = FrameMasks.separated(recorded.logits.map(\.tensor))
      #expect(found.map(\.elements) == recorded.separated.map(\.values))
    }
  }

  /// Logits that are the bound itself, shares that are the threshold itself.
  @Test func stabilityAndWhatItChoosesAreThoseOfPyTorch() throws {
    for recorded in parts.stability {
      var configuration = MaskSelectionConfiguration()
      configuration.dynamicMultimaskStabilityThresh = recorded.threshold
      let (logits, scores) = (recorded.logits.tensor, recorded.scores.tensor)
      let scored = (0..<logits.shape[0]).map { logits[$0][0].stabilityScore(offset: 0.05) }
      #expect(scored == recorded.stability.values)
      let chosen = MaskSelection(configuration: configuration).single(logits, scores)
      #expect(chosen.masks.shape.extents == recorded.chosen.shape)
      #expect(chosen.masks.elements == recorded.chosen.values, "threshold \(recorded.threshold)")
      #expect(chosen.scores.elements == recorded.ious.values, "threshold \(recorded.threshold)")
      for (threshold, expected) in zip([Float(0), 1], recorded.generator) {
        for (index, score) in expected.enumerated() {
          let mask = logits[index][0] * 40
          let (height, width) = (mask.shape[0], mask.shape[1])
          var scan = MaskScan(
            width: width, height: height, columns: 0..<width, from: 0,
            MaskScan.Thresholds(mask: threshold, offset: 1))
          for row in 0..<height { mask[row].withElements { scan.add($0) } }
          #expect(scan.finish().stabilityScore == score, "\(index) around \(threshold)")
        }
      }
    }
  }

  /// 160 moments: forwards and backwards, strides, few memories or pointers, several frames that were pointed at.
  @Test func aFrameAttendsToWhatItDoesInPyTorch() {
    #expect(parts.memories.count == 160)
    for (number, recorded) in parts.memories.enumerated() {
      var bank = MemoryBank()
      func output(_ frame: Int) -> FrameOutput {
        FrameOutput(
          maskLogits: Tensor([1], [Float(frame)]), objectPointer: Tensor([1, 1], [Float(frame)]),
          objectScore: Tensor([1, 1], [0]), predictedIoU: 0, memory: nil)
      }
      for frame in recorded.conditioning { bank.conditioning[frame] = output(frame) }
      for frame in recorded.tracked { bank.tracked[frame] = output(frame) }
      let configuration = recorded.switches.configuration
      let (near, far) = bank.closestConditioningFrames(
        to: recorded.frame, atMost: configuration.maxCondFramesInAttn)
      #expect(near == recorded.near && far.sorted() == recorded.far, "\(number)")
      let found = bank.selection(
        at: Moment(frame: recorded.frame, isReverse: recorded.reverse, frameCount: recorded.count),
        configuration)
      #expect(
        found.memories.map { [$0.place, Int($0.output.maskLogits.elements[0])] } == recorded.memories,
        "\(number)")
      let pointers = found.pointers.map { [Int($0.pointer.elements[0]), $0.distance] }
      if recorded.tellsDistances {
        #expect(pointers == recorded.pointers, "\(number)")
      } else {
        #expect(pointers.map { $0[0] } == recorded.pointers.map { $0[0] }, "\(number)")
      }
    }
  }

  @Test func sinesOfPlacesInTimeAreThoseOfPyTorch() {
    for recorded in parts.sines {
      let found = SAM2Base.sinePositions(recorded.places, channels: recorded.channels)
      #expect(distance(found, recorded.sines.tensor) < 1e-6)
    }
  }
}
