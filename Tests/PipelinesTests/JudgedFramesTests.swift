// Which frames and objects of a clip are judged, and what a data set's folders are taken for; figures counted by hand out of
// the rules of DAVIS 2017 (all but the first and last), YouTube-VOS and SA-V.
import Configurations
import Evaluation
import Foundation
import Masks
import Media
import Pipelines
import Testing
import TestSupport

/// A map of one row of pixels, each that object's number.
private func map(_ labels: [UInt8]) -> LabelMap {
  LabelMap(width: labels.count, height: 4, labels: labels + labels + labels + labels)
}

private func write(_ map: LabelMap, _ path: String) throws {
  let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  try map.write(path: path)
}

private func writeFrames(_ names: [String], _ folder: String, width: Int = 8) throws {
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  let picture = Picture(width: width, height: 4, pixels: [UInt8](repeating: 9, count: 12 * width))
  for name in names { try picture.write(path: "\(folder)/\(name).png") }
}

private func judge(_ folder: String, split: String? = nil, masks: String) throws -> EvaluationResult {
  try EvaluationResult(of: ValidationSet(folder: folder, split: split), masksIn: masks)
}

@Suite struct JudgedFramesTests {
  /// Wrong on the first and last frame, which don't count; right, half right and wrong on the three that do.
  @Test func theFirstAndLastFrameDontCount() throws {
    try TestFiles.withTemporaryFolder { folder in
      let truth: [UInt8] = [1, 1, 1, 1, 0, 0, 0, 0]
      let found: [[UInt8]] = [
        [0, 0, 0, 0, 1, 1, 1, 1], truth, [1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 1, 1],
        [0, 0, 0, 0, 1, 1, 1, 1],
      ]
      try writeFrames((0..<5).map(String.init), "\(folder)/clips/a/frames")
      for frame in 0..<5 {
        try write(map(truth), "\(folder)/clips/a/masks/\(frame).png")
        try write(map(found[frame]), "\(folder)/found/a/\(frame).png")
      }
      let scores = try #require(judge(folder, masks: "\(folder)/found").clips.first)
      #expect(scores.frames == [1, 2, 3])
      #expect(scores.regions == [1, 0.5, 0] && abs(scores.region - 0.5) < 1e-12)
    }
  }

  /// Objects of a public data set that come later count from where they come; of a folder of one's own, and of DAVIS, those
  /// of the first frame alone.
  @Test func laterObjectsCountWhereTheRulesSaySo() throws {
    let truths: [[UInt8]] = [
      [1, 1, 0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 2, 2, 0, 0], [1, 1, 0, 0, 2, 2, 0, 0], [1, 1, 0, 0, 2, 2, 0, 3],
    ]
    try TestFiles.withTemporaryFolder { folder in
      let names = (0..<4).map { String(format: "%05d", $0) }
      for (root, frames, masks) in [
        ("own", "clips/v/frames", "clips/v/masks"), ("davis", "JPEGImages/480p/v", "Annotations/480p/v"),
        ("vos", "JPEGImages/v", "Annotations/v"),
      ] {
        try writeFrames(names, "\(folder)/\(root)/\(frames)")
        for (frame, name) in names.enumerated() {
          try write(map(truths[frame]), "\(folder)/\(root)/\(masks)/\(name).png")
          try write(map(truths[frame]), "\(folder)/found/v/\(name).png")
        }
        let found = try judge("\(folder)/\(root)", masks: "\(folder)/found").clips
        // 3 comes on the last frame, which isn't judged.
        #expect(found.map(\.object) == (root == "vos" ? [1, 2] : [1]), "\(root)")
        #expect(found.allSatisfy { $0.frames == [1, 2] && $0.regions == [1, 1] }, "\(root)")
      }
    }
  }

