// Files that other programs wrote. Written with h5py by tools/fixtures/make_hdf5.py.
import Foundation
import HDF5
import Tensors
import Testing

private let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appending(path: "Fixtures/foreign.h5").path

@Test func readsNumbersAsH5pyEncodesThem() throws {
  let file = try HDF5File.open(path)
  let root = file.root()
  let expected: [(String, ElementType, Shape, [Float])] = [
    ("big_endian", .float32, [2], [1, -2]), ("bool", .bool, [2], [1, 0]),
    ("float16", .float16, [1], [1.5]), ("int32", .int32, [2, 1], [7, -8]),
  ]
  for (name, type, shape, elements) in expected {
    let dataset = try root.dataset(name)
    #expect(try dataset.elementType() == type)
    #expect(dataset.shape == shape)
    #expect(try dataset.tensor().elements == elements)
  }
}

@Test func complexNumbersComeAsPairs() throws {
  let file = try HDF5File.open(path)
  let dataset = try file.root().dataset("complex64")
  #expect(try dataset.elementType() == .complex64)
  var pair: [Float] = [0, 0]
  try pair.withUnsafeMutableBytes { try dataset.read(into: $0) }
  #expect(pair == [1, 2])
}

@Test func readsAttributesAsH5pyEncodesThem() throws {
  let file = try HDF5File.open(path)
  let root = file.root()
  #expect(try root.attribute("fixed") == .string("fixed"))
  #expect(try root.attribute("flag") == .integer(1))
  let list = HDF5Error.unsupported(file: path, object: "/", found: "the list in attribute list")
  #expect(throws: list) { try root.attribute("list") }
  let contents = try root.attributeContents(limit: 5)
  #expect(contents.first { $0.name == "fixed" }?.pieces == [Array("fixed".utf8)])
  #expect(try root.attributeContents(limit: 4).first { $0.name == "fixed" }?.pieces == .some(nil))
}

@Test func refusesDataThatLieInOtherFiles() throws {
  let file = try HDF5File.open(path)
  let root = file.root()
  for name in ["external_data", "virtual"] {
    let error = #expect(throws: HDF5Error.self) { _ = try root.dataset(name) }
    #expect(error?.description.contains("in other files") == true)
  }
  for name in ["external_link", "external_link/iou"] {
    #expect(throws: HDF5Error.self) { try root.kind(of: name) }
    #expect(throws: HDF5Error.self) { _ = try root.dataset(name) }
    #expect(throws: HDF5Error.self) { _ = try root.group(name) }
  }
}

@Test func refusesWhatIsNoArrayOfNumbers() throws {
  let file = try HDF5File.open(path)
  let root = file.root()
  #expect(throws: HDF5Error.self) { try root.dataset("text").elementType() }
  #expect(throws: HDF5Error.self) { _ = try root.dataset("empty") }
  #expect(throws: HDF5Error.self) { _ = try root.dataset("dangling") }
}

/// More chunks than the library is asked for in one call; each element says where it is.
@Test(arguments: [0..<9100, 0..<8192, 8191..<8193, 905..<9100, 69..<71]) func readsManyChunksPieceByPiece(
  range: Range<Int>
) throws {
  let folder = URL(filePath: path).deletingLastPathComponent()
  let dataset = try HDF5File.open(folder.appending(path: "many_chunks.h5").path).root().dataset("x")
  var numbers = [Float](repeating: -1, count: range.count)
  try numbers.withUnsafeMutableBufferPointer { try dataset.read(from: range.lowerBound, into: $0) }
  #expect(numbers == range.map { Float($0 * 7 % 251) })
  var bytes = [UInt8](repeating: 255, count: range.count)
  try bytes.withUnsafeMutableBytes { try dataset.read(from: range.lowerBound, into: $0) }
  #expect(bytes == range.map { UInt8($0 * 7 % 251) })
}
