public import Tensors

/// What is kept of an array: how many elements, their statistics, some of them, and their sums under random signs.
///
/// It depends on the elements and their number alone, not on the shape or name. `Reference/sketches.md` describes it.
public struct Sketch: Hashable, Sendable {
  /// How many elements.
  public var count: Int
  /// How many are not a number.
  public var nan: Int
  /// How many are infinite, of either sign.
  public var infinite: Int
  /// The least finite element; 0 where there is none, as below.
  public var least: Double
  /// The largest finite element.
  public var largest: Double
  /// The mean of the finite elements.
  public var mean: Double
  /// The standard deviation of the finite elements, of the population.
  public var deviation: Double
  /// The root of the sum of the finite elements' squares.
  public var norm: Double
  /// Elements at positions that depend on `count` alone; all in order, then zeros, where there are few.
  public var samples: [Float]
  /// Sums of the finite elements under signs that depend on `count` alone.
  public var projections: [Double]

  /// The largest magnitude of the finite elements.
  public var magnitude: Double { max(abs(least), abs(largest)) }

  /// How many of `samples` are elements.
  public var sampleCount: Int { min(count, samples.count) }

  /// The position, counted row-major, of each sample that is an element.
  public func positions(seed: UInt64) -> [Int] {
    SketchPositions.all(of: count, seed: seed, samples: samples.count)
  }
}

/// How arrays are sketched: sketches of different kinds can't be held against each other.
public struct Sketching: Hashable, Sendable {
  /// What positions and signs depend on.
  public let seed: UInt64
  /// How many elements of an array are kept.
  public let samples: Int

  /// The usual way, unless told otherwise.
  public init(seed: UInt64 = SketchSchema.seed, samples: Int = SketchSchema.samples) {
    self.seed = seed
    self.samples = samples
  }
}

/// Where the samples of an array stand.
enum SketchPositions {
  static func all(of count: Int, seed: UInt64, samples: Int) -> [Int] {
    guard count > samples else { return Array(0..<count) }
    let hash = CounterHash(seed: seed, name: "samples \(count)")
    return (0..<samples).map { Int(hash[$0] % UInt64(count)) }
  }
}

/// Sketches an array that comes in pieces.
public struct Sketcher {
  /// How many signed sums a sketch has: an element's signs are the bits of one byte.
  static let projectionCount = 8

  private let count: Int
  private let signs: CounterHash
  private let positions: [Int]
  /// Numbers of the samples by ascending position.
  private let order: [Int]
  private var reached = 0
  private var nextSample = 0
  private var nan = 0
  private var infinite = 0
  private var least = Float.infinity
  private var largest = -Float.infinity
  private var squares = 0.0
  /// Elements with the same signs are added up together: one addition each instead of eight.
  private var sums = [Double](repeating: 0, count: 256)
  private var samples: [Float]

  /// A sketcher of an array of `count` elements.
  public init(count: Int, _ sketching: Sketching = Sketching()) {
    let (seed, samples) = (sketching.seed, sketching.samples)
    let positions = SketchPositions.all(of: count, seed: seed, samples: samples)
    self.count = count
    self.positions = positions
    signs = CounterHash(seed: seed, name: "signs \(count)")
    order = positions.indices.sorted { positions[$0] < positions[$1] }
    self.samples = [Float](repeating: 0, count: samples)
  }

  /// Adds the next elements; every piece but the last holds a multiple of 1024, so that pieces make the same bits as
  /// the whole.
  public mutating func add(_ elements: UnsafeBufferPointer<Float>) {
    precondition(
      reached % Self.blockSize == 0 && elements.count <= count - reached,
      "\(elements.count) elements at \(reached)")
    while nextSample < order.count, case let position = positions[order[nextSample]],
      position < reached + elements.count
    {
      samples[order[nextSample]] = elements[position - reached]
      nextSample += 1
    }
    for start in stride(from: 0, to: elements.count, by: Self.blockSize) {
      let block = UnsafeBufferPointer(
        rebasing: elements[start..<min(start + Self.blockSize, elements.count)])
      if !addWhole(block) { addOneByOne(block) }
      reached += block.count
    }
  }

