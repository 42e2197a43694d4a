import HDF5
import Taps
import Tensors

/// Finds the taps of a trace and puts them in order.
struct TapListing {
  let file: String
  /// Groups that were looked into, by address: linked into each other they would have no end.
  private var groups: Set<UInt64> = []

  init(file: String) { self.file = file }

  private struct Call {
    let sequence: Int64
    let name: String
    let place: TapPlace
  }

  /// Every tap: calls by sequence, inputs before output, then predictions.
  mutating func taps(of root: HDF5Group) throws -> [Tap] {
    var taps: [Tap] = []
    if try root.kind(of: TraceSchema.taps) != nil {
      let group = try root.group(TraceSchema.taps)
      // Equal numbers, which the schema rules out, fall back on names.
      for call in try calls(in: group).sorted(by: { ($0.sequence, $0.name) < ($1.sequence, $1.name) }) {
        let members = try group.group(call.name)
        for part in [TraceSchema.input, TraceSchema.output] where try members.kind(of: part) != nil {
          try collect(part, in: members, as: "\(call.name)/\(part)", call, depth: 0, &taps)
        }
      }
    }
    if try root.kind(of: TraceSchema.prediction) != nil {
      try collect(TraceSchema.prediction, in: root, as: TraceSchema.prediction, nil, depth: 0, &taps)
    }
    return taps
  }

  /// Makes sure that a group wasn't looked into under another name.
  private mutating func enter(_ group: HDF5Group) throws {
    guard groups.insert(group.address).inserted else {
      throw TraceError.malformed(
        file: file, object: group.path, expected: "a group of its own", found: "one that has another name, too")
    }
  }

  private mutating func calls(in group: HDF5Group) throws -> [Call] {
    var calls: [Call] = []
    for module in try group.children() {
      let children = try group.group(module)
      try enter(children)
      for index in try children.children() {
        let group = try children.group(index)
        try enter(group)
        let found = try group.attribute(TraceSchema.sequence)
        guard Int(index) != nil, case .integer(let sequence) = found else {
          throw TraceError.malformed(
            file: file, object: "/\(TraceSchema.taps)/\(module)/\(index)",
            expected: "a call's number with the attribute \(TraceSchema.sequence)",
            found: found.map { "\($0)" } ?? "none")
        }
        let place = TapPlace(
          frame: try number(TraceSchema.frame, of: group), object: try number(TraceSchema.object, of: group))
        calls.append(
          Call(sequence: sequence, name: "\(module)/\(index)", place: place))
      }
    }
    return calls
  }

  /// A whole number that a call may have.
  private func number(_ name: String, of group: HDF5Group) throws -> Int? {
    switch try group.attribute(name) {
    case nil: return nil
    case .integer(let number): return Int(number)
    case .some(let found):
      throw TraceError.malformed(
        file: file, object: group.path, expected: "a whole number as the attribute \(name)", found: "\(found)")
    }
  }

  /// Adds the dataset called `link`, or all those below the group of that name.
  private mutating func collect(
    _ link: String, in group: HDF5Group, as name: String, _ call: Call?, depth: Int,
    _ taps: inout [Tap]
  ) throws {
    let object = group.path == "/" ? "/\(link)" : "\(group.path)/\(link)"
    switch try group.kind(of: link) {
    case .dataset:
      let dataset = try group.dataset(link)
      taps.append(
        Tap(
          id: TapID(name), shape: dataset.shape, place: call?.place ?? TapPlace(), object: object,
          address: dataset.address))
    case .group where depth < TraceSchema.deepestValue:
      let inner = try group.group(link)
      try enter(inner)
      for child in try inner.children().sorted(by: TapOrder.isBefore) {
        try collect(child, in: inner, as: "\(name)/\(child)", call, depth: depth + 1, &taps)
      }
    case let found:
      throw TraceError.malformed(
        file: file, object: object,
        expected: "an array, or groups of arrays at most \(TraceSchema.deepestValue) deep",
        found: found.map { "a \($0.rawValue)" } ?? "nothing")
    }
  }
}

/// The order in which taps are listed: calls by sequence, inputs before output, members by number or name,
/// predictions last.
enum TapOrder {
  /// Sorts taps; those without a sequence are predictions.
  static func sorted<Item>(_ items: [Item], id: (Item) -> TapID, sequence: (Item) -> Int?) -> [Item] {
    let keyed = items.map { item in
      // The module and the call are the same wherever the sequence is.
      let steps = (id(item).value ?? id(item).name).split(separator: "/").map(String.init)
      return (item: item, position: sequence(item) ?? .max, steps: steps)
    }
    return keyed.sorted { first, second in
      first.position == second.position
        ? first.steps.lexicographicallyPrecedes(second.steps, by: isBefore) : first.position < second.position
    }.map(\.item)
  }

  /// Positions by number, keys by their bytes.
  static func isBefore(_ first: String, _ second: String) -> Bool {
    if let first = Int(first), let second = Int(second) { return first < second }
    return first.utf8.lexicographicallyPrecedes(second.utf8)
  }
}
