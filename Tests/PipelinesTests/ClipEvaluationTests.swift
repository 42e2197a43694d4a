// How clips of all layouts are found, paired and judged; figures counted by hand.
import Evaluation
import Foundation
import Masks
import Media
import Pipelines
import Testing
import TestSupport

/// Maps of a square that moves to the right by a pixel a frame.
private func square(_ frame: Int, label: UInt8 = 1, also: (x: Int, label: UInt8)? = nil) -> LabelMap {
  var labels = [UInt8](repeating: 0, count: 32 * 16)
  for y in 4..<12 {
    for x in 2 + frame..<10 + frame { labels[32 * y + x] = label }
    if let also { labels[32 * y + also.x] = also.label }
  }
  return LabelMap(width: 32, height: 16, labels: labels)
}

private func write(_ map: LabelMap, _ path: String) throws {
  let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  try map.write(path: path)
}

/// A clip's frames, whose pixels play no part.
private func writeFrames(_ names: [String], _ folder: String) throws {
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  for name in names {
    try Picture(width: 32, height: 16, pixels: [UInt8](repeating: 9, count: 1536)).write(
      path: "\(folder)/\(name).png")
  }
}

private func judge(_ folder: String, split: String? = nil, masks: String) throws -> EvaluationResult {
  try EvaluationResult(of: ValidationSet(folder: folder, split: split), masksIn: masks)
}

