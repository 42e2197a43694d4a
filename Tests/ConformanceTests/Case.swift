// An operation at one size, how much work it is, and how a backend and the reference compute it.
import Kernels
import Tensors
import Testing

/// One operation on one input.
struct Case: Hashable, Sendable, CustomTestStringConvertible {
  enum Operation: Hashable, Sendable {
    case linear(outputs: Int)
    /// `weight`: `[out, in / groups, kh, kw]`.
    case conv2d(weight: Shape, stride: Int, padding: Int, groups: Int)
    /// `weight`: `[in, out, k, k]`.
    case convTranspose2d(weight: Shape)
    case layerNorm(epsilon: Float)
    case layerNorm2d(epsilon: Float)
    /// The input is the queries'.
    case attention(keys: Int)
    case packedAttention
    /// The input is the left factor.
    case matmul(columns: Int)
  }

  let operation: Operation
  private(set) var input: Shape
  /// Whether the layer has a bias, where it need not have one.
  var hasBias = true

  init(_ operation: Operation, _ input: Shape, hasBias: Bool = true) {
    self.operation = operation
    self.input = input
    self.hasBias = hasBias
  }

  var testDescription: String { "\(operation) on \(input)\(hasBias ? "" : " without bias")" }

  /// The result's shape, by PyTorch's formulas.
  var output: Shape {
    switch operation {
    case .linear(let outputs), .matmul(let outputs): return Shape(input.extents.dropLast() + [outputs])
    case .conv2d(let weight, let stride, let padding, _):
      let across = { (axis: Int) in (input[axis] + 2 * padding - weight[axis]) / stride + 1 }
      return [input[0], weight[0], across(2), across(3)]
    case .convTranspose2d(let weight):
      return [input[0], weight[1], input[2] * weight[2], input[3] * weight[3]]
    case .layerNorm, .layerNorm2d, .attention: return input
    case .packedAttention: return [input[0], input[1], input[3], input[4]]
    }
  }

  /// About how many products are summed.
  private var work: Int {
    switch operation {
    case .linear(let outputs), .matmul(let outputs): input.count * outputs
    case .conv2d(let weight, _, _, _): output.count / max(1, weight[0]) * weight.count
    case .convTranspose2d(let weight): input.count / input[1] * weight.count
    // Few sums, but all of them in memory.
    case .layerNorm, .layerNorm2d: 50 * input.count
    case .attention(let keys): 2 * input.count * keys
    case .packedAttention: 2 * output.count * input[1]
    }
  }

  /// The axes along which fewer positions mean less work and nothing else, outermost first.
  private var axes: [Int] {
    switch operation {
    case .linear, .layerNorm: Array(0..<input.rank - 1)
    case .matmul: Array(0..<input.rank - 1)
    case .conv2d, .convTranspose2d, .layerNorm2d: [0, 2]
    case .attention: [0, 1]
    case .packedAttention: [0]
    }
  }

  /// The same with fewer rows, images, windows or queries, so many that the work stays bounded. Channels, heads, keys
  /// and kernels are what they are.
  func reduced(toWork most: Int) -> Case {
    var reduced = self
    for axis in axes where reduced.work > most {
      var extents = reduced.input.extents
      extents[axis] = max(1, Int(Double(extents[axis]) * Double(most) / Double(reduced.work)))
      if case .conv2d(let weight, _, _, _) = operation, axis == 2 { extents[2] = max(extents[2], weight[2]) }
      reduced.input = Shape(extents)
    }
    return reduced
  }
}

/// A case's numbers, and what a backend makes of them.
struct Experiment {
  let example: Case
  private let x, weight, bias, keys, values: Tensor
  private let offsets: Tensor?

  init(_ example: Case) {
    self.example = example
    let input = example.input
    let (weightShape, channels): (Shape, Int) =
      switch example.operation {
      case .linear(let outputs): ([outputs, input[-1]], outputs)
      case .conv2d(let weight, _, _, _): (weight, weight[0])
      case .convTranspose2d(let weight): (weight, weight[1])
      case .layerNorm: ([input[-1]], input[-1])
      case .layerNorm2d: ([input[1]], input[1])
      case .attention, .packedAttention: ([0], 0)
      case .matmul(let columns): (Shape(input.extents.dropLast(2) + [input[-1], columns]), 0)
      }
    weight = noise(weightShape, seed: 1)
    bias = noise([channels], seed: 2)
    offsets = example.hasBias ? bias : nil
    switch example.operation {
    case .attention(let count):
      let shape: Shape = [input[0], count, input[2], input[3]]
      // Logits spread by about 1, so that attention is neither even nor a choice.
      (x, keys, values) = (noise(input, seed: 3, times: 3), noise(shape, seed: 4), noise(shape, seed: 5))
    case .packedAttention:
      let packed = noise(input, seed: 3, times: 1.7)
      let part = { (index: Int) -> Tensor in
        packed.sliced(axis: 2, index..<index + 1).reshaped([input[0], input[1], input[3], input[4]])
      }
      (x, keys, values) = (packed, part(1), part(2))
    default:
      let alone = noise(input, seed: 3)
      (x, keys, values) = (alone, alone, alone)
    }
  }

  /// What the backend computes.
  func result(_ backend: any Backend, _ site: Site) throws -> Tensor {
    let kernel: any Kernel<Tensor, Tensor>
    switch example.operation {
    case .linear: kernel = try backend.linear(LinearLayer(site, weight: weight, bias: offsets))
    case .conv2d(_, let stride, let padding, let groups):
      kernel = try backend.conv2d(
        ConvolutionLayer(
          site, weight: weight, bias: offsets, stride: stride, padding: padding, groups: groups))
    case .convTranspose2d:
      kernel = try backend.convTranspose2d(TransposedConvolutionLayer(site, weight: weight, bias: offsets))
    case .layerNorm(let epsilon):
      kernel = try backend.layerNorm(NormLayer(site, weight: weight, bias: bias, epsilon: epsilon))
    case .layerNorm2d(let epsilon):
      kernel = try backend.layerNorm2d(NormLayer(site, weight: weight, bias: bias, epsilon: epsilon))
    case .attention:
      let attend = try backend.attention(site)
      return attend(x, keys, values)
    case .packedAttention:
      let attend = try backend.attention(site)
      return attend(packed: x)
    case .matmul: return backend.matmul(x, weight)
    }
    return kernel(x)
  }

  /// What it should be.
  func expected() -> [Expected] {
    let shape = example.output
    switch example.operation {
    case .linear: return DoubleReference.linear(x, weight: weight, bias: offsets, shape)
    case .conv2d(_, let stride, let padding, let groups):
      return DoubleReference.conv2d(
        x, weight: weight, bias: offsets, stride: stride, padding: padding, groups: groups, shape)
    case .convTranspose2d: return DoubleReference.convTranspose2d(x, weight: weight, bias: offsets, shape)
    case .layerNorm(let epsilon):
      return DoubleReference.normalise(x, stride: 1, weight: weight, bias: bias, epsilon: epsilon)
    case .layerNorm2d(let epsilon):
      let pixels = shape[2] * shape[3]
      return DoubleReference.normalise(x, stride: pixels, weight: weight, bias: bias, epsilon: epsilon)
    case .attention: return DoubleReference.attention(x, keys, values)
    case .packedAttention:
      let queries = x.sliced(axis: 2, 0..<1).reshaped(shape)
      return DoubleReference.attention(queries, keys, values)
    case .matmul: return DoubleReference.matmul(x, weight, shape)
    }
  }
}
