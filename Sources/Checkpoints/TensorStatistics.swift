import CVector
import Files
import Synchronization
public import Tensors
import Threads

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
  ///
  /// - Parameter holes: Bytes that are known to be zero and need not be read, in order.
  public init?(of stored: TensorBytes, _ type: ElementType, holes: [Range<Int>] = []) {
    switch type {
    case .float32: self.init(stored, type, holes) { cvector_widen_float($0, $1, $2) }
    case .float16: self.init(stored, type, holes) { cvector_widen_half($0, $1, $2) }
    case .bfloat16: self.init(stored, type, holes) { cvector_widen_bfloat16($0, $1, $2) }
    case .float64: self.init(stored, type, holes, each: { (bits: UInt64) in Double(bitPattern: bits) })
    case .bool: self.init(stored, type, holes, each: { (byte: UInt8) in byte == 0 ? 0 : 1 })
    case .uint8: self.init(stored, type, holes, each: { (number: UInt8) in Double(number) })
    case .uint16: self.init(stored, type, holes, each: { (number: UInt16) in Double(number) })
    case .uint32: self.init(stored, type, holes, each: { (number: UInt32) in Double(number) })
    case .uint64: self.init(stored, type, holes, each: { (number: UInt64) in Double(number) })
    case .int8: self.init(stored, type, holes, each: { (number: Int8) in Double(number) })
    case .int16: self.init(stored, type, holes, each: { (number: Int16) in Double(number) })
    case .int32: self.init(stored, type, holes, each: { (number: Int32) in Double(number) })
    case .int64: self.init(stored, type, holes, each: { (number: Int64) in Double(number) })
    case .float8E4M3FN, .float8E4M3FNUZ, .float8E5M2, .float8E5M2FNUZ, .float8E8M0FNU:
      guard let table = Float8Table(type) else { return nil }
      self.init(stored, type, holes, each: { (bits: UInt8) in table[bits] })
    case .complex32, .complex64, .complex128: return nil
    }
  }

  /// Writes the numbers that so many stored elements stand for.
  private typealias Widen = @Sendable (UnsafeRawPointer, UnsafeMutablePointer<Double>, Int) -> Void

  /// Elements per block: few enough to stay in the nearest cache between the passes over them.
  private static let block = 2048
  /// Elements below which a second thread costs more than it saves.
  private static let smallestShared = 1 << 20

  private init<Stored: BitwiseCopyable>(
    _ stored: TensorBytes, _ type: ElementType, _ holes: [Range<Int>],
    each number: @escaping @Sendable (Stored) -> Double
  ) {
    self.init(stored, type, holes) { bytes, numbers, count in
      for index in 0..<count {
        numbers[index] = number(
          bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self))
      }
    }
  }

  private init(_ stored: TensorBytes, _ type: ElementType, _ holes: [Range<Int>], widen: Widen) {
    let size = type.byteCount
    var whole = TensorStatistics()
    var start = 0
    for hole in holes {
      // Elements that lie in the hole whole; what it shares with its neighbours is read.
      let (first, end) = ((hole.lowerBound + size - 1) / size, hole.upperBound / size)
      guard first < end else { continue }
      whole = whole.merged(with: Self.shared(stored, start..<first, size, widen))
      whole = whole.merged(with: Self.zeros(end - first, size, widen))
      start = end
    }
    self = whole.merged(with: Self.shared(stored, start..<stored.count / size, size, widen))
  }

  /// So many elements whose bytes are zero.
  private static func zeros(_ count: Int, _ size: Int, _ widen: Widen) -> TensorStatistics {
    let bytes = [UInt8](repeating: 0, count: size)
    var number = 0.0
    bytes.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { widen(base, &number, 1) }
    }
    var all = withUnsafePointer(to: number) {
      TensorStatistics(block: UnsafeBufferPointer(start: $0, count: 1))
    }
    all.nanCount *= count
    all.infinityCount *= count
    all.count = count
    return all
  }

  /// On two threads if it pays.
  private static func shared(
    _ stored: TensorBytes, _ range: Range<Int>, _ size: Int, _ widen: Widen
  ) -> TensorStatistics {
    let parts = range.count < smallestShared ? 1 : 2
    var results = [TensorStatistics](repeating: TensorStatistics(), count: parts)
    stored.withBytes { bytes in
      results.withUnsafeMutableBufferPointer { results in
        // Each thread writes its own element only.
        nonisolated(unsafe) let (bytes, results) = (bytes, results)
        Threads.perform(parts) { part in
          let start = range.lowerBound + range.count * part / parts
          let end = range.lowerBound + range.count * (part + 1) / parts
          results[part] = serial(
            UnsafeRawBufferPointer(rebasing: bytes[start * size..<end * size]), size, widen)
        }
      }
    }
    return results.reduce(TensorStatistics()) { $0.merged(with: $1) }
  }

  private static func serial(_ bytes: UnsafeRawBufferPointer, _ size: Int, _ widen: Widen) -> TensorStatistics {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: block) { numbers in
      guard let base = bytes.baseAddress, let block = numbers.baseAddress else { return TensorStatistics() }
      var whole = TensorStatistics()
      for start in stride(from: 0, to: bytes.count / size, by: Self.block) {
        let count = min(Self.block, bytes.count / size - start)
        widen(base + start * size, block, count)
        whole = whole.merged(with: TensorStatistics(block: UnsafeBufferPointer(start: block, count: count)))
      }
      return whole
    }
  }

  /// Two passes: what there is, then how far from the mean.
  private init(block numbers: UnsafeBufferPointer<Double>) {
    self.init()
    let tally = cvector_tally(numbers.baseAddress, numbers.count)
    count = numbers.count
    nanCount = tally.nans
    infinityCount = count - tally.finite - tally.nans
    guard tally.finite > 0 else { return }
    guard tally.sum.isFinite else {
      self.init(withLargeNumbers: numbers)
      return
    }
    (minimum, maximum, mean) = (tally.minimum, tally.maximum, tally.sum / Double(tally.finite))
    spread = cvector_spread(numbers.baseAddress, mean, numbers.count)
  }

  /// The slow way round, for a block whose sum overflows.
  private init(withLargeNumbers numbers: UnsafeBufferPointer<Double>) {
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
    // What follows would square a mean that may be too large for that.
    guard finiteCount > 0 else {
      (both.mean, both.spread) = (other.mean, other.spread)
      return both
    }
    let share = Double(other.finiteCount) / Double(both.finiteCount)
    let distance = other.mean - mean
    both.mean = mean + distance * share
    both.spread = spread + other.spread + distance * distance * share * Double(finiteCount)
    return both
  }
}

