import Checkpoints
import Tensors

/// What `diff` says.
struct DifferenceReport: Encodable {
  /// One of the two checkpoints.
  struct File: Encodable {
    let file: String
    let format: String
    let naming: String
    let key: String
    let tensors: Int
  }

  /// A tensor that only one has.
  struct Lone: Encodable {
    let name: String
    let type: String
    let shape: Shape
  }

  /// A tensor of two shapes.
  struct Reshaped: Encodable {
    let name: String
    let shapes: [Shape]
    let types: [String]
  }

  /// A tensor of two types, or of two sets of numbers.
  struct Changed: Encodable {
    let name: String
    let shape: Shape
    let types: [String]
    /// Elements that differ as numbers.
    let differing: Int
    let largestChange: Double
    /// Where the largest change is, and both numbers there; absent where no number differs.
    let place: [Int]?
    let values: [Double]?
    let cosine: Double

    enum CodingKeys: String, CodingKey {
      case name, shape, types, differing, place, values, cosine
      case largestChange = "largest_change"
    }
  }

  let first: File
  let second: File
  let isEqual: Bool
  let equal: Int
  let added: [Lone]
  let missing: [Lone]
  let reshaped: [Reshaped]
  let retyped: [Changed]
  let changed: [Changed]

  enum CodingKeys: String, CodingKey {
    case first, second, added, missing, reshaped, retyped, changed
    case isEqual = "equal"
    case equal = "equal_tensors"
  }

  init(_ difference: CheckpointDifference, _ first: Checkpoint, _ second: Checkpoint) {
    self.first = File(first)
    self.second = File(second)
    isEqual = difference.isEmpty
    equal = difference.equal
    added = difference.added.map(Lone.init)
    missing = difference.missing.map(Lone.init)
    reshaped = difference.reshaped.map { tensor in
      Reshaped(
        name: tensor.name, shapes: [tensor.shapes.0, tensor.shapes.1],
        types: [tensor.elementTypes.0.rawValue, tensor.elementTypes.1.rawValue])
    }
    retyped = difference.retyped.map(Changed.init)
    changed = difference.changed.map(Changed.init)
  }

  /// The same for people.
  var text: [String] {
    var rows: [[String]] = []
    rows += added.map { ["added", $0.name, "", "\($0.type) \($0.shape)"] }
    rows += missing.map { ["missing", $0.name, "\($0.type) \($0.shape)", ""] }
    rows += reshaped.map { tensor in
      ["reshaped", tensor.name] + zip(tensor.types, tensor.shapes).map { "\($0) \($1)" }
    }
    rows += retyped.map { ["retyped", $0.name] + $0.types + $0.cells }
    rows += changed.map { tensor in
      ["changed", tensor.name] + (tensor.values ?? []).map(\.significant)
        + [String](repeating: "", count: tensor.values == nil ? 2 : 0) + tensor.cells
    }
    guard !rows.isEmpty else { return ["equal: \(equal) tensors, bit for bit"] }
    let headings = ["", "name", "first", "second", "differing", "largest change", "at", "cosine"]
    let counts = [
      ("added", added.count), ("missing", missing.count), ("reshaped", reshaped.count),
      ("retyped", retyped.count), ("changed", changed.count),
    ].filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
    return TextTable.aligned([headings] + rows) + ["", counts.joined(separator: ", ") + ", \(equal) equal"]
  }
}

extension DifferenceReport.File {
  fileprivate init(_ checkpoint: Checkpoint) {
    self.init(
      file: checkpoint.path, format: checkpoint.format.rawValue, naming: checkpoint.selection.naming.rawValue,
      key: checkpoint.selection.key, tensors: checkpoint.entries.count)
  }
}

extension DifferenceReport.Lone {
  fileprivate init(_ tensor: CheckpointDifference.Lone) {
    self.init(name: tensor.name, type: tensor.elementType.rawValue, shape: tensor.shape)
  }
}

extension DifferenceReport.Changed {
  fileprivate init(_ tensor: CheckpointDifference.Changed) {
    let change = tensor.change
    self.init(
      name: tensor.name, shape: tensor.shape,
      types: [tensor.elementTypes.0.rawValue, tensor.elementTypes.1.rawValue], differing: change.differing,
      largestChange: change.largest, place: change.differing > 0 ? tensor.place : nil,
      values: change.differing > 0 ? [change.values.0, change.values.1] : nil, cosine: change.cosine)
  }

  fileprivate var cells: [String] {
    ["\(differing)", largestChange.significant, place.map { "\($0)" } ?? "–", cosine.rounded(9)]
  }
}
