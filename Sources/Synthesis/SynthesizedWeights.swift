public import Architecture
import Kernels
public import Tensors

/// Made-up weights under which a model of any size computes something: activations neither die out nor grow,
/// attention chooses, masks have edges. The same bits on every machine.
///
/// An element is the sum of the four 16-bit parts of a hash of (seed, name, position), nearly normal, times and plus a
/// Float: integers, one rounded product and one rounded sum, and no function of a mathematics library.
public struct SynthesizedWeights: WeightSource {
  /// What the numbers depend on besides names and positions.
  public let seed: UInt64
  /// Names and shapes, in PyTorch's order.
  public let tensors: [(name: String, shape: Shape)]
  /// Shapes by name.
  public let shapes: [String: Shape]
  private let recipe: WeightRecipe

  /// What to call it in an error.
  public var origin: String { "weights synthesized with seed \(seed)" }

  /// The weights of a model of that configuration.
  public init(_ configuration: ModelConfiguration, seed: UInt64) {
    let layout = StateDictLayout(configuration)
    self.seed = seed
    tensors = layout.tensors
    shapes = layout.shapes
    recipe = WeightRecipe(blockCount: configuration.imageEncoder.trunk.blocks.count)
  }

  /// The tensor of that name.
  ///
  /// - Throws: `SynthesisError.noSuchTensor`.
  public func tensor(_ name: String) throws -> Tensor {
    guard let shape = shapes[name] else { throw SynthesisError.noSuchTensor(name: name) }
    let hash = CounterHash(seed: seed, name: name)
    let spread = recipe.spread(of: name, shape)
    let mean = Float(spread.mean)
    let scale = Float(spread.deviation / Self.unit)
    let headScale = Float(spread.deviation * spread.headGain / Self.unit)
    return Tensor(shape) { memory in
      nonisolated(unsafe) let elements = memory
      parallelFor(memory.count, grain: Self.grain) { range in
        for index in range {
          let sum = Float(Self.sum(of: hash[index]))
          elements[index] = mean + sum * (index < spread.headCount ? headScale : scale)
        }
      }
    }
  }

  /// Elements that a thread takes at a time.
  private static let grain = 1 << 16

  /// The standard deviation of the sum of four 16-bit numbers, √(4 · (2³² − 1) / 12).
  private static let unit = (4_294_967_295.0 / 3).squareRoot()

  /// The four 16-bit parts added up, less their mean: an integer within ±131070, which Float holds exactly.
  @inline(__always)
  private static func sum(of bits: UInt64) -> Int32 {
    let low = Int32(truncatingIfNeeded: bits & 0xffff) + Int32(truncatingIfNeeded: bits >> 16 & 0xffff)
    let high = Int32(truncatingIfNeeded: bits >> 32 & 0xffff) + Int32(truncatingIfNeeded: bits >> 48)
    return low + high - 131_070
  }
}

/// What can go wrong with made-up weights.
public enum SynthesisError: Error, Equatable, CustomStringConvertible {
  /// The model has no such tensor.
  case noSuchTensor(name: String)

  /// One sentence naming the thing.
  public var description: String {
    switch self {
    case .noSuchTensor(let name): "expected a tensor of the model, found '\(name)'"
    }
  }
}
