import Foundation
import Testing
import TestSupport

/// Every option that takes a number, with the range that its help and its errors say; `nan` and the like lie in none.
private let options: [(command: [String], option: String, range: String)] = {
  let segment = ["segment", "--model", "m", "--image", "a", "--output", "o", "--point", "1,1"]
  let masks = ["masks", "--model", "m", "--image", "a", "--output", "o"]
  let track = ["track", "--model", "m", "--video", "v", "--output", "o", "--point", "1,1"]
  let trace = track + ["--trace", "t.h5"]
  let cut = ["trace-cut", "t.h5", "-o", "o.h5"]
  let benchmark = ["benchmark", "--model", "m"]
  let calibrated = ["quantize", "a.pt", "b.gguf", "--scheme", "w8", "--calibrate", "c"]
  return [
    (segment, "--threads", "1…1024"), (segment, "--image-size", "16 to 4096"),
    (segment, "--max-side", "1…1048576"),
    (segment, "--fill-holes", "0…2147483647"), (segment, "--remove-islands", "0…2147483647"),
    (segment, "--smooth", "0…500"), (segment + ["--outlines", "svg"], "--tolerance", "0…1000000"),
    (Array(segment.dropLast(2)) + ["--detections", "d"], "--min-score", "-1000000…1000000"),
    (masks, "--points-per-side", "1 to 4096"), (masks, "--points-per-batch", "1 to 4096"),
    (masks, "--pred-iou-thresh", "0 to 1"), (masks, "--stability-score-thresh", "0 to 1"),
    (masks, "--stability-score-offset", "0 to 1000000"), (masks, "--mask-threshold", "-1000000 to 1000000"),
    (masks, "--box-nms-thresh", "0 to 1"), (masks, "--crop-n-layers", "0 to 8"),
    (masks, "--crop-nms-thresh", "0 to 1"), (masks, "--crop-overlap-ratio", "0 to less than 1"),
    (masks, "--crop-n-points-downscale-factor", "1 to 4096"),
    (masks, "--min-mask-region-area", "0…2147483647"),
    (masks, "--min-region-area", "0…2147483647"), (masks, "--min-area", "0…2147483647"),
    (masks, "--max-area", "1…2147483647"), (masks, "--tile", "32…1048576"),
    (masks + ["--tile", "1048576"], "--halo", "0…1048576"),
    (track, "--frame", "0…2147483647"), (track, "--from", "0…2147483647"), (track, "--to", "0…2147483647"),
    (track, "--every", "1…2147483647"), (track, "--stream", "0…1023"),
    (trace, "--tap-frame", "0…2147483647"), (trace, "--tap-object", "1…2147483647"),
    (cut, "--frame", "0…2147483647"), (cut, "--object", "1…2147483647"),
    (benchmark, "--prompts", "1…4096"), (benchmark, "--repeat", "1…100000"),
    (benchmark, "--frames", "1…1000000"),
    (calibrated, "--seed", "0…18446744073709551615"),
    (calibrated + ["--data", "d"], "--max-drop", "0…100"),
    (["judge", "s.json"], "--tolerance", "0…1000000"),
    (["calibrate-policy", "s.json"], "--margin", "1…1000000"),
    (["synthesize", "sam2_hiera_tiny", "/dev/null/o.pt"], "--seed", "0…18446744073709551615"),
  ]
}()

/// Those that take other numbers than whole ones.
private let reals: Set = [
  "--tolerance", "--min-score", "--pred-iou-thresh", "--stability-score-thresh", "--stability-score-offset",
  "--mask-threshold", "--box-nms-thresh", "--crop-nms-thresh", "--crop-overlap-ratio", "--max-drop", "--margin",
]

/// Whether a text has a range, and not as a part of another: `0…100` stands in `0…1000`, too.
private func says(_ range: String, _ text: String) -> Bool {
  text.ranges(of: range).contains { place in
    let before = text[..<place.lowerBound].last
    let after = Array(text[place.upperBound...].prefix(2))
    if let before, before.isNumber || before == "." || before == "-" { return false }
    if let next = after.first, next.isNumber { return false }
    return !(after.count == 2 && after[0] == "." && after[1].isNumber)
  }
}

