// Every operation of a backend again as plain loops in double precision, one result element at a time.
import Foundation
import Kernels
import Tensors

/// What an element of a result should be.
struct Expected {
  /// The element's place, row-major.
  let index: Int
  let value: Double
  /// What its error is measured in: about the size that the result has if its terms have random signs. Roundings of
  /// terms, and of sums of them, stay a fixed part of it, however many terms there are.
  let scale: Double
}

/// A sum of products with its scale.
private struct Terms {
  private var sum: Double
  private var squares: Double

  init(_ start: Float?) {
    sum = Double(start ?? 0)
    squares = sum * sum
  }

  mutating func add(_ a: Float, _ b: Float) {
    let term = Double(a) * Double(b)
    sum += term
    squares += term * term
  }

  func expected(_ index: Int) -> Expected { Expected(index: index, value: sum, scale: squares.squareRoot()) }
}

/// Which elements of a result are computed again.
enum Places {
  /// How many terms are worth computing for one result.
  private static let terms = 3_000_000

  /// All elements where each costs little, else the corners and a random choice that prefers first and last positions
  /// along every axis.
  ///
  /// - Parameter cost: how many terms an element has.
  static func of(_ shape: Shape, cost: Int, seed: UInt64 = 1) -> [Int] {
    let most = max(40, terms / max(1, cost))
    guard shape.count > most else { return Array(0..<shape.count) }
    let strides = shape.strides
    var places = Set<Int>()
    for corner in 0..<1 << shape.rank {
      let index = (0..<shape.rank).reduce(0) { sum, axis in
        sum + (corner >> axis & 1) * (shape[axis] - 1) * strides[axis]
      }
      places.insert(index)
    }
    let hash = CounterHash(seed: seed, name: "places")
    for draw in 0..<min(most, 3000) {
      var index = 0
      for axis in 0..<shape.rank {
        let bits = hash[draw * shape.rank + axis]
        let position = Int(bits >> 8 % UInt64(shape[axis]))
        index += strides[axis] * (bits & 7 == 0 ? 0 : bits & 7 == 1 ? shape[axis] - 1 : position)
      }
      places.insert(index)
    }
    return places.sorted()
  }
}

/// The operations of `Backend`.
enum DoubleReference {
  static func linear(_ x: Tensor, weight: Tensor, bias: Tensor?, _ shape: Shape) -> [Expected] {
    let (x, w, b) = (x.elements, weight.elements, bias?.elements)
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    return Places.of(shape, cost: inputs).map { place in
      let (row, output) = place.quotientAndRemainder(dividingBy: outputs)
      var terms = Terms(b?[output])
      for i in 0..<inputs { terms.add(x[row * inputs + i], w[output * inputs + i]) }
      return terms.expected(place)
    }
  }

  static func conv2d(
    _ x: Tensor, weight: Tensor, bias: Tensor?, stride: Int, padding: Int, groups: Int, _ shape: Shape
  ) -> [Expected] {
    let (e, w, b) = (x.elements, weight.elements, bias?.elements)
    let (height, width) = (x.shape[2], x.shape[3])
    let (outputs, inputs, kh, kw) = (weight.shape[0], weight.shape[1], weight.shape[2], weight.shape[3])
    return Places.of(shape, cost: inputs * kh * kw).map { place in
      let (line, column) = place.quotientAndRemainder(dividingBy: shape[3])
      let (plane, row) = line.quotientAndRemainder(dividingBy: shape[2])
      let (entry, output) = plane.quotientAndRemainder(dividingBy: outputs)
      let group = output / (outputs / groups)
      var terms = Terms(b?[output])
      for i in 0..<inputs {
        let channel = (entry * groups + group) * inputs + i
        for ky in 0..<kh {
          for kx in 0..<kw {
            let (y, x) = (row * stride + ky - padding, column * stride + kx - padding)
            guard y >= 0, y < height, x >= 0, x < width else { continue }
            terms.add(e[(channel * height + y) * width + x], w[((output * inputs + i) * kh + ky) * kw + kx])
          }
        }
      }
      return terms.expected(place)
    }
  }

