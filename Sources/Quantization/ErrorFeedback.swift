// Weights to whole numbers column by column, each column making up for the errors of those before it.
// Source: E. Frantar et al., "GPTQ" (2022), in the form that J. Chee et al. give it in "QuIP" (2023), which takes one
// factorisation and no inverse.
import Kernels
import Tensors

/// How weights become whole numbers.
public enum Rounding: String, Sendable, Codable, CaseIterable {
  /// Each to the nearest.
  case nearest
  /// So that the layer's result is near, on inputs that were seen.
  case gptq
}

/// Rounds weights so that E · H · Eᵀ is small, where E is what was lost of a row and H the moments of the layer's inputs:
/// with H = R · Rᵀ, R upper triangular, column k is best rounded as W_k + Σ_{j<k} E_j · R_jk / R_kk.
struct ErrorFeedback {
  private let size: Int
  /// R_jk / R_kk at `k * size + j`, for j < k.
  private let feedback: [Float]
  private let backend: any Backend

  /// Columns that are done at once, between products of matrices.
  private static let block = GroupedWeight.groupSize
  /// What is added to H's diagonal, as a share of its mean, so that no direction counts for nothing.
  private static let damping: [Float] = [0.01, 0.1, 1]

  /// Prepares rounding for inputs like those that were seen; nil where they were all zeros, or not finite.
  init?(_ moments: InputMoments, on backend: any Backend) {
    let size = moments.size
    let mean = (0..<size).reduce(Double(0)) { $0 + Double(moments.sums[$1 * size + $1]) } / Double(max(1, size))
    guard mean.isFinite, mean > 0 else { return nil }
    for share in Self.damping {
      if let factor = Self.factor(moments, adding: share * Float(mean), backend) {
        feedback = factor
        self.size = size
        self.backend = backend
        return
      }
    }
    return nil
  }

  /// Column k of R, divided by R_kk, at `k * size`; nil where H isn't positive definite. Columns are found from the last on.
  private static func factor(_ moments: InputMoments, adding damping: Float, _ backend: any Backend) -> [Float]?
  {
    let size = moments.size
    var factor = moments.sums
    for end in stride(from: size, to: 0, by: -block) {
      let start = max(0, end - block)
      for k in start..<end { factor[k * size + k] += damping }
      if end < size {
        subtractFinished(&factor, size, start..<end, backend)
      }
      let isDefinite = factor.withUnsafeMutableBufferPointer { factor in
        for k in (start..<end).reversed() {
          let column = k * size
          for m in k + 1..<max(end, k + 1) {
            let share = factor[m * size + k]
            for j in 0...k { factor[column + j] -= share * factor[m * size + j] }
          }
          let pivot = factor[column + k]
          guard pivot.isFinite, pivot >= damping / 2 else { return false }
          let root = pivot.squareRoot()
          for j in 0...k { factor[column + j] /= root }
        }
        return true
      }
      guard isDefinite else { return nil }
    }
    for k in 0..<size {
      let pivot = factor[k * size + k]
      for j in 0...k { factor[k * size + j] /= pivot }
    }
    return factor
  }

  /// Takes from columns what those behind them, which are finished, account for.
  private static func subtractFinished(
    _ factor: inout [Float], _ size: Int, _ columns: Range<Int>, _ backend: any Backend
  ) {
    let (end, width) = (columns.upperBound, columns.count)
    let finished = size - end
    let products = factor.withUnsafeBufferPointer { factor in
      let shares = Tensor([width, finished]) { target in
        for (row, k) in columns.enumerated() {
          for m in 0..<finished { target[row * finished + m] = factor[(end + m) * size + k] }
        }
      }
      let rest = Tensor([finished, end]) { target in
        for m in 0..<finished {
          for j in 0..<end { target[m * end + j] = factor[(end + m) * size + j] }
        }
      }
      return backend.matmul(shares, rest)
    }
    products.withElements { products in
      factor.withUnsafeMutableBufferPointer { factor in
        for (row, k) in columns.enumerated() {
          for j in 0..<end { factor[k * size + j] -= products[row * end + j] }
        }
      }
    }
  }

