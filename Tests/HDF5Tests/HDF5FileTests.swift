// Files as a whole: nothing half-written, plain errors, equal bytes for equal contents.
import Files
import Foundation
import HDF5
import Tensors
import Testing
import TestSupport

private func writeSample(_ path: String) throws {
  let file = try HDF5NewFile(path)
  let root = try file.root()
  try root.setAttribute("format", .string("sample"))
  try root.write("a/b/c", Tensor([2, 3], [1, 2, 3, 4, 5, 6]))
  try root.write("a/packed", Tensor(repeating: 7, [64, 64]), storage: .compressed)
  try root.link("a/same", to: "a/b/c")
  try file.commit()
}

@Test func appearsOnlyWhenCommitted() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = folder + "/x.h5"
    do {
      let file = try HDF5NewFile(path)
      try file.root().write("x", Tensor([1], [1]))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    try writeSample(path)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["x.h5"])
  }
}

/// A lock stays where a program was started while the file was open, for as long as that program runs.
@Test func opensWhatSomebodyHasLocked() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = folder + "/x.h5"
    try writeSample(path)
    let descriptor = open(path, O_RDONLY)
    defer { close(descriptor) }
    try #require(flock(descriptor, LOCK_EX) == 0)
    #expect(try HDF5File.open(path).root().dataset("a/same").tensor().count == 6)
  }
}

@Test func commitsWhileObjectsAreStillHeld() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = folder + "/x.h5"
    let file = try HDF5NewFile(path)
    let group = try file.root().createGroup("held")
    try group.write("x", Tensor([2], [1, 2]))
    try file.commit()
    #expect(group.path == "/held")
    #expect(try HDF5File.open(path).root().dataset("held/x").tensor().elements == [1, 2])
  }
}

@Test func equalContentsGiveEqualBytes() throws {
  try TestFiles.withTemporaryFolder { folder in
    try writeSample(folder + "/1.h5")
    // Time stamps in HDF5 count seconds.
    Thread.sleep(forTimeInterval: 1.1)
    try writeSample(folder + "/2.h5")
    let first = try #require(FileManager.default.contents(atPath: folder + "/1.h5"))
    #expect(first == FileManager.default.contents(atPath: folder + "/2.h5"))
  }
}

@Test func tellsWhatIsWrongWithAFile() throws {
  try TestFiles.withTemporaryFolder { folder in
    #expect(throws: FileError.self) { _ = try HDF5File.open(folder + "/absent.h5") }
    #expect(throws: FileError.notAFile(path: folder)) { _ = try HDF5File.open(folder) }

    let text = folder + "/text.h5"
    try Data("not HDF5".utf8).write(to: URL(filePath: text))
    let notHDF5 = #expect(throws: HDF5Error.self) { _ = try HDF5File.open(text) }
    #expect(notHDF5?.description == "\(text): expected an HDF5 file, found one of another kind")

    let whole = folder + "/whole.h5"
    try writeSample(whole)
    let bytes = try #require(FileManager.default.contents(atPath: whole))
    let cut = folder + "/cut.h5"
    try bytes.dropLast(100).write(to: URL(filePath: cut))
    let truncated = #expect(throws: HDF5Error.self) { _ = try HDF5File.open(cut) }
    let counts = "\(bytes.count) bytes, found \(bytes.count - 100)"
    #expect(
      truncated?.description == "\(cut): expected an HDF5 file of \(counts): it is cut short, fetch it again")
  }
}
