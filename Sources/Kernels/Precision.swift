// How a layer is computed, and which layer it is.
public import Tensors

/// How a layer is computed: the one vocabulary of the command line, plans, files, traces and policies.
public enum Precision: String, Hashable, Sendable, Codable, CaseIterable {
  /// Float32 throughout.
  case f32
  /// Inputs and weights rounded to bfloat16, sums in Float32.
  case bf16
  /// Weights in 8 bits, a scale for each output channel; computed in Float32.
  case w8
  /// Weights in 8 bits; inputs and what is multiplied in bfloat16, sums in Float32.
  case w8a16
  /// Weights and inputs in 8 bits, sums of their products in 32.
  case w8a8
  /// Weights in 4 bits, a scale for each 32 inputs; computed in Float32.
  case w4

  /// Whether weights are whole numbers of 8 bits with a scale for each output channel: a layer's `quantized`.
  public var hasByteWeights: Bool { self == .w8 || self == .w8a16 || self == .w8a8 }

  /// Whether weights are whole numbers.
  public var isQuantized: Bool { hasByteWeights || self == .w4 }

  /// Reads a name.
  ///
  /// - Throws: `DecodingError`, which says what names there are.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let precision = Precision(rawValue: name) else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription: "expected \(Self.allCases.map(\.rawValue).joined(separator: ", ")), found \(name)")
    }
    self = precision
  }
}

/// The numbers that a quantized tensor's 8 bits stand for: `scale · (q − zeroPoint)`.
public struct QuantizedRange: Hashable, Sendable, Codable {
  /// What one step is worth; positive.
  public let scale: Float
  /// The step that stands for 0, exactly.
  public let zeroPoint: UInt8

  package enum CodingKeys: String, CodingKey, CaseIterable {
    case scale
    case zeroPoint = "zero_point"
  }

  /// A range of 256 steps.
  public init(scale: Float, zeroPoint: UInt8) {
    self.scale = scale
    self.zeroPoint = zeroPoint
  }

  /// Reads `scale` and `zero_point`.
  ///
  /// - Throws: `DecodingError` for a scale that isn't positive, or a zero point that isn't one of 256 steps.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    scale = try values.decode(Float.self, forKey: .scale)
    guard scale.isFinite, scale > 0 else {
      throw DecodingError.dataCorruptedError(
        forKey: .scale, in: values, debugDescription: "expected more than 0, found \(scale)")
    }
    let step = try values.decode(Double.self, forKey: .zeroPoint)
    guard let zeroPoint = UInt8(exactly: step) else {
      throw DecodingError.dataCorruptedError(
        forKey: .zeroPoint, in: values, debugDescription: "expected a whole number from 0 to 255, found \(step)"
      )
    }
    self.zeroPoint = zeroPoint
  }
}

/// Which layer a kernel is for, and how it is to be computed.
public struct Site: Hashable, Sendable {
  /// The layer's name in the state dict and in a trace.
  public let path: ModulePath
  /// How the layer is computed.
  public let precision: Precision
  /// The range of the layer's input; nil where it is not quantized, or found anew for every input.
  public let input: QuantizedRange?

  /// A layer, in Float32 unless told otherwise.
  public init(_ path: ModulePath, precision: Precision = .f32, input: QuantizedRange? = nil) {
    self.path = path
    self.precision = precision
    self.input = input
  }
}

/// What a backend can't prepare.
public enum BackendError: Error, Equatable, CustomStringConvertible {
  /// A layer is to be computed in a precision that the backend doesn't have.
  case unsupportedPrecision(backend: String, layer: ModulePath, supported: [Precision], asked: Precision)

  /// One sentence naming the layer, what was expected and what was found.
  public var description: String {
    switch self {
    case .unsupportedPrecision(let backend, let layer, let supported, let asked):
      "\(layer): the backend \(backend) computes in \(supported.map(\.rawValue).joined(separator: ", ")), "
        + "and was asked for \(asked.rawValue)"
    }
  }
}
