import Checkpoints
import Foundation
import Taps
import Tensors
import Testing
import TestSupport
import Verification

@testable import Dumps

private let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures").path

private func open(_ name: String, _ map: NameMap? = nil, taps: [(name: String, shape: Shape)]? = nil) throws
  -> ForeignArrays
{ try ForeignArrays(path: "\(folder)/\(name)", map: map, reference: taps.map(DumpFixtures.expected)) }

@Test(arguments: ["little", "big"], ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"])
func readsEveryTypeInBothByteOrders(_ order: String, _ type: String) throws {
  let taps: [(name: String, shape: Shape)] = [("\(order)/\(type)", DumpFixtures.shape)]
  #expect(try open("types.npz", taps: taps).elements("\(order)/\(type)") == DumpFixtures.counting)
}

@Test(arguments: [
  "version/1", "version/2", "version/3", "fortran", "deflated", "zip64", "/an/Onnx_name_output_0",
]) func readsEveryVersionOrderAndWayOfStoring(_ name: String) throws {
  let arrays = try open("types.npz", taps: [(name, DumpFixtures.shape)])
  #expect(try arrays.elements(name) == DumpFixtures.counting)
}

@Test func readsWhatIsNoBlockOfNumbers() throws {
  let names: [(name: String, shape: Shape)] = [
    ("little/b1", DumpFixtures.shape), ("scalar", []), ("empty", [0, 3]), ("zeros", [64, 1024]),
  ]
  let arrays = try open("types.npz", taps: names)
  #expect(try arrays.elements("little/b1") == [0] + [Float](repeating: 1, count: 23))
  #expect(try arrays.elements("scalar") == [2.5])
  #expect(try arrays.elements("empty") == [])
  // Deflated more than two hundredfold, as masks are.
  #expect(try arrays.elements("zeros").allSatisfy { $0 == 0 })
}

@Test(arguments: ["bfloat16/opaque", "bfloat16/bits"]) func readsBitsAsWhatTheMapSaysTheyAre(_ name: String)
  throws
{
  let map = try DumpFixtures.map(#"{"rules": [{"from": "\#(name)", "to": "{0}", "dtype": "bfloat16"}]}"#)
  let taps: [(name: String, shape: Shape)] = [(name, DumpFixtures.shape)]
  #expect(try open("types.npz", map, taps: taps).elements(name) == DumpFixtures.counting)
}

@Test func refusesWhatIsNoRealNumber() throws {
  let bits: [(name: String, shape: Shape)] = [("bfloat16/opaque", DumpFixtures.shape)]
  let opaque = #expect(throws: DumpError.self) { try open("types.npz", taps: bits) }
  #expect(opaque?.description.contains("'bfloat16/opaque' to hold real numbers") == true)
  let object = #expect(throws: DumpError.self) { try open("refused.npz") }
  #expect(object?.description.contains("never read") == true)
  for name in ["complex.npy", "structured.npy", "huge.npy"] {
    #expect(throws: DumpError.self) { try open(name) }
  }
}

@Test func refusesADeclaredTypeThatIsNotStored() throws {
  let map = try DumpFixtures.map(#"{"rules": [{"from": "little/f4", "to": "t", "dtype": "float16"}]}"#)
  let error = #expect(throws: DumpError.self) { try open("types.npz", map, taps: [("t", DumpFixtures.shape)]) }
  #expect(error?.description.contains("'little/f4' to hold float16, as the map says, found float32") == true)
}

@Test func refusesAnArchiveWithAByteChanged() throws {
  try TestFiles.withTemporaryFolder { temporary in
    var bytes = try Array(Data(contentsOf: URL(fileURLWithPath: "\(folder)/types.npz")))
    // An element of the first array, behind its local header and 128 bytes of its own.
    bytes[30 + "little/b1.npy".utf8.count + 128 + 3] ^= 1
    let path = "\(temporary)/changed.npz"
    try DumpFixtures.write(bytes, path)
    let arrays = try ForeignArrays(path: path, reference: [SourceArray("little/b1", DumpFixtures.shape)])
    #expect(throws: DumpError.self) { try arrays.elements("little/b1") }
    try DumpFixtures.write(Array(bytes.dropLast(9)), path)
    #expect(throws: (any Error).self) { try ForeignArrays(path: path, reference: nil) }
  }
}
