import Checkpoints
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
    let file = try HDF5NewFile(path)
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
      let file = try HDF5NewFile(path)
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

/// 64 MiB that no byte of the file stands for, under 16 names and under 17.
@Test func arraysOfHDF5CountAsOftenAsTheyHaveNames() throws {
  try TestFiles.withTemporaryFolder { folder in
    func made(names: Int) throws -> String {
      let path = "\(folder)/\(names).h5"
      let file = try HDF5NewFile(path)
      do {
        let root = try file.root()
        _ = try root.createDataset("0", .float32, [1 << 24], storage: .compressed)
        for name in 1..<names { try root.link("\(name)", to: "/0") }
      }
      try file.commit()
      return path
    }
    let (few, many) = (try made(names: 16), try made(names: 17))
    var limits = ReadingLimits()
    let dump = try HDF5Dump(path: few, limits: limits)
    #expect(dump.arrays.count == 16)
    let expected = DumpError.hdf5Limit(
      path: many, object: "/",
      expected: "at most 1073741824 bytes of arrays, each as often as it has names "
        + "(--limit inflation-ratio=NUMBER allows more)")
    #expect(throws: expected) { try HDF5Dump(path: many, limits: limits) }
    limits.inflationRatio = 1 << 20
    #expect(throws: Never.self) { try HDF5Dump(path: many, limits: limits) }
  }
}

/// 128 MiB and an element more, in chunks of which only the first, 1 MiB of noise, was written.
@Test func refusesToCopyAnArrayOfHDF5BeyondItsFile() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/dump.h5"
    let file = try HDF5NewFile(path)
    do {
      let dataset = try file.root().createDataset("x", .float32, [(1 << 25) + 1], storage: .compressed)
      var state: UInt64 = 7
      var noise = [UInt32](repeating: 0, count: 1 << 18)
      for index in noise.indices {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        noise[index] = UInt32(truncatingIfNeeded: state >> 32)
      }
      try noise.withUnsafeBytes { try dataset.write($0) }
    }
    try file.commit()
    let dump = try HDF5Dump(path: path, limits: ReadingLimits())
    let expected = DumpError.hdf5Limit(
      path: path, object: "/x",
      expected: "at most 134217728 bytes to lay out anew (--limit inflation-ratio=NUMBER allows more)")
    #expect(throws: expected) { try dump.bytes(at: 0) }
  }
}

/// What takes little memory may be copied whatever the limits of inflation.
@Test func copiesSmallArraysOfHDF5UnderAnyLimit() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/dump.h5"
    let file = try HDF5NewFile(path)
    do { try file.root().write("x", Tensor([3], [5, 6, 7])) }
    try file.commit()
    var limits = ReadingLimits()
    (limits.inflationFree, limits.inflationRatio) = (0, 0)
    let dump = try HDF5Dump(path: path, limits: limits)
    let elements = try dump.bytes(at: 0).withBytes { Array($0.bindMemory(to: Float.self)) }
    #expect(elements == [5, 6, 7])
  }
}

/// A few elements of a trace don't take the memory of all of a tap's.
@Test func aTraceReadsRangesInPlace() throws {
  let dump = try DumpFormat.open(path: TestFiles.package("Reference/micro.h5"), limits: ReadingLimits())
  let name = "image_encoder/0/output/backbone_fpn/2"
  let index = try #require(dump.arrays.firstIndex { $0.name == name })
  var part = [Float](repeating: .nan, count: 3)
  let isRead = try part.withUnsafeMutableBufferPointer { try dump.read(at: index, from: 5, into: $0) }
  #expect(isRead)
  let whole = try dump.bytes(at: index).withBytes { Array($0.bindMemory(to: Float.self)) }
  #expect(part == Array(whole[5..<8]))
}

/// Bits of floats come as whole numbers of their width; nothing else is read as another type.
@Test func onlyWholeNumbersOfItsWidthAreReadAsAFloat() {
  let cases: [(stored: ElementType, declared: ElementType, found: ElementType?)] = [
    (.uint16, .bfloat16, .bfloat16), (.int32, .float32, .float32), (.float16, .float16, .float16),
    (.uint16, .float32, nil), (.int64, .bfloat16, nil), (.int16, .uint16, nil), (.uint8, .int32, nil),
    (.float16, .bfloat16, nil), (.float32, .int32, nil), (.bool, .uint8, nil),
  ]
  for (stored, declared, found) in cases {
    #expect(StoredType.numbers(stored).read(as: declared) == found, "\(stored) as \(declared)")
  }
}
