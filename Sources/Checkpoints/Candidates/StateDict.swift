import Files
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
  private static let trainingState = ["optim", "callbacks", "loops", "scheduler", "scaler", "rng_state"].map {
    Array($0.utf8)
  }
  /// How many values are looked at to tell whether objects hold tensors.
  private static let searchBudget = 1 << 20

  /// Chooses a candidate: the one at `key`, of which a rest may stay, or the preferred one.
  ///
  /// - Throws: `NamingError.noCandidate` for a key that nothing goes by, `TorchError` where nothing can be taken.
  init(
    _ contents: PickleContents, path: String, key: String?, limits: ReadingLimits
  ) throws(CheckpointError) {
    let value = contents.value
    guard let root = contents.holding(of: value, limit: limits.zipEntries) else {
      throw .torch(path: path, Self.refusal(contents, found: value.kind))
    }
    var budget = Self.searchBudget
    func isBeside(_ value: PickleValue) -> Bool {
      switch value {
      case .foreign: true
      case .object: !contents.mayHoldStorage(value, budget: &budget)
      default: false
      }
    }
    func isModel(_ pairs: [PickleValue.Pair]) -> Bool {
      pairs.contains { $0.value.isTensor }
        && pairs.allSatisfy { $0.key.isString && ($0.value.isTensor || isBeside($0.value)) }
    }
    var search = Search(contents: contents, limit: limits.zipEntries)
    var found = search.candidates(in: root) { pairs in
      pairs.contains { $0.value.isParameter } && isModel(pairs)
    }
    if found.isEmpty { found = search.candidates(in: root, where: isModel) }
    if found.isEmpty {
      // One that holds something else beside tensors, for the error to name that.
      found = search.candidates(in: root) { pairs in pairs.contains { $0.value.isTensor } }
    }
    if found.isEmpty, contents.objects.isEmpty {
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
      throw .torch(path: path, Self.refusal(contents, found: Self.summary(of: root.pairs)))
    }
    let beside = chosen.pairs.filter { !$0.value.isTensor && isBeside($0.value) }
    let left = Set(beside.map(\.key.text))
    tensors = try naming(path, CheckpointError.torch) { () throws(TorchError) in
      try Self.tensors(chosen.pairs.filter { $0.value.isTensor || !left.contains($0.key.text) })
    }
    notes = chosen.key == Selection.root ? [:] : Self.notes(root.pairs)
    let others = found.map(\.key).filter { $0 != chosen.key }
    var leftOut = beside.map { "'\($0.key.text.shownName)' (\($0.value.kind.shownName))" }
    if chosen.key != Selection.root {
      leftOut += Self.leftOut(root.pairs, candidates: found.map(\.key))
    }
    selection = Selection(
      key: chosen.key, others: others, leftOut: leftOut, foreign: contents.foreignNames)
  }

  private typealias Candidate = (key: String, pairs: [PickleValue.Pair])

  /// Looks for candidates; no object is looked into twice, since they may hold each other.
  private struct Search {
    let contents: PickleContents
    let limit: Int
    private var seen: Set<Int> = []
    private var found: [Candidate] = []

    init(contents: PickleContents, limit: Int) {
      self.contents = contents
      self.limit = limit
    }

    mutating func candidates(
      in root: PickleContents.Holding, where isCandidate: ([PickleValue.Pair]) -> Bool
    ) -> [Candidate] {
      (seen, found) = ([], [])
      collect(root, at: Selection.root, depth: StateDict.depth, where: isCandidate)
      return found
    }

    private mutating func collect(
      _ holding: PickleContents.Holding, at key: String, depth: Int,
      where isCandidate: ([PickleValue.Pair]) -> Bool
    ) {
      guard found.count < StateDict.limit else { return }
      switch holding {
      case .module(let pairs):
        if isCandidate(pairs) { found.append((key, pairs)) }
        return
      case .items(let pairs):
        // An object may lead to what was found without it.
        let isKnown =
          !contents.objects.isEmpty
          && found.contains { other in
            other.pairs.count == pairs.count && other.pairs.first == pairs.first
              && other.pairs.last == pairs.last
          }
        if !isKnown, isCandidate(pairs) { found.append((key, pairs)) }
      case .attributes: break
      }
      guard depth > 0 else { return }
      for pair in holding.pairs {
        // Most of a checkpoint is tensors, whose names need no look.
        guard !pair.value.isTensor, case .string(let name) = pair.key,
          !StateDict.isTrainingState(name)
        else { continue }
        if case .object(let object) = pair.value, !seen.insert(object.number).inserted { continue }
        guard let inner = contents.holding(of: pair.value, limit: limit) else { continue }
        collect(inner, at: Selection.joined(key, name), depth: depth - 1, where: isCandidate)
      }
    }
  }

  /// Why there is nothing to take: tensors that only foreign objects hold, or none.
  private static func refusal(_ contents: PickleContents, found: String) -> TorchError {
    var budget = searchBudget
    guard !contents.objects.isEmpty, contents.mayHoldStorage(contents.value, budget: &budget) else {
      return .noStateDict(found: found)
    }
    return .tensorsInObjects(found: found, names: contents.foreignNames)
  }

  /// Whether a name has a word of training state in it. By bytes: a checkpoint may have some hundred thousand names.
  static func isTrainingState(_ name: String) -> Bool {
    let name = Array(name.lowercased().utf8)
    return trainingState.contains { word in
      name.indices.dropLast(word.count - 1).contains { name[$0...].starts(with: word) }
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
      return holdsCandidate || pair.value.note != nil
        ? nil : "'\(key.shownName)' (\(pair.value.kind.shownName))"
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

extension StateDict {
  /// The tensors as a checkpoint lists them.
  var entries: [Checkpoint.Entry] {
    tensors.map { name, tensor in
      Checkpoint.Entry(
        name: name, elementType: tensor.elementType, shape: tensor.shape, byteCount: tensor.byteCount,
        isContiguous: tensor.isContiguous)
    }
  }

  /// Makes sure that the tensors are no larger together than a file of so many bytes may have them.
  func checkViews(fileBytes: Int, _ limits: ReadingLimits) throws(TorchError) {
    let limit = limits.viewed(inFileOf: fileBytes)
    var total = 0
    for (name, tensor) in tensors {
      guard tensor.byteCount <= limit - total else { throw .viewBomb(name: name, limit: limit) }
      total += tensor.byteCount
    }
  }
}

extension PickleValue {
  fileprivate var isTensor: Bool { if case .tensor = self { true } else { false } }

  /// Whether it may be a layer's weight: not a single number such as a best score.
  fileprivate var isParameter: Bool {
    if case .tensor(let tensor) = self { tensor.shape.rank > 0 } else { false }
  }

  fileprivate var isString: Bool { if case .string = self { true } else { false } }

  /// A string itself, or what else it is.
  fileprivate var text: String { if case .string(let text) = self { text } else { kind } }

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