  /// Elements that are looked at twice while they are in the first cache; a multiple of 8.
  private static let blockSize = 1024

  /// Adds a block if all its elements are finite, in vectors.
  private mutating func addWhole(_ block: UnsafeBufferPointer<Float>) -> Bool {
    guard block.count % 8 == 0, let base = block.baseAddress else { return false }
    var squares = SIMD8<Double>.zero
    var (least, largest) = (SIMD8<Float>(repeating: .infinity), SIMD8<Float>(repeating: -.infinity))
    for start in stride(from: 0, to: block.count, by: 8) {
      let values = UnsafeRawPointer(base + start).loadUnaligned(as: SIMD8<Float>.self)
      let wide = SIMD8<Double>(values)
      squares += wide * wide
      least.replace(with: values, where: values .< least)
      largest.replace(with: values, where: values .> largest)
    }
    // Squares of Float can't overflow Double: the sum is finite exactly if every element was.
    let sum = squares.sum()
    guard sum.isFinite else { return false }
    self.squares += sum
    self.least = min(self.least, least.min())
    self.largest = max(self.largest, largest.max())
    sums.withUnsafeMutableBufferPointer { sums in
      for start in stride(from: 0, to: block.count, by: 8) {
        var bytes = signs[(reached + start) / 8]
        for index in start..<start + 8 {
          sums[Int(bytes & 0xff)] += Double(block[index])
          bytes >>= 8
        }
      }
    }
    return true
  }

  /// Adds the finite elements of a block and counts the others.
  private mutating func addOneByOne(_ block: UnsafeBufferPointer<Float>) {
    for (index, element) in block.enumerated() {
      guard element.isFinite else {
        if element.isNaN { nan += 1 } else { infinite += 1 }
        continue
      }
      least = min(least, element)
      largest = max(largest, element)
      let value = Double(element)
      squares += value * value
      let position = reached + index
      sums[Int(signs[position / 8] >> UInt64(position % 8 * 8) & 0xff)] += value
    }
  }

  /// The sketch, once all elements were added.
  public var sketch: Sketch {
    precondition(reached == count, "\(reached) of \(count) elements")
    let number = count - nan - infinite
    let mean = number == 0 ? 0 : sums.reduce(0, +) / Double(number)
    let variance = number == 0 ? 0 : squares / Double(number) - mean * mean
    let projections = (0..<Self.projectionCount).map { bit in
      sums.indices.reduce(0.0) { $1 >> bit & 1 == 0 ? $0 + sums[$1] : $0 - sums[$1] }
    }
    return Sketch(
      count: count, nan: nan, infinite: infinite, least: number == 0 ? 0 : Double(least),
      largest: number == 0 ? 0 : Double(largest), mean: mean, deviation: max(0, variance).squareRoot(),
      norm: squares.squareRoot(), samples: samples, projections: projections)
  }
}

extension Sketch {
  /// Elements of a larger array that are in memory at a time; a multiple of what a sketcher takes at once.
  private static let slab = 1 << 20

  /// The sketch of an array of `count` elements that `read` fetches in ranges, in order.
  ///
  /// - Throws: What `read` throws.
  package init(
    count: Int, _ sketching: Sketching, read: (Int, UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws {
    var sketcher = Sketcher(count: count, sketching)
    let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: min(count, Self.slab))
    defer { memory.deallocate() }
    for offset in stride(from: 0, to: count, by: Self.slab) {
      let piece = UnsafeMutableBufferPointer(rebasing: memory[..<min(Self.slab, count - offset)])
      try read(offset, piece)
      sketcher.add(UnsafeBufferPointer(piece))
    }
    self = sketcher.sketch
  }

  /// The sketch of a tensor.
  public init(of tensor: Tensor, _ sketching: Sketching = Sketching()) {
    var sketcher = Sketcher(count: tensor.count, sketching)
    tensor.withElements { sketcher.add($0) }
    self = sketcher.sketch
  }
}
