// trace-info, trace-diff, trace-cut, trace-sketch and trace-merge, as a user runs them.
import Foundation
import Testing
import TestSupport
import Traces

private let micro = TestFiles.package("Reference/micro.h5")

@Test func tracesAreCutSketchedMergedAndTold() throws {
  try TestFiles.withTemporaryFolder { folder in
    let parts = ["image_encoder*", "sam_*"].enumerated().map { ("\(folder)/\($0).h5", $1) }
    for (path, glob) in parts {
      let cut = try Program.run("trace-cut", micro, "-o", path, "--tap", glob)
      #expect(cut.code == 0 && cut.output.isEmpty && cut.errors.contains("taps"), "\(cut.errors)")
    }
    let merged = "\(folder)/merged.h5"
    #expect(try Program.run("trace-merge", parts[0].0, parts[1].0, "-o", merged).code == 0)
    let same = try Program.run("trace-diff", micro, merged)
    #expect(same.code == 0 && same.output.hasPrefix("the same: "), "\(same.output)")

    let less = try Program.run("trace-diff", micro, parts[0].0)
    #expect(less.code == 1 && less.output.contains("only in the first   sam_mask_decoder/0/output"))
    let json = try Program.run("trace-diff", micro, parts[0].0, "--json")
    let difference = try JSONDecoder().decode(TraceDifference.self, from: Data(json.output.utf8))
    #expect(json.code == 1 && !difference.onlyInFirst.isEmpty && difference.taps.isEmpty)

    let sketch = "\(folder)/sketch.h5"
    #expect(try Program.run("trace-sketch", micro, "-o", sketch).code == 0)
    #expect(try Program.run("compare", sketch, micro).code == 0)
    let refused = try Program.run("trace-merge", sketch, micro, "-o", merged)
    #expect(refused.code == 2 && refused.errors.contains("with format = sam2kit.sketch"))
    #expect(try Program.run("trace-diff", micro, merged).code == 0)
  }
}

@Test func traceInfoSaysWhatAFileHolds() throws {
  let text = try Program.run("trace-info", micro)
  #expect(text.code == 0 && text.output.contains("producer       sam2 "))
  let row = try #require(
    text.output.split(separator: "\n").first { $0.hasPrefix("image_encoder/0/output/backbone_fpn/2 ") })
  #expect(row.split(separator: " ").contains("float32"))
  #expect(try !Program.run("trace-info", micro, "--brief").output.contains("backbone_fpn"))
  let json = try Program.run("trace-info", micro, "--json")
  let summary = try JSONDecoder().decode(TraceSummary.self, from: Data(json.output.utf8))
  let count = try TraceReader(path: micro).taps.count
  #expect(summary.kind == "trace" && summary.taps.count == count)
  let video = try Program.run("trace-info", TestFiles.package("Reference/video/refined.h5"))
  #expect(video.output.contains("frame  object"))
}

@Test func traceCommandsRefuseWhatIsNoTrace() throws {
  try TestFiles.withTemporaryFolder { folder in
    let weights = TestFiles.package("Weights/sam2.1_micro.pt")
    let output = "\(folder)/o.h5"
    for arguments in [
      ["trace-info", weights], ["trace-diff", micro, weights], ["trace-cut", weights, "-o", output],
      ["trace-sketch", weights, "-o", output], ["trace-merge", micro, weights, "-o", output],
      ["trace-cut", micro, "-o", output, "--tap", "nobody", "--no-predictions"],
    ] {
      let run = try Program.run(arguments)
      #expect(run.code == 2 && run.errors.hasPrefix("error: "), "\(arguments): \(run.errors)")
    }
    #expect(try Program.run("trace-merge", micro, "-o", output).code == 64)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}