  /// An object that isn't there any more, and of which nothing is said: both empty is 1; said to be there is 0.
  @Test func emptyAgainstEmptyIsRight() throws {
    try TestFiles.withTemporaryFolder { folder in
      let truths: [[UInt8]] = [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0]]
      let founds: [[UInt8]] = [[1, 1, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0]]
      try writeFrames((0..<4).map(String.init), "\(folder)/clips/a/frames", width: 4)
      for frame in 0..<4 {
        try write(map(truths[frame]), "\(folder)/clips/a/masks/\(frame).png")
        try write(map(founds[frame]), "\(folder)/found/a/\(frame).png")
      }
      let scores = try #require(judge(folder, masks: "\(folder)/found").clips.first)
      #expect(scores.regions == [1, 0] && scores.contours == [1, 0])
    }
  }

  /// SA-V's folders of one object each; a file without a pixel, and a folder that bears no number, are none.
  @Test func ofSAVOnlyNumberedFoldersWithPixelsAreObjects() throws {
    try TestFiles.withTemporaryFolder { folder in
      let root = "\(folder)/set"
      try writeFrames((0..<4).map { "0000\($0)" }, "\(root)/JPEGImages_24fps/s")
      for frame in 0..<4 {
        let there: [UInt8] = [0, 1, 1, 0, 0, 0, 0, 0]
        try write(map(there), "\(root)/Annotations_6fps/s/003/0000\(frame).png")
        try write(map([0, 0, 0, 0, 0, 0, 0, 0]), "\(root)/Annotations_6fps/s/004/0000\(frame).png")
        try write(map(there), "\(root)/Annotations_6fps/s/notes/0000\(frame).png")
        // Wider than high, with one pixel too many: 2 of 3.
        try write(map([0, 1, 1, 1, 0, 0, 0, 0]), "\(folder)/found/s/003/0000\(frame).png")
        // Without leading zeros is as good.
        try write(map([0, 0, 0, 0, 0, 0, 0, 0]), "\(folder)/found/s/4/0000\(frame).png")
      }
      let set = try ValidationSet(folder: root)
      #expect(set.layout == "SA-V" && set.clips.map(\.name) == ["s"])
      let found = try judge(root, masks: "\(folder)/found").clips
      #expect(found.map(\.object) == [3])
      #expect(found.first.map { $0.regions.allSatisfy { abs($0 - 2.0 / 3) < 1e-12 } } == true)
      // A clip without objects can't be meant.
      try FileManager.default.removeItem(atPath: "\(root)/Annotations_6fps/s/003")
      try FileManager.default.removeItem(atPath: "\(root)/Annotations_6fps/s/004")
      #expect(throws: EvaluationError.missingMasks("\(root)/Annotations_6fps/s")) {
        try ValidationSet(folder: root)
      }
    }
  }

  /// A list beside the split's folder, or in the folder above it; a clip that has several lines counts once, one that
  /// comes again later twice, as the list says.
  @Test func listsNameClipsInTheirOrder() throws {
    try TestFiles.withTemporaryFolder { folder in
      for name in ["a", "b", "c"] {
        try writeFrames(["0", "1", "2"], "\(folder)/valid/JPEGImages/\(name)")
        for frame in 0..<3 {
          try write(map([1, 0, 0, 0, 0, 0, 0, 0]), "\(folder)/valid/Annotations/\(name)/\(frame).png")
        }
      }
      func names(_ split: String?) throws -> [String] {
        try ValidationSet(folder: folder, split: split).clips.map(\.name)
      }
      func list(_ text: String, _ path: String) throws {
        let url = URL(fileURLWithPath: "\(folder)/\(path)")
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
      }
      #expect(try names(nil) == ["a", "b", "c"])
      try list("c\na\n", "ImageSets/few.txt")
      #expect(try names("few") == ["c", "a"])
      // The one beside the frames goes first.
      try list("b\n", "valid/ImageSets/few.txt")
      #expect(try names("few") == ["b"])
      try list("a\na\nc\n", "valid/ImageSets/twice.txt")
      #expect(try names("twice") == ["a", "c"])
      // A frame on a line, not even below a folder of pictures: the clip is the folder that it is in.
      try list("b/0.jpg\nc/0.jpg\n", "valid/ImageSets/frames.txt")
      #expect(try names("frames") == ["b", "c"])
      #expect(try ValidationSet(folder: folder).layout == "YouTube-VOS")
    }
  }

  /// Of several splits side by side the one that is asked for; where none is, the one that is usual.
  @Test func aSplitsOwnFolderIsTaken() throws {
    try TestFiles.withTemporaryFolder { folder in
      for (split, name) in [("valid", "a"), ("test", "b")] {
        try writeFrames(["0", "1", "2"], "\(folder)/\(split)/JPEGImages/\(name)")
        for frame in 0..<3 {
          try write(map([1, 0, 0, 0, 0, 0, 0, 0]), "\(folder)/\(split)/Annotations/\(name)/\(frame).png")
        }
      }
      #expect(try ValidationSet(folder: folder, split: "test").clips.map(\.name) == ["b"])
      #expect(try ValidationSet(folder: folder).clips.map(\.name) == ["a"])
    }
  }

  /// Where a folder has frames of both kinds the faster ones are SA-V's.
  @Test func framesAt24PerSecondMakeItSAV() throws {
    try TestFiles.withTemporaryFolder { folder in
      for frames in ["JPEGImages", "JPEGImages_24fps"] {
        try writeFrames(["0", "1", "2"], "\(folder)/\(frames)/v")
      }
      for frame in 0..<3 {
        try write(map([1, 0, 0, 0, 0, 0, 0, 0]), "\(folder)/Annotations_6fps/v/000/\(frame).png")
      }
      #expect(try ValidationSet(folder: folder).layout == "SA-V")
    }
  }

  /// One number in a mask's name that only one frame has; a number that two frames share tells nothing.
  @Test func aMaskIsPairedByTheOnlyFrameOfItsNumber() throws {
    try TestFiles.withTemporaryFolder { folder in
      func judgeFrames(_ frames: [String], masks: [String]) throws -> [Int] {
        let root = "\(folder)/\(UUID().uuidString)"
        try writeFrames(frames, "\(root)/clips/a/frames")
        for name in masks {
          try write(map([1, 1, 0, 0, 0, 0, 0, 0]), "\(root)/clips/a/masks/\(name).png")
          try write(map([1, 1, 0, 0, 0, 0, 0, 0]), "\(root)/found/a/\(name).png")
        }
        return try ValidationSet(folder: root).clips[0].truths(
          frameNames: frames.map { "\($0).png" }.sorted(), width: 8, height: 4
        ).frames
      }
      let frames = ["cam_1", "cam_2", "cam_3", "cam_10"]
      let three = try judgeFrames(frames, masks: ["mask_1", "mask_3", "mask_10"])
      #expect(three.count == 3)
      // In the order of the frames given: cam_1, cam_10, cam_2, cam_3.
      #expect(try judgeFrames(frames, masks: ["mask_2"]) == [2])
      #expect(throws: EvaluationError.self) {
        try judgeFrames(["left_1", "right_1", "left_2"], masks: ["mask_1"])
      }
      #expect(try judgeFrames(["left_1", "right_1", "left_2"], masks: ["mask_2"]) == [1])
    }
  }

  @Test func whatIsCancelledEnds() throws {
    let set = try ValidationSet(folder: TestFiles.package("Reference/validation"))
    let model = try recordedModel()
    #expect(throws: CancellationError.self) { try model.evaluate(set, isCancelled: { true }) }
    var asked = 0
    func isCancelled() -> Bool {
      asked += 1
      return asked > 1
    }
    #expect(throws: CancellationError.self) { try model.evaluate(set, isCancelled: isCancelled) }
    #expect(asked == 2)
  }

  /// One click has three alternatives, of which the one counts that the model thinks best; by the official code.
  @Test(arguments: [3, 7, 12]) func picturesAreJudgedByTheBestAlternative(number: Int) throws {
    struct Picture: Decodable {
      let picture: String
      let object: Int
      let one_click: Double
      let box: Double
      let three_clicks: Double
    }
    struct Figures: Decodable { let pictures: [Picture] }
    let folder = TestFiles.package("Reference/validation")
    let set = try ValidationSet(folder: folder)
    let picture = set.pictures[number]
    let figures = try JSONDecoder().decode(
      Figures.self, from: Data(contentsOf: URL(filePath: "\(folder)/official.json")))
    var request = ModelRequest(path: TestFiles.package("Weights/sam2.1_micro.pt"))
    request.settings = [ConfigurationSetting("fill_hole_area=0")].compactMap { $0 }
    let ours = try Model(request).evaluate(picture)
    let theirs = figures.pictures.filter { $0.picture == picture.name }
    #expect(!ours.isEmpty && ours.map(\.object) == theirs.map(\.object))
    for (ours, theirs) in zip(ours, theirs) {
      #expect(abs(ours.oneClick - theirs.one_click) < 2e-3 && abs(ours.box - theirs.box) < 2e-3, "\(ours)")
      #expect(abs(ours.threeClicks - theirs.three_clicks) < 2e-3, "\(ours) \(theirs)")
    }
  }
}