@Suite struct NumberRangeTests {
  @Test(arguments: options) func whatLiesOutsideIsUsageThatSaysTheRange(
    command: [String], option: String, range: String
  ) throws {
    for value in ["nan", "-inf", "inf", "1e308", "9223372036854775808", "-9223372036854775809", "x"] {
      // That is a seed.
      if range.hasSuffix("615"), value == "9223372036854775808" { continue }
      let outcome = try Program.run(command + ["\(option)=\(value)"])
      #expect(outcome.code == 64, "\(option) \(value): \(outcome.errors)")
      #expect(says(range, outcome.errors), "\(option) \(value): \(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
  }

  /// Both ends reach the work, which finds no such file; the nearest numbers beyond them don't.
  @Test(arguments: options) func endsAreThoseThatAreSaid(
    command: [String], option: String, range: String
  ) throws {
    let isHalfOpen = range.contains("less than")
    let ends = range.replacing(" to less than ", with: "…").replacing(" to ", with: "…").split(separator: "…")
    try #require(ends.count == 2)
    let lower = try #require(Decimal(string: String(ends[0])))
    let upper = try #require(Decimal(string: String(ends[1])))
    /// How far the nearest number is that the option takes, of 32 bits.
    func step(at end: Decimal) -> Decimal {
      guard reals.contains(option) else { return option == "--image-size" ? 16 : 1 }
      return Decimal(sign: .plus, exponent: abs(end) < 1000 ? -7 : -1, significand: 1)
    }
    let inside = [lower, isHalfOpen ? upper - step(at: upper) : upper]
    let outside = [lower - step(at: lower), isHalfOpen ? upper : upper + step(at: upper)]
    for value in inside {
      let outcome = try Program.run(command + ["\(option)=\(value)"])
      #expect(outcome.code == 2, "\(option) \(value): \(outcome.errors)")
    }
    for value in outside {
      let outcome = try Program.run(command + ["\(option)=\(value)"])
      #expect(outcome.code == 64, "\(option) \(value): \(outcome.errors)")
      #expect(says(range, outcome.errors), "\(option) \(value): \(outcome.errors)")
    }
  }

  @Test(arguments: [
    (["benchmark", "--model", "m", "--repeat", "100001"], "1…100000"),
    (["benchmark", "--model", "m", "--prompts", "9223372036854775807"], "1…4096"),
    (["benchmark", "--model", "m", "--threads", "1025"], "1…1024"),
    (["benchmark", "--model", "m", "--threads", "0"], "1…1024"),
    (["masks", "--model", "m", "--image", "a", "--output", "o", "--tile", "1"], "32…1048576"),
    (
      ["masks", "--model", "m", "--image", "a", "--output", "o", "--tile", "64", "--halo", "65"],
      "0 to the tile's 64"
    ),
    (["masks", "--model", "m", "--image", "a", "--output", "o", "--max-area", "0"], "1…2147483647"),
    (
      ["segment", "--model", "m", "--image", "a", "--output", "o", "--point", "1,1", "--smooth", "501"], "0…500"
    ),
    (
      ["segment", "--model", "m", "--image", "a", "--output", "o", "--point", "1,1", "--open", "square:1002"],
      "1…1001"
    ),
    (
      ["segment", "--model", "m", "--image", "a", "--output", "o", "--image-size", "0", "--point", "1,1"],
      "16 to 4096"
    ),
    (["segment", "--model", "m", "--image", "a", "--output", "o", "--point", "2147483648:1,1"], "--point"),
    (["segment", "--model", "m", "--image", "a", "--output", "o", "--mask", "0:m.png"], "--mask"),
    (
      ["segment", "--model", "m", "--image", "a", "--output", "", "--point", "1,1"],
      "--output: expected a value"
    ),
    (["convert", "", "b.pt"], "argument 2: expected a value"),
    (["segment", "--model=", "--image", "a", "--output", "o", "--point", "1,1"], "--model: expected a value"),
    (
      [
        "masks", "--model", "m", "--image", "a", "--output", "o", "--point-grids", "g", "--points-per-side",
        "4",
      ],
      "--point-grids"
    ),
  ]) func boundsAreSaid(arguments: [String], message: String) throws {
    let outcome = try Program.run(arguments)
    #expect(outcome.code == 64, "\(outcome.errors)")
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
  }

  /// What the range allows reaches the work, which says that there is no such file.
  @Test(arguments: [
    [
      "benchmark", "--model", "/none", "--repeat", "100000", "--prompts", "4096", "--frames", "1", "--threads",
      "1024",
    ],
    [
      "masks", "--model", "/none", "--image", "/none.png", "--output", "/none", "--tile", "32",
      "--halo", "0",
    ],
    ["judge", "/none.json", "--tolerance", "0"], ["calibrate-policy", "/none.json", "--margin", "1"],
  ]) func bothEndsAreTaken(arguments: [String]) throws {
    let outcome = try Program.run(arguments)
    #expect(outcome.code == 2, "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
  }

  @Test(arguments: [["--help"], ["--version"], ["segment", "--help"], []])
  func helpThatCannotBeWrittenFails(arguments: [String]) throws {
    #if os(Linux)
      let outcome = try Program.run(arguments, through: "exec \"$0\" \"$@\" > /dev/full")
      #expect(outcome.code == 2)
      #expect(outcome.errors == "error: stdout: can't be written: No space left on device\n")
    #endif
  }
}