  /// A weight with a scale for each output channel, which is that of rounding to the nearest.
  ///
  /// - Parameter weight: `[out, size]` or `[out, size, 1, 1]`, finite.
  func perChannel(_ weight: Tensor) -> QuantizedWeight {
    let (values, scales) = quantized(weight, limit: 127, grouped: false, QuantizedWeight.scale(ofLargest:))
    return QuantizedWeight(shape: weight.shape, values: values, scales: scales)
  }

  /// A weight with a scale for each 32 inputs, made when all columns before them are done.
  ///
  /// - Parameter weight: `[out, size]` or `[out, size, 1, 1]`, finite, `size` a multiple of 32.
  func grouped(_ weight: Tensor, as form: GroupedWeight.Form) -> GroupedWeight {
    let (values, scales) = quantized(weight, limit: form.limit, grouped: true, form.scale(ofLargest:))
    return GroupedWeight(form, shape: weight.shape, values: values, scales: scales)
  }

  private func quantized(
    _ weight: Tensor, limit: Float, grouped: Bool, _ scale: (Float) -> Float
  ) -> (values: [Int8], scales: [Float]) {
    let (outputs, groups) = (weight.shape[0], grouped ? size / Self.block : 1)
    let original = weight.elements
    var values = [Int8](repeating: 0, count: outputs * size)
    var scales = [Float](repeating: 1, count: outputs * groups)
    // What was lost, a row for each column of the weight.
    var errors = [Float](repeating: 0, count: size * outputs)
    if !grouped {
      for output in 0..<outputs {
        scales[output] = scale(original[output * size..<(output + 1) * size].reduce(0) { max($0, abs($1)) })
      }
    }
    for start in stride(from: 0, to: size, by: Self.block) {
      let columns = start..<min(size, start + Self.block)
      // The weight's columns as they are to be rounded, as far as the columns before the block say.
      var targets = [Float](repeating: 0, count: columns.count * outputs)
      for (row, k) in columns.enumerated() {
        for output in 0..<outputs { targets[row * outputs + output] = original[output * size + k] }
      }
      if start > 0 { addFeedback(of: errors, to: &targets, columns, outputs) }
      if grouped {
        for output in 0..<outputs {
          let largest = columns.indices.reduce(Float(0)) {
            max($0, abs(targets[($1 - start) * outputs + output]))
          }
          scales[output * groups + start / Self.block] = scale(largest)
        }
      }
      for (row, k) in columns.enumerated() {
        for j in start..<k {
          let share = feedback[k * size + j]
          for output in 0..<outputs {
            targets[row * outputs + output] += share * errors[j * outputs + output]
          }
        }
        for output in 0..<outputs {
          let step = scales[grouped ? output * groups + start / Self.block : output]
          let nearest = (targets[row * outputs + output] / step).rounded(.toNearestOrEven)
          let value = max(-limit, min(limit, nearest))
          values[output * size + k] = Int8(value)
          errors[k * outputs + output] = original[output * size + k] - step * value
        }
      }
    }
    return (values, scales)
  }

  /// Adds to columns what the errors of all before them ask for.
  private func addFeedback(
    of errors: [Float], to targets: inout [Float], _ columns: Range<Int>, _ outputs: Int
  ) {
    let done = columns.lowerBound
    let shares = Tensor([columns.count, done]) { target in
      for (row, k) in columns.enumerated() {
        for j in 0..<done { target[row * done + j] = feedback[k * size + j] }
      }
    }
    let lost = Tensor([done, outputs], Array(errors[..<(done * outputs)]))
    let products = backend.matmul(shares, lost)
    products.withElements { products in
      for index in targets.indices { targets[index] += products[index] }
    }
  }
}
