// Names in a file.
import HDF5
import Tensors
import Testing
import TestSupport

@Test func listsChildrenInNameOrder() throws {
  try TestFiles.withTemporaryFolder { folder in
    let file = try HDF5NewFile(folder + "/x.h5")
    let root = try file.root()
    for name in ["b", "a", "10", "2", "c.d"] { _ = try root.createGroup("top/" + name) }
    try file.commit()
    let opened = try HDF5File.open(folder + "/x.h5").root()
    #expect(try opened.group("top").children() == ["10", "2", "a", "b", "c.d"])
    #expect(try opened.children() == ["top"])
    #expect(try opened.group("top/a").children().isEmpty)
    #expect(try opened.group("top").group("/").children() == ["top"])
  }
}

@Test func tellsGroupsDatasetsAndNothing() throws {
  try TestFiles.withTemporaryFolder { folder in
    let file = try HDF5NewFile(folder + "/x.h5")
    let root = try file.root()
    try root.write("g/d", Tensor([1], [1]))
    #expect(throws: HDF5Error.self) { _ = try root.createGroup("g/d/below") }
    #expect(throws: HDF5Error.self) { try root.write("g/d", Tensor([1], [1])) }
    try file.commit()
    let path = folder + "/x.h5"
    let opened = try HDF5File.open(path).root()
    #expect(try opened.kind(of: "g") == .group)
    #expect(try opened.kind(of: "/g/d") == .dataset)
    #expect(try opened.group("g").kind(of: "d") == .dataset)
    for absent in ["g/x", "x/y", "g/d/below", ""] { #expect(try opened.kind(of: absent) == nil, "\(absent)") }
    #expect(throws: HDF5Error.missing(file: path, object: "/g/x")) { _ = try opened.dataset("g/x") }
    #expect(
      throws: HDF5Error.wrongKind(file: path, object: "/g/d", expected: "a group", found: "a dataset")
    ) { _ = try opened.group("g/d") }
  }
}

@Test func linksShareOneDataset() throws {
  try TestFiles.withTemporaryFolder { folder in
    let file = try HDF5NewFile(folder + "/x.h5")
    let root = try file.root()
    let dataset = try root.createDataset("first", .float32, [2])
    try root.link("other/second", to: "first")
    try [Float(3), 4].withUnsafeBytes { try dataset.write($0) }
    try file.commit()
    let opened = try HDF5File.open(folder + "/x.h5").root()
    #expect(try opened.dataset("other/second").tensor().elements == [3, 4])
    #expect(try opened.dataset("other/second").address == opened.dataset("first").address)
    #expect(try opened.group("other").address != opened.address)
  }
}

@Test func attributesComeBack() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = folder + "/x.h5"
    let file = try HDF5NewFile(path)
    let written = try file.root()
    try written.setAttribute("text", .string("größer"))
    try written.setAttribute("empty", .string(""))
    try written.setAttribute("whole", .integer(.min))
    try written.setAttribute("real", .real(0.1))
    try file.commit()
    let opened = try HDF5File.open(path)
    let root = opened.root()
    #expect(try root.attributeNames() == ["empty", "real", "text", "whole"])
    #expect(try root.attribute("text") == .string("größer"))
    #expect(try root.attribute("empty") == .string(""))
    #expect(try root.attribute("whole") == .integer(.min))
    #expect(try root.attribute("real") == .real(0.1))
    #expect(try root.attribute("absent") == nil)
  }
}
