// A folder of results is one run's: no other writes into it, links in it lead nowhere, and what is somebody else's stays.
import Files
import Foundation
import Masks
import Media
import Testing
import TestSupport

private let picture = TestFiles.package("Reference/micro.png")
private let lenient = ["--points-per-side", "4", "--pred-iou-thresh", "0.5", "--stability-score-thresh", "0.7"]

private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

@Suite struct OwnedFolderTests {
  @Test func aSecondRunIsRefusedAndToldWhoIsThere() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (output, other) = ("\(folder)/out", "\(folder)/other")
      #expect(try Clip.track("--point", "69,37", into: other).code == 0)
      let process = Program.process(Clip.arguments(["--point", "69,37"], into: output))
      (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
      var refused: [Program.Outcome] = []
      try HeldProgram.run(process, at: "\(output)/00003.png") {
        refused = [
          Clip.arguments(["--point", "44,84"], into: output),
          Clip.arguments(["--point", "69,37", "--resume"], into: output),
          ["masks", "--model", Clip.micro, "--image", picture, "--output", output],
          ["segment", "--model", Clip.micro, "--image", picture, "--point", "9,9", "--output", output],
          ["convert", Clip.micro, output, "--naming", "transformers"],
        ].compactMap { try? Program.run($0) }
      }
      #expect(process.terminationStatus == 0)
      #expect(refused.count == 5)
      let words =
        "error: \(output): can't be written: another run writes into it, process \(process.processIdentifier) on "
      for outcome in refused {
        #expect(outcome.code == 2)
        #expect(outcome.errors.hasPrefix(words), "\(outcome.errors)")
        #expect(outcome.errors.contains(": sam2kit track --model "))
        #expect(outcome.errors.split(separator: "\n").count == 1)
      }
      #expect(try contents(of: output) == contents(of: other))
    }
  }

  /// Links to what a command reads: each is replaced by a result, and what it leads to stays.
  @Test(arguments: [
    (
      ["track", "--point", "44,84", "--frame", "22", "--video"], ["00022.png", "tracks.json", ".tracks.state"]
    ),
    (
      ["segment", "--point", "100,100", "--outlines", "svg", "--image"],
      ["mask_0.png", "overlay.png", "outlines.svg"]
    ),
    (["masks", "--outlines", "coco", "--image"], ["labels.png", "masks.json", "outlines.coco.json"]),
  ]) func linksAreReplaced(arguments: [String], names linked: [String]) throws {
    try TestFiles.withTemporaryFolder { folder in
      let output = "\(folder)/out"
      let isTrack = arguments[0] == "track"
      let input = isTrack ? "\(folder)/clip" : "\(folder)/a.png"
      try FileManager.default.copyItem(atPath: isTrack ? Clip.frames : picture, toPath: input)
      let model = "\(folder)/m.pt"
      try FileManager.default.copyItem(atPath: Clip.micro, toPath: model)
      let read = [model, isTrack ? "\(input)/00005.jpg" : input, model]
      let before = try read.map(bytes)
      try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: false)
      for (name, target) in zip(linked, read) {
        try FileManager.default.createSymbolicLink(atPath: "\(output)/\(name)", withDestinationPath: target)
      }
      let more = isTrack ? [] : arguments[0] == "masks" ? lenient : []
      let outcome = try Program.run(
        arguments + [input, "--model", model, "--config", Clip.microYAML, "--output", output] + more)
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(try read.map(bytes) == before)
      for name in names(in: output) {
        let type = try FileManager.default.attributesOfItem(atPath: "\(output)/\(name)")[.type]
        #expect(type as? FileAttributeType == .typeRegular, "\(name)")
      }
    }
  }

  /// A folder of a folder's results that leads to the pictures themselves.
  @Test func aPictureIsNotReplacedByTheMasksOfAnother() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (input, output) = ("\(folder)/in", "\(folder)/out")
      for path in [input, output] {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      }
      for name in ["b.png", "overlay.png"] {
        try FileManager.default.copyItem(atPath: picture, toPath: "\(input)/\(name)")
      }
      let before = try contents(of: input)
      try FileManager.default.createSymbolicLink(atPath: "\(output)/b", withDestinationPath: "../in")
      let outcome = try Program.run(
        ["masks", "--model", Clip.micro, "--image", input, "--output", output] + lenient)
      #expect(outcome.code == 2)
      #expect(
        outcome.errors.contains("it would replace \(input)/overlay.png, which is read"), "\(outcome.errors)")
      #expect(try contents(of: input) == before)
    }
  }

  /// Masks of somebody else's report, and what somebody put in place of this program's own.
  @Test func whatThisProgramDidNotWriteStays() throws {
    try TestFiles.withTemporaryFolder { folder in
      let output = "\(folder)/out"
      #expect(try Clip.track("--point", "44,84", "--frame", "18", into: output).code == 0)
      let mine = try bytes(picture)
      try mine.write(to: URL(fileURLWithPath: "\(output)/00019.png"))
      #expect(try Clip.track("--point", "44,84", "--frame", "22", into: output).code == 0)
      #expect(names(in: output) == ["00019.png", "00022.png", "00023.png", "tracks.json"])
      #expect(try bytes("\(output)/00019.png") == mine)

      let holiday = "\(output)/holiday.png"
      try mine.write(to: URL(fileURLWithPath: holiday))
      for report in [
        #"{"format": "sam2kit.tracks", "frames": [{"mask": "holiday.png"}]}"#,
        #"{"format": "sam2kit.tracks", "complete": true, "video": {"width": 320, "height": 240},"#
          + #""frames": [{"frame": 0, "mask": "holiday.png", "objects": []}]}"#,
      ] {
        try report.write(toFile: "\(output)/tracks.json", atomically: false, encoding: .utf8)
        #expect(try Clip.track("--point", "44,84", "--frame", "22", into: output).code == 0)
        #expect(try bytes(holiday) == mine)
      }
    }
  }

  @Test func neitherDoMasksOfPicturesGo() throws {
    try TestFiles.withTemporaryFolder { folder in
      let segment = "\(folder)/segment"
      func run(_ points: String...) throws {
        let arguments = ["segment", "--model", Clip.micro, "--image", picture, "--output", segment]
        let outcome = try Program.run(arguments + points.flatMap { ["--point", $0] })
        #expect(outcome.code == 0, "\(outcome.errors)")
      }
      try run("100,100", "2:200,100", "3:50,50")
      let mine = try bytes(picture)
      try mine.write(to: URL(fileURLWithPath: "\(segment)/mask_1.png"))
      try run("100,100")
      #expect(names(in: segment) == ["mask_0.png", "mask_1.png", "overlay.png", "prediction.json"])
      #expect(try bytes("\(segment)/mask_1.png") == mine)

      let masks = "\(folder)/masks"
      let arguments = ["masks", "--model", Clip.micro, "--image", picture, "--output", masks] + lenient
      #expect(try Program.run(arguments + ["--output-mode", "binary_mask"]).code == 0)
      let found = names(in: masks).filter { $0.hasPrefix("mask_") }
      #expect(found.starts(with: ["mask_0.png", "mask_1.png", "mask_2.png"]))
      try mine.write(to: URL(fileURLWithPath: "\(masks)/mask_2.png"))
      try mine.write(to: URL(fileURLWithPath: "\(masks)/mask_3.png"))
      #expect(try Program.run(arguments).code == 0)
      #expect(names(in: masks) == ["labels.png", "mask_2.png", "mask_3.png", "masks.json", "overlay.png"])
    }
  }
}