@Suite struct ClipEvaluationTests {
  /// 1 to 12 without zeros: sorted as text, 10 would stand for 2.
  @Test func framesAndMasksArePairedByNumber() throws {
    try TestFiles.withTemporaryFolder { folder in
      try writeFrames((1...12).map(String.init), "\(folder)/clips/a/frames")
      for frame in 1...12 {
        try write(square(frame), "\(folder)/clips/a/masks/\(String(format: "%05d", frame)).png")
        try write(square(frame), "\(folder)/found/a/\(String(format: "%05d", frame)).png")
      }
      let found = try judge(folder, masks: "\(folder)/found")
      #expect(found.clips.map(\.frames) == [Array(1...10)])
      #expect(found.clips.map(\.region) == [1] && found.clips.map(\.contour) == [1])
      // A mask without a frame is no mask of any.
      try write(square(1), "\(folder)/clips/a/masks/00013.png")
      #expect(throws: EvaluationError.missingFrame(clip: "a", mask: "\(folder)/clips/a/masks/00013.png")) {
        try judge(folder, masks: "\(folder)/found")
      }
    }
  }

  /// One row of 8 pixels of two squares that lie a pixel apart: 56 of 72.
  @Test func voidIsNobodysUnlessThereIsNothingElse() throws {
    try TestFiles.withTemporaryFolder { folder in
      for (name, map) in [
        ("plain", { square($0) }), ("void", { square($0, also: (30, 255)) }),
        ("only", { square($0, label: 255) }),
      ] as [(String, (Int) -> LabelMap)] {
        try writeFrames((0..<5).map(String.init), "\(folder)/clips/\(name)/frames")
        for frame in 0..<5 {
          try write(map(frame), "\(folder)/clips/\(name)/masks/\(frame).png")
          try write(square(frame + 1, label: name == "only" ? 255 : 1), "\(folder)/found/\(name)/\(frame).png")
        }
      }
      let found = try judge(folder, masks: "\(folder)/found").clips
      #expect(found.map(\.clip) == ["only", "plain", "void"])
      #expect(found.map(\.object) == [255, 1, 1])
      for scores in found { #expect(abs(scores.region - 56.0 / 72) < 1e-12, "\(scores.clip)") }
    }
  }

  @Test func clipsThatAreTooShortAreLeftOutAndSaid() throws {
    try TestFiles.withTemporaryFolder { folder in
      for count in 1...3 {
        try writeFrames((0..<count).map(String.init), "\(folder)/clips/\(count)/frames")
        for frame in 0..<count {
          try write(square(frame), "\(folder)/clips/\(count)/masks/\(frame).png")
          try write(square(frame), "\(folder)/found/\(count)/\(frame).png")
        }
      }
      var notes: [String] = []
      let found = try EvaluationResult(of: ValidationSet(folder: folder), masksIn: "\(folder)/found") {
        if case .note(let text) = $0 { notes.append(text) }
      }
      #expect(found.clips.map(\.clip) == ["3"] && found.clips[0].frames == [1])
      #expect(found.leftOut.count == 2 && found.leftOut == notes)
      #expect(found.figures.allSatisfy { $0.mean.value == 1 })
    }
  }

  @Test(arguments: ["2017/val", "2016/val"]) func davisIsTakenAsItIsUnpacked(list: String) throws {
    try TestFiles.withTemporaryFolder { folder in
      for name in ["bear", "camel", "dog"] {
        let frames = (0..<4).map { String(format: "%05d", $0) }
        try writeFrames(frames, "\(folder)/JPEGImages/480p/\(name)")
        for (index, frame) in frames.enumerated() {
          try write(square(index, label: 2), "\(folder)/Annotations/480p/\(name)/\(frame).png")
          try write(square(index, label: 2), "\(folder)/found/\(name)/\(frame).png")
        }
      }
      let sets = URL(fileURLWithPath: "\(folder)/ImageSets/\(list).txt")
      try FileManager.default.createDirectory(
        at: sets.deletingLastPathComponent(), withIntermediateDirectories: true)
      let text =
        list == "2017/val"
        ? "camel\ndog\n"
        : "/JPEGImages/480p/camel/00000.jpg /Annotations/480p/camel/00000.png\n/JPEGImages/480p/dog/00000.jpg x\n"
      try Data(text.utf8).write(to: sets)
      let found = try judge(folder, masks: "\(folder)/found")
      #expect(found.clips.map(\.clip) == ["camel", "dog"] && found.clips.map(\.object) == [2, 2])
      #expect(found.clips.allSatisfy { $0.region == 1 && $0.frames == [1, 2] })
      #expect(throws: EvaluationError.self) { try judge(folder, split: "test-dev", masks: "\(folder)/found") }
    }
  }

  /// Every fourth frame has masks, an object's in its own folder; the second object comes later.
  @Test func savIsTakenAsItIsUnpacked() throws {
    try TestFiles.withTemporaryFolder { folder in
      let root = "\(folder)/sav_val"
      try writeFrames((0..<17).map { String(format: "%05d", $0) }, "\(root)/JPEGImages_24fps/sav_1")
      for frame in stride(from: 0, to: 17, by: 4) {
        let name = String(format: "%05d", frame)
        try write(square(frame / 4), "\(root)/Annotations_6fps/sav_1/000/\(name).png")
        if frame >= 8 { try write(square(frame / 4 + 5), "\(root)/Annotations_6fps/sav_1/001/\(name).png") }
        for object in ["000", "001"] {
          try write(square(frame / 4), "\(folder)/found/sav_1/\(object)/\(name).png")
        }
      }
      try Data("sav_1\n".utf8).write(to: URL(fileURLWithPath: "\(root)/sav_val.txt"))
      let found = try judge(root, masks: "\(folder)/found").clips
      #expect(found.map(\.object) == [0, 1] && found.allSatisfy { $0.frames == [4, 8, 12] })
      #expect(found[0].region == 1)
      // Before it appears, what is said to be there is wrong; afterwards squares 5 apart share 3 of 13 columns.
      #expect(found[1].regions[0] == 0 && abs(found[1].regions[1] - 3.0 / 13) < 1e-12)
    }
  }

  @Test func savsRunLengthsAreRead() throws {
    try TestFiles.withTemporaryFolder { folder in
      let writer = try VideoWriter(path: "\(folder)/sav_1.mp4", width: 32, height: 16, frameRate: 24)
      for _ in 0..<9 {
        try writer.append(Picture(width: 32, height: 16, pixels: [UInt8](repeating: 90, count: 1536)))
      }
      try writer.finish()
      let runs = try (0..<3).map { frame in
        String(
          decoding: try JSONEncoder().encode([RunLengthEncoding(square(frame).mask(of: 1))]), as: UTF8.self)
      }
      let json = "{\"masklet\": [\(runs.joined(separator: ","))], \"masklet_id\": [0], \"video_id\": \"sav_1\"}"
      try Data(json.utf8).write(to: URL(fileURLWithPath: "\(folder)/sav_1_manual.json"))
      let set = try ValidationSet(folder: folder)
      #expect(set.layout == "SA-V" && set.clips.map(\.name) == ["sav_1"])
      let truths = try #require(set.clips.first).truths(frameNames: [], width: 32, height: 16)
      #expect(truths.frames == [0, 4, 8] && truths.judged == [4])
      #expect(try truths.masks(on: 8) == [1: square(2).mask(of: 1)])
    }
  }

  /// As wide as the video, or as high, isn't enough.
  @Test(arguments: [(32, 8), (16, 16)])
  func runLengthsOfAnotherSizeAreRefused(width: Int, height: Int) throws {
    try TestFiles.withTemporaryFolder { folder in
      let runs = "{\"size\": [\(height), \(width)], \"counts\": [0, \(width * height)]}"
      try Data("{\"masklet\": [[\(runs)]]}".utf8).write(to: URL(fileURLWithPath: "\(folder)/a_manual.json"))
      let clip = try #require(ValidationSet(folder: folder).clips.first)
      let truths = try clip.truths(frameNames: [], width: 32, height: 16)
      let expected = EvaluationError.wrongSize(
        path: "frame 0", expectedWidth: 32, expectedHeight: 16, foundWidth: width, foundHeight: height)
      #expect(throws: expected) { try truths.masks(on: 0) }
    }
  }

  /// YouTube-VOS and those that are like it: masks on some frames, objects that come later.
  @Test func youTubeVOSIsTakenAsItIsUnpacked() throws {
    try TestFiles.withTemporaryFolder { folder in
      let names = stride(from: 0, to: 30, by: 5).map { String(format: "%05d", $0) }
      try writeFrames(names, "\(folder)/valid/JPEGImages/v1")
      for (index, name) in names.enumerated() where index % 2 == 0 {
        try write(square(index, also: index > 0 ? (31, 2) : nil), "\(folder)/valid/Annotations/v1/\(name).png")
        try write(square(index, also: (31, 2)), "\(folder)/found/v1/\(name).png")
      }
      let found = try judge(folder, masks: "\(folder)/found").clips
      #expect(found.map(\.object) == [1, 2] && found.map(\.frames) == [[2], [2]])
      #expect(found.map(\.region) == [1, 1])
    }
  }

  /// A model's own masks are judged as if they had been written.
  @Test func aTrackedClipIsJudgedLikeItsFiles() throws {
    try TestFiles.withTemporaryFolder { folder in
      let source = TestFiles.package("Reference/validation/clips/05")
      for part in ["frames", "masks"] {
        try FileManager.default.createDirectory(
          atPath: "\(folder)/clips/05/\(part)", withIntermediateDirectories: true)
        for frame in 0..<4 {
          let name = "0000\(frame).\(part == "frames" ? "jpg" : "png")"
          try FileManager.default.copyItem(
            atPath: "\(source)/\(part)/\(name)", toPath: "\(folder)/clips/05/\(part)/\(name)")
        }
      }
      let model = try recordedModel()
      let clip = try #require(ValidationSet(folder: folder).clips.first)
      let first = try LabelMap.read(path: "\(folder)/clips/05/masks/00000.png")
      var tracked: [Int: [Int: BinaryMask]] = [:]
      let prompts = first.objects.map {
        ObjectPrompt(object: $0, mask: "\(folder)/clips/05/masks/00000.png#\($0)")
      }
      try model.track(video: clip.frames, objects: prompts) { frame in
        tracked[frame.frame] = Dictionary(uniqueKeysWithValues: frame.objects.map { ($0.object, $0.mask) })
      }
      for object in first.objects {
        for (frame, masks) in tracked {
          guard let mask = masks[object] else { continue }
          let label = LabelMap(
            width: mask.width, height: mask.height, labels: mask.pixels.map { $0 * UInt8(object) })
          try write(label, "\(folder)/found/05/\(object)/0000\(frame).png")
        }
      }
      #expect(try model.evaluate(clip) == clip.evaluate(masksIn: "\(folder)/found"))
    }
  }
}
