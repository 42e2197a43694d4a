import Architecture
import Synchronization
import Taps
import Tensors

/// A part of what is done to a picture or a frame, whose time and work are told apart.
struct Stage: Hashable, Sendable {
  let name: String
  /// What it is a part of.
  let part: String

  init(_ name: String, _ part: String) { (self.name, self.part) = (name, part) }

  /// A file to pixels.
  static let decode = Stage("decode", "input")
  /// Pixels to the model's input.
  static let prepare = Stage("prepare", "input")
  static let patchEmbedding = Stage("patch_embedding", "image_encoder")
  /// From 0.
  static func trunk(_ stage: Int) -> Stage { Stage("trunk_stage_\(stage + 1)", "image_encoder") }
  static let neck = Stage("neck", "image_encoder")
  /// The two finer levels projected for the mask decoder.
  static let highResolution = Stage("high_res_projection", "image_encoder")
  /// Positions, orders of axes, and what else lies between the encoder's stages.
  static let encoderRest = Stage("encoder_rest", "image_encoder")
  static let memoryAttention = Stage("memory_attention", "memory")
  static let promptEncoder = Stage("prompt_encoder", "prompt")
  static let maskDecoder = Stage("mask_decoder", "prompt")
  static let objectPointers = Stage("object_pointers", "memory")
  static let memoryEncoder = Stage("memory_encoder", "memory")
  /// Masks to the size of the picture.
  static let upsample = Stage("upsample", "post")
  /// Logits to pixels and run lengths.
  static let encodeMasks = Stage("run_lengths", "post")
  static let writeMasks = Stage("png", "post")
  /// What no other stage is.
  static let rest = Stage("rest", "rest")
}

/// Which modules of a model are stages of their own.
struct StageMap: Sendable {
  /// All stages, in the order in which they are run.
  let stages: [Stage]
  private let modules: [ModulePath: Stage]

  init(_ configuration: ModelConfiguration) {
    var modules: [ModulePath: Stage] = [:]
    func note(_ path: String, _ stage: Stage) { modules[ModulePath(path)] = stage }
    note("image_encoder", .encoderRest)
    note("image_encoder.trunk.patch_embed", .patchEmbedding)
    let ends = configuration.imageEncoder.trunk.stageEnds
    for (stage, end) in ends.enumerated() {
      let start = stage == 0 ? 0 : ends[stage - 1] + 1
      for block in start..<end + 1 { note("image_encoder.trunk.blocks.\(block)", .trunk(stage)) }
    }
    note("image_encoder.neck", .neck)
    for level in ["conv_s0", "conv_s1"] { note("sam_mask_decoder.\(level)", .highResolution) }
    note("memory_attention", .memoryAttention)
    note("sam_prompt_encoder", .promptEncoder)
    // The positions of all pixels, which the predictors ask for by themselves.
    note("sam_prompt_encoder.pe_layer", .promptEncoder)
    note("sam_mask_decoder", .maskDecoder)
    for projection in ["obj_ptr_proj", "obj_ptr_tpos_proj"] { note(projection, .objectPointers) }
    note("memory_encoder", .memoryEncoder)
    self.modules = modules
    stages =
      [.decode, .prepare, .patchEmbedding] + ends.indices.map(Stage.trunk) + [
        .neck, .highResolution, .encoderRest, .memoryAttention, .promptEncoder, .maskDecoder, .objectPointers,
        .memoryEncoder, .upsample, .encodeMasks, .writeMasks, .rest,
      ]
  }

  func stage(of module: ModulePath) -> Stage? { modules[module] }
}

/// Divides what grows while a model runs, such as the time, among stages: each gets what is added while it is the innermost
/// that has begun. So parts add up to the whole.
final class StageMeter<Quantity: AdditiveArithmetic & Sendable>: CallObserver {
  private let map: StageMap
  private let read: @Sendable () -> Quantity
  private let state: Mutex<State>

  private struct State {
    var open: [Stage] = []
    var last: Quantity
    var spent: [Stage: Quantity] = [:]

    /// Gives what was added since the last call to the innermost stage.
    mutating func settle(_ now: Quantity) {
      spent[open.last ?? .rest, default: .zero] += now - last
      last = now
    }
  }

  /// - Parameter read: What grows.
  init(_ map: StageMap, read: @escaping @Sendable () -> Quantity) {
    self.map = map
    self.read = read
    state = Mutex(State(last: read()))
  }

  func begin(_ path: ModulePath) {
    if let stage = map.stage(of: path) { begin(stage) }
  }

  func end(_ path: ModulePath) {
    if map.stage(of: path) != nil { endStage() }
  }

  /// Does what is a stage without being a module.
  func measure<Result>(_ stage: Stage, _ body: () throws -> Result) rethrows -> Result {
    begin(stage)
    defer { endStage() }
    return try body()
  }

  /// What each stage was given since the last call, and begins anew.
  func take() -> [Stage: Quantity] {
    let now = read()
    return state.withLock { state in
      state.settle(now)
      defer { state.spent = [:] }
      return state.spent
    }
  }

  private func begin(_ stage: Stage) {
    let now = read()
    state.withLock { state in
      state.settle(now)
      state.open.append(stage)
    }
  }

  private func endStage() {
    let now = read()
    state.withLock { state in
      state.settle(now)
      _ = state.open.popLast()
    }
  }
}

extension StageMeter<Double> {
  /// In seconds.
  convenience init(timing map: StageMap) {
    let start = ContinuousClock.now
    self.init(map) { start.duration(to: .now) / .seconds(1) }
  }
}
