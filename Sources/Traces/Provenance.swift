import Files
import Foundation
import HDF5
public import Prompts

/// Where a trace comes from: everything that is needed to make it again.
public struct Provenance: Equatable, Sendable, Codable {
  /// The program that ran the model, such as `sam2kit` or `sam2`.
  public var producer: String
  /// Its version.
  public var producerVersion: String
  /// What did the arithmetic, such as `openblas` or `pytorch`.
  public var backend: String
  /// Its version.
  public var backendVersion: String
  /// Which of its kernels ran, such as `SkylakeX`, on which a result's last bits depend; nil where that isn't said.
  public var kernels: String?
  /// What layers are computed in, such as `f32`; several precisions in a row, such as `bf16+f32`.
  public var precision: String
  /// How many threads it ran on.
  public var threads: Int
  /// The digest of the checkpoint's file; empty when there was none, or a conversion did not take it.
  public var checkpointSHA256: String
  /// The digest of a `.pt` checkpoint's directory: the name, size and CRC-32 of each of its parts.
  public var checkpointDirectorySHA256: String?
  /// The digest of the picture's file; empty when there was none.
  public var inputSHA256: String
  /// What went in.
  public var input: TraceInput
  /// What was asked for.
  public var prompts: PromptScript
  /// The model's configuration as YAML, of which JSON is a part; empty when the checkpoint's name says it all.
  public var configuration: String
  /// Which layer is computed how, as the JSON of a precision plan; nil where all are computed alike.
  public var plan: String?
  /// The modules that the backend ran as one, so that nothing inside them could be recorded.
  public var wholes: [String] = []

  /// A full account.
  public init(
    producer: String, producerVersion: String, backend: String, backendVersion: String,
    precision: String = "f32", threads: Int, checkpointSHA256: String,
    checkpointDirectorySHA256: String? = nil, inputSHA256: String, input: TraceInput, prompts: PromptScript,
    configuration: String = ""
  ) {
    self.producer = producer
    self.producerVersion = producerVersion
    self.backend = backend
    self.backendVersion = backendVersion
    self.precision = precision
    self.threads = threads
    self.checkpointSHA256 = checkpointSHA256
    self.checkpointDirectorySHA256 = checkpointDirectorySHA256
    self.inputSHA256 = inputSHA256
    self.input = input
    self.prompts = prompts
    self.configuration = configuration
  }

  /// What did the arithmetic, in words, such as `openblas 0.3.21 (SkylakeX)`.
  public var arithmetic: String { "\(backend) \(backendVersion)" + (kernels.map { " (\($0))" } ?? "") }

  // Spelt so that JSON in snake_case has the attributes' own names.
  private enum CodingKeys: String, CodingKey {
    case producer, producerVersion, backend, backendVersion, kernels, precision, threads
    case checkpointSHA256 = "checkpointSha256"
    case checkpointDirectorySHA256 = "checkpointDirectorySha256"
    case inputSHA256 = "inputSha256"
    case input, prompts, configuration, plan, wholes
  }
}

/// What went into a recorded run.
public struct TraceInput: Equatable, Sendable, Codable {
  /// What sort of thing, such as `picture`.
  public var kind: String
  /// Its width in pixels.
  public var width: Int
  /// Its height in pixels.
  public var height: Int
  /// How many frames it has, if it is a video and that is known.
  public var frames: Int?
  /// How it was brought to the model's size, such as `SAM2Transforms`.
  public var preprocessing: String

  /// A picture, unless `kind` says otherwise.
  public init(
    kind: String = "picture", width: Int, height: Int, frames: Int? = nil, preprocessing: String
  ) {
    self.kind = kind
    self.width = width
    self.height = height
    self.frames = frames
    self.preprocessing = preprocessing
  }
}

/// JSON in an attribute: keys in order, so that equal values give equal bytes.
package enum JSONText {
  package static func encode(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  static func decode<Value: Decodable>(_ text: String) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(text.utf8))
  }
}

