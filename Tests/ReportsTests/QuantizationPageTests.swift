// The page of a quantized model says what its JSON says.
import Foundation
import Testing

@testable import Reports

private func layer(_ name: String, _ scheme: String) -> QuantizationReport.Layer {
  QuantizationReport.Layer(
    name: name, scheme: scheme, shape: "[8, 4]", weightSQNR: 44.04,
    isolated: .init(weights: 43, inputs: scheme == "w8" ? nil : 41.26, both: 39),
    worstChannels: [.init(channel: 7, sqnr: 21.5), .init(channel: 2, sqnr: 30)],
    inputs: .init(
      least: -1, largest: 3, bins: [0, 4, 1, 0], low: scheme == "w8" ? nil : -1, high: scheme == "w8" ? nil : 2,
      method: scheme == "w8" ? nil : "percentile"))
}

private func thumbnail() -> QuantizationReport.Thumbnail {
  QuantizationReport.Thumbnail(
    width: 4, height: 1, rgb: [UInt8](repeating: 100, count: 12), before: [0, 1, 1, 0], after: [0, 1, 0, 1])
}

private func report(path: String = "tiny.safetensors") -> QuantizationReport {
  QuantizationReport(
    source: path, output: "q.safetensors", backend: "onednn 3.1",
    size: .init(float32: 10_000_000, source: 10_200_000, output: 2_800_000),
    modules: [
      .init(
        name: "blocks.0", scheme: "w8a8", weights: 12_345,
        expected: .init(weights: 50.04, inputs: 40.1, both: 39.5),
        isolated: .init(weights: 48.26, inputs: 38.1, both: .infinity), accumulated: 22.2,
        layers: [layer("blocks.0.qkv", "w8a8"), layer("blocks.0.proj", "w8")]),
      .init(
        name: "neck", scheme: "f32", weights: 9, expected: .init(weights: nil, inputs: nil, both: nil),
        isolated: .init(weights: nil, inputs: nil, both: nil), accumulated: nil,
        layers: [layer("neck.conv", "f32")]),
    ],
    masks: .init(
      data: "validation",
      figures: [
        .init(name: "box", before: 0.84712, after: 0.84512, difference: -0.2, standardError: 0.07),
        .init(name: "j_and_f", before: 0.65, after: 0.66, difference: 1, standardError: nil),
      ],
      frames: [
        .init(frame: 1, objects: 3, before: 0.9, after: 0.8),
        .init(frame: 2, objects: 3, before: 0.8, after: 0.9),
        .init(frame: 3, objects: 2, before: 0.7, after: 0.7),
      ], growth: .init(pointsPerFrame: -0.0123, standardError: 0.004)),
    time: .init(picture: .init(before: 0.05, after: 0.025), frame: nil),
    search: .init(limit: 0.3, floats: ["neck"], evaluations: 4),
    pictures: [
      .init(name: "a.jpg", prompt: "object 1, box", iou: 0.98765, lost: 1234, gained: 5, thumbnail: thumbnail())
    ])
}

private func elements(_ report: QuantizationReport) throws -> [XMLElementSeen] {
  try #require(ReportFixtures.elements(QuantizationPage(report).page), "not well-formed")
}

@Test func theQuantizationPageSaysWhatTheReportSays() throws {
  let seen = try elements(report())
  let sections = seen.filter { $0.name == "section" }.compactMap { $0.attributes["id"] }
  #expect(sections == ["masks", "modules", "layers", "pictures"])
  func row(_ name: String) -> [String] {
    guard let start = seen.firstIndex(where: { $0.name == "th" && $0.text == name }) else { return [] }
    return seen[(start + 1)...].prefix { $0.name == "td" }.map(\.text)
  }
  #expect(row("blocks.0") == ["w8a8", "12\u{2009}345", "50.0", "40.1", "48.3", "38.1", "∞", "22.2"])
  #expect(row("neck") == ["f32", "9", "–", "–", "–", "–", "–", "–"])
  #expect(row("mIoU, box") == ["0.8471", "0.8451", "−0.20", "± 0.07"])
  #expect(row("J&F") == ["0.6500", "0.6600", "+1.00", "–"])
  let facts = Dictionary(
    zip(seen.filter { $0.name == "dt" }.map(\.text), seen.filter { $0.name == "dd" }.map(\.text))
  ) { one, _ in one }
  #expect(
    facts["in Float32"] == "10.0 MB" && facts["file before"] == "10.2 MB" && facts["file after"] == "2.8 MB")
  #expect(facts["of Float32"] == "0.280" && facts["quantized layers"] == "2")
  #expect(facts["picture before, median"] == "50.0 ms" && facts["picture after, median"] == "25.0 ms")
  #expect(facts["frame before, median"] == nil)
  let text = QuantizationPage(report()).page
  #expect(text.contains("For at most 0.3 points lost, in floating point stay neck: 4 plans were evaluated."))
  #expect(text.contains("the difference changes by −0.012 ± 0.004 points"))
  #expect(text.contains("object 1, box: IoU of the two 0.98765, 1\u{2009}234 pixels lost, 5 gained"))
  let notes = seen.filter { $0.attributes["class"] == "note" }.map(\.text)
  #expect(
    notes.contains(
      "w8a8, [8, 4], weight 44.0 dB; result with weights 43.0, inputs 41.3, both 39.0 dB; channels 7 at 21.5, 2 at 30.0"
    ))
  #expect(notes.contains("inputs -1.000 to 3.000; range -1.000 to 2.000, percentile"))
  #expect(notes.contains("inputs -1.000 to 3.000"))
}

