import Foundation
import Media
import Testing
import TestSupport

private let point = ["--point", "44,84"]

/// Tracks, expecting that nothing is computed: the output folder stays empty.
private func refusal(_ arguments: [String], video: String = Clip.frames) throws -> Program.Outcome {
  try TestFiles.withTemporaryFolder { folder in
    let outcome = try Clip.track(arguments, video: video, into: folder)
    #expect(names(in: folder).isEmpty)
    #expect(outcome.output.isEmpty)
    return outcome
  }
}

/// Tracks with prompts from a file of these words.
private func refusal(prompts: String) throws -> Program.Outcome {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/prompts.json"
    try prompts.write(toFile: path, atomically: false, encoding: .utf8)
    return try refusal(["--prompts", path])
  }
}

@Test(arguments: [
  [], ["--point", "1,2,3"], ["--point", "0:1,2"], ["--box", "1,2,3"], ["--box", "1,1,5,5", "--box", "2,2,6,6"],
  ["--point", "1,1", "--prompts", "x.json"], ["--frame", "2", "--prompts", "x.json"],
  ["--point", "1,1", "--frame", "-1"], ["--point", "1,1", "--reverse", "--both"],
  ["--point", "1,1", "--tap-frame", "2"], ["--point", "1,1", "--tap-object", "2"],
  ["--point", "1,1", "--trace", "x.h5", "--resume"],
  ["--point", "1,1", "--trace", "x.h5", "--tap-frame", "-1"],
  ["--point", "1,1", "--set", "fill_hole_area"], ["--point", "1,1", "--set", "=0"],
])
func wrongUsageOfTrackEndsWith64(arguments: [String]) throws {
  #expect(try refusal(arguments).code == 64)
}

@Test(arguments: [
  (
    ["--point", "161,5"],
    "object 1, frame 0: point 161.0,5.0 lies outside the picture, which is 160 × 120 pixels"
  ),
  (["--box", "2:50,50,40,60"], "object 2, frame 0: box 50.0,50.0,40.0,60.0: expected x0 < x1 and y0 < y1"),
  (["--point", "1,1", "--frame", "24"], "object 1, frame 24: expected a frame from 0 to 23, as the video has"),
  (["--point", "65536:1,1"], "object 65536, frame 0: expected an object from 1 to 65535, as PNGs have them"),
  (["--mask", "/none.png"], "/none.png: can't be read: No such file or directory"),
  (
    ["--mask", TestFiles.package("Reference/micro.mask.png")],
    "expected a mask of the video's size, 160 × 120, found 320 × 240"
  ),
  (
    ["--mask", TestFiles.package("Reference/video/disc.mask.png"), "--point", "1,1"],
    "object 1, frame 0: expected either a mask or points and a box, found both"
  ),
  (["--prompts", "/none.json"], "/none.json: can't be read: No such file or directory"),
  (
    ["--prompts", Clip.prompts("clicks"), "--reverse"],
    "`steps` say the direction; leave out --reverse and --both"
  ),
])
func tracksThatCanNotBeMeantEndWith2(arguments: [String], message: String) throws {
  let outcome = try refusal(arguments)
  #expect(outcome.code == 2)
  #expect(outcome.errors.contains(message), "\(outcome.errors)")
  #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
}

