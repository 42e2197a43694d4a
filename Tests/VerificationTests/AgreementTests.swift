// Whether two recordings are of the same run.
import Prompts
import Testing
import Traces

@testable import Verification

private func provenance(
  checkpoint: String = "c0", input: String = "f0", prompts: PromptScript = points([[1, 2]]),
  described: TraceInput = TraceInput(width: 4, height: 3, preprocessing: "SAM2Transforms"),
  configuration: String = ""
) -> Provenance {
  Provenance(
    producer: "test", producerVersion: "1", backend: "none", backendVersion: "0", threads: 1,
    checkpointSHA256: checkpoint, inputSHA256: input, input: described, prompts: prompts,
    configuration: configuration)
}

private func points(_ points: [[Double]]) -> PromptScript {
  PromptScript(objects: [.init(points: points.map { Click(x: $0[0], y: $0[1]) })])
}

private func contradictions(_ reference: Provenance, _ candidate: Provenance) throws -> [String] {
  try Agreement(reference, candidate).contradictions.map(\.attribute)
}

@Test func theSameRunAgrees() throws {
  #expect(try Agreement(provenance(), provenance()).differences.isEmpty)
}

@Test func anotherCheckpointInputOrPromptContradicts() throws {
  #expect(try contradictions(provenance(), provenance(checkpoint: "c1")) == ["checkpoint_sha256"])
  #expect(try contradictions(provenance(), provenance(input: "f1")) == ["input_sha256"])
  #expect(try contradictions(provenance(), provenance(prompts: points([[1, 3]]))) == ["prompts"])
  #expect(
    try contradictions(
      provenance(), provenance(described: .init(width: 4, height: 3, preprocessing: "transformers")))
      == ["input"])
  #expect(
    try contradictions(provenance(configuration: "a: 1"), provenance(configuration: "a: 2")) == [
      "configuration"
    ])
}

@Test func whatOneSideDoesNotSayIsNoContradiction() throws {
  let agreement = try Agreement(
    provenance(configuration: "a: 1"),
    provenance(checkpoint: "", input: "", prompts: PromptScript(multimask: false, objects: [])))
  #expect(
    agreement.differences.map(\.attribute) == ["checkpoint_sha256", "input_sha256", "prompts", "configuration"])
  #expect(agreement.contradictions.isEmpty)
}

@Test func promptsOfAVideoAgreeHoweverTheyAreWritten() throws {
  let video = TraceInput(kind: "video", width: 4, height: 3, frames: 5, preprocessing: "load_video_frames")
  let short = PromptScript(objects: [.init(object: 1, points: [Click(x: 1, y: 2)])])
  let long = PromptScript(steps: [
    .prompt(.init(object: 1, frame: 0, points: [Click(x: 1, y: 2)])),
    .propagate(.init(from: 0)),
  ])
  #expect(
    try contradictions(
      provenance(prompts: short, described: video), provenance(prompts: long, described: video)
    ).isEmpty)
  let masked = { (path: String) in
    PromptScript(steps: [.prompt(.init(object: 1, frame: 0, mask: path))])
  }
  #expect(
    try contradictions(
      provenance(prompts: masked("a/m.png"), described: video),
      provenance(prompts: masked("m.png"), described: video)
    ).isEmpty)
}

@Test func onlySettingsThatDifferAreShown() throws {
  let agreement = try Agreement(
    provenance(configuration: "a,1 b,2"), provenance(configuration: "a,1 b,3")
  ) { text, _ in
    Dictionary(
      uniqueKeysWithValues: text.split(separator: " ").map { pair in
        let sides = pair.split(separator: ",").map(String.init)
        return (sides[0], sides[1])
      })
  }
  #expect(
    agreement.differences == [.init(attribute: "configuration", reference: "b=2", candidate: "b=3")])
}
