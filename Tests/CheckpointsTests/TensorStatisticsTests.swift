import Tensors
import Testing

@testable import Checkpoints

@Suite struct TensorStatisticsTests {
  private func statistics<Number>(_ numbers: [Number], _ type: ElementType) throws -> TensorStatistics {
    let block = numbers.withUnsafeBytes { bytes in
      let block = ByteBlock(count: bytes.count)
      block.bytes.copyMemory(from: bytes)
      return block
    }
    return try #require(TensorStatistics(of: TensorBytes(block), type))
  }

  @Test func matchesClosedForms() throws {
    // 0 ..< n has mean (n - 1) / 2 and variance (n² - 1) / 12; n is large enough for two threads.
    let count = 600_001
    let statistics = try statistics((0..<count).map(Float.init), .float32)
    #expect(statistics.count == count && statistics.finiteCount == count)
    #expect(statistics.minimum == 0 && statistics.maximum == Double(count - 1))
    #expect(abs(statistics.mean - Double(count - 1) / 2) < 1e-6)
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
      guard let tensor = try? checkpoint.tensor(entry.name), entry.elementType != .float64 else { continue }
      let finite = tensor.elements.filter(\.isFinite)
      #expect(Float(statistics.maximum) == finite.max())
      #expect(Float(statistics.minimum) == finite.min())
    }
    #expect(try checkpoint.statistics(of: "complex64") == nil)
  }

  @Test func leavesEmptyTensorsAtZero() throws {
    let statistics = try statistics([Float](), .float32)
    #expect(statistics.count == 0 && statistics.mean == 0 && statistics.standardDeviation == 0)
  }
}
