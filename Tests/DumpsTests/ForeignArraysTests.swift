import Foundation
import Prompts
import Taps
import Tensors
import Testing
import TestSupport
import Traces
import Verification

@testable import Dumps

private func folder<Result>(
  _ arrays: [String: ([Int], [Float])], _ body: (String) throws -> Result
) throws -> Result {
  try TestFiles.withTemporaryFolder { folder in
    for (name, (shape, elements)) in arrays {
      try DumpFixtures.write(DumpFixtures.npy(elements, shape), "\(folder)/\(name).npy")
    }
    return try body(folder)
  }
}

@Test func bringsChannelsWhereTheReferenceHasThem() throws {
  // [1, 2, 2, 3] with the element h·100 + w·10 + c.
  let elements: [Float] = [0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112]
  try folder(["x": ([1, 2, 2, 3], elements)]) { path in
    let arrays = try ForeignArrays(
      path: path, layout: AxisLayout("NHWC"), reference: [SourceArray("x", [1, 3, 2, 2])])
    #expect(arrays.arrays[0].shape == [1, 3, 2, 2])
    #expect(try arrays.elements("x") == [0, 10, 100, 110, 1, 11, 101, 111, 2, 12, 102, 112])
    let same = try ForeignArrays(
      path: path, layout: AxisLayout("NHWC"), reference: [SourceArray("x", [1, 2, 2, 3])])
    #expect(try same.elements("x") == elements)
  }
}

