import Tensors

/// The named tensors of a checkpoint, wherever its author put them.
///
/// A candidate is a dictionary of tensors alone, at the root or within others. Of several the first of
/// `preferences` is taken, else the first in the file.
struct StateDict {
  /// In the order of the file.
  let tensors: [(name: String, tensor: TorchTensor)]
  /// Numbers and words that stand beside a wrapped state dict, such as `epoch`.
  let notes: [String: String]
  /// Where the tensors stood, and what else there was.
  let selection: Selection
  /// What is left of the asked key: a prefix of names, for somebody else to find.
  let remainingKey: String?

  /// SAM 2's own key, Lightning's, others that are seen.
  private static let preferences = ["model", "state_dict", "model_state_dict", Selection.root]
  /// How deep candidates are looked for.
  private static let depth = 3
  /// How many candidates are looked for, far more than any training code leaves.
  private static let limit = 64
  /// In the keys of dictionaries that hold tensors, some of a parameter's name and shape, and yet no model: training
  /// state, Lightning's own included.
  private static let trainingState = ["optim", "callbacks", "loops", "scheduler", "scaler", "rng_state"]

  /// Chooses a candidate: the one at `key`, of which a rest may stay, or the preferred one.
  ///
  /// - Throws: `NamingError.noCandidate` for a key that nothing goes by, `TorchError` where nothing can be taken.
  init(_ value: PickleValue, path: String, key: String?) throws(CheckpointError) {
    guard let root = value.pairs else { throw .torch(path: path, .noStateDict(found: value.kind)) }
    var found: [Candidate] = []
    Self.collect(root, at: Selection.root, depth: Self.depth, into: &found) { pairs in
      !pairs.isEmpty && pairs.allSatisfy { $0.key.isString && $0.value.isTensor }
        && pairs.contains { $0.value.isParameter }
    }
    if found.isEmpty {
      Self.collect(root, at: Selection.root, depth: Self.depth, into: &found) { pairs in
        !pairs.isEmpty && pairs.allSatisfy { $0.key.isString && $0.value.isTensor }
      }
    }
    if found.isEmpty {
      // One that holds something else beside tensors, for the error to name that.
      Self.collect(root, at: Selection.root, depth: Self.depth, into: &found) { pairs in
        pairs.contains { $0.value.isTensor }
      }
    }
    if found.isEmpty {
      // An empty one; or one without tensors, for the error to name what it has.
      found = Self.preferences.compactMap { key in value[key]?.pairs.map { (key, $0) } }
    }
    let chosen: Candidate
    if let key {
      guard let match = Self.match(key, found.map(\.key)) else {
        throw .naming(path: path, .noCandidate(key: key, available: found.map(\.key)))
      }
      chosen = found[match.index]
      remainingKey = match.rest
    } else if let best = Self.preferred(found.map(\.key)) {
      chosen = found[best]
      remainingKey = nil
    } else {
      throw .torch(path: path, .noStateDict(found: Self.summary(of: root)))
    }
    tensors = try naming(path, CheckpointError.torch) { () throws(TorchError) in try Self.tensors(chosen.pairs)
    }
    notes = chosen.key == Selection.root ? [:] : Self.notes(root)
    let others = found.map(\.key).filter { $0 != chosen.key }
    selection = Selection(
      key: chosen.key, others: others,
      leftOut: chosen.key == Selection.root ? [] : Self.leftOut(root, candidates: found.map(\.key)))
  }

  private typealias Candidate = (key: String, pairs: [PickleValue.Pair])

  private static func collect(
    _ pairs: [PickleValue.Pair], at key: String, depth: Int, into found: inout [Candidate],
    where isCandidate: ([PickleValue.Pair]) -> Bool
  ) {
    guard found.count < limit else { return }
    if isCandidate(pairs) { found.append((key, pairs)) }
    guard depth > 0 else { return }
    for pair in pairs {
      guard case .string(let name) = pair.key, let inner = pair.value.pairs,
        !trainingState.contains(where: name.lowercased().contains)
      else { continue }
      collect(inner, at: Selection.joined(key, name), depth: depth - 1, into: &found, where: isCandidate)
    }
  }

  /// The longest candidate that `key` begins with; the root begins every key.
  private static func match(_ key: String, _ candidates: [String]) -> (index: Int, rest: String?)? {
    let matches = candidates.enumerated().compactMap { index, candidate -> (index: Int, rest: String?)? in
      if candidate == key { return (index, nil) }
      if candidate == Selection.root { return (index, key) }
      return key.hasPrefix("\(candidate).") ? (index, String(key.dropFirst(candidate.count + 1))) : nil
    }
    return matches.min { ($0.rest?.count ?? 0) < ($1.rest?.count ?? 0) }
  }

  private static func preferred(_ candidates: [String]) -> Int? {
    preferences.lazy.compactMap { candidates.firstIndex(of: $0) }.first ?? candidates.indices.first
  }

  private static func tensors(
    _ pairs: [PickleValue.Pair]
  ) throws(TorchError) -> [(name: String, tensor: TorchTensor)] {
    var tensors: [(name: String, tensor: TorchTensor)] = []
    for pair in pairs {
      guard case .string(let name) = pair.key else {
        throw .notATensor(name: "", found: "\(pair.key.kind) as its key")
      }
      guard case .tensor(let tensor) = pair.value else { throw .notATensor(name: name, found: pair.value.kind) }
      tensors.append((name, tensor))
    }
    return tensors
  }

  private static func notes(_ pairs: [PickleValue.Pair]) -> [String: String] {
    var notes: [String: String] = [:]
    for pair in pairs {
      guard case .string(let key) = pair.key else { continue }
      notes[key] = pair.value.note
    }
    return notes
  }

  /// What stands at the root beside notes and candidates, by name and kind.
  private static func leftOut(_ pairs: [PickleValue.Pair], candidates: [String]) -> [String] {
    pairs.compactMap { pair in
      guard case .string(let key) = pair.key else { return "\(pair.key.kind) as a key" }
      let holdsCandidate = candidates.contains { $0 == key || $0.hasPrefix("\(key).") }
      return holdsCandidate || pair.value.note != nil ? nil : "'\(key)' (\(pair.value.kind))"
    }
  }

  private static func summary(of pairs: [PickleValue.Pair]) -> String {
    guard !pairs.isEmpty else { return "an empty dict" }
    let keys = pairs.prefix(8).map { pair in
      if case .string(let key) = pair.key { "'\(key)'" } else { pair.key.kind }
    }
    return "a dict of \(keys.joined(separator: ", "))"
  }
}

extension PickleValue {
  fileprivate var isTensor: Bool { if case .tensor = self { true } else { false } }

  /// Whether it may be a layer's weight: not a single number such as a best score.
  fileprivate var isParameter: Bool {
    if case .tensor(let tensor) = self { tensor.shape.rank > 0 } else { false }
  }

  fileprivate var isString: Bool { if case .string = self { true } else { false } }

  /// A word or number as text.
  fileprivate var note: String? {
    switch self {
    case .string(let text): text
    case .int(let number): "\(number)"
    case .float(let number): "\(number)"
    case .bool(let truth): "\(truth)"
    default: nil
    }
  }
}
