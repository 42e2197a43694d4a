// Elements read past the library.
import Files
import Foundation
import HDF5
import Tensors
import Testing
import TestSupport

private func fixture(_ name: String) -> String { TestFiles.package("Tests/Fixtures/\(name)") }

@Suite struct ContiguousElementsTests {
  @Test func mappedElementsAreWhatTheLibraryReads() throws {
    try TestFiles.withTemporaryFolder { folder in
      let stored = Tensor([5, 700], (0..<3500).map(Float.init))
      let file = try HDF5NewFile(folder + "/x.h5")
      try file.root().write("before", Tensor([2], [7, 8]))
      try file.root().write("x", stored)
      try file.commit()
      let opened = try HDF5File.open(folder + "/x.h5")
      let elements = try #require(try opened.root().dataset("x").contiguousElements())
      let mapped = try #require(elements.mapped([5, 700]))
      #expect(mapped.elements == stored.elements)
      #expect(elements.mapped([5, 701]) == nil)
      #expect(truncate(folder + "/x.h5", 8192) == 0)
      #expect(elements.mapped([5, 700]) == nil)
    }
  }

  #if compiler(>=6.2)
    /// In a process of its own, which the file's end takes along.
    @Test func aFileThatShrinksWhileItsElementsAreReadIsNamed() async throws {
      // Named after this process, so that others that run the tests have their own.
      let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("sam2kit-shrinking-elements-\(getpid())").path
      try? FileManager.default.removeItem(atPath: folder)
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let result = await #expect(processExitsWith: .exitCode(2), observing: [\.standardErrorContent]) {
        let folder = FileManager.default.temporaryDirectory
          .appendingPathComponent("sam2kit-shrinking-elements-\(getppid())").path
        let path = folder + "/shrinking.h5"
        let file = try HDF5NewFile(path)
        try file.root().write("x", Tensor([1 << 18], [Float](repeating: 1, count: 1 << 18)))
        try file.commit()
        ShrinkingFiles.exitWhenRead()
        let opened = try HDF5File.open(path)
        let mapped = try opened.root().dataset("x").contiguousElements()?.mapped([1 << 18])
        #expect(truncate(path, 8192) == 0)
        print(mapped?.elements.last ?? 0)
      }
      let words = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      #expect(words.contains("/shrinking.h5: can't be read: it was cut short by another program meanwhile"))
    }
  #endif

  @Test func everyRangeIsWhatTheLibraryReads() throws {
    try TestFiles.withTemporaryFolder { folder in
      let shape: Shape = [3, 700]
      let file = try HDF5NewFile(folder + "/x.h5")
      try file.root().write("x", Tensor(shape, (0..<shape.count).map(Float.init)))
      try file.root().write("y", Tensor([2], [7, 8]))
      try file.commit()
      let opened = try HDF5File.open(folder + "/x.h5")
      let elements = try #require(try opened.root().dataset("x").contiguousElements())
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
      let file = try HDF5NewFile(folder + "/x.h5")
      try file.root().write("packed", Tensor(repeating: 1, [4096]), storage: .compressed)
      try [Float16(1.5), -2].withUnsafeBytes { try file.root().write("half", $0, as: .float16, [2]) }
      try file.root().write("plain", Tensor([1], [3]))
      try file.commit()
      let opened = try HDF5File.open(folder + "/x.h5")
      for name in ["packed", "half"] {
        #expect(try opened.root().dataset(name).contiguousElements() == nil)
      }
    }
    let foreign = try HDF5File.open(fixture("foreign.h5"))
    for name in ["big_endian", "int32"] {
      #expect(try foreign.root().dataset(name).contiguousElements() == nil)
    }
  }

  /// Written with h5py by tools/fixtures/make_hdf5.py, with 512 bytes of the user's before the file proper.
  @Test func addressesCountFromTheEndOfTheUsersBytes() throws {
    let file = try HDF5File.open(fixture("user_block.h5"))
    let elements = try #require(try file.root().dataset("x").contiguousElements())
    #expect(try Tensor([6]) { try elements.read(from: 0, into: $0) }.elements == [0, 1, 2, 3, 4, 5])
  }

  @Test func aFileThatShrinksMeanwhileThrows() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = folder + "/x.h5"
      let file = try HDF5NewFile(path)
      try file.root().write("x", Tensor(repeating: 1, [100_000]))
      try file.commit()
      let opened = try HDF5File.open(path)
      let elements = try #require(try opened.root().dataset("x").contiguousElements())
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
      try HDF5File.open(fixture("user_block.h5")).root().dataset("x").contiguousElements()
    }()
    #expect(try Tensor([2]) { try elements?.read(from: 4, into: $0) }.elements == [4, 5])
  }
}