@Test func takesTheTapsShapeAfterTheLayout() throws {
  let map = try DumpFixtures.map(
    #"{"rules": [{"from": "x", "to": "t", "layout": "HWC->CHW", "reshape": true}]}"#)
  try folder(["x": ([2, 1, 3], [1, 2, 3, 4, 5, 6])]) { path in
    let arrays = try ForeignArrays(path: path, map: map, reference: [SourceArray("t", [1, 6])])
    #expect(arrays.arrays[0].shape == [1, 6])
    #expect(try arrays.elements("t") == [1, 4, 2, 5, 3, 6])
  }
}

@Test func refusesWhatCannotBeTold() throws {
  let taps: [(name: String, shape: Shape)] = [("blocks.0/0/output", [1, 8, 8, 8]), ("t", [4])]
  func refusal(_ arrays: [String: [Int]], _ json: String) throws -> String {
    try DumpFixtures.refusal(arrays, json, taps: taps)?.description ?? "none"
  }
  #expect(
    try refusal(["a": [4], "b": [4]], #"{"rules": [{"from": "?", "to": "t"}]}"#)
      .contains("expected one array for the tap t, found 'a', 'b'"))
  #expect(
    try refusal(["t": [4], "b": [4]], #"{"rules": [{"from": "b", "to": "t"}]}"#)
      .contains("expected one array for the tap t"))
  #expect(
    try refusal(["t": [4]], #"{"rules": [{"from": "c", "to": "t"}]}"#)
      .contains("the map's rule 'c' to fit an array, found none among 't'"))
  #expect(try refusal(["t": [4]], #"{"rules": [{"from": "c", "to": "t", "optional": true}]}"#) == "none")
  let unknown = try refusal(["a": [4]], #"{"rules": [{"from": "a", "to": "blocks.1/0/output"}]}"#)
  #expect(unknown.contains("found blocks.1/0/output; near it there are 'blocks.0/0/output'"), "\(unknown)")
  #expect(try refusal(["a": [4]], "{}").contains("arrays that bear names of the reference's taps"))
  #expect(
    try refusal(
      ["a": [1, 8, 8, 8]], #"{"layout": "NHWC", "rules": [{"from": "a", "to": "blocks.0/0/output"}]}"#
    )
    .contains("expected 'a' to tell its layout by its shape"))
  #expect(
    try refusal(["t": [4]], #"{"rules": [{"from": "t", "to": "t", "layout": "NHWC"}]}"#)
      .contains("as many axes as the layout NHWC"))
  #expect(try refusal(["a": [4], "t": [4]], #"{"rules": [{"from": "a", "to": null}]}"#) == "none")
}

@Test func aDumpIsHeldAgainstATraceOrItsSketch() throws {
  let reference = TestFiles.package("Reference/micro.h5")
  let reader = try TraceReader(path: reference)
  let name = "image_encoder/0/output/backbone_fpn/2"
  var elements = try reader.tensor(reader.tap(name)).elements
  let map = try DumpFixtures.map(
    #"{"taps": ["*/backbone_fpn/2"], "rules": [{"from": "fpn", "to": "\#(name)"}]}"#)
  try TestFiles.withTemporaryFolder { folder in
    let sketch = "\(folder)/micro.sketch.h5"
    try Recording.open(path: reference).sketch(to: sketch)
    for (factor, passes) in [(Float(1), true), (1.001, false)] {
      elements = elements.map { $0 * factor }
      try DumpFixtures.write(DumpFixtures.npy(elements, [1, 64, 8, 8]), "\(folder)/dump/fpn.npy")
      for path in [reference, sketch] {
        let expected = try ComparedFile.reference(path: path)
        let found = try ComparedFile.candidate(path: "\(folder)/dump", map: map, of: expected)
        let result = try expected.comparison(with: found, policy: .f32)
        #expect(result.comparison.arrays.map(\.name) == [name])
        #expect(result.comparison.passes == passes)
        #expect(result.candidate.provenance == nil)
        #expect(try ComparisonReport(json: ComparisonReport(result).json()).candidate == result.candidate)
      }
    }
  }
}

@Test func whatTheMapPromisesMustBeThere() throws {
  let reference = try ComparedFile.reference(path: TestFiles.package("Reference/micro.h5"))
  let map = try DumpFixtures.map(
    #"{"taps": ["*/backbone_fpn/?"], "rules": [{"from": "fpn", "to": "image_encoder/0/output/backbone_fpn/2"}]}"#
  )
  try folder(["fpn": ([1, 64, 8, 8], [Float](repeating: 0, count: 64 * 64))]) { path in
    let found = try ComparedFile.candidate(path: path, map: map, of: reference)
    let result = try reference.comparison(with: found, policy: .f32).comparison
    #expect(result.arrays.count == 3 && result.arrays.filter { $0.outcome == .missing }.count == 2)
    // --tap narrows it further.
    let narrowed = try reference.comparison(
      with: found, patterns: [TapPattern("*/2")], policy: .f32
    ).comparison
    #expect(narrowed.arrays.count == 1)
  }
}

@Test func whatACandidateRanAsOneIsFusedInCompare() throws {
  try TestFiles.withTemporaryFolder { folder in
    func trace(_ name: String, _ modules: [String], wholes: [String] = []) throws -> String {
      var provenance = Provenance(
        producer: "test", producerVersion: "1", backend: "none", backendVersion: "0", threads: 1,
        checkpointSHA256: "", inputSHA256: "", input: TraceInput(width: 1, height: 1, preprocessing: ""),
        prompts: PromptScript(multimask: false, objects: []))
      provenance.wholes = wholes
      let writer = try TraceWriter(path: "\(folder)/\(name).h5", provenance: provenance)
      for (place, module) in modules.enumerated() {
        let x = Tensor([2], [1, 2])
        try writer.write(
          ModulePath(module), call: 0, sequence: place, inputs: [("x", x)], output: Tensor([2], [2, 3]))
      }
      try writer.finish()
      return writer.path
    }
    let reference = try ComparedFile.reference(path: trace("reference", ["block.norm", "block"]))
    func compared(wholes: [String]) throws -> Comparison {
      let path = try trace("candidate\(wholes.count)", ["block"], wholes: wholes)
      return try reference.comparison(with: .candidate(path: path, of: reference), policy: .f32).comparison
    }
    let fused = try compared(wholes: ["block"])
    #expect(fused.passes)
    #expect(fused.arrays.filter { $0.outcome == .fused(into: ModulePath("block")) }.count == 2)
    #expect(try !compared(wholes: []).passes)
  }
}

@Test func dumpsAreComparedByTheirNames() throws {
  try folder(["a": ([2], [1, 2]), "b": ([1], [3])]) { first in
    try folder(["a": ([2], [1, 2]), "c": ([1], [3])]) { second in
      let reference = try ComparedFile.reference(path: first)
      let result = try reference.comparison(
        with: .candidate(path: second, of: reference), policy: .f32
      ).comparison
      #expect(result.arrays.map { $0.passes(result.policy) } == [true, false])
      #expect(result.extra == ["c"])
    }
  }
}
