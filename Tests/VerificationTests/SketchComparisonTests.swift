// What a comparison of sketches notices.
import Prompts
import Taps
import Tensors
import Testing
import TestSupport
import Traces

@testable import Verification

private let provenance = Provenance(
  producer: "test", producerVersion: "1", backend: "none", backendVersion: "0", threads: 1,
  checkpointSHA256: "c0", inputSHA256: "f0",
  input: TraceInput(width: 4, height: 3, preprocessing: "SAM2Transforms"),
  prompts: PromptScript(multimask: false, objects: []))

/// Nearly normal numbers.
private func noise(_ name: String) -> [Float] {
  let hash = CounterHash(seed: 3, name: name)
  return (0..<channels * side * side).map { index in
    (0..<4).reduce(-2) { $0 + Float(hash[index] >> (16 * $1) & 0xffff) / 65536 }
  }
}

// An array as a layer has it: channels, height and width.
private let (channels, side) = (32, 48)
private let base = noise("base")
private let other = noise("other")

private func write(_ taps: [(String, Tensor)], _ writer: some TapWriter) throws {
  for (index, tap) in taps.enumerated() {
    try writer.write(ModulePath(tap.0), call: 0, sequence: index, inputs: [], output: tap.1)
  }
  try writer.finish()
}

private func compared(
  _ reference: [(String, Tensor)], _ candidate: [(String, Tensor)], traced: Bool = false
) throws -> Comparison {
  try TestFiles.withTemporaryFolder { folder in
    try write(reference, SketchWriter(path: "\(folder)/a.h5", provenance: provenance))
    if traced {
      try write(candidate, TraceWriter(path: "\(folder)/b.h5", provenance: provenance))
    } else {
      try write(candidate, SketchWriter(path: "\(folder)/b.h5", provenance: provenance))
    }
    return try Verdict(
      reference: Recording.open(path: "\(folder)/a.h5").source,
      candidate: Recording.open(path: "\(folder)/b.h5").source, policy: .f32
    ).comparison
  }
}

private func tensor(_ elements: [Float]) -> Tensor { Tensor([channels, side, side], elements) }

/// `base` with every element replaced by the one that `source` names.
private func moved(_ source: (Int, Int, Int) -> (Int, Int, Int)) -> [Float] {
  base.indices.map { index in
    let (c, y, x) = source(index / (side * side), index / side % side, index % side)
    return base[(c * side + y) * side + x]
  }
}

private let defects: [(String, [Float])] = [
  ("transposed height and width", moved { ($0, $2, $1) }),
  ("channels in another order", moved { ((7 * $0 + 3) % channels, $1, $2) }),
  ("one channel of another array", base.indices.map { $0 / (side * side) == 5 ? other[$0] : base[$0] }),
  ("shifted by one column", moved { ($0, $1, ($2 + 1) % side) }),
  ("shifted by one row", moved { ($0, ($1 + 1) % side, $2) }),
  ("scaled by a thousandth", base.map { $0 * 1.001 }),
  ("an offset of a thousandth", base.map { $0 + 0.001 }),
  ("all signs", base.map { -$0 }),
  ("one channel's sign", base.indices.map { $0 / (side * side) == 9 ? -base[$0] : base[$0] }),
  ("one element", base.indices.map { $0 == 40_000 ? base[$0] + 1 : base[$0] }),
  ("one NaN", base.indices.map { $0 == 40_000 ? .nan : base[$0] }),
  ("one infinity", base.indices.map { $0 == 40_000 ? .infinity : base[$0] }),
]

@Test(arguments: defects) func aSketchShows(_ defect: String, _ elements: [Float]) throws {
  let comparison = try compared([("m", tensor(base))], [("m", tensor(elements))])
  #expect(!comparison.passes)
  #expect(comparison.isOfSketches)
}

@Test func swappedTapsAreNoticed() throws {
  let comparison = try compared(
    [("a", tensor(base)), ("b", tensor(other))], [("a", tensor(other)), ("b", tensor(base))])
  #expect(comparison.failures.map(\.name) == ["a/0/output", "b/0/output"])
}

@Test func roundingPasses() throws {
  // Errors of a millionth, as another order of additions makes.
  let near = zip(base, other).map { $0 + 1e-6 * $1 }
  let comparison = try compared([("m", tensor(base))], [("m", tensor(near))])
  #expect(comparison.passes)
  let metrics = try #require(comparison.arrays[0].metrics)
  // Both are spread alike, so the error's norm is a millionth; eight projections estimate it to about a quarter.
  let errors = try #require(metrics.sketch)
  #expect(errors.projections > 0.3e-6 && errors.projections < 2e-6)
  #expect(errors.largest == metrics.relativeError && errors.samples > 0 && errors.samples < 2e-6)
  #expect(abs(metrics.sqnrDecibels - 120) < 10)
}

@Test func aTraceIsSketchedOnTheWay() throws {
  let taps = [("m", tensor(base)), ("n", Tensor([3], [1, .nan, 2]))]
  let same = try compared(taps, taps, traced: true)
  #expect(same.passes && same.smallestPassingTolerance == 0 && same.isOfSketches)
  let changed = try compared(taps, [("m", tensor(defects[0].1)), taps[1]], traced: true)
  #expect(changed.firstDivergence?.name == "m/0/output")
}

@Test func missingMisshapedAndExtraTapsAreTold() throws {
  let comparison = try compared(
    [("gone", tensor(base)), ("shape", tensor(base))],
    [("shape", Tensor([side, side, channels], base)), ("new", tensor(base))])
  #expect(comparison.arrays.map(\.outcome) == [.missing, .shapeMismatch(candidate: [side, side, channels])])
  #expect(comparison.extra == ["new/0/output"])
  #expect(!comparison.passes)
}

@Test func theReportSaysThatSketchesWereCompared() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/a.h5"
    try write([("m", tensor(base))], SketchWriter(path: path, provenance: provenance))
    let sketch = try SketchReader(path: path)
    let result = try Verdict(reference: sketch, candidate: sketch, policy: .f32)
    let report = try ComparisonReport(json: ComparisonReport(result).json())
    #expect(report.compared == "sketches")
    #expect(report.arrays[0].metrics?.sketch == SketchErrors(samples: 0, projections: 0, norm: 0, moments: 0))
    #expect(ComparisonTable(result.comparison).text.contains("Sketches were compared"))
  }
}
