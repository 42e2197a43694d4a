import Foundation
import Masks
import Media
import Testing
import TestSupport
import Traces

@Test func masksAndReportSayTheSame() throws {
  try TestFiles.withTemporaryFolder { folder in
    let run = try Clip.track("--prompts", Clip.prompts("refined"), into: folder)
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.output == "\(folder)/tracks.json\n")
    // Nobody watches, so nothing is said.
    #expect(run.errors.isEmpty, "\(run.errors)")
    let report = try TracksReport(folder: folder)
    #expect(report.format == "sam2kit.tracks" && report.format_version == 1)
    #expect(report.complete)
    #expect(report.video.path == Clip.frames && report.video.frames == Clip.frameCount)
    #expect(report.video.width == Clip.width && report.video.height == Clip.height)
    #expect(report.frames.map(\.frame) == Array(0..<Clip.frameCount))
    // A folder's masks are called as its frames.
    #expect(names(in: folder) == (0..<24).map { String(format: "%05d.png", $0) } + ["tracks.json"])
    for frame in report.frames {
      let labels = try LabelMap.read(path: "\(folder)/\(frame.mask)")
      #expect(labels.width == Clip.width && labels.height == Clip.height)
      #expect(frame.objects.map(\.object) == [1, 2])
      #expect(frame.time == nil)
      let masks = try frame.objects.map { try $0.mask }
      let map = try LabelMap(
        width: Clip.width, height: Clip.height,
        masks: [(object: 1, mask: masks[0]), (object: 2, mask: masks[1])])
      #expect(map == labels)
      for (object, mask) in zip(frame.objects, masks) {
        #expect(object.area == mask.area)
        let bounds = mask.bounds
        #expect(object.bbox == [bounds.x, bounds.y, bounds.width, bounds.height])
        #expect((0...1).contains(object.score))
      }
    }
    // The disc is there at first, and has left the picture on frames 9 to 14.
    #expect(report.frames[0].objects[0].area > 100 && report.frames[0].objects[0].object_score > 0)
  }
}

@Test func equalRunsGiveEqualBytes() throws {
  try TestFiles.withTemporaryFolder { folder in
    for (name, threads) in [("a", "1"), ("b", "2")] {
      let run = try Clip.track(
        "--prompts", Clip.prompts("clicks"), "--threads", threads, into: "\(folder)/\(name)")
      #expect(run.code == 0, "\(run.errors)")
    }
    let first = try contents(of: "\(folder)/a")
    // Frames 0 to 11, as its one propagation says.
    #expect(first.count == 13)
    #expect(try contents(of: "\(folder)/b") == first)
  }
}

