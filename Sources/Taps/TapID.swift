public import Tensors

/// What a recorded array is: what went into or came out of one of a module's calls, a prediction of the run, or an array
/// that some program calls otherwise.
///
/// Files have it as one string: `<module>/<call>/input/<parameter>…`, `<module>/<call>/output…`, `prediction/<value>` of
/// a picture, `prediction/<step>/<frame>/<object>/<value>` of a video. Every string is the name of one tap, and that
/// tap's name is the string again.
public enum TapID: Hashable, Sendable {
  /// What a call was given: the parameter's name in PyTorch's signature, and the positions and keys that lead to a member
  /// of it.
  case input(CallID, parameter: String, members: [String])
  /// What a call returned, or a member of it.
  case output(CallID, members: [String])
  /// A prediction, such as `iou`; of a video, at a step, on a frame, for an object.
  case prediction(String, at: PredictionPlace?)
  /// Another name, such as one that a program of another kind gave.
  case other(String)

  /// The words that names are made of.
  package enum Part {
    package static let prediction = "prediction"
    package static let input = "input"
    package static let output = "output"
  }

  /// The tap of that name.
  public init(_ name: String) {
    let steps = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    if steps[0] == Part.prediction {
      self = Self.prediction(steps) ?? .other(name)
    } else if steps.count >= 3, let number = Self.number(steps[1]) {
      self = Self.value(CallID(ModulePath(steps[0]), number), steps[2...]) ?? .other(name)
    } else {
      self = .other(name)
    }
  }

  /// What a call has under a name such as `input/<parameter>`, `output` or `output/0`.
  public init(_ call: CallID, _ value: String) {
    let steps = value.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    self = Self.value(call, steps[...]) ?? .other("\(call)/\(value)")
  }

  private static func value(_ call: CallID, _ steps: ArraySlice<String>) -> TapID? {
    switch steps.first {
    case Part.input:
      let rest = steps.dropFirst()
      return rest.first.map { .input(call, parameter: $0, members: Array(rest.dropFirst())) }
    case Part.output: return .output(call, members: Array(steps.dropFirst()))
    default: return nil
    }
  }

  private static func prediction(_ steps: [String]) -> TapID? {
    if steps.count == 2 { return .prediction(steps[1], at: nil) }
    guard steps.count == 5, let step = number(steps[1]), let frame = number(steps[2]),
      let object = number(steps[3])
    else { return nil }
    return .prediction(steps[4], at: PredictionPlace(step: step, frame: frame, object: object))
  }

  /// A number as it is written: another spelling, such as `01`, would be another name.
  private static func number(_ text: String) -> Int? { Int(text).flatMap { "\($0)" == text ? $0 : nil } }

  /// How files write it.
  public var name: String {
    switch self {
    case .input(let call, let parameter, let members):
      "\(call)/\(([Part.input, parameter] + members).joined(separator: "/"))"
    case .output(let call, let members): "\(call)/\(([Part.output] + members).joined(separator: "/"))"
    case .prediction(let value, let place): "\(Part.prediction)/\(place.map { "\($0)/" } ?? "")\(value)"
    case .other(let name): name
    }
  }

  /// The call that it was recorded of; nil for predictions and other names.
  public var call: CallID? {
    switch self {
    case .input(let call, _, _), .output(let call, _): call
    case .prediction, .other: nil
    }
  }

  /// The module that was called; nil for predictions and other names.
  public var module: ModulePath? { call?.module }

  /// What of its call it is: `input/<parameter>`, `output` or members of them; nil for predictions and other names.
  public var value: String? {
    switch self {
    case .input(_, let parameter, let members):
      ([Part.input, parameter] + members).joined(separator: "/")
    case .output(_, let members): ([Part.output] + members).joined(separator: "/")
    case .prediction, .other: nil
    }
  }

  /// Whether it went into its module rather than coming out.
  public var isInput: Bool { if case .input = self { true } else { false } }

  /// Which of the run's predictions it is; nil for what is none, or none of those that every run makes.
  public var predicted: PredictedValue? {
    if case .prediction(let value, _) = self { PredictedValue(rawValue: value) } else { nil }
  }

  /// Where in a video it was predicted; nil for a picture's predictions and what is none.
  public var predictionPlace: PredictionPlace? {
    if case .prediction(_, let place) = self { place } else { nil }
  }

  /// Whether the module path, or the whole name, fits a pattern.
  public func matches(_ pattern: TapPattern) -> Bool {
    pattern.matches(name) || (module.map { pattern.matches($0.name) } ?? false)
  }
}

extension TapID: ExpressibleByStringInterpolation, CustomStringConvertible, Codable {
  /// The tap of that name.
  public init(stringLiteral name: String) { self.init(name) }

  /// The name.
  public var description: String { name }

  /// Reads the name.
  public init(from decoder: any Decoder) throws { self.init(try String(from: decoder)) }

  /// Writes the name.
  public func encode(to encoder: any Encoder) throws { try name.encode(to: encoder) }
}
