import Foundation
import Prompts
public import Traces

/// Whether two runs are of the same model, input and prompts, so that comparing them says anything.
public struct Agreement: Equatable, Sendable {
  /// What differs, in the order of the attributes.
  public let differences: [Verdict.Difference]

  /// What is known on both sides and differs: comparing the two says nothing then.
  public var contradictions: [Verdict.Difference] { differences.filter { !$0.isUnknown } }

  /// Two runs held against each other.
  ///
  /// - Parameter configuration: Reads a configuration's settings, those that matter for such an input; by default the
  ///   text as a whole.
  /// - Throws: What `configuration` throws.
  public init(
    _ reference: Provenance, _ candidate: Provenance,
    configuration: (_ text: String, _ input: TraceInput) throws -> [String: String] = { text, _ in ["": text] }
  ) throws {
    var differences: [Verdict.Difference] = []
    func add(_ attribute: String, _ reference: String, _ candidate: String, unless agree: Bool) {
      guard !agree else { return }
      differences.append(.init(attribute: attribute, reference: reference, candidate: candidate))
    }
    // Of two files that were made of one large checkpoint, one may know only its directory's digest.
    let isWhole = !reference.checkpointSHA256.isEmpty && !candidate.checkpointSHA256.isEmpty
    if !isWhole, let own = reference.checkpointDirectorySHA256, let other = candidate.checkpointDirectorySHA256
    {
      add("checkpoint_directory_sha256", own, other, unless: own == other)
    } else {
      add(
        "checkpoint_sha256", reference.checkpointSHA256, candidate.checkpointSHA256,
        unless: reference.checkpointSHA256 == candidate.checkpointSHA256)
    }
    add(
      "input_sha256", reference.inputSHA256, candidate.inputSHA256,
      unless: reference.inputSHA256 == candidate.inputSHA256)
    add(
      "input", try JSONText.encode(reference.input), try JSONText.encode(candidate.input),
      unless: reference.input.agrees(with: candidate.input))
    add(
      "prompts", try reference.prompts.text, try candidate.prompts.text,
      unless: reference.prompts.meaning(for: reference.input) == candidate.prompts.meaning(for: candidate.input)
    )
    let configurations = try [(reference, candidate), (candidate, reference)].map { own, other in
      try own.configuration.isEmpty || other.configuration.isEmpty
        ? ["": own.configuration] : configuration(own.configuration, reference.input)
    }
    let (expected, found) = (configurations[0], configurations[1])
    let keys = Set(expected.keys).union(found.keys).filter { expected[$0] != found[$0] }.sorted()
    func words(_ settings: [String: String]) -> String {
      keys.map { $0.isEmpty ? settings[$0] ?? "" : "\($0)=\(settings[$0] ?? "nothing")" }.joined(
        separator: ", ")
    }
    add("configuration", words(expected), words(found), unless: keys.isEmpty)
    self.differences = differences
  }
}

extension Verdict.Difference {
  /// Whether one side doesn't say.
  public var isUnknown: Bool { reference.isEmpty || candidate.isEmpty }
}

extension TraceInput {
  /// Whether two are the same as far as both say.
  fileprivate func agrees(with other: TraceInput) -> Bool {
    let framesAgree = frames == nil || other.frames == nil || frames == other.frames
    let preparationsAgree =
      preprocessing.isEmpty || other.preprocessing.isEmpty || preprocessing == other.preprocessing
    return kind == other.kind && width == other.width && height == other.height && framesAgree
      && preparationsAgree
  }
}

extension PromptScript {
  /// The JSON; empty if nothing was asked for, as in a recording that doesn't say.
  fileprivate var text: String {
    get throws { objects.isEmpty && steps == nil && !multimask ? "" : try JSONText.encode(self) }
  }

  /// What is asked for, however it is written: a short form written out, masks by their files' names alone.
  fileprivate func meaning(for input: TraceInput) -> PromptScript {
    guard input.kind == "video" else {
      return PromptScript(multimask: multimask, objects: objects.map(\.withoutFolder))
    }
    return PromptScript(
      steps: script(frameCount: input.frames).map { step in
        guard case .prompt(let prompt) = step else { return step }
        return .prompt(prompt.withoutFolder)
      })
  }
}

extension ObjectPrompt {
  /// The same with its mask by the file's name alone.
  fileprivate var withoutFolder: ObjectPrompt {
    var prompt = self
    prompt.mask = mask.map { URL(fileURLWithPath: $0).lastPathComponent }
    return prompt
  }
}