@Test(arguments: [
  (#"{"objects": [\#n{"id": 1,\#n"point": [[1, 1]]}]}"#, "prompts.json:3: objects[0].point: no such field"),
  (#"{"objects": [\#n{"id": 1, "points": [[1]], "labels": [1]}]}"#, "prompts.json:2: objects[0]: `points`"),
  (
    #"{"objects": [\#n{"id": "a", "points": [[1, 1]]}]}"#,
    "prompts.json:2: objects[0].id: expected a whole number, found \"a\""
  ),
  (#"{"objects": [\#n{"id": 1, "box": 7}]}"#, "prompts.json:2: objects[0].box: expected a list, found 7"),
  (
    #"{"objects": [\#n{"id": 1, "frame": -2, "box": [1, 2, 3, 4]}]}"#,
    "json:2: objects[0].frame: should be at least 0"
  ),
  (
    #"{"objects": [\#n{"id": 1, "frame": 1.5, "box": [1, 2, 3, 4]}]}"#,
    "prompts.json:2: objects[0].frame: expected a whole number, found 1.5"
  ),
  (#"{"objects": [\#n{"id": 1, "box": [1, 2, 3, 4],\#n"id": 2}]}"#, "`id` stands twice in one object"),
  (
    #"{"objects": [{"id": 1, "frame": 3, "box": [1, 2, 3, 4]},\#n{"id": 1, "frame": 3, "box": [1, 2, 3, 4]}]}"#,
    "prompts.json:2: objects[1]: id 1 stands twice on frame 3"
  ),
  (#"{"objects": [\#n{"id": 1,]}"#, "prompts.json: expected JSON"),
  ("", "prompts.json: expected JSON"),
  ("[]", "prompts.json:1: the prompts: expected an object, found a list"),
  (#"{"objects": []}"#, "`objects` is empty"),
  (#"{"steps": []}"#, "`steps` is empty"),
  (#"{"objects": [{"id": 1, "box": [1, 2, 3, 4]}],\#n"steps": [{"reset": {}}]}"#, "found both"),
  (#"{"steps": [\#n{"propagate": {"form": 0}}]}"#, "prompts.json:2: steps[0].propagate.form: no such field"),
  (#"{"steps": [\#n{"track": {}}]}"#, "prompts.json:2: steps[0].track: no such field"),
  (#"{"steps": [\#n{"reset": {}, "propagate": {}}]}"#, "prompts.json:2: steps[0]: a step should be one of"),
  (
    #"{"steps": [\#n{"prompt": {"object": 1, "frame": 0}}]}"#,
    "prompts.json:2: steps[0].prompt: expected `points`"
  ),
  (
    #"{"steps": [\#n{"prompt": {"object": 1, "box": [1, 2, 3, 4]}}]}"#,
    "expected `steps[0].prompt.frame`, found nothing"
  ),
  (
    #"{"steps": [\#n{"propagate": {"frames": -1}}]}"#,
    "prompts.json:2: steps[0].propagate.frames: should be at least 0"
  ),
  (
    #"{"steps": [{"propagate": {"from": 9223372036854774784}}]}"#,
    "steps[0].propagate.from: should be at most 2147483647, found 9223372036854774784"
  ),
  (
    #"{"steps": [{"prompt": {"object": 1, "frame": 2147483648, "box": [1, 2, 3, 4]}}]}"#,
    "steps[0].prompt.frame: should be at most 2147483647, found 2147483648"
  ),
  (
    #"{"objects": [{"id": 1, "points": [[1e308, -1e308]], "labels": [1]}]}"#, "lies outside the picture"
  ),
  (#"{"objects": [{"id": 1, "box": [-1e308, 0, 1e308, 5]}]}"#, "reaches outside the picture"),
  (#"{"steps": [{"propagate": {}}]}"#, "prompts.json: steps[0]: expected an object to track, found none"),
  (#"{"steps": [{"clear": {"object": 3, "frame": 0}}]}"#, "steps[0]: expected no object, found 3"),
  (
    #"{"steps": [{"prompt": {"object": 1, "frame": 0, "box": [1, 2, 3, 4]}}, {"remove": {"object": 2}}]}"#,
    "steps[1]: expected one of the objects [1], found 2"
  ),
  (
    #"{"steps": [{"prompt": {"object": 1, "frame": 0, "box": [1, 2, 3, 4]}}, {"propagate": {"from": 24}}]}"#,
    "steps[1]: expected a frame from 0 to 23, as the video has, found 24"
  ),
  (
    #"{"steps": [{"prompt": {"object": 1, "frame": 0, "box": [1, 2, 3, 4], "keep": true}}]}"#,
    "steps[0]: object 1, frame 0: a box comes before any points"
  ),
])
func promptFilesOfVideosNameTheLineAndTheField(json: String, message: String) throws {
  let outcome = try refusal(prompts: json)
  #expect(outcome.code == 2)
  #expect(outcome.errors.contains(message), "\(outcome.errors)")
  #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
}

@Test func anObjectWhosePromptsWereTakenBackIsNamed() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/prompts.json"
    try #"""
    {"steps": [
      {"prompt": {"object": 4, "frame": 0, "points": [[44, 84]], "labels": [1]}},
      {"clear": {"object": 4, "frame": 0}},
      {"propagate": {}}
    ]}
    """#.write(toFile: path, atomically: false, encoding: .utf8)
    let outcome = try Clip.track("--prompts", path, into: "\(folder)/out")
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("object 4: expected a point, a box or a mask"), "\(outcome.errors)")
    #expect(!names(in: "\(folder)/out").contains("tracks.json"))
  }
}

@Test func whatIsNoVideoIsRefused() throws {
  try TestFiles.withTemporaryFolder { folder in
    let none = try refusal(point, video: "/none.mp4")
    #expect(none.code == 2 && none.errors.contains("/none.mp4: can't be read"), "\(none.errors)")
    let empty = try refusal(point, video: folder)
    #expect(empty.code == 2 && empty.errors.contains("\(folder): expected"), "\(empty.errors)")
    let sound = try refusal(point, video: Clip.video("audio.m4a"))
    #expect(sound.code == 2 && sound.errors.contains("expected a video"), "\(sound.errors)")
    let text = try refusal(point, video: Clip.microYAML)
    #expect(text.code == 2 && text.errors.contains("micro.yaml"), "\(text.errors)")
  }
}

/// FFmpeg has complaints of its own about a movie without its tables, which aren't printed.
@Test func ofADamagedVideoOnlyTheErrorIsSaid() throws {
  try TestFiles.withTemporaryFolder { folder in
    var data = try Data(contentsOf: URL(filePath: Clip.video("plain.mp4")))
    let kind = try #require(data.range(of: Data("moov".utf8)))
    data.replaceSubrange(kind, with: Array("moox".utf8))
    let video = "\(folder)/damaged.mp4"
    try data.write(to: URL(filePath: video))
    let outcome = try refusal(["--point", "1,1"], video: video)
    #expect(outcome.code == 2)
    #expect(outcome.errors.hasPrefix("error: \(video): the video can't be decoded: "), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
  }
}

@Test func aFrameOfAnotherSizeIsNamed() throws {
  try TestFiles.withTemporaryFolder { folder in
    let frames = "\(folder)/frames"
    try FileManager.default.createDirectory(atPath: frames, withIntermediateDirectories: false)
    for index in 0..<2 {
      try FileManager.default.copyItem(
        atPath: "\(Clip.frames)/0000\(index).jpg", toPath: "\(frames)/\(index).jpg")
    }
    try FileManager.default.copyItem(
      atPath: TestFiles.package("Reference/validation/pictures/00.jpg"), toPath: "\(frames)/2.jpg")
    let outcome = try Clip.track(point, video: frames, into: "\(folder)/out")
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("\(frames)/2.jpg: "), "\(outcome.errors)")
    #expect(outcome.errors.contains("160 × 120") && outcome.errors.contains("384 × 288"), "\(outcome.errors)")
  }
}

@Test func ofATruncatedVideoWhatThereIsIsTracked() throws {
  try TestFiles.withTemporaryFolder { folder in
    let overlay = "\(folder)/overlay.mp4"
    let outcome = try Clip.track(
      "--point", "9,9", "--overlay", overlay, video: Clip.video("truncated.mp4"), into: folder)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("truncated.mp4: the video ends after frame"), "\(outcome.errors)")
    let report = try TracksReport(folder: folder)
    #expect(report.complete)
    #expect(report.video.damage.count >= 1)
    // 25 frames were written before two fifths of the file were cut off.
    #expect((5..<25).contains(report.frames.count))
    #expect(try openFrameSource(path: overlay).count == report.frames.count)
    let last = report.frames.count
    let beyond = try refusal(["--point", "9,9", "--frame", "\(last)"], video: Clip.video("truncated.mp4"))
    #expect(beyond.code == 2)
    #expect(
      beyond.errors.contains("expected a frame from 0 to \(last - 1), as the video has"), "\(beyond.errors)")
  }
}

@Test func theVideoItselfIsNeverWrittenOver() throws {
  try TestFiles.withTemporaryFolder { folder in
    let frames = "\(folder)/frames"
    try FileManager.default.copyItem(atPath: Clip.frames, toPath: frames)
    let into = try Clip.track(point, video: frames, into: "\(folder)/./frames/")
    #expect(into.code == 2 && into.errors.contains("the video's own frames are there"), "\(into.errors)")
    #expect(names(in: frames) == names(in: Clip.frames))
    let video = "\(folder)/clip.mp4"
    try Clip.write(video, frames: 2)
    let over = try Clip.track(point + ["--overlay", video], video: video, into: "\(folder)/out")
    #expect(over.code == 2 && over.errors.contains("\(video): can't be written"), "\(over.errors)")
    #expect(names(in: "\(folder)/out").isEmpty)
    #expect(try openFrameSource(path: video).count == 2)
  }
}

@Test func outputsThatCanNotBeWrittenShowBeforeTheWork() throws {
  let overlay = try refusal(point + ["--overlay", "/none/overlay.mp4"])
  #expect(overlay.code == 2)
  #expect(overlay.errors.contains("/none/overlay.mp4: can't be written: No such file"), "\(overlay.errors)")
  let device = try refusal(point + ["--overlay", "/dev/full"])
  #expect(device.code == 2)
  #expect(
    device.errors.contains("/dev/full: expected the name of a video to write, which ends in .mp4"),
    "\(device.errors)")
  let picture = TestFiles.package("Reference/micro.png")
  let folder = try Clip.track(point, into: "\(picture)/out")
  #expect(folder.code == 2)
  #expect(
    folder.errors.contains("\(picture)/out: can't be written: a part of it is a file"), "\(folder.errors)")
}

@Test func aFullDiskIsNamedAndLeavesNothing() throws {
  try TestFiles.withTemporaryFolder { folder in
    // Masks have a few kB at most; the state of a run has more than 8 kB.
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments =
      ["-c", "ulimit -f 16; exec \"$0\" \"$@\" 2>errors.txt", Program.path.path]
      + Clip.arguments(point, into: "out")
    shell.currentDirectoryURL = URL(fileURLWithPath: folder)
    shell.standardOutput = FileHandle.nullDevice
    try shell.run()
    shell.waitUntilExit()
    #expect(shell.terminationStatus == 2)
    let errors = try String(contentsOfFile: "\(folder)/errors.txt", encoding: .utf8)
    #expect(errors == "error: out/.tracks.state: can't be written: File too large\n")
    // Without a state there is nothing to go on from.
    #expect(names(in: folder) == ["errors.txt"])
  }
}
