// What is below a group, where groups have several names.
import HDF5
import Tensors
import Testing
import TestSupport

/// A file whose groups are each twice in the one before, `depth` times, with a dataset in the last.
private func doubled(_ depth: Int, _ folder: String) throws -> HDF5Group {
  let path = "\(folder)/doubled.h5"
  let file = try HDF5NewFile(path)
  do {
    let root = try file.root()
    try root.write("groups/0/w", Tensor([1], [1]))
    for layer in 1...depth {
      try root.link("groups/\(layer)/a", to: "/groups/\(layer - 1)")
      try root.link("groups/\(layer)/b", to: "/groups/\(layer - 1)")
    }
    try root.link("top", to: "/groups/\(depth)")
  }
  try file.commit()
  return try HDF5File.open(path).root().group("top")
}

@Suite struct HDF5TreeTests {
  private let bounds = HDF5TreeBounds(depth: 40, names: 1 << 12)

  @Test func everyNameLeadsThere() throws {
    try TestFiles.withTemporaryFolder { folder in
      var looks = 0
      let members = try doubled(3, folder).members(within: bounds) { _, name, kind -> String? in
        looks += 1
        return kind == .dataset ? name.uppercased() : nil
      }
      #expect(
        members.map { $0.path }
          == ["a/a/a/w", "a/a/b/w", "a/b/a/w", "a/b/b/w", "b/a/a/w", "b/a/b/w", "b/b/a/w", "b/b/b/w"])
      #expect(members.allSatisfy { $0.value == "W" })
      #expect(looks == 1)
    }
  }

  @Test func namesGroupsAndDepthAreBounded() throws {
    try TestFiles.withTemporaryFolder { folder in
      let group = try doubled(36, folder)
      func below(_ steps: Int) -> String { "/top" + String(repeating: "/a", count: steps) }
      let cases: [(HDF5TreeBounds, HDF5TreeError)] = [
        (bounds, .names(object: below(23), limit: 1 << 12)),
        (HDF5TreeBounds(depth: 20, names: 1 << 12), .depth(object: below(20), limit: 20)),
        (HDF5TreeBounds(depth: 40, groups: 20, names: 1 << 12), .groups(object: below(20), limit: 20)),
        // The two names of the last but one group have 6 bytes, the four of the one before 20, then 56, then 144.
        (
          HDF5TreeBounds(depth: 40, names: 1 << 12, nameBytes: 143),
          .nameBytes(object: below(32), limit: 143)
        ),
      ]
      for (bounds, expected) in cases {
        #expect(throws: expected) {
          _ = try group.members(within: bounds) { _, name, _ -> String? in name }
        }
      }
    }
  }

  @Test func aGroupWithinItselfIsRefused() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/x.h5"
      let file = try HDF5NewFile(path)
      do {
        let root = try file.root()
        try root.write("a/b/w", Tensor([1], [1]))
        try root.link("a/b/c", to: "/a")
      }
      try file.commit()
      let root = try HDF5File.open(path).root()
      #expect(throws: HDF5TreeError.circle(object: "/a/b/c")) {
        _ = try root.members(within: bounds) { _, name, _ -> String? in name }
      }
    }
  }
}
