import Foundation
import Kernels
import OpenBLASBackend
import Tensors
import Testing

@testable import Quantization

/// Vectors whose numbers go together, as those of a layer do: `[count, size]`.
private func vectors(_ count: Int, _ size: Int, seed: UInt64) -> Tensor {
  let hash = CounterHash(seed: seed, name: "vectors")
  func uniform(_ index: Int) -> Float { Float(hash[index] >> 40) / 16_777_216 - 0.5 }
  return Tensor(
    [count, size],
    (0..<count * size).map { index in
      let (row, column) = (index / size, index % size)
      let shared = uniform(row) + uniform(row + count) * Float(column % 7) / 7
      return shared + 0.4 * uniform(2 * count + index)
    })
}

private func weight(_ outputs: Int, _ inputs: Int, seed: UInt64) -> Tensor {
  let hash = CounterHash(seed: seed, name: "weight")
  return Tensor([outputs, inputs], (0..<outputs * inputs).map { Float(hash[$0] >> 40) / 16_777_216 - 0.5 })
}

private func moments(of vectors: Tensor) throws -> InputMoments {
  var moments = InputMoments(size: vectors.shape[1])
  moments.add(vectors, isConvolution: false, shift: 0, on: try OpenBLASBackend())
  return moments
}

/// GPTQ as its paper has it, in double precision: the inverse of H, its Cholesky factor, and after each column all columns behind
/// it changed.
private struct PaperGPTQ {
  let factor: [[Double]]

  init(_ moments: InputMoments) {
    let size = moments.size
    var h = (0..<size).map { row in (0..<size).map { Double(moments.sums[row * size + $0]) } }
    let damping = 0.01 * (0..<size).reduce(0) { $0 + h[$1][$1] } / Double(size)
    for index in 0..<size { h[index][index] += damping }
    factor = Self.lower(Self.inverse(h))
  }

  /// Gauss and Jordan, without pivots: the matrix is positive definite.
  private static func inverse(_ matrix: [[Double]]) -> [[Double]] {
    let size = matrix.count
    var (a, b) = (matrix, (0..<size).map { row in (0..<size).map { $0 == row ? 1.0 : 0 } })
    for pivot in 0..<size {
      let by = a[pivot][pivot]
      for column in 0..<size {
        a[pivot][column] /= by
        b[pivot][column] /= by
      }
      for row in 0..<size where row != pivot {
        let share = a[row][pivot]
        for column in 0..<size {
          a[row][column] -= share * a[pivot][column]
          b[row][column] -= share * b[pivot][column]
        }
      }
    }
    return b
  }

  /// L with L · Lᵀ the matrix.
  private static func lower(_ matrix: [[Double]]) -> [[Double]] {
    let size = matrix.count
    var l = matrix.map { $0.map { _ in 0.0 } }
    for column in 0..<size {
      for row in column..<size {
        let sum = matrix[row][column] - (0..<column).reduce(0) { $0 + l[row][$1] * l[column][$1] }
        l[row][column] = row == column ? sum.squareRoot() : sum / l[column][column]
      }
    }
    return l
  }

  /// Each row's numbers, given the scale of a row, or of 32 columns as they are when the first of them is reached.
  func values(_ weight: Tensor, limit: Double, grouped: Bool) -> [Int8] {
    let (outputs, size) = (weight.shape[0], weight.shape[1])
    return (0..<outputs).flatMap { output -> [Int8] in
      var row = weight.elements[output * size..<(output + 1) * size].map(Double.init)
      var scale = row.reduce(0) { max($0, abs($1)) } / limit
      return (0..<size).map { k in
        if grouped, k % 32 == 0 { scale = row[k..<k + 32].reduce(0) { max($0, abs($1)) } / limit }
        let value = max(-limit, min(limit, (row[k] / scale).rounded(.toNearestOrEven)))
        let error = (row[k] - value * scale) / factor[k][k]
        for behind in k..<size { row[behind] -= error * factor[behind][k] }
        return Int8(value)
      }
    }
  }
}

/// How far a layer's results are off, on other vectors than those that the moments are of.
private func loss(_ exact: Tensor, _ found: Tensor, on vectors: Tensor) throws -> Double {
  let backend = try OpenBLASBackend()
  func product(_ weight: Tensor) throws -> Tensor {
    let linear = try backend.linear(LinearLayer(Site(ModulePath("layer")), weight: weight, bias: nil))
    return linear(vectors)
  }
  return try -QuantizedModel.sqnr(product(exact), product(found))
}

@Suite struct ErrorFeedbackTests {
  /// Another derivation, in another precision: the same numbers, but where one lies halfway between two and what comes behind it.
  @Test(arguments: [false, true]) func roundsAsThePaperDoes(grouped: Bool) throws {
    let weight = weight(24, 96, seed: 3)
    let moments = try moments(of: vectors(700, 96, seed: 5))
    let feedback = try #require(ErrorFeedback(moments, on: try OpenBLASBackend()))
    let found = grouped ? feedback.grouped(weight, as: .fourBits).values : feedback.perChannel(weight).values
    let expected = PaperGPTQ(moments).values(weight, limit: grouped ? 7 : 127, grouped: grouped)
    let wrong = zip(found, expected).count { $0 != $1 }
    #expect(wrong * 20 < found.count, "\(wrong) of \(found.count)")
    #expect(zip(found, expected).allSatisfy { abs(Int($0) - Int($1)) <= 2 })
  }

