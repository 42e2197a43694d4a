// Elements read past the library.
import Foundation
import HDF5
import Tensors
import TestSupport
import Testing

private func fixture(_ name: String) -> String { TestFiles.package("Tests/Fixtures/\(name)") }

@Suite struct ContiguousElementsTests {
  @Test func everyRangeIsWhatTheLibraryReads() throws {
    try TestFiles.withTemporaryFolder { folder in
      let shape: Shape = [3, 700]
      let file = try HDF5File.create(folder + "/x.h5")
      try file.root().write("x", Tensor(shape, (0..<shape.count).map(Float.init)))
      try file.root().write("y", Tensor([2], [7, 8]))
      try file.commit()
      let opened = try HDF5File.open(folder + "/x.h5")
      let dataset = try opened.root().dataset("x")
      let elements = try #require(try opened.contiguousElements(of: dataset))
      #expect(elements.count == shape.count)
      for (offset, count) in [(0, 2100), (0, 0), (1, 5), (699, 2), (2099, 1), (2100, 0)] {
        let found = try Tensor([count]) { try elements.read(from: offset, into: $0) }
        #expect(found.elements == (offset..<offset + count).map(Float.init))
      }
      for (offset, count) in [(2100, 1), (-1, 1), (2000, 101), (Int.max, 1)] {
        #expect(throws: HDF5Error.self) { try Tensor([count]) { try elements.read(from: offset, into: $0) } }
      }
    }
  }

  @Test func whatLiesOtherwiseIsLeftToTheLibrary() throws {
    try TestFiles.withTemporaryFolder { folder in
      let file = try HDF5File.create(folder + "/x.h5")
      try file.root().write("packed", Tensor(repeating: 1, [4096]), storage: .compressed)
      try [Float16(1.5), -2].withUnsafeBytes { try file.root().write("half", $0, as: .float16, [2]) }
      try file.root().write("plain", Tensor([1], [3]))
      // A file that is being written may hold its last elements in memory.
      let written = try file.root().dataset("plain")
      #expect(try file.contiguousElements(of: written) == nil)
      try file.commit()
      let opened = try HDF5File.open(folder + "/x.h5")
      for name in ["packed", "half"] {
        let dataset = try opened.root().dataset(name)
        #expect(try opened.contiguousElements(of: dataset) == nil)
      }
    }
    let foreign = try HDF5File.open(fixture("foreign.h5"))
    for name in ["big_endian", "int32"] {
      let dataset = try foreign.root().dataset(name)
      #expect(try foreign.contiguousElements(of: dataset) == nil)
    }
  }

  /// Written with h5py by tools/fixtures/make_hdf5.py, with 512 bytes of the user's before the file proper.
  @Test func addressesCountFromTheEndOfTheUsersBytes() throws {
    let file = try HDF5File.open(fixture("user_block.h5"))
    let dataset = try file.root().dataset("x")
    let elements = try #require(try file.contiguousElements(of: dataset))
    #expect(try Tensor([6]) { try elements.read(from: 0, into: $0) }.elements == [0, 1, 2, 3, 4, 5])
  }

  @Test func aFileThatShrinksMeanwhileThrows() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = folder + "/x.h5"
      let file = try HDF5File.create(path)
      try file.root().write("x", Tensor(repeating: 1, [100_000]))
      try file.commit()
      let opened = try HDF5File.open(path)
      let dataset = try opened.root().dataset("x")
      let elements = try #require(try opened.contiguousElements(of: dataset))
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try handle.truncate(atOffset: 4096)
      let error = #expect(throws: HDF5Error.self) {
        try Tensor([100_000]) { try elements.read(from: 0, into: $0) }
      }
      #expect(error?.description.contains("the file ends before them") == true)
    }
  }

  @Test func elementsOutliveTheFileTheyCameFrom() throws {
    let elements = try {
      let file = try HDF5File.open(fixture("user_block.h5"))
      let dataset = try file.root().dataset("x")
      return try file.contiguousElements(of: dataset)
    }()
    #expect(try Tensor([2]) { try elements?.read(from: 4, into: $0) }.elements == [4, 5])
  }
}
