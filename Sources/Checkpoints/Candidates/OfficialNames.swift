import Tensors

/// SAM 2's tensors found by name: whatever wrappers put before and into the names is taken off, and other namings are
/// turned into the official one. Tensors of anything else keep their names.
struct OfficialNames {
  let contents: any TensorContents
  let selection: Selection

  /// Parts of names that belong to what a model was wrapped in: data parallelism, compilation, sharding and
  /// recomputation, wherever they stand.
  private static let wrappers: Set<Substring> = [
    "module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
  ]
  /// What a running average counts its steps in. Source: torch/optim/swa_utils.py, AveragedModel.
  private static let stepCount = "n_averaged"

  /// Looks for the models among `stored` tensors by the landmark that each has.
  ///
  /// - Parameters:
  ///   - selection: where these tensors were taken from.
  ///   - key: the prefix of the model to take; nil for the one without prefix or else the first.
  init(
    _ stored: any TensorContents, selection: Selection, key: String?, path: String
  ) throws(CheckpointError) {
    var selection = selection
    let cleaned = stored.entries.map { Self.cleaned($0.name) }
    let models = Self.models(among: cleaned.map(\.name))
    let isKnown = key.map { key in models.contains { $0.key == key } || models.isEmpty && key == Selection.root
    }
    if let key, isKnown == false {
      let available = models.map { Selection.joined(selection.key, $0.key) } + selection.others
      throw .naming(
        path: path,
        .noCandidate(
          key: Selection.joined(selection.key, key), available: available.isEmpty ? [selection.key] : available)
      )
    }
    let wanted = key ?? (models.contains { $0.key == Selection.root } ? Selection.root : nil)
    guard let model = models.first(where: { $0.key == wanted }) ?? models.first else {
      (self.contents, self.selection) = (stored, selection)
      return
    }
    let others = models.filter { $0.key != model.key }
    var taken: [(index: Int, entry: Checkpoint.Entry)] = []
    var outside: [String] = []
    for (index, entry) in stored.entries.enumerated() {
      let name = cleaned[index].name
      if name == Self.stepCount {
        selection.leftOut.append("'\(entry.name)'")
      } else if others.contains(where: { $0.isWithin(model) && name.hasPrefix($0.prefix) }) {
        continue
      } else if name.hasPrefix(model.prefix) {
        taken.append((index, entry.renamed(String(name.dropFirst(model.prefix.count)))))
      } else if !others.contains(where: { name.hasPrefix($0.prefix) }) {
        outside.append(entry.name)
      }
    }
    if !outside.isEmpty {
      let count = outside.count == 1 ? "a tensor" : "\(outside.count) tensors"
      selection.leftOut.append("\(count) outside '\(model.prefix)', the first '\(outside[0])'")
    }
    let whole = selection.key
    selection.key = Selection.joined(whole, model.key)
    selection.others = others.map { Selection.joined(whole, $0.key) } + selection.others
    selection.naming = model.naming
    let removed = Set(taken.flatMap { cleaned[$0.index].removed }.map { "\($0)." })
    selection.wrappers = removed.sorted() + (model.prefix.isEmpty ? [] : [model.prefix])
    let isAsStored = taken.count == stored.entries.count && selection.wrappers.isEmpty && model.naming == .meta
    contents =
      isAsStored ? stored : RenamedContents(stored, try Self.named(taken, model.naming, in: stored, path: path))
    self.selection = selection
  }

  private static func named(
    _ taken: [(index: Int, entry: Checkpoint.Entry)], _ naming: Naming, in stored: any TensorContents,
    path: String
  ) throws(CheckpointError) -> [(entry: Checkpoint.Entry, origin: RenamedContents.Origin)] {
    let tensors =
      naming == .transformers
      ? try TransformersReading(taken, in: stored, path: path).tensors
      : taken.map { ($0.entry, RenamedContents.Origin.whole($0.index)) }
    var first: [String: Int] = [:]
    for (place, tensor) in tensors.enumerated() {
      guard let other = first.updateValue(place, forKey: tensor.entry.name) else { continue }
      let names = [other, place].map { tensors[$0].origin.name(in: stored) }
      throw .naming(path: path, .clash(name: tensor.entry.name, first: names[0], second: names[1]))
    }
    return tensors
  }

  /// A name without wrappers' parts, and those.
  private static func cleaned(_ name: String) -> (name: String, removed: [Substring]) {
    guard mayHaveWrapper(name) else { return (name, []) }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    let removed = parts.filter(wrappers.contains)
    guard !removed.isEmpty else { return (name, []) }
    return (parts.filter { !wrappers.contains($0) }.joined(separator: "."), removed)
  }

  /// Whether "mod", which all wrappers' parts have, stands in a name: to take a name apart takes much longer.
  private static func mayHaveWrapper(_ name: String) -> Bool {
    var (last, beforeLast) = (UInt8(0), UInt8(0))
    for byte in name.utf8 {
      if byte == UInt8(ascii: "d"), last == UInt8(ascii: "o"), beforeLast == UInt8(ascii: "m") { return true }
      (beforeLast, last) = (last, byte)
    }
    return false
  }

  /// A model among the tensors of a dictionary.
  private struct Model {
    /// What its tensors' names begin with, a dot at the end.
    let prefix: String
    let naming: Naming

    var key: String { prefix.isEmpty ? Selection.root : String(prefix.dropLast()) }

    func isWithin(_ other: Model) -> Bool {
      prefix.utf8.count > other.prefix.utf8.count && prefix.hasPrefix(other.prefix)
    }
  }

  /// How many models are looked for, far more than any training code leaves.
  private static let limit = 64

  private static func models(among names: [String]) -> [Model] {
    let landmarks = Naming.allCases.map { (naming: $0, whole: $0.landmark, suffix: ".\($0.landmark)") }
    let found = names.lazy.compactMap { name -> Model? in
      for (naming, whole, suffix) in landmarks {
        if name == whole { return Model(prefix: "", naming: naming) }
        if name.hasSuffix(suffix) {
          return Model(prefix: String(name.dropLast(naming.landmark.count)), naming: naming)
        }
      }
      return nil
    }
    return Array(found.prefix(limit))
  }
}

extension RenamedContents.Origin {
  /// The name under which the tensor, or the first of several, is stored.
  fileprivate func name(in contents: any TensorContents) -> String {
    switch self {
    case .whole(let index), .part(let index, _): contents.entries[index].name
    case .joined(let indices): indices.first.map { contents.entries[$0].name } ?? ""
    }
  }
}