  @Test func resultsAreNearerThanThoseOfTheNearest() throws {
    let weight = weight(40, 160, seed: 4)
    let feedback = try #require(
      ErrorFeedback(try moments(of: vectors(900, 160, seed: 6)), on: try OpenBLASBackend()))
    let others = vectors(300, 160, seed: 66)
    let nearest = try loss(weight, QuantizedWeight(quantizing: weight).weight, on: others)
    #expect(try loss(weight, feedback.perChannel(weight).weight, on: others) < nearest - 4)
    let four = try loss(weight, GroupedWeight(quantizing: weight, as: .fourBits).weight, on: others)
    #expect(try loss(weight, feedback.grouped(weight, as: .fourBits).weight, on: others) < four - 4)
    let eight = try loss(weight, GroupedWeight(quantizing: weight, as: .eightBits).weight, on: others)
    #expect(try loss(weight, feedback.grouped(weight, as: .eightBits).weight, on: others) < eight - 4)
  }

  /// What a file can hold: 4 bits, scales of Q8_0 that float16 holds, channels of zeros.
  @Test func whatComesOutFitsItsForm() throws {
    var elements = weight(6, 64, seed: 9).elements
    for index in 64..<128 { elements[index] = 0 }
    let weight = Tensor([6, 64, 1, 1], elements)
    let feedback = try #require(
      ErrorFeedback(try moments(of: vectors(80, 64, seed: 7)), on: try OpenBLASBackend()))
    let channels = feedback.perChannel(weight)
    #expect(channels.shape == weight.shape && channels.scales[1] == 1)
    #expect(channels.values[64..<128].allSatisfy { $0 == 0 })
    #expect(channels.scales == QuantizedWeight(quantizing: weight).scales)
    let four = feedback.grouped(weight, as: .fourBits)
    #expect(four.values.allSatisfy { abs($0) <= 7 } && four.scales.allSatisfy { $0 > 0 })
    let eight = feedback.grouped(weight, as: .eightBits)
    let halves = Tensor([12], eight.scales).converted(to: .float16).converted(to: .float32)
    #expect(eight.scales == halves.elements)
  }

  /// One input that never was anything but 0, and fewer vectors than inputs.
  @Test func littleThatWasSeenIsEnough() throws {
    var elements = vectors(5, 40, seed: 8).elements
    for row in 0..<5 { elements[row * 40 + 13] = 0 }
    let seen = Tensor([5, 40], elements)
    let weight = weight(8, 40, seed: 2)
    let feedback = try #require(ErrorFeedback(try moments(of: seen), on: try OpenBLASBackend()))
    let nearest = try loss(weight, QuantizedWeight(quantizing: weight).weight, on: seen)
    #expect(try loss(weight, feedback.perChannel(weight).weight, on: seen) < nearest - 6)
  }

  @Test func nothingThatTellsIsNothing() throws {
    let backend = try OpenBLASBackend()
    #expect(ErrorFeedback(InputMoments(size: 8), on: backend) == nil)
    #expect(ErrorFeedback(try moments(of: Tensor(repeating: .nan, [3, 8])), on: backend) == nil)
    #expect(ErrorFeedback(try moments(of: Tensor(repeating: .infinity, [3, 8])), on: backend) == nil)
  }
}

@Suite struct InputMomentsTests {
  /// Whole numbers, of which sums are exact.
  @Test func sumsAreThoseOfAllVectors() throws {
    let elements = (0..<3 * 4).map { Float($0 * 5 % 7 - 3) }
    var expected = [Float](repeating: 0, count: 16)
    for row in 0..<3 {
      for i in 0..<4 { for j in 0..<4 { expected[i * 4 + j] += elements[row * 4 + i] * elements[row * 4 + j] } }
    }
    #expect(try moments(of: Tensor([3, 4], elements)).sums == expected)
    // [1, 4, 3, 1]: the same vectors, a channel after the other.
    let channels = Tensor([1, 4, 3, 1], (0..<12).map { elements[$0 % 3 * 4 + $0 / 3] })
    var found = InputMoments(size: 4)
    found.add(channels, isConvolution: true, shift: 0, on: try OpenBLASBackend())
    #expect(found.sums == expected)
    // Twice is twice as much.
    found.add(channels, isConvolution: true, shift: 5, on: try OpenBLASBackend())
    #expect(found.sums == expected.map { 2 * $0 })
  }

  /// Of 3000 vectors every third, from the first, second or third on.
  @Test func ofMuchSomeIsTaken() throws {
    for shift in 0..<3 {
      var found = InputMoments(size: 1)
      let row = Tensor([3000, 1], (0..<3000).map { $0 % 3 == 1 ? 1 : 0 })
      found.add(row, isConvolution: false, shift: UInt64(shift + 3), on: try OpenBLASBackend())
      #expect(found.sums == [shift == 1 ? 1000 : 0])
    }
  }
}
