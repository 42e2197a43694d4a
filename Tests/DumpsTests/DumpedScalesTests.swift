import Foundation
import Taps
import Tensors
import Testing
import TestSupport
import Verification

@testable import Dumps

/// Whole numbers as a folder of one `.npy`, `x`, opened with a rule of a map.
private func open(
  _ bytes: [UInt8], _ shape: [Int], _ descr: String, rule: String, tap: Shape? = nil
) throws -> [Float] {
  try TestFiles.withTemporaryFolder { folder in
    try DumpFixtures.write(DumpFixtures.npy([], shape, descr: descr) + bytes, "\(folder)/x.npy")
    let map = try DumpFixtures.map(#"{"rules": [{"from": "x", "to": "t", \#(rule)}]}"#)
    let arrays = try ForeignArrays(path: folder, map: map, reference: [SourceArray("t", tap ?? Shape(shape))])
    return try arrays.elements("t")
  }
}

private func problem(
  _ rule: String, _ shape: [Int] = [2, 3], descr: String = "|u1", width: Int = 1
) -> String {
  do {
    _ = try open([UInt8](repeating: 0, count: width * shape.reduce(1, *)), shape, descr, rule: rule)
    return "none"
  } catch { return "\(error)" }
}

@Test func wholeNumbersStandForWhatTheMapSays() throws {
  #expect(
    try open([0, 128, 130, 255], [4], "|u1", rule: #""scale": 0.5, "zero_point": 128"#) == [-64, 0, 1, 63.5])
  // -128, -1, 0, 127
  #expect(
    try open([0x80, 0xff, 0, 0x7f], [4], "|i1", rule: #""scale": 0.25, "zero_point": -1"#)
      == [-31.75, 0, 0.25, 32])
  #expect(try open([1, 0, 0xff, 0xff], [2], "<i2", rule: #""scale": 2"#) == [2, -2])
  // Without a scale they are what they are.
  #expect(try open([3, 200], [2], "|u1", rule: #""optional": true"#) == [3, 200])
}

/// Nine numbers, read in pieces of seven.
@Test func scalesMayDifferAlongAnAxis() throws {
  let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
  #expect(
    try open(bytes, [3, 3], "|u1", rule: #""scale": [1, 10, 100], "axis": 0"#)
      == [1, 2, 3, 40, 50, 60, 700, 800, 900])
  #expect(
    try open(bytes, [3, 3], "|u1", rule: #""scale": [1, 10, 100], "zero_point": [1, 0, 3], "axis": -1"#)
      == [0, 20, 0, 3, 50, 300, 6, 80, 600])
}

/// The axis is the dump's, wherever the reference has it: [H, W, C] here, [C, H, W] there.
@Test func theAxisMovesWithTheLayout() throws {
  let found = try open(
    [1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2], "|u1",
    rule: #""scale": [1, 10], "axis": 2, "layout": "HWC->CHW", "reshape": true"#, tap: [2, 4])
  #expect(found == [1, 3, 5, 7, 20, 40, 60, 80])
}

@Test(arguments: [
  (#""zero_point": 3"#, "rules[0].scale: expected a scale beside \"zero_point\", found none"),
  (#""axis": 0"#, "rules[0].scale: expected a scale beside \"axis\", found none"),
  (#""scale": 0"#, "rules[0].scale: expected finite numbers of more than 0, found 0.0"),
  (#""scale": -0.5"#, "rules[0].scale: expected finite numbers of more than 0, found -0.5"),
  (#""scale": [0.5, -1], "axis": 0"#, "rules[0].scale: expected finite numbers of more than 0, found -1.0"),
  (#""scale": 1e-60"#, "rules[0].scale: expected finite numbers of more than 0, found 1e-60"),
  (#""scale": 1e60"#, "rules[0].scale: expected finite numbers of more than 0, found 1e+60"),
  (#""scale": NaN"#, "map.json: "), (#""scale": 1e999"#, "map.json: "),
  (#""scale": "NaN""#, "rules[0].scale: expected a number, found something else"),
  (#""scale": [], "axis": 0"#, "rules[0].scale: expected a number, or one for each entry along an axis"),
  (#""scale": [1, "x"], "axis": 0"#, "rules[0].scale[1]: expected a number, found something else"),
  (#""scale": [1, 1]"#, "rules[0].axis: expected the axis along which the 2 scales lie, found none"),
  (#""scale": 1, "axis": 0"#, "rules[0].axis: expected none beside one scale, found 0"),
  (#""scale": 1, "zero_point": 0.5"#, "rules[0].zero_point: expected whole numbers, found 0.5"),
  (
    #""scale": 1, "zero_point": [1, 2]"#,
    "rules[0].zero_point: expected a number, or as many as there are scales, 1"
  ),
  (#""scale": 1, "zero_point": 1e30"#, "rules[0].zero_point: expected whole numbers, found 1e+30"),
  (#""scale": 1, "zero_point": "a""#, "rules[0].zero_point: expected a number, found something else"),
  (
    #""scale": [1, 1], "axis": 0, "zero_point": [1, 2, 3]"#,
    "rules[0].zero_point: expected a number, or as many as there are scales, 2, found 3"
  ),
  (#""scale": 1, "dtype": "bfloat16""#, "rules[0].scale: expected none of floating point"),
  (#""scale": [1, 1, 1], "axis": 0"#, "'x': expected 2 scales along axis 0 of the shape [2, 3], found 3"),
  (#""scale": [1, 1], "axis": -1"#, "'x': expected 3 scales along axis -1 of the shape [2, 3], found 2"),
  (#""scale": [1, 1], "axis": 2"#, "'x': expected an axis of the shape [2, 3] for its scales, found 2"),
  (#""scale": [1, 1], "axis": -3"#, "'x': expected an axis of the shape [2, 3] for its scales, found -3"),
  (#""scale": 1, "zero_point": 256"#, "'x': expected a zero point that uint8 holds, found 256"),
  (#""scale": 1, "zero_point": -1"#, "'x': expected a zero point that uint8 holds, found -1"),
]) func scalesThatCannotBeAreRefused(_ rule: String, _ expected: String) {
  let found = problem(rule)
  #expect(found.contains(expected), "\(found)")
}

@Test func onlyWholeNumbersHaveScales() {
  let expected = "'x': expected whole numbers, since the map gives a scale, found "
  #expect(problem(#""scale": 1"#, descr: "<f4", width: 4).contains(expected + "float32"))
  #expect(problem(#""scale": 1"#, descr: "|b1").contains(expected + "bool"))
  #expect(problem(#""scale": 1, "zero_point": 127"#, descr: "|i1") == "none")
  #expect(problem(#""scale": 1, "zero_point": 128"#, descr: "|i1").contains("that int8 holds, found 128"))
  #expect(problem(#""scale": 1, "zero_point": 128"#, descr: "<i2", width: 2) == "none")
  #expect(problem(#""scale": 1, "zero_point": 9e18"#, descr: "<u8", width: 8) == "none")
  let negative = problem(#""scale": 1, "zero_point": -1"#, descr: "<u8", width: 8)
  #expect(negative.contains("that uint64 holds, found -1"))
}
