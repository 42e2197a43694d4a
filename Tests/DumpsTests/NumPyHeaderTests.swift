import Tensors
import Testing

@testable import Dumps

private func header(_ text: String, extra: Int = 0, bytes: Int = 24) throws(NumPyError) -> NumPyHeader {
  let file = DumpFixtures.npy([], [], header: text)
  return try NumPyHeader(file, fileCount: file.count + bytes + extra)
}

@Test func readsAHeaderHoweverItIsSpaced() throws {
  let plain = try header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n")
  #expect(
    plain.shape == [2, 3] && plain.type == .numbers(.float32) && !plain.isBigEndian && !plain.isFortranOrder)
  let tight = try header(#"{"shape":(6L,),"fortran_order":True,"descr":">f4"}"#)
  #expect(tight.shape == [6] && tight.isBigEndian && tight.isFortranOrder)
  #expect(try header("{'descr': '|u1', 'fortran_order': False, 'shape': (), }", bytes: 1).shape == [])
  #expect(try header("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 5), }", bytes: 0).shape == [0, 5])
}

@Test(arguments: [
  ("{'descr': '<f4', 'fortran_order': False}", NumPyError.keys(found: ["descr", "fortran_order"])),
  (
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': (1,)}",
    .keys(found: ["descr", "fortran_order", "more", "shape"])
  ),
  ("{'descr': '<f4', 'fortran_order': 'no', 'shape': (2, 3)}", .field("fortran_order", "True or False")),
  ("{'descr': '<f4', 'fortran_order': False, 'shape': 'x'}", .field("shape", "a tuple of whole numbers")),
  ("{'descr': (3,), 'fortran_order': False, 'shape': (2, 3)}", .field("descr", "a type such as '<f4'")),
  ("{'descr': '<c8', 'fortran_order': False, 'shape': (3,)}", .elementType(found: "'<c8'")),
  (
    "{'descr': '|O', 'fortran_order': False, 'shape': (3,)}",
    .elementType(found: "'|O', pickled Python objects, which are never read")
  ),
  (
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}", .elementType(found: "a structured type")
  ),
  (
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3)}",
    .syntax(expected: "a whole number", found: "-2, 3)}")
  ),
  (
    "{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os'),)}",
    .syntax(expected: "a whole number", found: "__import__('os'),)}")
  ),
  (
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x",
    .syntax(expected: "the end of the header", found: "x")
  ),
  (
    "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}",
    .syntax(expected: "one key 'descr'", found: ", 'fortran_order': F")
  ),
  ("{'descr': '<f4, ", .syntax(expected: "a plain text that ends", found: "'<f4, ")),
  ("{'descr': [[[", .syntax(expected: "a list that ends", found: "")),
  (
    "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 9)}",
    .tooLarge(shape: [.max, 9])
  ),
  (
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4)}",
    .dataCount(shape: [2, 4], type: "float32", expected: 32, found: 24)
  ),
]) func refusesHeaders(_ text: String, _ expected: NumPyError) {
  #expect(throws: expected) { try header(text) }
}

@Test func refusesTruncatedAndForeignFiles() {
  let whole = DumpFixtures.npy([1, 2], [2])
  for length in 0..<whole.count {
    #expect(throws: NumPyError.self) { try NumPyHeader(Array(whole.prefix(length)), fileCount: length) }
  }
  #expect(throws: NumPyError.version(major: 4, minor: 0)) {
    try NumPyHeader(whole.prefix(6) + [4] + whole.dropFirst(7), fileCount: whole.count)
  }
  let long: [UInt8] = whole.prefix(6) + [2, 0, 0xff, 0xff, 0xff, 0x7f]
  #expect(throws: NumPyError.headerLength(found: 0x7fff_ffff, limit: 1 << 16)) {
    try NumPyHeader(long, fileCount: long.count)
  }
  let deep = "{'descr': '|u1', 'fortran_order': False, 'shape': (\(String(repeating: "1, ", count: 65)))}"
  #expect(throws: NumPyError.rank(found: 65, limit: 64)) { try header(deep, bytes: 1) }
}
