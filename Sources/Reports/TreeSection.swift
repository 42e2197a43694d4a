import Verification

/// The tree of modules, coloured by error: a module shows its own outputs' error, and how many taps below it fail.
struct TreeSection {
  private let root: ModuleNode
  private let firstDivergence: String?

  init(_ taps: [TapView], firstDivergence: String?) {
    root = ModuleNode(taps)
    self.firstDivergence = firstDivergence
  }

  var markup: Markup? {
    guard !root.children.isEmpty else { return nil }
    let legend: [Markup] = Severity.allCases.map {
      .element("span", ["class": "key"], [.chip($0), Markup($0.words)])
    }
    return .section(
      "tree", "Modules",
      [
        .element("p", ["class": "legend"], legend),
        .element("div", ["class": "tree"], root.children.map { node($0, depth: 0) }),
      ])
  }

  private func node(_ node: ModuleNode, depth: Int) -> Markup {
    let failing = node.failing
    let summary = Markup.element(
      "summary", [:],
      [
        .chip(node.own ?? node.worst), .element("span", ["class": "name"], Markup(node.name)),
        .element(
          "span", ["class": failing > 0 ? "count bad" : "count"], Markup(failing > 0 ? "✗ \(failing)" : "✓")),
        .element("span", ["class": "number"], Markup(node.error.map(Figure.error) ?? "")),
      ])
    // A whole tree that fails is no easier to read when all of it is open.
    let isOpen = depth == 0 || node.contains(firstDivergence)
    return .element(
      "details", ["open": isOpen ? "open" : nil],
      [summary] + leaves(of: node) + node.children.map { self.node($0, depth: depth + 1) })
  }

  /// Taps that are shown at once; more of them are folded.
  private static let mostLeaves = 6

  private func leaves(of node: ModuleNode) -> [Markup] {
    let leaves = node.taps.map(leaf)
    guard leaves.count > Self.mostLeaves else { return leaves }
    let isOpen = node.taps.contains { $0.row.name == firstDivergence }
    let summary = Markup.element(
      "summary", [:], [.element("span", ["class": "name"], Markup("\(leaves.count) inputs and outputs"))])
    return [.element("details", ["class": "calls", "open": isOpen ? "open" : nil], [summary] + leaves)]
  }

  private func leaf(_ tap: TapView) -> Markup {
    let isolated = tap.isolated.map { "alone \(Figure.error($0))" } ?? ""
    return .element(
      "a", ["class": "leaf", "href": "#\(tap.anchor)"],
      [
        .chip(tap.severity), .element("span", ["class": "name"], Markup(tap.part)),
        .element("span", ["class": "count"], Markup(isolated)),
        .element("span", ["class": "number"], Markup(tap.error.map(Figure.error) ?? tap.row.status.rawValue)),
      ])
  }
}

/// A module with its taps and the modules inside it, in the order in which they first returned.
private final class ModuleNode {
  let name: String
  private(set) var taps: [TapView] = []
  private(set) var children: [ModuleNode] = []
  private var places: [String: Int] = [:]

  private init(name: String) { self.name = name }

  /// The root above all modules; what belongs to none stands under `prediction`.
  init(_ taps: [TapView]) {
    name = ""
    for tap in taps { add(tap, Self.path(of: tap)[...]) }
  }

  /// Modules that are shown within each other: browsers, and what walks the tree, can't nest without end.
  private static let deepest = 48

  /// The steps that lead to a module; the last of very many are one.
  private static func path(of tap: TapView) -> [String] {
    (tap.module ?? "prediction").split(separator: ".", maxSplits: deepest - 1).map(String.init)
  }

  private func add(_ tap: TapView, _ path: ArraySlice<String>) {
    guard let first = path.first else {
      taps.append(tap)
      return
    }
    let place = places[first] ?? children.count
    if place == children.count {
      places[first] = place
      children.append(ModuleNode(name: first))
    }
    children[place].add(tap, path.dropFirst())
  }

  /// The outputs, or whatever there is.
  private var shown: [TapView] {
    let outputs = taps.filter { !$0.isInput }
    return outputs.isEmpty ? taps : outputs
  }

  /// How bad what it returns is; nil where that was not recorded, or is fused.
  var own: Severity? { shown.compactMap(\.severity).max() }

  /// How bad the worst of its taps or those below is; nil where all are fused.
  var worst: Severity? { (taps.compactMap(\.severity) + children.compactMap(\.worst)).max() }

  /// The largest error of what it returns.
  var error: Double? { shown.compactMap(\.error).max() }

  /// How many of its taps and those below fail.
  var failing: Int { taps.count(where: \.fails) + children.reduce(0) { $0 + $1.failing } }

  func contains(_ name: String?) -> Bool {
    taps.contains { $0.row.name == name } || children.contains { $0.contains(name) }
  }
}
