// The page of a benchmark says what its JSON says.
import Foundation
import Testing

@testable import Reports

/// A picture of four stages and a clip of three frames, on a machine of round numbers.
private func report(path: String = "tiny.safetensors", clip hasClip: Bool = true) -> BenchmarkReport {
  let peaks = BenchmarkReport.Peaks(
    f32: .init(operationsPerSecond: 1e11, instructions: "AVX2"),
    bf16: .init(operationsPerSecond: 1e12, instructions: "AMX"), int8: nil, readBytesPerSecond: 1e10)
  var report = BenchmarkReport(
    model: .init(path: path, precision: "bf16+f32", imageSize: 1024),
    backend: .init(name: "openblas", version: "0.3.21", kernels: "SkylakeX", wholes: ["memory_attention"]),
    processor: .init(model: "Processor <1>", cores: 2, threads: 2, features: ["avx2", "amx_bf16"]),
    peaks: peaks, peakMemoryBytes: 1_234_000_000)
  (report.imageEncoderSeconds, report.promptSeconds) = ([0.4, 0.2, 0.3], [0.02, 0.03, 0.04])
  report.loadSeconds = 0.5
  func stage(
    _ name: String, _ part: String, _ seconds: [Double], operations: Double = 0, bytes: Double = 0,
    atPeak: Double = 0
  ) -> BenchmarkReport.Stage {
    .init(
      name: name, part: part, seconds: seconds, operations: operations, bytes: bytes, secondsAtPeak: atPeak)
  }
  let stages = [
    stage("decode", "input", [0.01, 0.02, 0.03]),
    stage(
      "trunk_stage_3", "image_encoder", [0.4, 0.2, 0.3], operations: 2e10, bytes: 1e8, atPeak: 0.2),
    stage(
      "mask_decoder", "prompt", [0.02, 0.03, 0.04], operations: 1e9, bytes: 1e9, atPeak: 0.001),
  ]
  report.picture = .init(
    path: "truck.jpg", width: 1800, height: 1200, prompts: 3, seconds: [0.43, 0.25, 0.37], stages: stages)
  guard hasClip else { return report }
  let tracked = [
    stage("memory_attention", "memory", [0.7], operations: 6.2e11, bytes: 1e9, atPeak: 0.62)
  ]
  let frames = (0..<3).map { (index: Int) -> BenchmarkReport.Clip.Frame in
    let attention = 0.1 * Double(index)
    return BenchmarkReport.Clip.Frame(
      round: 0, frame: index, memories: index, seconds: 0.5 + attention,
      stages: ["memory_attention": attention, "decode": 0.5])
  }
  report.clip = BenchmarkReport.Clip(
    path: "clip.mp4", width: 640, height: 360, objects: 1, frames: frames, filling: nil,
    full: BenchmarkReport.Clip.Frames(seconds: [0.7], stages: tracked))
  return report
}

private func elements(_ report: BenchmarkReport) throws -> [XMLElementSeen] {
  try #require(ReportFixtures.elements(BenchmarkPage(report).page), "not well-formed")
}

@Test func aStageKnowsItsLeastAndItsMedianAndItsShare() throws {
  let stages = try #require(report().picture).stages
  #expect(stages[1].leastSeconds == 0.2 && stages[1].medianSeconds == 0.3)
  #expect(stages[1].operationsPerSecond == 1e11 && stages[1].shareOfPeak == 1)
  #expect(stages[1].intensity == 200)
  #expect(stages[0].operationsPerSecond == nil && stages[0].shareOfPeak == nil && stages[0].intensity == nil)
  #expect([4, 1, 3, 2].median == 2.5 && [Double]().median == 0)
  #expect(report().clip?.full?.framesPerSecond == 1 / 0.7)
}

@Test func theJSONHasTheNamesThatOtherToolsRead() throws {
  let json = try report().json()
  let fields = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
  #expect(fields["format"] as? String == "sam2kit.benchmark" && fields["format_version"] as? Int == 1)
  #expect(fields["image_encoder_seconds"] as? [Double] == [0.4, 0.2, 0.3])
  #expect(fields["prompt_seconds"] as? [Double] == [0.02, 0.03, 0.04])
  let picture = try #require(fields["picture"] as? [String: Any])
  let stage = try #require((picture["stages"] as? [[String: Any]])?[1])
  #expect(
    Set(stage.keys) == [
      "name", "part", "seconds", "least_seconds", "median_seconds", "operations", "bytes",
      "operations_per_second", "share_of_peak",
    ])
  let frames = try #require((fields["clip"] as? [String: Any])?["frames"] as? [[String: Any]])
  #expect((frames[2]["stages"] as? [String: Double])?["memory_attention"] == 0.2)
  let decoder = JSONDecoder()
  decoder.keyDecodingStrategy = .convertFromSnakeCase
  #expect(try decoder.decode(BenchmarkReport.self, from: json) == report())
}

