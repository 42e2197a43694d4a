// Traces on disk compared, and the report of it.
import Foundation
import Prompts
import Taps
import Tensors
import Testing
import TestSupport
import Traces

@testable import Verification

private func provenance(input: String = "f0", multimask: Bool = false) -> Provenance {
  Provenance(
    producer: "test", producerVersion: "1", backend: "none", backendVersion: "0", threads: 1,
    checkpointSHA256: "c0", inputSHA256: input,
    input: TraceInput(width: 4, height: 3, preprocessing: "SAM2Transforms"),
    prompts: PromptScript(multimask: multimask, objects: []))
}

private func verdict(
  _ reference: TraceReader, _ candidate: TraceReader, _ patterns: String...
) throws -> Verdict {
  let patterns = patterns.map { TapPattern($0) }
  return try Verdict(reference: reference, candidate: candidate, policy: .f32) { id in
    patterns.isEmpty || patterns.contains { id.matches($0) }
  }
}

/// Writes a trace of the given taps and logits and opens it.
private func trace(
  _ path: String, _ taps: [(String, Tensor)], logits: Tensor? = nil, input: String = "f0",
  multimask: Bool = false
) throws -> TraceReader {
  let writer = try TraceWriter(path: path, provenance: provenance(input: input, multimask: multimask))
  for (index, tap) in taps.enumerated() {
    try writer.write(ModulePath(tap.0), call: 0, sequence: index, inputs: [("x", one)], output: tap.1)
  }
  if let logits { try writer.write(.lowResLogits, logits) }
  try writer.finish()
  return try TraceReader(path: path)
}

@Test func tracesOfOneRunPass() throws {
  try TestFiles.withTemporaryFolder { folder in
    let reader = try trace(folder + "/a.h5", [("z", one), ("a", near)], logits: one)
    let traces = try verdict(reader, reader)
    #expect(traces.comparison.passes)
    #expect(
      traces.comparison.arrays.map(\.name)
        == ["z/0/input/x", "z/0/output", "a/0/input/x", "a/0/output", "prediction/low_res_logits"])
    #expect(traces.differences.isEmpty)
    #expect(traces.comparison.arrays.last?.metrics?.masks?.flipped == 0)
  }
}

@Test func otherPromptsAreShownAsTheFileHasThem() throws {
  try TestFiles.withTemporaryFolder { folder in
    let traces = try verdict(
      trace(folder + "/a.h5", [("a", one)]), trace(folder + "/b.h5", [("a", one)], multimask: true))
    #expect(
      traces.differences == [
        .init(
          attribute: "prompts", reference: "",
          candidate: #"{"multimask":true,"objects":[]}"#)
      ])
  }
}

/// Whole digests count where both are known, else those of the directories.
@Test(
  arguments: [
    ("a", "d", "a", nil, nil), ("a", "d", "b", "d", "checkpoint_sha256"), ("a", "d", "", "d", nil),
    ("a", "d", "", "e", "checkpoint_directory_sha256"), ("a", nil, "", "d", "checkpoint_sha256"),
    ("", "d", "", "d", nil),
  ] as [(String, String?, String, String?, String?)])
func checkpointsAreToldApartByWhatIsKnownOfBoth(
  first: String, firstDirectory: String?, second: String, secondDirectory: String?, difference: String?
) throws {
  try TestFiles.withTemporaryFolder { folder in
    func reader(_ name: String, _ sha256: String, _ directory: String?) throws -> TraceReader {
      var provenance = provenance()
      (provenance.checkpointSHA256, provenance.checkpointDirectorySHA256) = (sha256, directory)
      try TraceWriter(path: "\(folder)/\(name)", provenance: provenance).finish()
      return try TraceReader(path: "\(folder)/\(name)")
    }
    let comparison = try verdict(
      reader("a.h5", first, firstDirectory), reader("b.h5", second, secondDirectory))
    #expect(comparison.differences.map(\.attribute) == (difference.map { [$0] } ?? []))
  }
}

