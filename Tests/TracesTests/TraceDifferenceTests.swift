import Foundation
import HDF5
import Prompts
import Tensors
import Testing
import TestSupport

import Taps
@testable import Traces

@Test func tellsWhatDiffersToTheBit() throws {
  try TestFiles.withTemporaryFolder { folder in
    func write(_ name: String, _ provenance: Provenance, _ body: (TraceWriter) throws -> Void) throws
      -> Recording
    {
      let writer = try TraceWriter(path: "\(folder)/\(name).h5", provenance: provenance)
      try body(writer)
      try writer.finish()
      return try .open(path: "\(folder)/\(name).h5")
    }
    let first = try write("first", sample) { writer in
      try writer.write(
        ModulePath("a"), call: 0, sequence: 0, inputs: [], output: Tensor([2, 2], [1, 2, .nan, 0]))
      try writer.write(ModulePath("b"), call: 0, sequence: 1, inputs: [], output: Tensor([2], [1, 2]))
      try writer.write(ModulePath("c"), call: 0, sequence: 2, inputs: [], output: Tensor([1], [1]))
    }
    var provenance = sample
    (provenance.threads, provenance.prompts.multimask) = (8, false)
    let second = try write("second", provenance) { writer in
      // Minus zero is another zero; NaN is the same NaN.
      try writer.write(
        ModulePath("a"), call: 0, sequence: 0, inputs: [], output: Tensor([2, 2], [1, 2, .nan, -0.0]))
      try writer.write(ModulePath("b"), call: 0, sequence: 4, inputs: [], output: Tensor([1, 2], [1, 2]))
      try writer.write(ModulePath("d"), call: 0, sequence: 5, inputs: [], output: Tensor([1], [1]))
    }
    let difference = try TraceDifference(first, second)
    #expect(difference.attributes.map(\.attribute) == ["threads", "prompts"])
    #expect(difference.onlyInFirst == ["c/0/output"] && difference.onlyInSecond == ["d/0/output"])
    #expect(difference.taps.map(\.of) == ["elements", "sequence", "shape"])
    #expect(difference.taps[0].count == 1 && difference.taps[0].index == [1, 1])
    #expect(difference.taps[0].account == "1 elements that differ, first at [1, 1]: -0.0 instead of 0.0")
    #expect(difference.equalTaps == 0)
    #expect(
      throws: TraceError.unmatched(
        file: "\(first.path) and \(second.path)", asked: "a module or name that fits nobody")
    ) { try TraceDifference(first, second, patterns: [TapPattern("*"), TapPattern("nobody")]) }
    #expect(try TraceDifference(first, first).isEmpty)
  }
}

@Test func summarisesARecording() throws {
  let path = TestFiles.package("Reference/micro.h5")
  let run = try Recording.open(path: path)
  let summary = try TraceSummary(run)
  #expect(summary.kind == "trace" && summary.taps.map(\.name) == run.taps.map(\.name))
  #expect(summary.provenance == run.provenance)
  #expect(summary.fileBytes == FileManager.default.contents(atPath: path)?.count)
  let linked = summary.taps.filter { $0.linkedTo != nil }
  #expect(!linked.isEmpty && linked.allSatisfy { $0.storedBytes == nil })
  #expect(summary.arrays == summary.taps.count - linked.count)
  #expect(
    summary.taps.contains { $0.storage == "compressed" } && summary.taps.contains { $0.storage == "contiguous" }
  )
  try TestFiles.withTemporaryFolder { folder in
    try run.sketch(to: "\(folder)/s.h5")
    let sketch = try TraceSummary(.open(path: "\(folder)/s.h5"))
    #expect(
      sketch.kind == "sketch" && sketch.samples == 256 && sketch.taps.map(\.shape) == summary.taps.map(\.shape))
    #expect(sketch.taps.map(\.sequence) == summary.taps.map(\.sequence))
  }
}
