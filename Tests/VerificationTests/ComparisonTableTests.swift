// What the terminal shows.
import Taps
import Tensors
import Testing

@testable import Verification

private func sample() throws -> Comparison {
  try compared(
    held([("trunk/0/output", one), ("a", one), ("far", one), ("gone", one)]),
    held([
      ("trunk/0/output", one), ("a", near), ("far", Tensor([2, 2], [1, 2, 3, 8])), ("new", one),
    ]))
}

@Test func tableFollowsTheRunAndAlignsItsColumns() throws {
  // Cosines 32 / √(30 · 34.25) and 46 / √(30 · 78); SQNR 10 · log10(30 / 0.25) and 10 · log10(30 / 16).
  let lines = try ComparisonTable(sample()).text.split(separator: "\n", omittingEmptySubsequences: false)
  #expect(
    lines.map(String.init) == [
      "      tap             shape    max abs  mean abs  relative     cosine  SQNR dB",
      "ok    trunk/0/output  [2, 2]         0         0         0  1.0000000      inf",
      "FAIL  a               [2, 2]  5.00e-01  1.25e-01  1.25e-01  0.9982954     20.8",
      "FAIL  far             [2, 2]  4.00e+00  1.00e+00  1.00e+00  0.9509330      2.7",
      "FAIL  gone            [2, 2]  missing",
      "",
      "FAIL: 3 compared, 2 past the relative tolerance 1.00e-04, 1 missing, 0 misshaped, 1 only in the candidate",
    ])
}

@Test func worstComesFirstWithinTheLimit() throws {
  let lines = try ComparisonTable(sample(), order: .worst, limit: 3).text.split(separator: "\n")
  #expect(lines[1].hasPrefix("FAIL  gone"))
  #expect(lines[2].hasPrefix("FAIL  far"))
  #expect(lines[3].hasPrefix("FAIL  a"))
  #expect(lines[4] == "… 1 more")
}

@Test func nothingToCompareIsSaid() throws {
  let text = ComparisonTable(try compared(held([]), held([("a", one)])))
    .text
  #expect(text.contains("FAIL: 0 compared"))
  #expect(text.contains("There was nothing to compare."))
}

@Test func passingSaysHowNear() throws {
  let comparison = try compared(
    held([("a", one)]), held([("a", near)]), policy: .f32.withRelative(0.2))
  let text = ComparisonTable(comparison).text
  #expect(text.contains("PASS: 1 compared, 0 past the relative tolerance 2.00e-01"))
  #expect(text.hasSuffix("Smallest tolerance that passes: 1.25e-01"))
}

@Test func whatModulesMakeOfRecordedInputsIsCounted() throws {
  var comparison = try sample()
  #expect(!ComparisonTable(comparison).text.lowercased().contains("isolated"))
  comparison.arrays[0].isolated = try ErrorMetrics(one, one)
  comparison.arrays[1].isolated = try ErrorMetrics(one, near)
  let text = ComparisonTable(comparison).text
  #expect(text.contains("relative  isolated  "))
  #expect(text.contains("\nIsolated: 2 compared, 1 past the tolerance; "), "\(text)")
}
