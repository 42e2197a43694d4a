// What a layer's inputs were while it was watched, and the ranges that could be made of that.
// Source: torch.ao.quantization.observer has all four; the search by divergence is that of TensorRT's calibration (S. Migacz,
// "8-bit Inference with TensorRT", 2017).
import Foundation
public import Kernels
import Tensors

/// How a range is found in what was seen.
public enum RangeMethod: String, Sendable, Codable, CaseIterable {
  /// From the least to the largest number.
  case minMax = "min_max"
  /// What is left when one number in ten thousand is cut off at either end.
  case percentile
  /// The least sum of squared errors, those of what is cut off included.
  case leastSquares = "least_squares"
  /// The least divergence of what 256 steps tell apart from what was seen.
  case entropy
}

/// How often numbers were where: bins of one width on either side of 0, which doubles where numbers outgrow them, so that
/// everything is gone through once and nothing is counted twice.
public struct InputHistogram: Sendable {
  /// Bins on either side of 0.
  static let half = 2048

  /// A bin's width, a power of two; 0 until there is a number other than 0.
  private(set) var width = 0.0
  /// From the lowest bin on; bin `half` begins at 0.
  private(set) var counts = [Int](repeating: 0, count: 2 * half)
  /// The least number, or 0.
  public private(set) var least: Float = 0
  /// The largest number, or 0.
  public private(set) var largest: Float = 0
  /// NaN and infinities, which have no place.
  private(set) var notFinite = 0
  /// Zeros that came before any other number.
  private var zeros = 0

  /// Nothing seen yet.
  public init() {}

  /// How many numbers were seen.
  public var total: Int { counts.reduce(zeros, +) }

  /// Counts numbers, on several threads; NaN and infinities apart.
  public mutating func add(_ numbers: UnsafeBufferPointer<Float>) {
    let pieces = (numbers.count + Self.piece - 1) / Self.piece
    func piece(_ index: Int) -> UnsafeBufferPointer<Float> {
      UnsafeBufferPointer(rebasing: numbers[index * Self.piece..<min(numbers.count, (index + 1) * Self.piece)])
    }
    let extremes = Tensor([pieces, 3]) { target in
      parallelFor(pieces) { range in
        for index in range {
          (target[3 * index], target[3 * index + 1], target[3 * index + 2]) = Self.extremes(of: piece(index))
        }
      }
    }.elements
    var finite = 0
    for index in 0..<pieces {
      least = min(least, extremes[3 * index])
      largest = max(largest, extremes[3 * index + 1])
      finite += Int(extremes[3 * index + 2])
    }
    notFinite += numbers.count - finite
    grow(toHold: Double(max(-least, largest)))
    guard width > 0 else {
      zeros += finite
      return
    }
    let (perWidth, bins) = (1 / width, counts.count)
    var found = [Int32](repeating: 0, count: pieces * bins)
    found.withUnsafeMutableBufferPointer { found in
      let start = found.baseAddress
      parallelFor(pieces) { range in
        for index in range {
          guard let start else { continue }
          Self.count(piece(index), perWidth, into: start + index * bins)
        }
      }
    }
    for index in found.indices { counts[index % bins] += Int(found[index]) }
  }

  /// Numbers that one thread counts at a time.
  private static let piece = 1 << 20

  /// The least and the largest, or 0, and how many are finite: no more than Float32 counts exactly.
  private static func extremes(of numbers: UnsafeBufferPointer<Float>) -> (Float, Float, Float) {
    var (least, largest, finite) = (Float(0), Float(0), 0)
    for number in numbers where number.isFinite {
      least = number < least ? number : least
      largest = number > largest ? number : largest
      finite += 1
    }
    return (least, largest, Float(finite))
  }

  private static func count(
    _ numbers: UnsafeBufferPointer<Float>, _ perWidth: Double, into counts: UnsafeMutablePointer<Int32>
  ) {
    for number in numbers where number.isFinite {
      let place = Double(number) * perWidth
      // Towards zero, and one less where that is upwards.
      let whole = Int(place)
      counts[half + whole - (Double(whole) > place ? 1 : 0)] += 1
    }
  }

  /// Makes the bins wide enough, each pair becoming one as often as it takes.
  private mutating func grow(toHold magnitude: Double) {
    guard magnitude > 0 else { return }
    // Less than `half` bins, so that the largest has one.
    let needed = exp2(log2(magnitude / Double(Self.half - 1)).rounded(.up))
    guard needed > width else { return }
    if width == 0 {
      width = needed
      counts[Self.half] = zeros
      zeros = 0
    }
    while width < needed {
      var wider = [Int](repeating: 0, count: counts.count)
      for (bin, count) in counts.enumerated() { wider[Self.half + (bin - Self.half) >> 1] += count }
      (counts, width) = (wider, 2 * width)
    }
  }

