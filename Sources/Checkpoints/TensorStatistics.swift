import Dispatch
public import Tensors

/// What a tensor's numbers look like, taken from its stored bytes in double precision.
public struct TensorStatistics: Equatable, Sendable {
  /// How many elements.
  public private(set) var count = 0
  /// How many are not a number.
  public private(set) var nanCount = 0
  /// How many are infinite, of either sign.
  public private(set) var infinityCount = 0
  /// The smallest finite element; infinity where there is none.
  public private(set) var minimum = Double.infinity
  /// The largest finite element; minus infinity where there is none.
  public private(set) var maximum = -Double.infinity
  /// The mean of the finite elements; 0 where there is none.
  public private(set) var mean = 0.0
  /// The sum of squared distances of the finite elements from their mean.
  private var spread = 0.0

  /// How many elements are finite.
  public var finiteCount: Int { count - nanCount - infinityCount }

  /// The population standard deviation of the finite elements, as NumPy's `std` has it.
  public var standardDeviation: Double {
    finiteCount == 0 ? 0 : (spread / Double(finiteCount)).squareRoot()
  }

  /// The statistics of no elements.
  public init() {}

  /// The statistics of stored elements, taken on two threads, or nil for complex numbers, which have no order.
  public init?(of stored: TensorBytes, _ type: ElementType) {
    switch type {
    case .float32: self.init(stored) { (bits: UInt32) in Double(Float(bitPattern: bits)) }
    case .float64: self.init(stored) { (bits: UInt64) in Double(bitPattern: bits) }
    case .float16: self.init(stored) { (bits: UInt16) in Double(float(half: bits)) }
    case .bfloat16: self.init(stored) { (bits: UInt16) in Double(Float(bitPattern: UInt32(bits) << 16)) }
    case .bool: self.init(stored) { (byte: UInt8) in byte == 0 ? 0 : 1 }
    case .uint8: self.init(stored) { (number: UInt8) in Double(number) }
    case .uint16: self.init(stored) { (number: UInt16) in Double(number) }
    case .uint32: self.init(stored) { (number: UInt32) in Double(number) }
    case .uint64: self.init(stored) { (number: UInt64) in Double(number) }
    case .int8: self.init(stored) { (number: Int8) in Double(number) }
    case .int16: self.init(stored) { (number: Int16) in Double(number) }
    case .int32: self.init(stored) { (number: Int32) in Double(number) }
    case .int64: self.init(stored) { (number: Int64) in Double(number) }
    case .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0FNU:
      guard let table = Float8Table(type) else { return nil }
      self.init(stored) { (bits: UInt8) in table[bits] }
    case .complex32, .complex64, .complex128: return nil
    }
  }

  /// Elements per block: few enough to stay in the nearest cache between the two passes over them.
  private static let block = 2048
  /// Elements below which a second thread costs more than it saves.
  private static let smallestShared = 1 << 18

  private init<Stored: BitwiseCopyable>(_ stored: TensorBytes, _ number: @Sendable (Stored) -> Double) {
    let count = stored.count / MemoryLayout<Stored>.size
    let parts = count < Self.smallestShared ? 1 : 2
    var results = [TensorStatistics](repeating: TensorStatistics(), count: parts)
    stored.withBytes { bytes in
      results.withUnsafeMutableBufferPointer { results in
        // Each thread writes its own element only.
        nonisolated(unsafe) let (bytes, results) = (bytes, results)
        DispatchQueue.concurrentPerform(iterations: parts) { part in
          let range = count * part / parts..<count * (part + 1) / parts
          results[part] = Self.serial(bytes, range, number)
        }
      }
    }
    self = results.reduce(TensorStatistics()) { $0.merged(with: $1) }
  }

  private static func serial<Stored: BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ number: (Stored) -> Double
  ) -> TensorStatistics {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: block) { numbers in
      var whole = TensorStatistics()
      for start in stride(from: range.lowerBound, to: range.upperBound, by: block) {
        let size = min(block, range.upperBound - start)
        for index in 0..<size {
          let offset = (start + index) * MemoryLayout<Stored>.size
          numbers[index] = number(bytes.loadUnaligned(fromByteOffset: offset, as: Stored.self))
        }
        whole = whole.merged(with: TensorStatistics(block: UnsafeBufferPointer(rebasing: numbers[..<size])))
      }
      return whole
    }
  }

  /// Two passes, eight sums side by side so that the additions need not wait for each other.
  private init(block numbers: UnsafeBufferPointer<Double>) {
    self.init()
    var sums = SIMD8<Double>.zero
    let whole = numbers.count / 8 * 8
    for index in stride(from: 0, to: whole, by: 8) {
      sums += SIMD8(numbers, at: index)
    }
    let total = numbers[whole...].reduce(sums.sum(), +)
    guard total.isFinite else {
      self.init(withOddities: numbers)
      return
    }
    count = numbers.count
    mean = total / Double(numbers.count)
    var squares = SIMD8<Double>.zero
    var (low, high) = (SIMD8(repeating: Double.infinity), SIMD8(repeating: -Double.infinity))
    for index in stride(from: 0, to: whole, by: 8) {
      let values = SIMD8(numbers, at: index)
      let distance = values - mean
      squares += distance * distance
      low = low.replacing(with: values, where: values .< low)
      high = high.replacing(with: values, where: values .> high)
    }
    (spread, minimum, maximum) = (squares.sum(), low.min(), high.max())
    for number in numbers[whole...] {
      spread += (number - mean) * (number - mean)
      minimum = min(minimum, number)
      maximum = max(maximum, number)
    }
  }

  /// The slow way round, for a block in which something is not finite or the sum overflows.
  private init(withOddities numbers: UnsafeBufferPointer<Double>) {
    for number in numbers {
      count += 1
      if number.isNaN {
        nanCount += 1
      } else if number.isInfinite {
        infinityCount += 1
      } else {
        let distance = number - mean
        mean += distance / Double(finiteCount)
        spread += distance * (number - mean)
        minimum = min(minimum, number)
        maximum = max(maximum, number)
      }
    }
  }

  /// Statistics of both sets of elements together.
  /// Source: Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances".
  func merged(with other: TensorStatistics) -> TensorStatistics {
    var both = self
    both.count += other.count
    both.nanCount += other.nanCount
    both.infinityCount += other.infinityCount
    both.minimum = min(minimum, other.minimum)
    both.maximum = max(maximum, other.maximum)
    guard other.finiteCount > 0 else { return both }
    let share = Double(other.finiteCount) / Double(both.finiteCount)
    let distance = other.mean - mean
    both.mean = mean + distance * share
    both.spread = spread + other.spread + distance * distance * share * Double(finiteCount)
    return both
  }
}

extension SIMD8<Double> {
  fileprivate init(_ numbers: UnsafeBufferPointer<Double>, at index: Int) {
    self = UnsafeRawBufferPointer(numbers).loadUnaligned(
      fromByteOffset: index * MemoryLayout<Double>.stride, as: SIMD8<Double>.self)
  }
}
