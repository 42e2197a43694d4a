import Tensors
import Testing

@testable import Checkpoints

@Suite struct TensorStatisticsTests {
  private func statistics<Number>(
    _ numbers: [Number], _ type: ElementType, holes: [Range<Int>] = []
  ) throws -> TensorStatistics {
    let block = numbers.withUnsafeBytes { bytes in
      let block = ByteBlock(count: bytes.count)
      block.bytes.copyMemory(from: bytes)
      return block
    }
    return try #require(TensorStatistics(of: TensorBytes(block), type, holes: holes))
  }

  @Test func matchesClosedForms() throws {
    // 0 ..< n has mean (n - 1) / 2 and variance (n² - 1) / 12; n is large enough for two threads.
    let count = 2_100_001
    let statistics = try statistics((0..<count).map(Float.init), .float32)
    #expect(statistics.count == count && statistics.finiteCount == count)
    #expect(statistics.minimum == 0 && statistics.maximum == Double(count - 1))
    #expect(abs(statistics.mean - Double(count - 1) / 2) < 1e-5)
    let deviation = ((Double(count) * Double(count) - 1) / 12).squareRoot()
    #expect(abs(statistics.standardDeviation / deviation - 1) < 1e-12)
  }

  @Test func staysExactFarFromZero() throws {
    // Naive sums of squares lose everything here: the deviation of 1e9 and 1e9 + 2 is 1.
    let statistics = try statistics((0..<10_000).map { 1e9 + Double($0 % 2 * 2) }, .float64)
    #expect(statistics.mean == 1e9 + 1)
    #expect(statistics.standardDeviation == 1)
  }

  @Test func countsWhatIsNotFinite() throws {
    var numbers = [Float](repeating: 3, count: 5000)
    numbers[17] = .nan
    numbers[18] = -.infinity
    numbers[4999] = .infinity
    numbers[2500] = -1
    let statistics = try statistics(numbers, .float32)
    #expect(statistics.nanCount == 1 && statistics.infinityCount == 2 && statistics.finiteCount == 4997)
    #expect(statistics.minimum == -1 && statistics.maximum == 3)
    #expect(abs(statistics.mean - (4996 * 3 - 1) / 4997) < 1e-12)
  }

  @Test func readsEveryRealType() throws {
    let checkpoint = try Fixtures.open("genuine/dtypes.pt")
    for entry in checkpoint.entries where !entry.name.hasPrefix("complex") {
      let statistics = try #require(try checkpoint.statistics(of: entry.name))
      #expect(statistics.count == entry.shape.count)
      guard let tensor = try? checkpoint.float32(entry.name), entry.elementType != .float64 else { continue }
      let finite = tensor.elements.filter(\.isFinite)
      #expect(Float(statistics.maximum) == finite.max())
      #expect(Float(statistics.minimum) == finite.min())
    }
    #expect(try checkpoint.statistics(of: "complex64") == nil)
  }

  /// Holes that begin and end amid an element: what they cover whole is not read, so that it may hold anything.
  @Test func holesStandForZeros() throws {
    var numbers = (0..<10_000).map { Float($0 % 7) - 2 }
    numbers.replaceSubrange(101..<5000, with: repeatElement(0, count: 4899))
    let whole = try statistics(numbers, .float32)
    numbers.replaceSubrange(101..<5000, with: repeatElement(.nan, count: 4899))
    let found = try statistics(numbers, .float32, holes: [402..<20_001])
    #expect(found.count == whole.count && found.nanCount == 0)
    #expect(found.minimum == whole.minimum && found.maximum == whole.maximum)
    #expect(abs(found.mean - whole.mean) < 1e-12)
    #expect(abs(found.standardDeviation - whole.standardDeviation) < 1e-12)
    // A zero byte of this type is no zero.
    let powers = try statistics([UInt8](repeating: 127, count: 64), .float8E8M0FNU, holes: [0..<32])
    #expect(
      powers.count == 64 && powers.maximum == 1
        && powers.minimum == Double(sign: .plus, exponent: -127, significand: 1))
  }

  @Test func sumsThatOverflowDoNotMatter() throws {
    let statistics = try statistics([1e308, 1e308, .nan, 1e308], .float64)
    #expect(statistics.mean == 1e308 && statistics.standardDeviation == 0)
    #expect(statistics.nanCount == 1 && statistics.maximum == 1e308)
  }

  @Test func leavesEmptyTensorsAtZero() throws {
    let statistics = try statistics([Float](), .float32)
    #expect(statistics.count == 0 && statistics.mean == 0 && statistics.standardDeviation == 0)
  }
}
