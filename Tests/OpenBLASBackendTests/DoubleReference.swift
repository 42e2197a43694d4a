// Every operation again as plain loops in double precision, and how tests compare with it.
import Kernels
import Tensors
import Testing

/// Where a layer stands that only a test has.
let site = Site(ModulePath("layer"))

/// Numbers in −1 ..< 1 that depend on `seed` alone.
func noise(_ shape: Shape, seed: UInt64) -> Tensor {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  return Tensor(
    shape,
    (0..<shape.count).map { _ in
      // Knuth's linear congruential generator; its upper bits are random enough.
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 23) - 1
    })
}

/// Expects that both have the same shape and differ nowhere by more than `tolerance` times the largest expected
/// element.
func expectClose(
  _ found: Tensor, _ expected: (shape: Shape, elements: [Double]), tolerance: Double = 2e-6,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.shape == expected.shape, sourceLocation: sourceLocation)
  let largest = expected.elements.reduce(0) { max($0, abs($1)) }
  let worst = zip(found.elements, expected.elements).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
  #expect(worst <= tolerance * largest, sourceLocation: sourceLocation)
  #expect(largest > 0, sourceLocation: sourceLocation)
}

/// The operations of `Backend`, one result element at a time.
enum DoubleReference {
  static func linear(_ x: Tensor, weight: Tensor, bias: Tensor?) -> (Shape, [Double]) {
    let (x, shape, w, b) = (x.elements, x.shape, weight.elements, bias?.elements)
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    var result: [Double] = []
    for row in 0..<shape.count / inputs {
      for output in 0..<outputs {
        var sum = Double(b?[output] ?? 0)
        for i in 0..<inputs { sum += Double(x[row * inputs + i]) * Double(w[output * inputs + i]) }
        result.append(sum)
      }
    }
    return (Shape(shape.extents.dropLast() + [outputs]), result)
  }

  static func conv2d(
    _ x: Tensor, weight: Tensor, bias: Tensor?, stride: Int, padding: Int, groups: Int
  ) -> (Shape, [Double]) {
    let (e, w, b) = (x.elements, weight.elements, bias?.elements)
    let (height, width, inputs) = (x.shape[2], x.shape[3], weight.shape[1])
    let (kh, kw) = (weight.shape[2], weight.shape[3])
    let shape: Shape = [
      x.shape[0], weight.shape[0], (height + 2 * padding - kh) / stride + 1,
      (width + 2 * padding - kw) / stride + 1,
    ]
    var result: [Double] = []
    for entry in 0..<shape[0] {
      for output in 0..<shape[1] {
        let group = output / (weight.shape[0] / groups)
        for y in 0..<shape[2] {
          for x in 0..<shape[3] {
            var sum = Double(b?[output] ?? 0)
            for i in 0..<inputs {
              for ky in 0..<kh {
                for kx in 0..<kw {
                  let (sy, sx) = (y * stride + ky - padding, x * stride + kx - padding)
                  guard (0..<height).contains(sy), (0..<width).contains(sx) else { continue }
                  let channel = (entry * groups + group) * inputs + i
                  sum +=
                    Double(e[(channel * height + sy) * width + sx])
                    * Double(w[((output * inputs + i) * kh + ky) * kw + kx])
                }
              }
            }
            result.append(sum)
          }
        }
      }
    }
    return (shape, result)
  }

  static func convTranspose2d(_ x: Tensor, weight: Tensor, bias: Tensor?) -> (Shape, [Double]) {
    let (e, w, b) = (x.elements, weight.elements, bias?.elements)
    let (inputs, outputs, k) = (weight.shape[0], weight.shape[1], weight.shape[2])
    let (height, width) = (x.shape[2], x.shape[3])
    var result: [Double] = []
    for entry in 0..<x.shape[0] {
      for output in 0..<outputs {
        for y in 0..<height * k {
          for x in 0..<width * k {
            var sum = Double(b?[output] ?? 0)
            for i in 0..<inputs {
              sum +=
                Double(e[((entry * inputs + i) * height + y / k) * width + x / k])
                * Double(w[((i * outputs + output) * k + y % k) * k + x % k])
            }
            result.append(sum)
          }
        }
      }
    }
    return ([x.shape[0], outputs, height * k, width * k], result)
  }

  /// Normalises groups of `count` elements that lie `stride` apart, beginning at each of `starts`.
  static func normalize(
    _ x: Tensor, starts: [Int], stride: Int, weight: Tensor, bias: Tensor, epsilon: Double
  ) -> (Shape, [Double]) {
    let (e, w, b) = (x.elements.map(Double.init), weight.elements, bias.elements)
    var result = e
    for start in starts {
      let values = (0..<w.count).map { e[start + $0 * stride] }
      let mean = values.reduce(0, +) / Double(w.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(w.count)
      for i in 0..<w.count {
        result[start + i * stride] =
          (values[i] - mean) / (variance + epsilon).squareRoot() * Double(w[i]) + Double(b[i])
      }
    }
    return (x.shape, result)
  }

  static func matmul(_ a: Tensor, _ b: Tensor) -> (Shape, [Double]) {
    let (x, y) = (a.elements, b.elements)
    let (m, k, n) = (a.shape[-2], a.shape[-1], b.shape[-1])
    var result: [Double] = []
    for entry in 0..<a.count / (m * k) {
      for row in 0..<m {
        for column in 0..<n {
          result.append(
            (0..<k).reduce(0) { sum, i in
              sum + Double(x[(entry * m + row) * k + i]) * Double(y[(entry * k + i) * n + column])
            })
        }
      }
    }
    return (Shape(a.shape.extents.dropLast() + [n]), result)
  }
}