@Test func theBenchmarkPageSaysWhatTheReportSays() throws {
  let report = report()
  let seen = try elements(report)
  let sections = seen.filter { $0.name == "section" }.compactMap { $0.attributes["id"] }
  #expect(sections == ["roofline", "picture", "clip", "frames", "machine"])
  func row(_ name: String) -> [String] {
    guard let start = seen.firstIndex(where: { $0.name == "th" && $0.text == name }) else { return [] }
    return seen[(start + 1)...].prefix { $0.name == "td" }.map(\.text)
  }
  #expect(row("decode") == ["input", "10.0 ms", "20.0 ms", "–", "–", "–", "–"])
  #expect(row("trunk_stage_3") == ["image_encoder", "200 ms", "300 ms", "20.0", "100", "100.0 %", "200.0"])
  #expect(row("mask_decoder") == ["prompt", "20.0 ms", "30.0 ms", "1.00", "50.0", "5.0 %", "1.0"])
  #expect(row("memory_attention") == ["memory", "700 ms", "700 ms", "620", "886", "88.6 %", "620.0"])
  #expect(row("2") == ["0", "2", "700 ms", "decode 500 ms, memory_attention 200 ms"])
  #expect(row("processor") == ["Processor <1>"] && row("features") == ["avx2 amx_bf16"])
  #expect(row("bf16") == ["1000 GFLOP/s by AMX"] && row("int8") == ["none of its own"])
  #expect(row("reading memory") == ["10.0 GB/s"] && row("modules run as one") == ["memory_attention"])
  let facts = zip(seen.filter { $0.name == "dt" }, seen.filter { $0.name == "dd" }).map { ($0.text, $1.text) }
  #expect(facts.map(\.1).contains("openblas 0.3.21 (SkylakeX)"))
  #expect(facts.first { $0.0 == "image encoder, median" }?.1 == "300 ms")
  #expect(facts.first { $0.0 == "peak memory" }?.1 == "1.23 GB")
  #expect(facts.first { $0.0 == "frames per second" }?.1 == "1.43")
}

@Test func theRooflineHasEveryStageThatMultipliesAtItsPlace() throws {
  let seen = try elements(report())
  // Once for wide screens, once for narrow.
  let points = seen.filter { $0.name == "circle" }
  #expect(
    points.map { $0.attributes["data-stage"] }
      == [
        "trunk_stage_3", "mask_decoder", "memory_attention", "trunk_stage_3", "mask_decoder",
        "memory_attention",
      ])
  let roofs = seen.filter { $0.name == "line" && $0.attributes["class"] == "roof" }
  #expect(roofs.count == 2 * 3)
  func number(_ element: XMLElementSeen, _ name: String) -> Double {
    element.attributes[name].flatMap(Double.init) ?? .nan
  }
  // The slope ends where the highest level begins; a stage at the peak of f32 lies on its level, right of its bend.
  let (slope, f32, bf16) = (roofs[0], roofs[1], roofs[2])
  #expect(number(slope, "x2") == number(bf16, "x1") && number(slope, "y2") == number(bf16, "y1"))
  #expect(number(points[0], "cy") == number(f32, "y1"))
  #expect(number(points[0], "cx") > number(f32, "x1"))
  // A tenth of the operations per byte are as far to the left as a tenth of the rate is down from f32 to bf16's level.
  #expect(number(bf16, "x1") > number(f32, "x1") && number(bf16, "y1") < number(f32, "y1"))
  // One operation per byte, twice the slope's: the decoder stands above it and left of the bend.
  #expect(number(points[1], "cx") < number(f32, "x1") && number(points[1], "cy") > number(f32, "y1"))
  for drawing in seen.filter({ $0.name == "svg" }) {
    #expect(
      drawing.attributes["role"] == "img" && drawing.attributes["aria-label"]?.contains("3 stages") == true)
  }
}

@Test func theBenchmarkPageNeedsNothingAndEscapesNames() throws {
  let hostile = report(path: "<script>alert(1)</script>&.pt", clip: false)
  let text = BenchmarkPage(hostile).page
  #expect(!text.contains("<script") && !text.contains("http:") && !text.contains("https:"))
  #expect(!text.contains("url(") && !text.contains("@import"))
  let seen = try elements(hostile)
  #expect(seen.contains { $0.name == "code" && $0.text == hostile.model.path })
  // What there is none of is left out.
  #expect(!seen.contains { ["clip", "frames"].contains($0.attributes["id"]) })
  #expect(BenchmarkPage(hostile).page == text)
}
