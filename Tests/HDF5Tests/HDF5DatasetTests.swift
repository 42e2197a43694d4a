// Arrays in a file: every element type, every range, both layouts.
import HDF5
import Tensors
import Testing
import TestSupport

@Test(arguments: ElementType.allCases)
func bytesOfEveryElementTypeComeBack(_ type: ElementType) throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = folder + "/x.h5"
    // 0 and 1 are the only bytes that every type, also bool, has as values.
    let bytes = (0..<6 * type.byteCount).map { UInt8($0 * 5 % 3 % 2) }
    let file = try HDF5NewFile(path)
    try bytes.withUnsafeBytes { try file.root().write("x", $0, as: type, [2, 3]) }
    try file.commit()
    let opened = try HDF5File.open(path)
    let dataset = try opened.root().dataset("x")
    #expect(dataset.shape == [2, 3])
    #expect(try dataset.elementType() == type)
    var back = [UInt8](repeating: 9, count: bytes.count)
    try back.withUnsafeMutableBytes { try dataset.read(into: $0) }
    #expect(back == bytes)
  }
}

@Test func otherNumbersAreReadAsFloat32() throws {
  try TestFiles.withTemporaryFolder { folder in
    let file = try HDF5NewFile(folder + "/x.h5")
    let root = try file.root()
    // 1.5 and −2 as bfloat16 are the upper halves of 0x3FC0_0000 and 0xC000_0000.
    try [UInt16(0x3FC0), 0xC000].withUnsafeBytes { try root.write("bfloat16", $0, as: .bfloat16, [2]) }
    try [Float16(1.5), -2].withUnsafeBytes { try root.write("float16", $0, as: .float16, [2]) }
    try [Int64(7), -2].withUnsafeBytes { try root.write("int64", $0, as: .int64, [2]) }
    try file.commit()
    let opened = try HDF5File.open(folder + "/x.h5").root()
    #expect(try opened.dataset("bfloat16").tensor().elements == [1.5, -2])
    #expect(try opened.dataset("float16").tensor().elements == [1.5, -2])
    #expect(try opened.dataset("int64").tensor().elements == [7, -2])
  }
}

@Test(arguments: [HDF5Storage.contiguous, .compressed])
func everyRangeOfElementsIsRead(_ storage: HDF5Storage) throws {
  try TestFiles.withTemporaryFolder { folder in
    let file = try HDF5NewFile(folder + "/x.h5")
    let shape: Shape = [3, 4, 5, 30]  // 7200 bytes, enough to be compressed
    try file.root().write("x", Tensor(shape, (0..<shape.count).map(Float.init)), storage: storage)
    try file.commit()
    let dataset = try HDF5File.open(folder + "/x.h5").root().dataset("x")
    for lower in [0, 1, 29, 30, 149, 150, 601, 1799] {
      for count in [0, 1, 2, 31, 150, 599, 1200, 1800] where lower + count <= shape.count {
        let read = try Tensor([count]) { try dataset.read(from: lower, into: $0) }
        #expect(read.elements == (lower..<lower + count).map(Float.init))
      }
    }
    #expect(throws: HDF5Error.self) { try Tensor([2]) { try dataset.read(from: 1799, into: $0) } }
    #expect(throws: HDF5Error.self) { try Tensor([2]) { try dataset.read(from: -1, into: $0) } }
    #expect(throws: HDF5Error.self) { try Tensor([2]) { try dataset.read(from: .max, into: $0) } }
  }
}

@Test func piecesMakeUpADataset() throws {
  try TestFiles.withTemporaryFolder { folder in
    let file = try HDF5NewFile(folder + "/x.h5")
    let dataset = try file.root().createDataset("x", .float32, [3, 3])
    try [Float(0), 1, 2, 3].withUnsafeBytes { try dataset.write($0, at: 0) }
    try [Float(4), 5, 6, 7, 8].withUnsafeBytes { try dataset.write($0, at: 4) }
    #expect(throws: HDF5Error.self) { try [Float(0)].withUnsafeBytes { try dataset.write($0, at: 9) } }
    #expect(throws: HDF5Error.self) { try [UInt8(0)].withUnsafeBytes { try dataset.write($0) } }
    try file.commit()
    let opened = try HDF5File.open(folder + "/x.h5").root()
    #expect(try opened.dataset("x").tensor().elements == (0..<9).map(Float.init))
  }
}

@Test func scalarsAndEmptyArraysComeBack() throws {
  try TestFiles.withTemporaryFolder { folder in
    let file = try HDF5NewFile(folder + "/x.h5")
    let root = try file.root()
    try root.write("scalar", Tensor([], [5]))
    try root.write("empty", Tensor([0, 3], []), storage: .compressed)
    try file.commit()
    let opened = try HDF5File.open(folder + "/x.h5").root()
    #expect(try opened.dataset("scalar").shape == [])
    #expect(try opened.dataset("scalar").tensor().elements == [5])
    #expect(try opened.dataset("empty").shape == [0, 3])
    #expect(try opened.dataset("empty").tensor().elements.isEmpty)
  }
}
