// Metrics against NumPy and SciPy, recorded by tools/fixtures/make_metrics.py.
import Foundation
import Tensors
import Testing
import TestSupport

@testable import Verification

/// A pair of arrays and what NumPy and SciPy say of it.
struct MetricsCase: Decodable, Sendable, CustomTestStringConvertible {
  struct Expected: Decodable {
    let maxAbsError, meanAbsError, referenceMagnitude, relativeError, cosine, pearson: Double
    let sqnrDecibels, psnrDecibels, ulpLargest, ulpMean, nearZero: Double
    let equal: Int
    let histogram: [Int]
    let worst: [Int]
    let klMean, klLargest: Double?
    let klRows: Int?
  }

  let name: String
  let shape: [Int]
  /// The bits of each Float32.
  let reference: [UInt32]
  let candidate: [UInt32]
  let expected: Expected

  var testDescription: String { name }

  func tensor(_ bits: [UInt32]) -> Tensor { Tensor(Shape(shape), bits.map { Float(bitPattern: $0) }) }

  static let all: [MetricsCase] = {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let file = URL(fileURLWithPath: TestFiles.fixture("metrics.json"))
    return (try? decoder.decode([MetricsCase].self, from: Data(contentsOf: file))) ?? []
  }()
}

@Suite struct RecordedMetricsTests {
  @Test func thereAreCases() { #expect(MetricsCase.all.count == 5) }

  @Test(arguments: MetricsCase.all) func metricsAreThoseOfNumPy(_ recorded: MetricsCase) throws {
    let expected = recorded.expected
    let found = try ErrorMetrics(recorded.tensor(recorded.reference), recorded.tensor(recorded.candidate))
    func near(_ value: Double, _ other: Double) -> Bool { abs(value - other) <= 1e-11 * abs(other) }
    #expect(found.maxAbsError == expected.maxAbsError)
    #expect(near(found.meanAbsError, expected.meanAbsError))
    #expect(found.referenceMagnitude == expected.referenceMagnitude)
    #expect(found.relativeError == expected.relativeError)
    #expect(abs(found.cosineSimilarity - expected.cosine) < 1e-13)
    #expect(abs(found.pearson - expected.pearson) < 1e-11)
    #expect(abs(found.sqnrDecibels - expected.sqnrDecibels) < 1e-9)
    #expect(abs(found.psnrDecibels - expected.psnrDecibels) < 1e-9)
    #expect(near(found.ulp.largest, expected.ulpLargest))
    #expect(near(found.ulp.mean, expected.ulpMean))
    #expect(found.ulp.nearZero == expected.nearZero)
    #expect(found.errorHistogram.equal == expected.equal)
    #expect(found.errorHistogram.counts == expected.histogram)
    #expect(found.worst?.index == expected.worst)
    #expect(found.klDivergence?.rows == expected.klRows)
    if let mean = expected.klMean, let largest = expected.klLargest {
      #expect(abs((found.klDivergence?.mean ?? .nan) - mean) < 1e-12)
      #expect(abs((found.klDivergence?.largest ?? .nan) - largest) < 1e-12)
    }
  }

  /// Neither changes what two arrays have to do with each other.
  @Test(arguments: MetricsCase.all) func orderAndScaleDoNotMatter(_ recorded: MetricsCase) throws {
    let (x, y) = (recorded.tensor(recorded.reference), recorded.tensor(recorded.candidate))
    let plain = try ErrorMetrics(x, y)
    let order = x.elements.indices.sorted { $0 &* 7919 % 10007 < $1 &* 7919 % 10007 }
    func moved(_ tensor: Tensor) -> Tensor { Tensor(tensor.shape, order.map { tensor.elements[$0] }) }
    let permuted = try ErrorMetrics(moved(x), moved(y))
    #expect(permuted.maxAbsError == plain.maxAbsError)
    #expect(permuted.errorHistogram == plain.errorHistogram)
    #expect(permuted.ulp.largest == plain.ulp.largest)
    #expect(abs(permuted.meanAbsError - plain.meanAbsError) <= 1e-12 * plain.meanAbsError)
    #expect(abs(permuted.pearson - plain.pearson) < 1e-11)
    #expect(abs(permuted.sqnrDecibels - plain.sqnrDecibels) < 1e-9)

    // By a power of two, and away from the largest and subnormal numbers, exactly.
    guard recorded.name != "scales" else { return }
    func scaled(_ tensor: Tensor) -> Tensor { Tensor(tensor.shape, tensor.elements.map { $0 * 1024 }) }
    let larger = try ErrorMetrics(scaled(x), scaled(y))
    #expect(larger.maxAbsError == 1024 * plain.maxAbsError)
    #expect(larger.relativeError == plain.relativeError)
    #expect(larger.cosineSimilarity == plain.cosineSimilarity)
    #expect(larger.pearson == plain.pearson)
    #expect(larger.sqnrDecibels == plain.sqnrDecibels)
    #expect(larger.psnrDecibels == plain.psnrDecibels)
    #expect(larger.ulp.largest == plain.ulp.largest)
    #expect(larger.ulp.mean == plain.ulp.mean)
  }

  @Test(arguments: MetricsCase.all) func signsAndSidesMirror(_ recorded: MetricsCase) throws {
    let (x, y) = (recorded.tensor(recorded.reference), recorded.tensor(recorded.candidate))
    let plain = try ErrorMetrics(x, y)
    let swapped = try ErrorMetrics(y, x)
    #expect(swapped.maxAbsError == plain.maxAbsError)
    #expect(swapped.cosineSimilarity == plain.cosineSimilarity)
    #expect(abs(swapped.pearson - plain.pearson) < 1e-15)
    #expect(swapped.errorHistogram == plain.errorHistogram)
    let negative = try ErrorMetrics(x, Tensor(y.shape, y.elements.map { -$0 }))
    #expect(negative.cosineSimilarity == -plain.cosineSimilarity)
    #expect(negative.pearson == -plain.pearson)
  }
}