@Test func jAndFStandsAtItsPlaceOnEveryFrame() throws {
  let lines = try elements(report()).filter { $0.name == "polyline" }
  #expect(lines.map { $0.attributes["class"] } == ["propagated", "after", "propagated", "after"])
  func points(_ line: XMLElementSeen) -> [(x: Double, y: Double)] {
    (line.attributes["points"] ?? "").split(separator: " ").map { point in
      let numbers = point.split(separator: ",").compactMap { Double($0) }
      return (numbers[0], numbers[1])
    }
  }
  let (before, after) = (points(lines[0]), points(lines[1]))
  #expect(before.count == 3 && after.count == 3)
  // 0.9 and 0.8 change places; both end at 0.7, as far below as 0.8 is below 0.9.
  #expect(before[0].y == after[1].y && before[1].y == after[0].y && before[2].y == after[2].y)
  #expect(before[0].y < before[1].y && before[1].y < before[2].y)
  #expect(abs((before[1].y - before[0].y) - (before[2].y - before[1].y)) < 0.11)
  #expect(before.map(\.x) == after.map(\.x) && before[1].x - before[0].x == before[2].x - before[1].x)
}

@Test func aRangeStandsWhereItEndsAmongTheInputs() throws {
  let seen = try elements(report())
  // Two layers have a range: w8a8 and what a search kept, made up with one. -1 to 2 of -1 to 3 on 230 units.
  let limits = seen.filter { $0.name == "line" && $0.attributes["class"] == "limit" }
  #expect(limits.map { $0.attributes["x1"] } == ["0", "172.5", "0", "172.5"])
  let paths = seen.filter { $0.name == "path" }.compactMap { $0.attributes["d"] }
  #expect(paths.count == 3)
  // 4 and 1 of 5: the root of a quarter is a half.
  #expect(
    paths[0] == "M0 70L0 70 H57.5L57.5 0 H115L115 35 H172.5L172.5 70 H230V70Z")
}

@Test func changesAreMarkedInThePicture() {
  let image = thumbnail().image(.changes)
  // Nothing, in both, lost, gained; 100 of 255 is 25 of 64 greys.
  #expect(image.pixels == [25, 25, 2 << 6 | 25, 3 << 6 | 25])
  #expect(thumbnail().image(.before).pixels.map { $0 >> 6 } == [0, 1, 1, 0])
  #expect(thumbnail().image(.after).pixels.map { $0 >> 6 } == [0, 1, 0, 1])
  // A single pixel that changed isn't lost among many.
  var after = [UInt8](repeating: 0, count: 1000 * 10)
  after[777] = 1
  let large = QuantizationReport.Thumbnail(
    width: 1000, height: 10, rgb: [UInt8](repeating: 0, count: 30_000),
    before: [UInt8](repeating: 0, count: 10_000), after: after)
  #expect(large.width == 250 && large.height == 3)
  #expect(large.image(.changes).pixels.filter { $0 >> 6 == 3 }.count == 1)
}

@Test func theQuantizationPageNeedsNothingAndEscapesNames() throws {
  let hostile = report(path: "<script>alert(1)</script>&.pt")
  let text = QuantizationPage(hostile).page
  #expect(!text.contains("<script") && !text.contains("http:") && !text.contains("https:"))
  #expect(!text.contains("url(") && !text.contains("@import"))
  #expect(try elements(hostile).contains { $0.name == "code" && $0.text == hostile.source })
  #expect(QuantizationPage(hostile).page == text)
  // Nothing measured leaves out what shows it.
  var bare = hostile
  (bare.masks, bare.pictures, bare.modules, bare.search) = (nil, [], [], nil)
  #expect(!(try elements(bare).contains { $0.name == "section" }))
}

/// A large model has 300 layers, and pictures are never more than so many pixels.
@Test func theQuantizationPageStaysSmall() {
  var large = report()
  let hash = (0..<2000 * 2000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
  large.pictures = (0..<8).map { index in
    .init(
      name: "\(index)", prompt: "", iou: 1, lost: 0, gained: 0,
      thumbnail: .init(
        width: 2000, height: 2000, rgb: hash + hash + hash, before: hash.map { $0 & 1 },
        after: hash.map { $0 >> 7 }))
  }
  var inputs = large.modules[0].layers[0]
  inputs.inputs?.bins = (0..<64).map { $0 * $0 * 7919 }
  large.modules[0].layers = (0..<300).map { _ in inputs }
  #expect(QuantizationPage(large).page.utf8.count < 4 << 20)
}

@Test func theJSONOfAQuantizationHasNoPictures() throws {
  let encoder = JSONEncoder()
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
  let json = try encoder.encode(report())
  let fields = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
  #expect(fields["format"] as? String == "sam2kit.quantization" && fields["format_version"] as? Int == 1)
  let picture = try #require((fields["pictures"] as? [[String: Any]])?.first)
  #expect(Set(picture.keys) == ["name", "prompt", "iou", "lost", "gained"])
  let module = try #require((fields["modules"] as? [[String: Any]])?.first)
  #expect(module["accumulated_sqnr_db"] as? Double == 22.2)
  #expect((module["isolated_sqnr_db"] as? [String: Any])?["both"] as? String == "Infinity")
  let masks = try #require(fields["masks"] as? [String: Any])
  #expect((masks["growth"] as? [String: Any])?["points_per_frame"] as? Double == -0.0123)
  let decoder = JSONDecoder()
  decoder.nonConformingFloatDecodingStrategy = .convertFromString(
    positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
  var back = try decoder.decode(QuantizationReport.self, from: json)
  back.pictures[0].thumbnail = thumbnail()
  #expect(back == report())
}
