/// A small mistake that could be made at a place of the sources: what stands there, and what a maintainer's slip would
/// have made of it.
struct Slip: Codable, Hashable {
  /// What kinds of mistakes there are.
  enum Kind: String, Codable, CaseIterable {
    case comparison, logic, arithmetic, assignment, number, flag, negation, guardRemoved, branchRemoved
    case leastForLargest, argumentsSwapped, argumentDropped, callDropped, order, bound
  }

  /// The source file, from the package's folder.
  let file: String
  let line: Int
  let column: Int
  let kind: Kind
  /// What stands there.
  let before: String
  /// What it becomes.
  let after: String
  /// Where it stands, in bytes of the file.
  let offset: Int
  /// What takes its place: Swift in which `%slip` is whether the slip is made.
  let planted: String

  /// The bytes that it takes the place of.
  var range: Range<Int> { offset..<offset + before.utf8.count }

  /// What tells it from all others as long as its file stays as it is.
  var id: String { "\(file):\(line):\(column):\(kind.rawValue)" }

  /// Whether it is another, but that its file has changed elsewhere.
  func isSame(as other: Slip) -> Bool {
    (file, kind, before, after) == (other.file, other.kind, other.before, other.after)
  }

  /// The target that it is in.
  var target: String { file.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
}
