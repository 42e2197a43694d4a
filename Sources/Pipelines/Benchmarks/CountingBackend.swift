import Architecture
import Foundation
import Kernels
import Synchronization
import Tensors

/// Computes nothing and counts what there would be to multiply; results are zeros, of memory that is never made.
///
/// Modules that may run as one are counted as a sum of their layers, so that a pass takes little more time than none.
final class CountingBackend: Backend {
  let name = "counting"
  let version = "0"
  /// The modules that the backend in question runs as one: between the layers of these nothing goes to memory.
  private let fused: Set<ModulePath>
  private let counted = Mutex(Work.zero)

  /// - Parameter wholes: The modules that the backend in question runs as one.
  init(wholes: [ModulePath] = []) { fused = Set(wholes) }

  /// All that was counted so far.
  var work: Work { counted.withLock { $0 } }

  fileprivate func add(_ work: Work) { counted.withLock { $0 += work } }

  /// Adds a module's work. Where it is fused, it reads its input and its weights and writes its result.
  ///
  /// - Parameter layer: One of its layers.
  private func add(_ work: Work, fusedAround layer: Site, elements: Int, weightBytes: Int) {
    let isFused = fused.contains { layer.path.isInside($0) }
    add(isFused ? work.moving(elements: elements, weightBytes: weightBytes) : work)
  }

  func linear(_ layer: LinearLayer) throws -> any Kernel<Tensor, Tensor> {
    let (outputs, inputs) = (layer.weight.shape[0], layer.weight.shape[1])
    return Counter<Tensor, Tensor> { [self] x in
      precondition(x.shape[-1] == inputs, "\(layer.site.path): linear \(layer.weight.shape) on \(x.shape)")
      add(layer.work(rows: x.count / inputs))
      return .unmade(Shape(Array(x.shape.extents.dropLast()) + [outputs]))
    }
  }

  func conv2d(_ layer: ConvolutionLayer) throws -> any Kernel<Tensor, Tensor> {
    Counter<Tensor, Tensor> { [self] x in
      add(layer.work(on: x.shape))
      return .unmade(layer.output(of: x.shape))
    }
  }

  func convTranspose2d(_ layer: TransposedConvolutionLayer) throws -> any Kernel<Tensor, Tensor> {
    Counter<Tensor, Tensor> { [self] x in
      add(layer.work(on: x.shape))
      return .unmade(layer.output(of: x.shape))
    }
  }

