import Yams

extension ModelConfiguration {
  /// Keys that don't change what a model computes in transformers: what is done with finished masks, and sizes that
  /// are taken from the features.
  private static let withoutEffect: Set<String> = [
    "fill_hole_area", "non_overlap_masks", "clear_non_cond_mem_around_input",
    "add_all_frames_to_correct_as_cond", "memory_attention.layer.self_attention.feat_sizes",
    "memory_attention.layer.cross_attention.feat_sizes",
  ]

  /// What `other` has otherwise than this configuration, as `key=value`, but for what has no effect.
  func differences(from other: ModelConfiguration) -> [String] {
    let (mine, theirs) = (Self.leaves(json), Self.leaves(other.json))
    return Set(mine.keys).union(theirs.keys).subtracting(Self.withoutEffect).sorted().compactMap { key in
      mine[key] == theirs[key] ? nil : "\(key)=\(theirs[key] ?? "null")"
    }
  }

  /// Every value by its dotted key.
  private static func leaves(_ json: String) -> [String: String] {
    var found: [String: String] = [:]
    func visit(_ node: Node, _ key: String) {
      guard let mapping = node.mapping else {
        found[key] = node.string ?? node.sequence.map { "[\($0.compactMap(\.string).joined(separator: ", "))]" }
        return
      }
      for (name, value) in mapping {
        visit(value, key.isEmpty ? name.string ?? "" : "\(key).\(name.string ?? "")")
      }
    }
    if let root = try? compose(yaml: json) { visit(root, "") }
    return found
  }
}