/// The steps that arguments mean, as the same steps in a file.
@Test(arguments: [
  (["--point", "44,84"], #"{"id": 1, "points": [[44, 84]], "labels": [1]}"#),
  (
    ["--point", "44,84", "--point", "20,30,0"], #"{"id": 1, "points": [[44, 84], [20, 30]], "labels": [1, 0]}"#
  ),
  (["--box", "2:38,18,86,58", "--frame", "20"], #"{"id": 2, "frame": 20, "box": [38, 18, 86, 58]}"#),
  (
    ["--mask", "3:\(TestFiles.package("Reference/video/disc.mask.png"))", "--frame", "20"],
    #"{"id": 3, "frame": 20, "mask": "\#(TestFiles.package("Reference/video/disc.mask.png"))"}"#
  ),
]) func argumentsMeanWhatAFileOfThemDoes(arguments: [String], json: String) throws {
  try TestFiles.withTemporaryFolder { folder in
    let file = "\(folder)/prompts.json"
    try #"{"objects":[\#(json)]}"#.write(toFile: file, atomically: false, encoding: .utf8)
    let direct = try Clip.track(arguments, into: "\(folder)/a")
    #expect(direct.code == 0, "\(direct.errors)")
    let read = try Clip.track("--prompts", file, into: "\(folder)/b")
    #expect(read.code == 0, "\(read.errors)")
    let found = try contents(of: "\(folder)/a")
    #expect(found.keys.contains("00023.png"))
    #expect(try contents(of: "\(folder)/b") == found)
  }
}

@Test func shortPromptsAreTheStepsThatTheyStandFor() throws {
  try TestFiles.withTemporaryFolder { folder in
    let steps = "\(folder)/steps.json"
    try #"""
    {"steps": [
      {"prompt": {"object": 1, "frame": 0, "points": [[44, 84]], "labels": [1]}},
      {"propagate": {"from": 0, "frames": 4}},
      {"prompt": {"object": 1, "frame": 4, "points": [[20, 30]], "labels": [0]}},
      {"prompt": {"object": 2, "frame": 4, "box": [44, 16, 90, 58]}},
      {"propagate": {"from": 5}}
    ]}
    """#.write(toFile: steps, atomically: false, encoding: .utf8)
    let short = "\(folder)/short.json"
    try #"""
    {"objects": [
      {"id": 1, "points": [[44, 84]], "labels": [1]},
      {"id": 1, "frame": 4, "points": [[20, 30]], "labels": [0]},
      {"id": 2, "frame": 4, "box": [44, 16, 90, 58]}
    ]}
    """#.write(toFile: short, atomically: false, encoding: .utf8)
    #expect(try Clip.track("--prompts", steps, into: "\(folder)/a").code == 0)
    #expect(try Clip.track("--prompts", short, into: "\(folder)/b").code == 0)
    #expect(try contents(of: "\(folder)/a") == contents(of: "\(folder)/b"))
    let report = try TracksReport(folder: "\(folder)/b")
    // An object that comes later is there from its frame on, beside the first.
    #expect(report.objects(on: 3) == [1])
    #expect(report.objects(on: 4) == [1, 2])
    #expect(report.objects(on: 23) == [1, 2])
  }
}

@Test func promptFilesAreJSONInAllItsForms() throws {
  try TestFiles.withTemporaryFolder { folder in
    try FileManager.default.copyItem(
      atPath: TestFiles.package("Reference/video/disc.mask.png"), toPath: "\(folder)/😀.png")
    let file = "\(folder)/prompts.json"
    try """
    {\t"objects":\t[
    \t{"id":1,"frame":22,"mask":"\\ud83d\\ude00.png","points":null},
    \t{"id":2.0,"frame":22,"points":[[5e1,5.0]],"labels":[1]}
    ]}
    """.write(toFile: file, atomically: false, encoding: .utf8)
    let run = try Clip.track("--prompts", file, into: "\(folder)/out")
    #expect(run.code == 0, "\(run.errors)")
    #expect(try TracksReport(folder: "\(folder)/out").objects(on: 23) == [1, 2])
  }
}

@Test func aPromptMidwayCorrectsTheFrameAndWhatFollows() throws {
  try TestFiles.withTemporaryFolder { folder in
    #expect(try Clip.track("--point", "44,84", into: "\(folder)/plain").code == 0)
    let file = "\(folder)/prompts.json"
    try #"""
    {"objects": [
      {"id": 1, "points": [[44, 84]], "labels": [1]},
      {"id": 1, "frame": 6, "points": [[69, 37]], "labels": [1]}
    ]}
    """#.write(toFile: file, atomically: false, encoding: .utf8)
    #expect(try Clip.track("--prompts", file, into: "\(folder)/corrected").code == 0)
    let (plain, corrected) = try (
      contents(of: "\(folder)/plain"), contents(of: "\(folder)/corrected")
    )
    for frame in 0..<6 {
      let name = String(format: "%05d.png", frame)
      #expect(plain[name] == corrected[name])
    }
    // The point on the card makes it part of the object.
    #expect(plain["00006.png"] != corrected["00006.png"])
    // The next frame remembers it: where the masks' pixels agree, the scores behind them don't.
    let reports = try (TracksReport(folder: "\(folder)/plain"), TracksReport(folder: "\(folder)/corrected"))
    let scores = [reports.0, reports.1].map { report in report.frames.map { $0.objects[0].object_score } }
    #expect(scores[0][..<6] == scores[1][..<6])
    #expect(scores[0][7] != scores[1][7])
  }
}

@Test(arguments: [
  (["--frame", "20"], 20...23), (["--frame", "3", "--reverse"], 0...3), (["--frame", "21", "--both"], 0...23),
  (["--frame", "0", "--reverse"], 0...0),
]) func directionsCoverTheirFrames(arguments: [String], frames: ClosedRange<Int>) throws {
  try TestFiles.withTemporaryFolder { folder in
    let run = try Clip.track(["--box", "38,18,86,58"] + arguments, into: folder)
    #expect(run.code == 0, "\(run.errors)")
    #expect(try TracksReport(folder: folder).frames.map(\.frame) == Array(frames))
  }
}

@Test func aVideoFileHasNumberedMasksTimesAndAnOverlay() throws {
  try TestFiles.withTemporaryFolder { folder in
    let video = "\(folder)/clip.mp4"
    try Clip.write(video, frames: 6)
    let overlay = "\(folder)/overlay.mp4"
    let run = try Clip.track(
      "--point", "44,84", "--overlay", overlay, video: video, into: "\(folder)/new/out")
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.output == "\(folder)/new/out/tracks.json\n\(overlay)\n")
    let report = try TracksReport(folder: "\(folder)/new/out")
    #expect(report.frames.map(\.mask) == (0..<6).map { String(format: "%05d.png", $0) })
    #expect(report.video.frame_rate == 12.5)
    for frame in report.frames {
      #expect(abs(try #require(frame.time) - 0.08 * Double(frame.frame)) < 1e-6)
    }
    let drawn = try openFrameSource(path: overlay)
    #expect(drawn.width == Clip.width && drawn.height == Clip.height)
    #expect(drawn.count == 6)
    #expect(drawn.frameRate == 12.5)
    let source = try openFrameSource(path: video)
    for index in 0..<6 {
      let frame = try #require(try drawn.frame(at: index))
      #expect(try frame.picture.pixels != source.frame(at: index)?.picture.pixels)
    }
    #expect(try drawn.frame(at: 6) == nil)
  }
}

@Test(arguments: ["bframes.mp4", "variable.mp4", "raw.h264", "odd.webm", "rotated90.mp4", "opengop.mkv"])
func videosOfEveryKindGiveAMaskAndAnOverlayFrameForEachFrame(name: String) throws {
  try TestFiles.withTemporaryFolder { folder in
    let video = Clip.video(name)
    let source = try openFrameSource(path: video)
    var count = 0
    while try source.frame(at: count) != nil { count += 1 }
    let overlay = "\(folder)/overlay.mp4"
    let run = try Clip.track("--point", "9,9", "--overlay", overlay, video: video, into: folder)
    #expect(run.code == 0, "\(run.errors)")
    let report = try TracksReport(folder: folder)
    #expect(report.frames.count == count)
    // Also where only decoding tells: what a frame attends to depends on it.
    #expect(report.video.frames == count)
    let labels = try LabelMap.read(path: "\(folder)/00000.png")
    #expect(labels.width == source.width && labels.height == source.height)
    #expect(try openFrameSource(path: overlay).count == count)
  }
}

@Test func masksOfAnEarlierTrackGoWithItsReport() throws {
  try TestFiles.withTemporaryFolder { folder in
    #expect(try Clip.track("--point", "44,84", "--frame", "18", into: folder).code == 0)
    try Data().write(to: URL(fileURLWithPath: "\(folder)/mine.png"))
    #expect(try Clip.track("--point", "44,84", "--frame", "22", into: folder).code == 0)
    #expect(names(in: folder) == ["00022.png", "00023.png", "mine.png", "tracks.json"])
  }
}

@Test func overlappingObjectsShareAPixelInTheReportOnly() throws {
  try TestFiles.withTemporaryFolder { folder in
    let run = try Clip.track("--box", "7:38,18,86,58", "--box", "3:38,18,86,58", "--frame", "22", into: folder)
    #expect(run.code == 0, "\(run.errors)")
    let frame = try TracksReport(folder: folder).frames[0]
    #expect(frame.objects.map(\.object) == [3, 7])
    #expect(frame.objects[0].area == frame.objects[1].area && frame.objects[0].area > 0)
    // The lowest number wins, as in the official script.
    #expect(try LabelMap.read(path: "\(folder)/\(frame.mask)").objects == [3])
  }
}
