// Figures that nothing defines are NaN, never 0 or 1; and how many taps carry an error, the first not counted.
import Foundation
import Taps
import Tensors
import Testing

@testable import Verification

@Test func figuresOfNaNsAreUndefined() throws {
  let metrics = try ErrorMetrics(Tensor([3], [1, 2, 3]), Tensor([3], [.nan, .nan, .nan]))
  #expect(metrics.nonFiniteMismatches == 3)
  for figure in [
    metrics.maxAbsError, metrics.meanAbsError, metrics.relativeError, metrics.cosineSimilarity, metrics.pearson,
    metrics.sqnrDecibels, metrics.psnrDecibels,
  ] { #expect(figure.isNaN, "\(figure)") }
}

/// Of arrays by name, how far off each is: what is said of the first.
private func sentences(_ rows: [(String, Float)]) throws -> [String] {
  let comparison = Comparison(
    policy: .f32,
    arrays: try rows.map { name, error in
      ArrayComparison(
        id: TapID(name), shape: [2],
        outcome: .matched(try ErrorMetrics(Tensor([2], [1, 1]), Tensor([2], [1 + error, 1 + error]))),
        isolated: nil)
    }, extra: [])
  return try #require(FirstDivergence(comparison) { _ in [] }).sentences
}

@Test func theFirstTapIsNotCountedAmongThoseThatCarry() throws {
  func carried(_ sentences: [String]) -> [String] { sentences.filter { $0.contains("carr") } }
  #expect(try carried(sentences([("a/0/output", 0.5)])) == [])
  #expect(
    try carried(sentences([("a/0/output", 0.5), ("b/0/output", 0.5)])) == [
      "1 tap is off as well but only carries it."
    ])
  #expect(
    try carried(sentences([("a/0/output", 0.5), ("b/0/output", 0), ("c/0/output", 0.5), ("d/0/output", .nan)]))
      == [
        "2 taps are off as well but only carry it."
      ])
  #expect(try sentences([("a/0/output", .nan)])[0].hasPrefix("First divergence: a/0/output, relative error –"))
}