@Test func plantedErrorIsTheFirstDivergence() throws {
  try TestFiles.withTemporaryFolder { folder in
    let reference = try trace(folder + "/a.h5", [("z", one), ("m", one), ("a", one)])
    let candidate = try trace(folder + "/b.h5", [("z", one), ("m", near), ("a", near)])
    let traces = try verdict(reference, candidate)
    #expect(!traces.comparison.passes)
    #expect(traces.comparison.firstDivergence?.name == "m/0/output")
    #expect(
      traces.comparison.firstDivergence?.metrics?.worst
        == WorstElement(index: [1, 1], reference: 4, candidate: 4.5))
  }
}

@Test func filterChoosesTapsByModuleOrName() throws {
  try TestFiles.withTemporaryFolder { folder in
    let reference = try trace(folder + "/a.h5", [("trunk.a", one), ("neck", one)], logits: one)
    let candidate = try trace(folder + "/b.h5", [("trunk.a", near), ("neck", one)], logits: one)
    func names(_ pattern: String) throws -> [String] {
      try verdict(reference, candidate, pattern).comparison.arrays.map(\.name)
    }
    #expect(try names("neck") == ["neck/0/input/x", "neck/0/output"])
    #expect(try names("*/output") == ["trunk.a/0/output", "neck/0/output"])
    #expect(try names("prediction/*") == ["prediction/low_res_logits"])
    let nothing = try verdict(reference, candidate, "decoder")
    #expect(!nothing.comparison.passes)
  }
}

@Test func anotherPictureIsPointedOut() throws {
  try TestFiles.withTemporaryFolder { folder in
    let reference = try trace(folder + "/a.h5", [("m", one)])
    let candidate = try trace(folder + "/b.h5", [("m", one)], input: "f1")
    let traces = try verdict(reference, candidate)
    #expect(traces.comparison.passes)
    #expect(
      traces.differences == [.init(attribute: "input_sha256", reference: "f0", candidate: "f1")])
  }
}

@Test func aDamagedTraceThrowsInsteadOfFailing() throws {
  try TestFiles.withTemporaryFolder { folder in
    _ = try trace(folder + "/a.h5", [("m", one)])
    let bytes = try Data(contentsOf: URL(filePath: folder + "/a.h5"))
    try bytes.dropLast(64).write(to: URL(filePath: folder + "/cut.h5"))
    let error = #expect(throws: (any Error).self) { _ = try TraceReader(path: folder + "/cut.h5") }
    #expect(error.map { "\($0)" }?.contains("it is cut short, fetch it again") == true)
  }
}

@Test func reportSurvivesJSONWithInfinityAndNaN() throws {
  try TestFiles.withTemporaryFolder { folder in
    let reference = try trace(folder + "/a.h5", [("equal", one), ("nan", one), ("gone", one), ("shape", one)])
    let candidate = try trace(
      folder + "/b.h5",
      [("equal", one), ("nan", Tensor([2, 2], [.nan, 2, 3, 4])), ("shape", Tensor([1], [1])), ("new", one)])
    let report = ComparisonReport(try verdict(reference, candidate))
    let json = try report.json()
    let text = String(decoding: json, as: UTF8.self)
    #expect(text.contains("\"sqnr_decibels\" : \"inf\""))
    #expect(text.contains("\"checkpoint_sha256\" : \"c0\""))
    #expect(text.contains("\"status\" : \"shape_mismatch\""))
    let read = try ComparisonReport(json: json)
    #expect(read.reference == report.reference)
    #expect(read.passes == false)
    #expect(read.smallestPassingTolerance == nil)
    #expect(read.firstDivergence == "nan/0/output")
    #expect(
      read.arrays.filter { $0.name.hasSuffix("output") }.map(\.status)
        == [.passed, .diverged, .missing, .shapeMismatch])
    #expect(read.arrays.first { $0.status == .diverged }?.metrics?.worst?.candidate.isNaN == true)
    #expect(read.extra == ["new/0/input/x", "new/0/output"])
  }
}