  func layerNorm(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> {
    Counter<Tensor, Tensor> { .unmade($0.shape) }
  }

  func layerNorm2d(_ layer: NormLayer) throws -> any Kernel<Tensor, Tensor> {
    Counter<Tensor, Tensor> { .unmade($0.shape) }
  }

  func attention(_ site: Site) throws -> any AttentionKernel { AttentionCounter(site: site, backend: self) }

  func matmul(_ a: Tensor, _ b: Tensor) -> Tensor {
    let product = Shape(Array(a.shape.extents.dropLast()) + [b.shape[-1]])
    add(Work(products: a.count * b.shape[-1], .f32, elements: a.count + b.count + product.count))
    return .unmade(product)
  }

  func whole(_ block: HieraBlock) throws -> (any Kernel<Tensor, Tensor>)? {
    Counter<Tensor, Tensor> { [self] x in
      let output = block.output(of: x.shape)
      add(
        block.work(on: x.shape), fusedAround: block.qkv.site, elements: x.count + output.count,
        weightBytes: block.layers.weightBytes)
      return .unmade(output)
    }
  }

  func whole(_ layer: MemoryLayer) throws -> (any Kernel<MemoryLayer.Input, Tensor>)? {
    Counter<MemoryLayer.Input, Tensor> { [self] input in
      let position = input.queryPos?.count ?? 0
      add(
        layer.work(on: input), fusedAround: layer.norm1.site,
        elements: 2 * input.tgt.count + input.memory.count + input.pos.count + position,
        weightBytes: layer.layers.weightBytes)
      return .unmade(input.tgt.shape)
    }
  }

  func whole(_ block: ConvNeXtBlock) throws -> (any Kernel<Tensor, Tensor>)? {
    Counter<Tensor, Tensor> { [self] x in
      let depthwise = block.depthwise
      add(
        block.work(on: x.shape), fusedAround: depthwise.site, elements: 2 * x.count,
        weightBytes: depthwise.weight.bytes(depthwise.site) + block.mlp.layers.weightBytes)
      return .unmade(x.shape)
    }
  }

  func whole(_ row: ConvolutionRow) throws -> (any Kernel<Tensor, Tensor>)? {
    Counter<Tensor, Tensor> { [self] x in
      let (work, output) = row.work(on: x.shape)
      add(
        work, fusedAround: row.last.site, elements: x.count + output.count, weightBytes: row.weightBytes)
      return .unmade(output)
    }
  }

  func whole(_ transformer: TwoWay) throws -> (any Kernel<TwoWay.Input, TwoWay.Output>)? {
    Counter<TwoWay.Input, TwoWay.Output> { [self] input in
      let output = transformer.output(of: input)
      let inputs = input.imageEmbedding.count + input.imagePositions.count + input.tokens.count
      add(
        transformer.work(on: input), fusedAround: transformer.finalNorm.site,
        elements: inputs + output.tokens.count + output.image.count,
        weightBytes: transformer.linearLayers.weightBytes)
      return TwoWay.Output(tokens: .unmade(output.tokens), image: .unmade(output.image))
    }
  }

  func whole(_ upscaling: MaskUpscaling) throws -> (any Kernel<MaskUpscaling.Input, Tensor>)? {
    Counter<MaskUpscaling.Input, Tensor> { [self] input in
      let output = upscaling.output(of: input)
      let finer = (input.finer?.count ?? 0) + (input.finest?.count ?? 0)
      add(
        upscaling.work(on: input), fusedAround: upscaling.conv0.site,
        elements: input.picture.count + finer + input.weights.count + output.count,
        weightBytes: upscaling.conv0.weight.bytes(upscaling.conv0.site)
          + upscaling.conv3.weight.bytes(upscaling.conv3.site))
      return .unmade(output)
    }
  }
}

extension [LinearLayer] {
  fileprivate var weightBytes: Int { map { $0.weight.bytes($0.site) }.reduce(0, +) }
}

private struct Counter<Input, Output>: Kernel {
  let count: @Sendable (Input) -> Output

  func callAsFunction(_ input: consuming Input) -> Output { count(input) }
}

private struct AttentionCounter: AttentionKernel {
  let site: Site
  let backend: CountingBackend

  func callAsFunction(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> Tensor {
    backend.add(
      site.attentionWork(
        batch: q.shape[0], queries: q.shape[1], keys: k.shape[1], channels: q.shape[2] * q.shape[3]))
    return .unmade(q.shape)
  }

  func callAsFunction(packed qkv: Tensor) -> Tensor {
    let (batch, tokens, heads, size) = (qkv.shape[0], qkv.shape[1], qkv.shape[3], qkv.shape[4])
    backend.add(site.attentionWork(batch: batch, queries: tokens, keys: tokens, channels: heads * size))
    return .unmade([batch, tokens, heads, size])
  }
}

/// A model's weights as far as counting needs them: their shapes.
struct UnmadeWeights: WeightSource {
  let origin = "zeros"
  let shapes: [String: Shape]

  init(_ configuration: ModelConfiguration) { shapes = StateDictLayout(configuration).shapes }

  func tensor(_ name: String) throws -> Tensor { .unmade(shapes[name] ?? []) }
}

extension Tensor {
  /// Zeros that nobody may write, in memory that the system makes no page of until it is read.
  static func unmade(_ shape: Shape) -> Tensor {
    let memory = UnmadeMemory(count: shape.count)
    return Tensor(borrowing: memory.start, shape, owner: memory)
  }
}

/// Unchecked: nobody writes it.
private final class UnmadeMemory: @unchecked Sendable {
  let start: UnsafeMutableRawPointer

  init(count: Int) {
    guard let memory = calloc(max(1, count), MemoryLayout<Float>.stride) else {
      preconditionFailure("no memory for \(count) zeros")
    }
    start = memory
  }

  deinit { free(start) }
}
