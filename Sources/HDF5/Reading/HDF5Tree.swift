/// How far groups within groups are followed.
public struct HDF5TreeBounds: Sendable {
  /// Groups within groups, the outermost included.
  public var depth: Int
  /// Groups that are looked into.
  public var groups: Int
  /// Names that there may be altogether.
  public var names: Int
  /// Bytes of all names, each as a path.
  public var nameBytes: Int

  /// Bounds.
  public init(depth: Int, groups: Int = 1 << 16, names: Int, nameBytes: Int = 64 << 20) {
    (self.depth, self.groups, self.names, self.nameBytes) = (depth, groups, names, nameBytes)
  }
}

/// Which of the bounds a file is beyond.
public enum HDF5TreeError: Error, Equatable, Sendable {
  /// Groups nest deeper than `limit`.
  case depth(object: String, limit: Int)
  /// A group within itself.
  case circle(object: String)
  /// More than `limit` groups.
  case groups(object: String, limit: Int)
  /// More names than `limit`, each as often as links lead to it.
  case names(object: String, limit: Int)
  /// More bytes of names than `limit`.
  case nameBytes(object: String, limit: Int)
}

extension HDF5Group {
  /// What is below a group and is no group itself, under every name that leads there, in the order of names. A group is
  /// looked into once, whatever number of names it has.
  ///
  /// - Parameters:
  ///   - describe: Told the group, a name in it and what that stands for, says what to keep of it; nil leaves it out.
  /// - Returns: Paths below this group, and what was said of them.
  /// - Throws: `HDF5TreeError`, `HDF5Error`, and what `describe` throws.
  public func members<Value>(
    within bounds: HDF5TreeBounds,
    _ describe: (HDF5Group, String, HDF5Kind?) throws -> Value?
  ) throws -> [(path: String, value: Value)] {
    var tree = HDF5Tree<Value>(bounds: bounds)
    return try tree.members(of: self, depth: 1, describe).list
  }
}

/// The groups of a file that were looked into, by address.
private struct HDF5Tree<Value> {
  /// What is below a group.
  struct Members {
    var list: [(path: String, value: Value)] = []
    /// Bytes of all paths.
    var byteCount = 0
  }

  let bounds: HDF5TreeBounds
  private var known: [UInt64: Members] = [:]
  /// Groups that are being looked into.
  private var open: Set<UInt64> = []

  init(bounds: HDF5TreeBounds) { self.bounds = bounds }

  mutating func members(
    of group: HDF5Group, depth: Int,
    _ describe: (HDF5Group, String, HDF5Kind?) throws -> Value?
  ) throws -> Members {
    let address = group.address
    if let members = known[address] { return members }
    guard open.insert(address).inserted else { throw HDF5TreeError.circle(object: group.path) }
    guard depth <= bounds.depth else {
      throw HDF5TreeError.depth(object: group.path, limit: bounds.depth)
    }
    guard known.count + open.count <= bounds.groups else {
      throw HDF5TreeError.groups(object: group.path, limit: bounds.groups)
    }
    var members = Members()
    for name in try group.children() {
      let kind = try group.kind(of: name)
      if kind == .group {
        let inner = try self.members(of: try group.group(name), depth: depth + 1, describe)
        try check(
          members.list.count + inner.list.count,
          members.byteCount + inner.byteCount + inner.list.count * (name.utf8.count + 1), group)
        members.list += inner.list.map { ("\(name)/\($0.path)", $0.value) }
        members.byteCount += inner.byteCount + inner.list.count * (name.utf8.count + 1)
      } else if let value = try describe(group, name, kind) {
        members.list.append((name, value))
        members.byteCount += name.utf8.count
        try check(members.list.count, members.byteCount, group)
      }
    }
    open.remove(address)
    known[address] = members
    return members
  }

  private func check(_ names: Int, _ bytes: Int, _ group: HDF5Group) throws {
    guard names <= bounds.names else {
      throw HDF5TreeError.names(object: group.path, limit: bounds.names)
    }
    guard bytes <= bounds.nameBytes else {
      throw HDF5TreeError.nameBytes(object: group.path, limit: bounds.nameBytes)
    }
  }
}
