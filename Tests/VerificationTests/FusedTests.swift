// Taps inside a module that ran as one: seen by nobody, so neither right nor wrong.
import Foundation
import Taps
import Tensors
import Testing

@testable import Verification

private let block = ModulePath("trunk.blocks.1")

/// A block recorded by its parts, and one whose parts are not there.
private func fused(
  _ candidate: [(String, Tensor)] = [("trunk.blocks.1/0/output", one)], wholes: Set<ModulePath> = [block]
) throws -> Comparison {
  try compared(
    held([
      ("trunk.blocks.1.attn/0/output", one), ("trunk.blocks.1.mlp/0/input/x", one),
      ("trunk.blocks.1/0/output", one),
    ]), held(candidate), wholes: wholes)
}

@Test func whatLiesInsideAWholeIsFusedAndTheRestDecides() throws {
  let comparison = try fused()
  #expect(comparison.arrays.map(\.isFused) == [true, true, false])
  #expect(comparison.arrays.map { $0.metrics == nil } == [true, true, false])
  #expect(comparison.arrays[0].outcome == .fused(into: block))
  #expect(comparison.passes && comparison.failures.isEmpty && comparison.fusedCount == 2)
  #expect(comparison.smallestPassingTolerance == 0)
  // It says nothing for itself either.
  #expect(!comparison.arrays[0].passes(.f32) && !comparison.arrays[0].fails(.f32))
  let off = try fused([("trunk.blocks.1/0/output", near)])
  #expect(!off.passes && off.failures.map(\.id) == ["trunk.blocks.1/0/output"])
}

@Test func aWholesOwnTapsAndItsNeighboursAreNotFused() throws {
  let missing = try fused([])
  #expect(missing.arrays[2].outcome == .missing && !missing.passes)
  // Module paths are compared step by step, not letter by letter.
  for other in ["trunk.blocks.1.attn", "trunk.blocks.10", "trunk.blocks", "blocks.1", "trunk.blocks.1.at"] {
    let comparison = try compared(
      held([("trunk.blocks.1.attn/0/output", one), ("a", one), ("prediction/iou", one)]), held([("a", one)]),
      wholes: [ModulePath(other)])
    let isInside = other == "trunk.blocks"
    #expect(comparison.arrays[0].outcome == (isInside ? .fused(into: ModulePath(other)) : .missing), "\(other)")
    #expect(comparison.arrays[2].outcome == .missing)
  }
}

@Test func theOutermostWholeIsNamed() throws {
  let comparison = try fused(wholes: [block, ModulePath("trunk"), ModulePath("neck")])
  #expect(comparison.arrays[0].outcome == .fused(into: ModulePath("trunk")))
}

@Test func whatIsOfferedAllTheSameIsCompared() throws {
  let comparison = try fused([
    ("trunk.blocks.1.attn/0/output", near), ("trunk.blocks.1.mlp/0/input/x", Tensor([1], [1])),
    ("trunk.blocks.1/0/output", one),
  ])
  #expect(comparison.fusedCount == 0)
  #expect(comparison.failures.count == 2 && comparison.arrays[1].outcome == .shapeMismatch(candidate: [1]))
}

@Test func whereAllIsFusedNothingWasCompared() throws {
  let comparison = try compared(
    held([("trunk.blocks.1.attn/0/output", one)]), held([]), wholes: [block])
  #expect(comparison.fusedCount == 1 && !comparison.passes)
  #expect(ComparisonTable(comparison).text.contains("There was nothing to compare."))
}

@Test func reportsAndTablesSayWhatIsFused() throws {
  let side = Verdict.Side(path: "x", provenance: nil)
  let verdict = Verdict(reference: side, candidate: side, differences: [], comparison: try fused())
  let report = ComparisonReport(verdict)
  #expect(report.passes && report.fused == 2)
  #expect(report.arrays.map(\.status) == [.fused, .fused, .passed])
  #expect(report.arrays[0].fusedInto == "trunk.blocks.1" && report.arrays[0].breaches.isEmpty)
  let text = String(decoding: try report.json(), as: UTF8.self)
  #expect(text.contains("\"status\" : \"fused\"") && text.contains("\"fused_into\" : \"trunk.blocks.1\""))
  let read = try ComparisonReport(json: report.json())
  #expect(try Verdict(read).comparison == verdict.comparison)
  let table = ComparisonTable(verdict.comparison, order: .worst).text
  #expect(
    table.contains("PASS: 1 compared, 0 past the relative tolerance 1.00e-04, 0 missing, 0 misshaped, 0 only"))
  #expect(table.contains("2 fused into modules that ran as one"))
  #expect(table.contains("fused into trunk.blocks.1\n"))
  // What is off comes before what could not be seen.
  let off = ComparisonTable(try fused([("trunk.blocks.1/0/output", near)]), order: .worst, limit: 1).text
  #expect(off.contains("FAIL  trunk.blocks.1/0/output") && !off.contains("trunk.blocks.1.attn"))
  // Where nothing is fused nothing is said of it.
  let plain = ComparisonTable(try compared(held([("a", one)]), held([("a", one)]))).text
  #expect(!plain.contains("fused"))
  // A row that says fused without saying into what contradicts itself.
  let forged = text.replacing("\"fused_into\" : \"trunk.blocks.1\",", with: "")
  #expect(throws: ReportError.self) { _ = try Verdict(ComparisonReport(json: Data(forged.utf8))) }
}

@Test func whatIsFusedCalibratesNothing() throws {
  let side = Verdict.Side(path: "x", provenance: nil)
  let report = ComparisonReport(
    Verdict(reference: side, candidate: side, differences: [], comparison: try fused()))
  let policy = try PolicyCalibration([report], margin: 2, name: "p").policy
  #expect(policy.notes?.contains("1 groups of taps") == true)
}
