// How a layer's inputs go together: the sums of products that rounding by error feedback weighs its errors with.
import Kernels
import Tensors

/// Σ x · xᵀ over vectors that a layer was given.
struct InputMoments: Sendable {
  /// Numbers of a vector.
  let size: Int
  /// `[size, size]`, symmetric.
  private(set) var sums: [Float]

  /// Vectors taken of one call at most, evenly spread: what more of the same tells costs more than it is worth.
  static let mostOfCall = 1024

  /// Bytes that those of vectors of a size take.
  static func byteCount(_ size: Int) -> Int { size * size * MemoryLayout<Float>.size }

  /// None seen yet.
  init(size: Int) {
    self.size = size
    sums = [Float](repeating: 0, count: size * size)
  }

  /// Takes what one call was given.
  ///
  /// - Parameters:
  ///   - vectors: `[…, size]`, or `[B, size, H, W]` where `isConvolution`.
  ///   - shift: which of neighbouring vectors is taken.
  ///   - backend: what multiplies.
  mutating func add(_ vectors: Tensor, isConvolution: Bool, shift: UInt64, on backend: any Backend) {
    let pixels = isConvolution ? vectors.shape[2] * vectors.shape[3] : 1
    let count = vectors.count / size
    let step = max(1, (count + Self.mostOfCall - 1) / Self.mostOfCall)
    let places = Array(stride(from: Int(shift % UInt64(step)), to: count, by: step))
    guard !places.isEmpty else { return }
    let (size, taken) = (size, places.count)
    let rows = Tensor([taken, size]) { target in
      vectors.withElements { elements in
        for (row, place) in places.enumerated() {
          let start = place / pixels * pixels * size + place % pixels
          for index in 0..<size { target[row * size + index] = elements[start + index * pixels] }
        }
      }
    }
    let products = backend.matmul(rows.permutedView(1, 0).contiguous(), rows)
    products.withElements { products in
      sums.withUnsafeMutableBufferPointer { sums in
        for index in sums.indices { sums[index] += products[index] }
      }
    }
  }
}
