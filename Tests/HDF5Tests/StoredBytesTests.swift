// Arrays that claim more elements than their bytes can stand for.
import Foundation
import HDF5
import Tensors
import Testing
import TestSupport

private func file(_ folder: String, _ fill: (borrowing HDF5NewGroup) throws -> Void) throws -> String {
  let path = "\(folder)/x.h5"
  let file = try HDF5NewFile(path)
  do { try fill(file.root()) }
  try file.commit()
  return path
}

@Suite struct StoredBytesTests {
  /// Chunks that were never written, in a file of a few kilobytes.
  @Test(arguments: [1 << 28, 1 << 40, 1 << 59]) func claimsWithoutBytesAreRefused(count: Int) throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = try file(folder) { _ = try $0.createDataset("a", .float32, [count], storage: .compressed) }
      let root = try HDF5File.open(path).root()
      let error = try #require(throws: HDF5Error.self) { _ = try root.dataset("a") }
      #expect(
        error
          == .excessive(
            file: path, object: "/a", expected: "at most \(64 << 20) bytes of elements, from 0 stored ones",
            found: "\(4 * count), of shape [\(count)]"))
    }
  }

  /// What is a little more than nothing may be unwritten, of all arrays together so much, and of one as often as it is opened.
  @Test func arraysThatWereNeverWrittenHaveABoundTogether() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = try file(folder) { root in
        for name in ["a", "b"] { _ = try root.createDataset(name, .float32, [10 << 20]) }
      }
      let root = try HDF5File.open(path).root()
      for _ in 0..<3 { #expect(try root.dataset("a").shape == [10 << 20]) }
      #expect(throws: HDF5Error.self) { _ = try root.dataset("b") }
      let other = try HDF5File.open(path, unstored: 80 << 20).root()
      for name in ["a", "b"] { #expect(try other.dataset(name).shape == [10 << 20]) }
    }
  }

  /// Elements among what describes them, which the library reads on behind. Written with h5py by tools/fixtures/make_hdf5.py.
  @Test func compactElementsAreAllThereOrRefused() throws {
    let whole = TestFiles.package("Tests/Fixtures/compact.h5")
    let dataset = try HDF5File.open(whole).root().dataset("x")
    #expect(try dataset.tensor().elements == [1, 2, 3, 4, 5])
    #expect(dataset.contiguousElements() == nil)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: whole))
    let five = Data([5, 0, 0, 0, 0, 0, 0, 0])
    while let extent = bytes.range(of: five) { bytes[extent.lowerBound] = 6 }
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/x.h5"
      try bytes.write(to: URL(fileURLWithPath: path))
      let root = try HDF5File.open(path).root()
      let expected = HDF5Error.excessive(
        file: path, object: "/x", expected: "at most 20 bytes of elements, from 20 stored ones",
        found: "24, of shape [6]")
      #expect(throws: expected) { _ = try root.dataset("x") }
    }
  }

  /// Deflate makes zeros a thousand times smaller.
  @Test func whatCompressesWellIsRead() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = try file(folder) {
        try $0.write("a", Tensor(repeating: 0, [24 << 20]), storage: .compressed)
      }
      let root = try HDF5File.open(path, unstored: 0).root()
      let dataset = try root.dataset("a")
      #expect(dataset.storedByteCount < (96 << 20) / 200)
      #expect(try dataset.tensor().withElements { $0.allSatisfy { $0 == 0 } })
    }
  }

  /// Whole chunks, each once, in order, whichever axis they are cut along.
  @Test(arguments: [
    [10 << 20], [3, 700_000], [40, 30, 1000], [5, 2, 300_000], [1, 1, 2_000_000], [2000, 1],
  ])
  func piecesAreChunks(extents: [Int]) throws {
    try TestFiles.withTemporaryFolder { folder in
      let shape = Shape(extents)
      let created = try HDF5NewFile("\(folder)/x.h5")
      let dataset = try created.root().createDataset("a", .float32, shape, storage: .compressed)
      let pieces = dataset.pieces(of: .float32, .compressed, bytes: 1 << 30)
      #expect(pieces.first?.lowerBound == 0 && pieces.last?.upperBound == shape.count)
      #expect(zip(pieces, pieces.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
      #expect(pieces.allSatisfy { !$0.isEmpty && $0.count <= 1 << 18 })
      let contiguous = dataset.pieces(of: .float32, .contiguous, bytes: 4000)
      #expect(contiguous.first == 0..<min(1000, shape.count) && contiguous.last?.upperBound == shape.count)
    }
  }
}
