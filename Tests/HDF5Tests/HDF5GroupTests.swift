// Names in a file.
import HDF5
import Tensors
import Testing
import TestSupport

@Test func listsChildrenInNameOrder() throws {
  try TestFiles.withTemporaryFolder { folder in
    let file = try HDF5File.create(folder + "/x.h5")
    let root = try file.root()
    for name in ["b", "a", "10", "2", "c.d"] { _ = try root.createGroup("top/" + name) }
    #expect(try root.group("top").children() == ["10", "2", "a", "b", "c.d"])
    #expect(try root.children() == ["top"])
    #expect(try root.group("top/a").children().isEmpty)
  }
}

@Test func tellsGroupsDatasetsAndNothing() throws {
  try TestFiles.withTemporaryFolder { folder in
    let file = try HDF5File.create(folder + "/x.h5")
    let root = try file.root()
    try root.write("g/d", Tensor([1], [1]))
    #expect(try root.kind(of: "g") == .group)
    #expect(try root.kind(of: "/g/d") == .dataset)
    #expect(try root.kind(of: "g/x") == nil)
    #expect(try root.kind(of: "x/y") == nil)
    #expect(throws: HDF5Error.missing(file: folder + "/x.h5", object: "/g/x")) { _ = try root.dataset("g/x") }
    #expect(throws: HDF5Error.self) { _ = try root.group("g/d") }
    #expect(throws: HDF5Error.self) { _ = try root.createGroup("g/d/below") }
    #expect(throws: HDF5Error.self) { try root.write("g/d", Tensor([1], [1])) }
  }
}

@Test func linksShareOneDataset() throws {
  try TestFiles.withTemporaryFolder { folder in
    let file = try HDF5File.create(folder + "/x.h5")
    let root = try file.root()
    let dataset = try root.createDataset("first", .float32, [2])
    try root.link("other/second", to: "first")
    try [Float(3), 4].withUnsafeBytes { try dataset.write($0) }
    #expect(try root.dataset("other/second").tensor().elements == [3, 4])
  }
}

@Test func attributesComeBack() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = folder + "/x.h5"
    let file = try HDF5File.create(path)
    let written = try file.root()
    try written.setAttribute("text", .string("größer"))
    try written.setAttribute("empty", .string(""))
    try written.setAttribute("whole", .integer(.min))
    try written.setAttribute("real", .real(0.1))
    try file.commit()
    let opened = try HDF5File.open(path)
    let root = try opened.root()
    #expect(try root.attributeNames() == ["empty", "real", "text", "whole"])
    #expect(try root.attribute("text") == .string("größer"))
    #expect(try root.attribute("empty") == .string(""))
    #expect(try root.attribute("whole") == .integer(.min))
    #expect(try root.attribute("real") == .real(0.1))
    #expect(try root.attribute("absent") == nil)
  }
}
