// Some of what a layer was given, to try things on.
import Tensors

/// A few of the vectors that a layer's weight was multiplied with, of all calls alike.
struct KeptVectors: Sendable {
  private let isConvolution: Bool
  private var vectors: [[Float]] = []
  /// Calls that were seen.
  private(set) var calls = 0

  /// Vectors that are kept of all calls, and of one.
  private static let kept = 256
  private static let keptOfCall = 32

  /// None seen yet of a layer.
  init(isConvolution: Bool) { self.isConvolution = isConvolution }

  /// Those that are kept, `[count, in]`.
  var tensor: Tensor { Tensor([vectors.count, vectors.first?.count ?? 0], vectors.flatMap { $0 }) }

  /// Keeps some of what one call was given.
  ///
  /// - Parameters:
  ///   - tensor: row-major, not empty.
  ///   - name: the layer's, on which it depends which are kept.
  mutating func add(_ tensor: Tensor, of name: String) {
    let hash = CounterHash(seed: UInt64(calls), name: name)
    calls += 1
    for index in 0..<Self.keptOfCall {
      let vector = Self.vector(of: tensor, isConvolution: isConvolution, at: hash[2 * index])
      if vectors.count < Self.kept {
        vectors.append(vector)
      } else if hash[2 * index + 1] % UInt64(calls) < 8 {
        // Later calls replace ever fewer of the earlier ones, so that all have a share: 8 calls fill what is kept.
        vectors[Int(hash[2 * index + 1] >> 32) % Self.kept] = vector
      }
    }
  }

  /// One of the vectors that a weight is multiplied with: a row, or a pixel of all channels.
  private static func vector(of tensor: Tensor, isConvolution: Bool, at number: UInt64) -> [Float] {
    let shape = tensor.shape
    let inputs = isConvolution ? shape[1] : shape[-1]
    let place = Int(number % UInt64(tensor.count / inputs))
    return tensor.withElements { elements in
      guard isConvolution else { return Array(elements[place * inputs..<(place + 1) * inputs]) }
      let pixels = shape[2] * shape[3]
      let start = place / pixels * inputs * pixels + place % pixels
      return (0..<inputs).map { elements[start + $0 * pixels] }
    }
  }
}