extension Provenance {
  /// Reads JSON, also of before there were plans, wholes and kernels.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func text(_ key: CodingKeys) throws -> String { try values.decode(String.self, forKey: key) }
    self.init(
      producer: try text(.producer), producerVersion: try text(.producerVersion), backend: try text(.backend),
      backendVersion: try text(.backendVersion), precision: Self.precision(try text(.precision)),
      threads: try values.decode(Int.self, forKey: .threads), checkpointSHA256: try text(.checkpointSHA256),
      checkpointDirectorySHA256: try values.decodeIfPresent(String.self, forKey: .checkpointDirectorySHA256),
      inputSHA256: try text(.inputSHA256), input: try values.decode(TraceInput.self, forKey: .input),
      prompts: try values.decode(PromptScript.self, forKey: .prompts), configuration: try text(.configuration))
    kernels = try values.decodeIfPresent(String.self, forKey: .kernels)
    plan = try values.decodeIfPresent(String.self, forKey: .plan)
    wholes = try values.decodeIfPresent([String].self, forKey: .wholes) ?? []
  }

  /// The attributes that a trace need not have.
  private static let directoryAttribute = "checkpoint_directory_sha256"
  private static let kernelsAttribute = "kernels"
  private static let planAttribute = "plan"
  private static let wholesAttribute = "wholes"

  /// A precision that may have PyTorch's name.
  private static func precision(_ name: String) -> String {
    ["float32": "f32", "bfloat16": "bf16", "float16": "f16"][name] ?? name
  }

  /// Writes the root attributes.
  func write(
    to root: borrowing HDF5NewGroup, format: String = TraceSchema.format, version: Int = TraceSchema.version
  ) throws {
    try root.setAttribute("format", .string(format))
    try root.setAttribute("format_version", .integer(Int64(version)))
    try root.setAttribute("producer", .string(producer))
    try root.setAttribute("producer_version", .string(producerVersion))
    try root.setAttribute("backend", .string(backend))
    try root.setAttribute("backend_version", .string(backendVersion))
    if let kernels { try root.setAttribute(Self.kernelsAttribute, .string(kernels)) }
    try root.setAttribute("precision", .string(precision))
    try root.setAttribute("threads", .integer(Int64(threads)))
    try root.setAttribute("checkpoint_sha256", .string(checkpointSHA256))
    if let checkpointDirectorySHA256 {
      try root.setAttribute(Self.directoryAttribute, .string(checkpointDirectorySHA256))
    }
    try root.setAttribute("input_sha256", .string(inputSHA256))
    try root.setAttribute("input", .string(try JSONText.encode(input)))
    try root.setAttribute("prompts", .string(try JSONText.encode(prompts)))
    try root.setAttribute("configuration", .string(configuration))
    if let plan { try root.setAttribute(Self.planAttribute, .string(plan)) }
    if !wholes.isEmpty { try root.setAttribute(Self.wholesAttribute, .string(try JSONText.encode(wholes))) }
  }

  /// Whether the file says that it is a sketch.
  static func isOfSketch(path: String) throws -> Bool {
    try HDF5File.open(path).root().attribute("format") == .string(SketchSchema.format)
  }

  /// Reads the root attributes of the trace, or other format, at `file`.
  init(
    of root: HDF5Group, file: String, format: String = TraceSchema.format,
    version expected: Int = TraceSchema.version
  ) throws {
    let stated = try root.attribute("format")
    guard stated == .string(format) else {
      let found = stated.map { "\($0)" } ?? "none"
      throw format == SketchSchema.format
        ? TraceError.notASketch(file: file, found: found) : TraceError.notATrace(file: file, found: found)
    }
    let version = try root.integer("format_version", file)
    guard version == expected else {
      throw TraceError.unsupportedVersion(file: file, expected: expected, found: version)
    }
    self.init(
      producer: try root.text("producer", file), producerVersion: try root.text("producer_version", file),
      backend: try root.text("backend", file), backendVersion: try root.text("backend_version", file),
      precision: try Self.precision(root.text("precision", file)),
      threads: Int(try root.integer("threads", file)),
      checkpointSHA256: try root.text("checkpoint_sha256", file),
      checkpointDirectorySHA256: try root.attribute(Self.directoryAttribute) == nil
        ? nil : root.text(Self.directoryAttribute, file),
      inputSHA256: try root.text("input_sha256", file), input: try root.json("input", file),
      prompts: try root.json("prompts", file), configuration: try root.text("configuration", file))
    if try root.attribute(Self.kernelsAttribute) != nil {
      kernels = try root.text(Self.kernelsAttribute, file)
    }
    if try root.attribute(Self.planAttribute) != nil { plan = try root.text(Self.planAttribute, file) }
    if try root.attribute(Self.wholesAttribute) != nil { wholes = try root.json(Self.wholesAttribute, file) }
  }
}

extension HDF5Group {
  fileprivate func text(_ name: String, _ file: String) throws -> String {
    let found = try attribute(name)
    guard case .string(let text) = found else {
      throw TraceError.badAttribute(
        file: file, attribute: name, expected: "text", found: found.map { "\($0)" } ?? "nothing")
    }
    return text
  }

  fileprivate func integer(_ name: String, _ file: String) throws -> Int64 {
    let found = try attribute(name)
    guard case .integer(let number) = found else {
      throw TraceError.badAttribute(
        file: file, attribute: name, expected: "a whole number", found: found.map { "\($0)" } ?? "nothing")
    }
    return number
  }

  fileprivate func json<Value: Decodable>(_ name: String, _ file: String) throws -> Value {
    let text = try text(name, file)
    do {
      return try JSONText.decode(text)
    } catch {
      throw TraceError.badAttribute(
        file: file, attribute: name, expected: "the JSON of the schema",
        found: "another, \(text.shown(atMost: 200))"
      )
    }
  }
}
