import Foundation
import HDF5
import Taps
import Tensors
import Testing
import TestSupport
import Verification

@testable import Dumps

@Test func readsAFolderWithFoldersInIt() throws {
  try TestFiles.withTemporaryFolder { folder in
    try DumpFixtures.write(DumpFixtures.npy([1, 2], [2]), "\(folder)/b.npy")
    try DumpFixtures.write(DumpFixtures.npy([3, 4, 5, 6], [2, 2], fortran: true), "\(folder)/a/0/output.npy")
    try DumpFixtures.write([1, 2, 3], "\(folder)/notes.txt")
    let arrays = try ForeignArrays(path: folder, reference: nil)
    #expect(arrays.arrays.map(\.id) == ["a/0/output", "b"])
    #expect(try arrays.elements("a/0/output") == [3, 5, 4, 6])
    #expect(try arrays.elements("b") == [1, 2])
    #expect(try ForeignArrays(path: "\(folder)/b.npy", reference: nil).elements("b") == [1, 2])
  }
}

@Test func refusesAFileThatChangedSinceItWasListed() throws {
  try TestFiles.withTemporaryFolder { folder in
    try DumpFixtures.write(DumpFixtures.npy([1, 2], [2]), "\(folder)/b.npy")
    let arrays = try ForeignArrays(path: folder, reference: nil)
    try DumpFixtures.write(DumpFixtures.npy([1], [1]), "\(folder)/b.npy")
    #expect(throws: DumpError.self) { try arrays.elements("b") }
  }
}

@Test func refusesWhatHoldsNoArrays() throws {
  try TestFiles.withTemporaryFolder { folder in
    #expect(throws: DumpError.empty(path: folder, expected: "a folder with .npy files")) {
      try ForeignArrays(path: folder, reference: nil)
    }
    try DumpFixtures.write(Array("no dump at all".utf8), "\(folder)/x")
    #expect(throws: (any Error).self) { try ForeignArrays(path: "\(folder)/x", reference: nil) }
    #expect(throws: (any Error).self) { try ForeignArrays(path: "\(folder)/nothing", reference: nil) }
  }
}

@Test func readsAnyHDF5ByItsPaths() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/dump.h5"
    let file = try HDF5File.create(path)
    do {
      let root = try file.root()
      try root.write("encoder/blocks/0", Tensor([2, 2], [1, 2, 3, 4]))
      try root.write("logits", Tensor([3], [5, 6, 7]))
    }
    try file.commit()
    let arrays = try ForeignArrays(
      path: path, layout: AxisLayout("AB->BA"), reference: [SourceArray("encoder/blocks/0", [2, 2])])
    #expect(try arrays.elements("encoder/blocks/0") == [1, 3, 2, 4])
    #expect(arrays.arrays.map(\.id) == ["encoder/blocks/0", "logits"])
    #expect(try ForeignArrays(path: path, reference: nil).elements("logits") == [5, 6, 7])
  }
}

@Test func readsATraceUnderOtherNames() throws {
  let map = try DumpFixtures.map(
    #"{"rules": [{"from": "image_encoder/0/output/backbone_fpn/2", "to": "coarse"}]}"#)
  let arrays = try ForeignArrays(
    path: TestFiles.package("Reference/micro.h5"), map: map,
    reference: [SourceArray("coarse", [1, 64, 12, 12])])
  #expect(try arrays.elements("coarse").contains { $0 != 0 })
}

/// Groups that are each twice in the one before: a name for each way, and an end to them.
@Test func sharedGroupsOfHDF5HaveAllTheirNames() throws {
  try TestFiles.withTemporaryFolder { folder in
    func dump(_ depth: Int) throws -> String {
      let path = "\(folder)/\(depth).h5"
      let file = try HDF5File.create(path)
      do {
        let root = try file.root()
        try root.write("0/w", Tensor([1], [1]))
        for layer in 1...depth {
          try root.link("\(layer)/a", to: "/\(layer - 1)")
          try root.link("\(layer)/b", to: "/\(layer - 1)")
        }
      }
      try file.commit()
      return path
    }
    let arrays = try ForeignArrays(path: dump(2), reference: nil)
    #expect(
      arrays.arrays.map(\.id.name) == ["0/w", "1/a/w", "1/b/w", "2/a/a/w", "2/a/b/w", "2/b/a/w", "2/b/b/w"])
    #expect(try arrays.elements("2/b/a/w") == [1])
    let error = try #require(throws: DumpError.self) { try ForeignArrays(path: dump(30), reference: nil) }
    #expect(error.description.hasSuffix("expected at most 65536 names of datasets, found more"), "\(error)")
  }
}
