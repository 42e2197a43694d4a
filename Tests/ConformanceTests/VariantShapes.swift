// The operations and sizes of the released models, as the models themselves call them: each is built on a backend that
// notes what it is asked for and computes nothing, of weights that are zeros.
import Architecture
import Foundation
import Kernels
import Prompts
import SAM2
import Synchronization
import Tensors

/// Every operation on every size that a variant has at 1024 pixels.
struct VariantShapes: Sendable {
  /// Each once, at its real size.
  let cases: [Case]
  /// What was prepared when models were built but never called.
  let uncalled: [String]

  static let all = Result { try VariantShapes() }

  /// Pictures with one and several prompts and a mask on all variants; eight frames of tracking, so that all memories
  /// are there, which is the same on all variants of a version.
  private init() throws {
    let backend = NotingBackend()
    for variant in Variant.allCases {
      let model = try Self.model(variant, backend)
      let size = model.configuration.imageSize
      let predictor = ImagePredictor(model)
      let embedding = try predictor.embed(backend.zeros.tensor([3, size, size]), width: size, height: size)
      let click = Prompt(points: [.init(x: 5, y: 6)])
      for prompts in [
        [click], [click, click, click], [Prompt(maskLogits: Tensor(repeating: 0, [1, 256, 256]))],
      ] {
        _ = try predictor.predict(prompts, in: embedding, multimask: true)
      }
    }
    for variant in [Variant.sam2Tiny, .sam21Tiny] {
      let predictor = try VideoPredictor(Self.model(variant, backend))
      var session = predictor.session(
        BlackFrames(zeros: backend.zeros), width: 64, height: 64, history: .window)
      if variant.isVersion21 {
        try session.prompt(object: 1, frame: 0, points: [.init(x: 5, y: 6)])
      } else {
        try session.prompt(object: 1, frame: 0, mask: Tensor(repeating: 1, [64, 64]))
      }
      try session.propagate { _ in }
    }
    cases = backend.cases
    uncalled = backend.uncalled
  }

  private static func model(_ variant: Variant, _ backend: NotingBackend) throws -> SAM2Base {
    try SAM2Base(
      variant.configuration, weights: ZeroWeights(variant.configuration, backend.zeros), backend: backend)
  }
}

/// Tensors of zeros that share memory which nobody writes, so that none of it is ever made.
private final class Zeros: @unchecked Sendable {
  /// More than the largest tensor of any variant, large's 256 × 256 tokens of 576 channels.
  private static let count = 1 << 26
  private let memory: UnsafePointer<Float>

  init() {
    guard let memory = calloc(Self.count, MemoryLayout<Float>.stride) else {
      preconditionFailure("no memory for \(Self.count) zeros")
    }
    self.memory = UnsafePointer(memory.assumingMemoryBound(to: Float.self))
  }

  deinit { free(UnsafeMutablePointer(mutating: memory)) }

  func tensor(_ shape: Shape) -> Tensor {
    precondition(shape.count <= Self.count, "\(shape) is larger than any tensor was thought to be")
    return Tensor(borrowing: memory, shape, owner: self)
  }
}

private struct ZeroWeights: WeightSource {
  let origin = "zeros"
  let shapes: [String: Shape]
  private let zeros: Zeros

  init(_ configuration: ModelConfiguration, _ zeros: Zeros) {
    shapes = StateDictLayout(configuration).shapes
    self.zeros = zeros
  }

  func tensor(_ name: String) throws -> Tensor { zeros.tensor(shapes[name] ?? []) }
}

private struct BlackFrames: VideoFrames {
  let zeros: Zeros
  var count: Int? { 8 }
  func frame(_ index: Int, size: Int) throws -> Tensor { zeros.tensor([3, size, size]) }
}

/// Notes layers when they are prepared, and sizes when they are called; results are zeros.
private final class NotingBackend: Backend {
  let name = "noting"
  let version = "0"
  let zeros = Zeros()
  private let notes = Mutex(Notes())

  private struct Notes {
    var cases: [Case] = []
    var known: Set<Case> = []
    var prepared: Set<String> = []
    var called: Set<String> = []
    var blocks: Set<[Int]> = []
  }

  var cases: [Case] { notes.withLock(\.cases) }
  var uncalled: [String] { notes.withLock { $0.prepared.subtracting($0.called).sorted() } }

  /// A kernel that notes the size of what it is given.
  private func noting(
    _ layer: String, hasBias: Bool = true, _ operation: Case.Operation
  ) -> any Kernel<Tensor, Tensor> {
    notes.withLock { _ = $0.prepared.insert(layer) }
    return NotingKernel { [self] input in
      note(Case(operation, input.shape, hasBias: hasBias), layer)
    }
  }

  fileprivate func note(_ example: Case, _ layer: String) -> Tensor {
    notes.withLock { notes in
      notes.called.insert(layer)
      if notes.known.insert(example).inserted { notes.cases.append(example) }
    }
    return zeros.tensor(example.output)
  }

  func linear(_ layer: LinearLayer) throws -> any Kernel<Tensor, Tensor> {
    let operation = Case.Operation.linear(outputs: layer.weight.shape[0])
    return noting("linear \(layer.weight.shape)", hasBias: layer.bias != nil, operation)
  }

  func conv2d(_ layer: ConvolutionLayer) throws -> any Kernel<Tensor, Tensor> {
    let operation = Case.Operation.conv2d(
      weight: layer.weight.shape, stride: layer.stride, padding: layer.padding, groups: layer.groups)
    return noting("\(operation)", hasBias: layer.bias != nil, operation)
  }

  func convTranspose2d(_ layer: TransposedConvolutionLayer) throws -> any Kernel<Tensor, Tensor> {
    let operation = Case.Operation.convTranspose2d(weight: layer.weight.shape)
    return noting("\(operation)", hasBias: layer.bias != nil, operation)
  }

  func layerNorm(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> {
    noting("norm \(layer.weight.shape) \(layer.epsilon)", .layerNorm(epsilon: layer.epsilon))
  }

  func layerNorm2d(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> {
    noting("norm2d \(layer.weight.shape) \(layer.epsilon)", .layerNorm2d(epsilon: layer.epsilon))
  }

  func attention(_ site: Site) throws -> any AttentionKernel { NotingAttention(backend: self) }

  func matmul(_ a: Tensor, _ b: Tensor) -> Tensor {
    note(Case(.matmul(columns: b.shape[-1]), a.shape), "matmul")
  }

  /// Blocks like one before are not run by their parts again: their sizes are noted.
  func whole(_ block: HieraBlock) throws -> (any Kernel<Tensor, Tensor>)? {
    let channels = block.norm2.weight.count
    let form = [block.norm1.weight.count, channels, block.heads, block.window, block.pool ?? 0]
    if notes.withLock({ $0.blocks.insert(form).inserted }) { return nil }
    return NotingKernel { [zeros] x in
      let pool = block.pool ?? 1
      return zeros.tensor([x.shape[0], x.shape[1] / pool, x.shape[2] / pool, channels])
    }
  }
}

private struct NotingKernel: Kernel {
  let result: @Sendable (Tensor) -> Tensor

  func callAsFunction(_ input: consuming Tensor) -> Tensor { result(input) }
}

private struct NotingAttention: AttentionKernel {
  let backend: NotingBackend

  func callAsFunction(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor {
    backend.note(Case(.attention(keys: k.shape[1]), q.shape), "attention")
  }

  func callAsFunction(packed qkv: Tensor) -> Tensor {
    backend.note(Case(.packedAttention, qkv.shape), "attention")
  }
}
