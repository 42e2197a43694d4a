import Kernels
import Tensors

/// What there is to multiply: matrix products alone, as PyTorch computes them.
struct Work: Equatable, Sendable, AdditiveArithmetic {
  /// Two for each multiplication with its addition, by the precision of the layers.
  private(set) var operations: [Precision: Double] = [:]
  /// What products read and write, if nothing stays in a cache from one to the next.
  private(set) var bytes: Double = 0

  static let zero = Work()

  init() {}

  /// `products` multiplications with their additions.
  init(products: Int, _ precision: Precision, elements: Int, weightBytes: Int = 0) {
    operations = [precision: 2 * Double(products)]
    bytes = Double(elements * Self.elementBytes + weightBytes)
  }

  /// Inputs and results are Float32 wherever a layer begins and ends.
  static let elementBytes = MemoryLayout<Float>.stride

  /// The same products, at other costs to the memory.
  func moving(elements: Int, weightBytes: Int) -> Work {
    var work = self
    work.bytes = Double(elements * Self.elementBytes + weightBytes)
    return work
  }

  var totalOperations: Double { operations.values.reduce(0, +) }

  static func + (a: Work, b: Work) -> Work {
    var sum = a
    sum.operations.merge(b.operations, uniquingKeysWith: +)
    sum.bytes += b.bytes
    return sum
  }

  static func - (a: Work, b: Work) -> Work {
    var difference = a
    difference.operations.merge(b.operations.mapValues { -$0 }, uniquingKeysWith: +)
    difference.operations = difference.operations.filter { $0.value != 0 }
    difference.bytes -= b.bytes
    return difference
  }
}

extension Precision {
  /// What a weight takes in a kernel: what is computed in Float32 is held so.
  var weightBytes: Int {
    switch self {
    case .f32, .w8, .w4: 4
    case .bf16, .w8a16: 2
    case .w8a8: 1
    }
  }
}

extension Tensor {
  /// What these weights take in a layer of that precision.
  func bytes(_ site: Site) -> Int { count * site.precision.weightBytes }
}

// What single products come to.

extension LinearLayer {
  func work(rows: Int) -> Work {
    Work(
      products: rows * weight.count, site.precision, elements: rows * (weight.shape[0] + weight.shape[1]),
      weightBytes: weight.bytes(site))
  }
}

extension ConvolutionLayer {
  /// The result's shape for an input `[B, in, H, W]`.
  func output(of input: Shape) -> Shape {
    func extent(_ axis: Int) -> Int { (input[axis] + 2 * padding - weight.shape[axis]) / stride + 1 }
    return [input[0], weight.shape[0], extent(2), extent(3)]
  }

  func work(on input: Shape) -> Work {
    let output = output(of: input)
    return Work(
      products: output.count * (weight.count / weight.shape[0]), site.precision,
      elements: input.count + output.count, weightBytes: weight.bytes(site))
  }
}

extension TransposedConvolutionLayer {
  /// The result's shape for an input `[B, in, H, W]`.
  func output(of input: Shape) -> Shape {
    [input[0], weight.shape[1], input[2] * weight.shape[2], input[3] * weight.shape[3]]
  }

  func work(on input: Shape) -> Work {
    Work(
      products: input[0] * input[2] * input[3] * weight.count, site.precision,
      elements: input.count + output(of: input).count, weightBytes: weight.bytes(site))
  }
}

extension Site {
  /// Attention in `batch` windows or pictures: scores and the sum of values, over all heads' channels.
  func attentionWork(batch: Int, queries: Int, keys: Int, channels: Int) -> Work {
    Work(
      products: 2 * batch * queries * keys * channels, precision,
      elements: 2 * batch * (queries + keys) * channels)
  }
}