  static func convTranspose2d(_ x: Tensor, weight: Tensor, bias: Tensor?, _ shape: Shape) -> [Expected] {
    let (e, w, b) = (x.elements, weight.elements, bias?.elements)
    let (inputs, outputs, k) = (weight.shape[0], weight.shape[1], weight.shape[2])
    let (height, width) = (x.shape[2], x.shape[3])
    return Places.of(shape, cost: inputs).map { place in
      let (line, column) = place.quotientAndRemainder(dividingBy: shape[3])
      let (plane, row) = line.quotientAndRemainder(dividingBy: shape[2])
      let (entry, output) = plane.quotientAndRemainder(dividingBy: outputs)
      var terms = Terms(b?[output])
      for i in 0..<inputs {
        terms.add(
          e[((entry * inputs + i) * height + row / k) * width + column / k],
          w[((i * outputs + output) * k + row % k) * k + column % k])
      }
      return terms.expected(place)
    }
  }

  /// Normalises over channels that lie `stride` elements apart: 1 for the last axis, else the pixels of an image.
  static func normalise(
    _ x: Tensor, stride: Int, weight: Tensor, bias: Tensor, epsilon: Float
  ) -> [Expected] {
    let (e, w, b) = (x.elements, weight.elements, bias.elements)
    let channels = w.count
    return Places.of(x.shape, cost: 2 * channels).map { place in
      let channel = place / stride % channels
      let start = place - channel * stride
      var (mean, variance) = (0.0, 0.0)
      for i in 0..<channels { mean += Double(e[start + i * stride]) }
      mean /= Double(channels)
      for i in 0..<channels {
        let difference = Double(e[start + i * stride]) - mean
        variance += difference * difference
      }
      let deviation = (variance / Double(channels) + Double(epsilon)).squareRoot()
      let normal = (Double(e[place]) - mean) / deviation
      let (scale, shift) = (Double(w[channel]), Double(b[channel]))
      // The mean is a number that has been rounded, and what remains of it is divided by the deviation too.
      return Expected(
        index: place, value: normal * scale + shift,
        scale: (abs(normal) + abs(mean) / deviation) * abs(scale) + abs(shift))
    }
  }

  /// `q`: `[B, Nq, heads, d]`; `k`, `v`: `[B, Nk, heads, d]`.
  static func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> [Expected] {
    let (queries, keys, heads, size) = (q.shape[1], k.shape[1], q.shape[2], q.shape[3])
    let (q, k, v, batch) = (q.elements, k.elements, v.elements, q.shape[0])
    return Places.of([batch, queries, heads], cost: 2 * keys * size).flatMap { row in
      let (token, head) = row.quotientAndRemainder(dividingBy: heads)
      let start = { (key: Int) in ((token / queries * keys + key) * heads + head) * size }
      var (logits, spreads) = ([Double](), [Double]())
      for key in 0..<keys {
        var terms = Terms(nil)
        for i in 0..<size { terms.add(q[row * size + i], k[start(key) + i]) }
        let logit = terms.expected(0)
        logits.append(logit.value / Double(size).squareRoot())
        spreads.append(logit.scale / Double(size).squareRoot())
      }
      let largest = logits.max() ?? 0
      let powers = logits.map { exp($0 - largest) }
      let total = powers.reduce(0, +)
      return (0..<size).map { i in
        var (sum, squares) = (0.0, 0.0)
        for key in 0..<keys {
          let term = powers[key] / total * Double(v[start(key) + i])
          sum += term
          // An error in a logit is one in its power, relatively.
          squares += (term * (1 + spreads[key])) * (term * (1 + spreads[key]))
        }
        return Expected(index: row * size + i, value: sum, scale: squares.squareRoot())
      }
    }
  }

  static func matmul(_ a: Tensor, _ b: Tensor, _ shape: Shape) -> [Expected] {
    let (rows, inner, columns) = (a.shape[-2], a.shape[-1], b.shape[-1])
    let (a, b) = (a.elements, b.elements)
    return Places.of(shape, cost: inner).map { place in
      let (row, column) = place.quotientAndRemainder(dividingBy: columns)
      var terms = Terms(nil)
      for i in 0..<inner { terms.add(a[row * inner + i], b[(row / rows * inner + i) * columns + column]) }
      return terms.expected(place)
    }
  }
}
