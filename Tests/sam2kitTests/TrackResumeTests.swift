import Foundation
import Testing
import TestSupport

/// Prompts of so many objects that a signal comes long before the end, one of them refined midway.
private func prompts(in folder: String) throws -> [String] {
  let boxes = (1...5).map { #"{"id": \#($0), "box": [\#(20 + 4 * $0), 18, 86, 58]}"# }
  let refined = #"{"id": 2, "frame": 6, "points": [[69, 37]], "labels": [1]}"#
  let file = "\(folder)/prompts.json"
  try #"{"objects": [\#((boxes + [refined]).joined(separator: ","))]}"#
    .write(toFile: file, atomically: false, encoding: .utf8)
  return ["--prompts", file]
}

/// What remains in a folder of a killed run's temporary files is no result.
private func results(in folder: String) throws -> [String: Data] {
  try contents(of: folder).filter { !$0.key.hasPrefix(".") }
}

@Test(arguments: [SIGINT, SIGTERM]) func anInterruptedTrackGoesOnToTheSameBytes(signal: Int32) throws {
  try TestFiles.withTemporaryFolder { folder in
    let (whole, cut) = ("\(folder)/whole", "\(folder)/cut")
    let prompts = try prompts(in: folder)
    #expect(try Clip.track(prompts, into: whole).code == 0)
    let run = try interrupt(Clip.arguments(prompts, into: cut), at: "00007.png", in: cut, with: [signal])
    #expect(run.reason == .exit && run.code == 128 + signal)
    #expect(run.errors == "interrupted; \(cut)/tracks.json says what was found, --resume goes on from there\n")
    let report = try TracksReport(folder: cut)
    #expect(!report.complete)
    #expect((8..<Clip.frameCount).contains(report.frames.count))
    #expect(
      names(in: cut) == [".tracks.journal", ".tracks.state"] + report.frames.map(\.mask) + ["tracks.json"])
    for frame in report.frames {
      #expect(try contents(of: cut)[frame.mask] == contents(of: whole)[frame.mask])
    }
    let resumed = try Clip.track(prompts + ["--resume"], into: cut)
    #expect(resumed.code == 0)
    #expect(resumed.errors.isEmpty, "\(resumed.errors)")
    #expect(try contents(of: cut) == contents(of: whole))
  }
}

@Test(arguments: ["00000.png", "00003.png", "00006.png", "00012.png"])
func aKilledTrackGoesOnToTheSameBytes(name: String) throws {
  try TestFiles.withTemporaryFolder { folder in
    let (whole, cut) = ("\(folder)/whole", "\(folder)/cut")
    let prompts = try prompts(in: folder)
    #expect(try Clip.track(prompts, into: whole).code == 0)
    let expected = try contents(of: whole)
    let run = try interrupt(Clip.arguments(prompts, into: cut), at: name, in: cut, with: [SIGKILL])
    #expect(run.reason == .uncaughtSignal && run.code == SIGKILL)
    let left = try results(in: cut)
    #expect(left.count < expected.count)
    #expect(try !TracksReport(folder: cut).complete)
    // A frame that is prompted again later has another mask until then; all are whole pictures.
    for (name, bytes) in left where name > "00006.png" && name.hasSuffix(".png") {
      #expect(bytes == expected[name])
    }
    let resumed = try Clip.track(prompts + ["--resume"], into: cut)
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try results(in: cut) == expected)
  }
}

@Test func stepsAndBothDirectionsGoOnToo() throws {
  try TestFiles.withTemporaryFolder { folder in
    for (name, arguments, file) in [
      ("edited", ["--prompts", Clip.prompts("edited")], "00004.png"),
      ("both", ["--point", "69,37", "--frame", "20", "--both"], "00018.png"),
    ] {
      let (whole, cut) = ("\(folder)/\(name)", "\(folder)/\(name) cut")
      #expect(try Clip.track(arguments, into: whole).code == 0)
      let run = try interrupt(Clip.arguments(arguments, into: cut), at: file, in: cut, with: [SIGINT])
      #expect(run.code == 130)
      #expect(try Clip.track(arguments + ["--resume"], into: cut).code == 0)
      #expect(try contents(of: cut) == contents(of: whole))
    }
  }
}

