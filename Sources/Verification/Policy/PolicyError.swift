/// What can be wrong with a policy.
public enum PolicyError: Error, Equatable, CustomStringConvertible {
  /// Neither a preset nor a file.
  case unknown(name: String, presets: [String])
  /// A file that is no policy; `place` is where in it, and `problem` what was found and expected.
  case malformed(file: String, place: String, problem: String)
  /// Nothing to propose a policy from.
  case nothingToCalibrate(reason: String)

  /// One sentence naming the thing, what was expected and what was found.
  public var description: String {
    switch self {
    case .unknown(let name, let presets):
      "policy \(name): expected \(presets.joined(separator: ", ")) or a JSON file, found no such file"
    case .malformed(let file, let place, let problem): "\(file): \(place): \(problem)"
    case .nothingToCalibrate(let reason): "no policy can be proposed: \(reason)"
    }
  }
}