  /// Bins in which something is, by their middles.
  private var filled: [(middle: Double, count: Int)] {
    counts.enumerated().compactMap { bin, count in
      count > 0 ? ((Double(bin - Self.half) + 0.5) * width, count) : nil
    }
  }

  /// The range that a method makes of it.
  public func range(by method: RangeMethod) -> QuantizedRange {
    guard width > 0 else { return QuantizedRange(from: least, to: largest) }
    switch method {
    case .minMax: return QuantizedRange(from: least, to: largest)
    case .percentile: return percentile(cutting: 1e-4)
    case .leastSquares:
      let filled = filled
      return best(of: Self.ends.flatMap { low in Self.ends.map { (low, $0) } }) {
        Self.squaredError($0, filled)
      }
    case .entropy:
      let filled = filled
      return best(of: Self.ends.map { ($0, $0) }) { Self.divergence($0, filled) }
    }
  }

  /// What of the least and of the largest number a range may reach.
  private static let ends = stride(from: 1.0, to: 0.19, by: -0.05).map { $0 }

  private func best(
    of shares: [(low: Double, high: Double)], _ cost: (QuantizedRange) -> Double
  ) -> QuantizedRange {
    var best = (range: QuantizedRange(from: least, to: largest), cost: Double.infinity)
    for share in shares {
      let range = QuantizedRange(
        from: Float(share.low * Double(least)), to: Float(share.high * Double(largest)))
      let cost = cost(range)
      if cost < best.cost { best = (range, cost) }
    }
    return best.range
  }

  private func percentile(cutting share: Double) -> QuantizedRange {
    let cut = Int(share * Double(total))
    func end(_ bins: some Sequence<Int>, _ offset: Int) -> Double {
      var seen = 0
      for bin in bins {
        seen += counts[bin]
        if seen > cut { return Double(bin - Self.half + offset) * width }
      }
      return 0
    }
    // A bin's outer edge, but no further than there was a number.
    return QuantizedRange(
      from: max(least, Float(end(counts.indices, 0))),
      to: min(largest, Float(end(counts.indices.reversed(), 1))))
  }

  private static func squaredError(_ range: QuantizedRange, _ filled: [(middle: Double, count: Int)]) -> Double
  {
    filled.reduce(0) { sum, bin in
      let error = bin.middle - Double(range.number(of: range.quantize(Float(bin.middle))))
      return sum + Double(bin.count) * error * error
    }
  }

  /// Σ p · log(p / q), where q spreads what falls on a step evenly over the bins that do. What is cut off is piled on the
  /// outermost bins that are left, in p alone.
  private static func divergence(_ range: QuantizedRange, _ filled: [(middle: Double, count: Int)]) -> Double {
    let (low, high) = (Double(range.number(of: 0)), Double(range.number(of: 255)))
    let inside = filled.filter { low...high ~= $0.middle }
    guard let first = inside.indices.first, let last = inside.indices.last else { return .infinity }
    var seen = inside.map { Double($0.count) }
    var (sums, bins) = ([Double](repeating: 0, count: 256), [Double](repeating: 0, count: 256))
    let steps = inside.map { Int(range.quantize(Float($0.middle))) }
    for (step, count) in zip(steps, seen) {
      sums[step] += count
      bins[step] += 1
    }
    let kept = seen.reduce(0, +)
    for bin in filled where bin.middle < low { seen[first] += Double(bin.count) }
    for bin in filled where bin.middle > high { seen[last] += Double(bin.count) }
    let total = seen.reduce(0, +)
    return zip(steps, seen).reduce(0) { divergence, bin in
      let (p, q) = (bin.1 / total, sums[bin.0] / bins[bin.0] / kept)
      return divergence + p * log(p / q)
    }
  }
}

extension InputHistogram {
  /// How often numbers were where, from the least to the largest in so many bins of one width; none where nothing but zeros
  /// was seen. A number counts in the bin that holds the middle of the narrow one that it was counted in.
  public func bins(_ count: Int) -> [Int] {
    let (low, high) = (Double(least), Double(largest))
    guard width > 0, high > low else { return [] }
    return filled.reduce(into: [Int](repeating: 0, count: count)) { bins, bin in
      let place = Int((bin.middle - low) / (high - low) * Double(count))
      bins[max(0, min(count - 1, place))] += bin.count
    }
  }
}
