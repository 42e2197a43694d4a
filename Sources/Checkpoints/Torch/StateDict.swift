/// The named tensors of a checkpoint, wherever its author put them.
struct StateDict {
  /// In the order of the file.
  let tensors: [(name: String, tensor: TorchTensor)]
  /// Numbers and words that stand beside a wrapped state dict, such as `epoch`.
  let notes: [String: String]

  /// Keys under which training code wraps its state dict, the first found wins: SAM 2's own, then Lightning's.
  private static let wrappers = ["model", "state_dict"]

  init(_ value: PickleValue) throws(TorchError) {
    guard let pairs = value.pairs else { throw .noStateDict(found: value.kind) }
    let wrapped = Self.wrappers.lazy.compactMap { value[$0]?.pairs }.first
    if wrapped == nil, !pairs.contains(where: { if case .tensor = $0.value { true } else { false } }) {
      throw .noStateDict(found: Self.summary(of: pairs))
    }
    var tensors: [(name: String, tensor: TorchTensor)] = []
    for pair in wrapped ?? pairs {
      guard case .string(let name) = pair.key else {
        throw .notATensor(name: "", found: "\(pair.key.kind) as its key")
      }
      guard case .tensor(let tensor) = pair.value else { throw .notATensor(name: name, found: pair.value.kind) }
      tensors.append((name, tensor))
    }
    self.tensors = tensors
    notes = wrapped == nil ? [:] : Self.notes(pairs)
  }

  private static func notes(_ pairs: [PickleValue.Pair]) -> [String: String] {
    var notes: [String: String] = [:]
    for pair in pairs {
      guard case .string(let key) = pair.key else { continue }
      switch pair.value {
      case .string(let text): notes[key] = text
      case .int(let number): notes[key] = "\(number)"
      case .float(let number): notes[key] = "\(number)"
      case .bool(let truth): notes[key] = "\(truth)"
      default: break
      }
    }
    return notes
  }

  private static func summary(of pairs: [PickleValue.Pair]) -> String {
    guard !pairs.isEmpty else { return "an empty dict" }
    let keys = pairs.prefix(8).map { pair in
      if case .string(let key) = pair.key { "'\(key)'" } else { pair.key.kind }
    }
    return "a dict of \(keys.joined(separator: ", "))"
  }
}