extension Checkpoint {
  /// What the numbers of one tensor look like, or nil for complex ones.
  ///
  /// - Throws: as `bytes(of:)`.
  public func statistics(of name: String) throws(CheckpointError) -> TensorStatistics? {
    guard let index = number(of: name) else { throw .missingTensor(path: path, name: name) }
    return try statistics(at: index)
  }

  /// The same for all tensors, in the order of `entries`, several at a time.
  ///
  /// - Throws: as `bytes(of:)`, for the first tensor that is broken.
  public func statistics() throws(CheckpointError) -> [TensorStatistics?] {
    // The largest first, so that none of them is left for the end.
    let order = entries.indices.sorted { (entries[$1].byteCount, $0) < (entries[$0].byteCount, $1) }
    let next = Atomic<Int>(0)
    var results = [Result<TensorStatistics?, CheckpointError>](repeating: .success(nil), count: order.count)
    results.withUnsafeMutableBufferPointer { results in
      // Each thread writes elements that no other one does.
      nonisolated(unsafe) let results = results
      Threads.perform(2) { _ in
        while true {
          let turn = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard turn < order.count else { return }
          let index = order[turn]
          results[index] = Result { () throws(CheckpointError) in try self.statistics(at: index) }
        }
      }
    }
    var all: [TensorStatistics?] = []
    for result in results { all.append(try result.get()) }
    return all
  }

  /// Holes of the file are verified and counted without being read.
  private func statistics(at index: Int) throws(CheckpointError) -> TensorStatistics? {
    let stored = try contents.bytes(at: index)
    var holes: [Range<Int>] = []
    if let place = contents.place(at: index) {
      holes = file.extents(in: place).filter(\.isHole).map {
        $0.range.lowerBound - place.lowerBound..<$0.range.upperBound - place.lowerBound
      }
    }
    return TensorStatistics(of: stored, entries[index].elementType, holes: holes)
  }
}
