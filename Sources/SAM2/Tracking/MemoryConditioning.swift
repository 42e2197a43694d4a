// A frame's features, conditioned on the memories of an object, and the memory that is made of them.
import Architecture
import Foundation
import Kernels
import Tensors

/// A frame's features, computed once for all of its objects.
struct FrameFeatures: Sendable {
  /// `[1, C, h, w]`, the coarsest level.
  let features: Tensor
  /// Its position encoding, `[1, C, h, w]`.
  let positions: Tensor
  /// `[1, C / 8, 4h, 4w]` and `[1, C / 4, 2h, 2w]`, projected for the mask decoder where it uses them.
  let highResFeatures: [Tensor]?
}

extension SAM2Base {
  /// The features of a prepared frame `[3, S, S]`. Source: SAM2Base, `forward_image`, `_prepare_backbone_features`.
  func frameFeatures(_ image: Tensor, _ run: Run) -> FrameFeatures {
    let encoded = imageEncoder(image.reshaped(Shape([1] + image.shape.extents)), run)
    let levels = projected(encoded.backboneFPN, run)
    return FrameFeatures(
      features: levels[levels.count - 1],
      positions: encoded.visionPosEnc[encoded.visionPosEnc.count - 1].tensor,
      highResFeatures: configuration.useHighResFeaturesInSam ? Array(levels.dropLast().suffix(2)) : nil)
  }
}

extension Tensor {
  /// `[B, C, h, w]` as a sequence `[B, h · w, C]`.
  var asSequence: Tensor {
    reshaped([shape[0], shape[1], shape[2] * shape[3]]).permuted(0, 2, 1)
  }
}

/// Where in time a frame is asked about.
struct Moment {
  let frame: Int
  /// Whether time runs backwards.
  let isReverse: Bool
  /// How many frames the video has, where that is known.
  let frameCount: Int?
}

extension SAM2Base {
  /// A frame's features `[1, C, h, w]` under the impression of an object's past.
  /// Source: SAM2Base, `_prepare_memory_conditioned_features`.
  ///
  /// - Parameter bank: nil on a frame that starts an object without any past.
  func conditioned(_ frame: FrameFeatures, at moment: Moment, on bank: MemoryBank?, _ run: Run) -> Tensor {
    guard configuration.numMaskmem > 0 else { return frame.features }
    // Predictors refuse a model that would attend to a token for no memory instead, see `VideoPredictor`.
    guard let bank else { return frame.features + noMemEmbed }
    let selection = bank.selection(at: moment, configuration)
    var tokens: [Tensor] = []
    var positions: [Tensor] = []
    for (age, output) in selection.memories {
      guard let memory = output.memory?.converted(to: .float32) else { continue }
      tokens.append(memory.asSequence)
      positions.append(self.positions(of: memory, age: age))
    }
    var pointerTokens = 0
    if configuration.useObjPtrsInEncoder, !selection.pointers.isEmpty {
      let (pointers, encodings) = pointerSequence(selection.pointers, at: moment, run)
      pointerTokens = pointers.shape[1]
      tokens.append(pointers)
      positions.append(encodings)
    }
    let attended = memoryAttention(
      .init(
        curr: frame.features.asSequence, currPos: frame.positions.asSequence,
        memory: .concatenated(tokens, axis: 1), memoryPos: .concatenated(positions, axis: 1),
        objPtrTokens: pointerTokens), run)
    return attended.permuted(0, 2, 1).reshaped(frame.features.shape)
  }

  /// Where a memory `[1, M, h, w]` stands in space and in time, as a sequence `[1, h · w, M]`: made once per grid and age.
  private func positions(of memory: Tensor, age: Int) -> Tensor {
    memoryPositions[age].tensor(height: memory.shape[2], width: memory.shape[3]) {
      memoryEncoder.positions(of: memory).asSequence + temporalPosition(age)
    }
  }

  /// How a memory's age is told, `[1, 1, M]`: 0 for conditioning frames, else the more the older.
  private func temporalPosition(_ age: Int) -> Tensor {
    maskmemTposEnc[configuration.numMaskmem - age - 1].reshaped([1, 1, configuration.memDim])
  }

  /// Object pointers as tokens of a memory's width and their positions in time, both `[1, N, M]`.
  private func pointerSequence(
    _ pointers: [(distance: Int, pointer: Tensor)], at moment: Moment, _ run: Run
  ) -> (tokens: Tensor, positions: Tensor) {
    let (dim, memDim) = (configuration.hiddenDim, configuration.memDim)
    let perPointer = max(1, dim / memDim)
    let count = pointers.count * perPointer
    let tokens = Tensor.concatenated(pointers.map(\.pointer), axis: 0).reshaped([1, count, dim / perPointer])
    guard configuration.addTposEncToObjPtrs else { return (tokens, Tensor(repeating: 0, tokens.shape)) }
    let most = min(moment.frameCount ?? .max, configuration.maxObjPtrsInEncoder)
    // Differs: the official code divides by 0 in a video of one frame.
    let scale = Float(max(1, most - 1))
    let waves = Self.sinePositions(
      pointers.map { Float($0.distance) / scale }, channels: configuration.projTposEncInObjPtrs ? dim : memDim)
    let encodings = objPtrTposProj(waves, run)  // [n, M]
    let repeated = encodings.reshaped([pointers.count, 1, memDim])
      .broadcast(to: [pointers.count, perPointer, memDim])
    return (tokens, repeated.reshaped([1, count, memDim]))
  }

  /// Sines, then cosines, of numbers: `[n, channels]`. Source: sam2/modeling/sam2_utils.py, `get_1d_sine_pe`.
  static func sinePositions(_ places: [Float], channels: Int) -> Tensor {
    let half = channels / 2
    let periods = (0..<half).map { powf(10000, Float(2 * ($0 / 2)) / Float(half)) }
    return Tensor([places.count, 2 * half]) { out in
      for (row, place) in places.enumerated() {
        for (channel, period) in periods.enumerated() {
          out[row * 2 * half + channel] = sinf(place / period)
          out[row * 2 * half + half + channel] = cosf(place / period)
        }
      }
    }
  }
}

extension SAM2Base {
  /// Turns a frame and an object's mask on it into a memory in bfloat16, to be kept. Source: SAM2Base, `_encode_new_memory`.
  ///
  /// The official predictor encodes one object at a time, so `nonOverlapMasksForMemEnc`, which compares the
  /// objects of a batch, never finds two of them; neither does it here.
  ///
  /// - Parameters:
  ///   - mask: logits `[1, 1, S, S]`.
  ///   - objectScore: `[1, 1]`.
  ///   - isPrompted: whether a user pointed at the object on this frame.
  func encodeMemory(
    _ frame: FrameFeatures, mask: Tensor, objectScore: Tensor, isPrompted: Bool, _ run: Run
  ) -> Tensor {
    let isBinary = configuration.binarizeMaskFromPtsForMemEnc && isPrompted
    let probability = isBinary ? mask.binarized(above: 0) : mask.sigmoid()
    let scaled =
      probability * configuration.sigmoidScaleForMemEnc + configuration.sigmoidBiasForMemEnc
    var memory = memoryEncoder(.init(pixFeat: frame.features, masks: scaled), run).visionFeatures
    if let noObjEmbedSpatial, objectScore.elements[0] <= 0 {
      memory = consume memory + noObjEmbedSpatial.reshaped([1, configuration.memDim, 1, 1])
    }
    return memory.converted(to: .bfloat16).compacted()
  }
}