@Test func aVideoFileGoesOnToTheSameMasksAndOverlay() throws {
  try TestFiles.withTemporaryFolder { folder in
    let video = "\(folder)/clip.mp4"
    try Clip.write(video, frames: 16)
    func arguments(_ name: String) -> [String] {
      Clip.arguments(
        ["--point", "44,84", "--overlay", "\(folder)/\(name)/overlay.mp4"], video: video,
        into: "\(folder)/\(name)")
    }
    #expect(try Program.run(arguments("whole")).code == 0)
    let run = try interrupt(arguments("cut"), at: "00004.png", in: "\(folder)/cut", with: [SIGINT])
    #expect(run.code == 130)
    #expect(!names(in: "\(folder)/cut").contains("overlay.mp4"))
    #expect(try Program.run(arguments("cut") + ["--resume"]).code == 0)
    #expect(try contents(of: "\(folder)/cut") == contents(of: "\(folder)/whole"))
  }
}

@Test func aSecondInterruptEndsAtOnce() throws {
  try TestFiles.withTemporaryFolder { folder in
    // So many objects that their prompts alone last seconds, which one interrupt would wait for.
    let objects = (1...200).map { #"{"id": \#($0), "points": [[\#($0 % 160), 60]], "labels": [1]}"# }
    let file = "\(folder)/prompts.json"
    try #"{"objects": [\#(objects.joined(separator: ","))]}"#
      .write(toFile: file, atomically: false, encoding: .utf8)
    let output = "\(folder)/out"
    let run = try interrupt(
      Clip.arguments(["--prompts", file], into: output), at: "00000.png", in: output, with: [SIGINT, SIGINT])
    #expect(run.reason == .exit && run.code == 130)
    #expect(run.errors.isEmpty, "\(run.errors)")
    #expect(names(in: output) == [".tracks.journal", "00000.png", "tracks.json"])
  }
}

@Test func resumingWhereNothingWasInterruptedStarts() throws {
  try TestFiles.withTemporaryFolder { folder in
    let run = try Clip.track("--point", "44,84", "--frame", "22", "--resume", into: folder)
    #expect(run.code == 0)
    #expect(run.errors == "\(folder): no interrupted run to go on from; starting at the beginning\n")
    #expect(try TracksReport(folder: folder).frames.map(\.frame) == [22, 23])
  }
}

@Test func onlyTheSameRunGoesOn() throws {
  try TestFiles.withTemporaryFolder { folder in
    let mask = "\(folder)/mask.png"
    try FileManager.default.copyItem(atPath: TestFiles.package("Reference/video/disc.mask.png"), toPath: mask)
    let arguments = ["--mask", mask]
    let output = "\(folder)/out"
    let run = try interrupt(
      Clip.arguments(arguments, into: output), at: "00002.png", in: output, with: [SIGINT])
    #expect(run.code == 130)
    let before = try contents(of: output)
    let frames = "\(folder)/frames"
    try FileManager.default.copyItem(atPath: Clip.frames, toPath: frames)
    try FileManager.default.removeItem(atPath: "\(frames)/00023.jpg")
    func expectRefusal(_ arguments: [String], video: String = Clip.frames) throws {
      let other = try Clip.track(arguments + ["--resume"], video: video, into: output)
      #expect(other.code == 2)
      #expect(
        other.errors.contains(
          "expected a run of the same model, video and prompts to go on from, found another"),
        "\(other.errors)")
      #expect(try contents(of: output) == before)
    }
    try expectRefusal(["--point", "44,84"])
    try expectRefusal(arguments + ["--set", "fill_hole_area=0"])
    try expectRefusal(arguments, video: frames)
    // The file of the same name holds another mask.
    try FileManager.default.removeItem(atPath: mask)
    try FileManager.default.copyItem(atPath: TestFiles.package("Reference/video/card.mask.png"), toPath: mask)
    try expectRefusal(arguments)
  }
}

@Test func aRunStartedAnewForgetsTheInterruptedOne() throws {
  try TestFiles.withTemporaryFolder { folder in
    let (whole, cut) = ("\(folder)/whole", "\(folder)/cut")
    let prompts = try prompts(in: folder)
    #expect(try Clip.track(prompts, into: whole).code == 0)
    let first = try interrupt(Clip.arguments(prompts, into: cut), at: "00012.png", in: cut, with: [SIGINT])
    #expect(first.code == 130)
    // Killed before it has a state of its own: the first run's speaks of a longer journal.
    try FileManager.default.removeItem(atPath: "\(cut)/00000.png")
    let second = try interrupt(Clip.arguments(prompts, into: cut), at: "00000.png", in: cut, with: [SIGKILL])
    #expect(second.code == SIGKILL)
    let resumed = try Clip.track(prompts + ["--resume"], into: cut)
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try results(in: cut) == contents(of: whole))
  }
}
