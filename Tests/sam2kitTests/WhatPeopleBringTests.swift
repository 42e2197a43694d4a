// What people bring to segment and track, as a user would: frames of several kinds, masks, boxes, detections, file names.
import Foundation
import Masks
import Media
import Testing
import TestSupport

/// The part of a report that says what was decided.
private struct Noted: Decodable {
  struct Video: Decodable { let notes: [String] }
  struct Frame: Decodable {
    struct Object: Decodable { let object: Int }
    let frame: Int
    let time: Double?
    let mask: String
    let objects: [Object]
  }
  let video: Video
  let frames: [Frame]

  static func read(_ folder: String) throws -> Noted {
    try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: "\(folder)/tracks.json")))
  }
}

private let picture = TestFiles.package("Reference/micro.png")

private func segment(_ arguments: [String], into folder: String) throws -> Program.Outcome {
  try Program.run(
    ["segment", "--model", Clip.micro, "--config", Clip.microYAML, "--image", picture, "--output", folder]
      + arguments)
}

@Suite struct WhatPeopleBringTests {
  /// 16-bit frames: said once, in words and in the report, and shown when asked.
  @Test func whatReadingDoesIsSaidOfFramesToo() throws {
    try TestFiles.withTemporaryFolder { folder in
      let frames = "\(folder)/frames"
      try FileManager.default.createDirectory(atPath: frames, withIntermediateDirectories: true)
      for index in 0..<3 {
        var masks: [(object: Int, mask: BinaryMask)] = []
        for object in 1...3 {
          let pixels = (0..<64 * 48).map { UInt8($0 % 64 / 16 == object ? 1 : 0) }
          masks.append((1000 * object, BinaryMask(width: 64, height: 48, pixels: pixels)))
        }
        try LabelRaster(width: 64, height: 48, objects: masks).write(path: "\(frames)/\(index).png")
      }
      let plain = try Clip.track("--point", "20,20", video: frames, into: "\(folder)/plain")
      #expect(plain.code == 0)
      let said = "0.png: 16-bit greyscale clipped to 0...255"
      #expect(plain.errors.components(separatedBy: said).count == 2, "\(plain.errors)")
      #expect(try Noted.read("\(folder)/plain").video.notes.map { $0.hasPrefix(said) } == [true])
      let shown = try Clip.track("--point", "20,20", "--range", "auto", video: frames, into: "\(folder)/shown")
      #expect(shown.errors.contains("from 0.0 to 3000.0"), "\(shown.errors)")
      for range in ["5,5", "x", "1"] {
        #expect(try Clip.track("--point", "1,1", "--range", range, video: frames, into: folder).code == 64)
      }
    }
  }

  /// 8 bits have no range, and neither has a video file: that is said, not passed over.
  @Test func aRangeThatDoesNothingIsSaid() throws {
    try TestFiles.withTemporaryFolder { folder in
      let picture = try segment(["--point", "60,60", "--range", "0,99"], into: "\(folder)/a")
      #expect(
        picture.code == 0 && picture.errors.contains("8 bits per sample, to which --range"), "\(picture.errors)"
      )
      let frames = try Clip.track("--point", "44,84", "--range", "auto", into: "\(folder)/b")
      #expect(frames.code == 0, "\(frames.errors)")
      #expect(frames.errors.components(separatedBy: "8 bits per sample").count == 2, "\(frames.errors)")
      try Clip.write("\(folder)/v.mp4", frames: 3)
      let video = try Clip.track(
        "--point", "44,84", "--range", "auto", video: "\(folder)/v.mp4", into: "\(folder)/c")
      #expect(
        video.code == 0 && video.errors.contains("to whose samples --range does nothing"), "\(video.errors)")
    }
  }

  /// Boxes a little outside are cut and said; those far away are refused.
  @Test func boxesAreCutToThePicture() throws {
    try TestFiles.withTemporaryFolder { folder in
      let outside = try segment(["--box", "-20,10,90,90"], into: "\(folder)/a")
      #expect(
        outside.code == 0 && outside.errors.contains("[0.0, 10.0, 90.0, 90.0] is taken"), "\(outside.errors)")
      #expect(try segment(["--box", "0,10,90,90"], into: "\(folder)/b").code == 0)
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/a/mask_0.png"))
          == Data(contentsOf: URL(fileURLWithPath: "\(folder)/b/mask_0.png")))
      for far in ["-2000,10,90,90", "10,10,20,9000", "-50,-50,-10,-10"] {
        #expect(try segment(["--box", far], into: "\(folder)/c").code == 2, "\(far)")
      }
      let tracked = try Clip.track("--box", "-5,50,80,130", into: "\(folder)/t")
      #expect(
        tracked.code == 0 && tracked.errors.contains("reaches outside the 160 × 120 pixels"),
        "\(tracked.errors)")
    }
  }

  @Test func anAnnotationPromptsAllItsObjects() throws {
    try TestFiles.withTemporaryFolder { folder in
      let labels = (0..<160 * 120).map {
        UInt8($0 % 160 < 40 ? 3 : $0 % 160 > 120 ? 7 : $0 / 160 > 110 ? 255 : 0)
      }
      try LabelMap(width: 160, height: 120, labels: labels).write(path: "\(folder)/first.png")
      let run = try Clip.track("--masks", "\(folder)/first.png", into: "\(folder)/out")
      #expect(run.code == 0, "\(run.errors)")
      let report = try Noted.read("\(folder)/out")
      #expect(report.frames.count == Clip.frameCount)
      #expect(report.frames.allSatisfy { $0.objects.map(\.object) == [3, 7] })
      // As one object's mask it is refused, and the way out is said.
      let one = try Clip.track("--mask", "\(folder)/first.png", into: "\(folder)/one")
      #expect(one.code == 2 && one.errors.contains("objects 3, 7; --masks takes all of them"), "\(one.errors)")
      #expect(try Clip.track("--mask", "5:\(folder)/first.png#7", into: "\(folder)/five").code == 0)
      let none = try Clip.track("--mask", "\(folder)/first.png#8", into: "\(folder)/none")
      #expect(
        none.code == 2 && none.errors.contains("expected object 8 in it, found 3, 7, 255"), "\(none.errors)")
      // Numbers beyond 255 are written in sixteen bits, and read so; there 255 is no void.
      let deep = labels.map { UInt16($0 == 7 ? 300 : $0) }
      try LabelRaster(width: 160, height: 120, labels: deep).write(path: "\(folder)/deep.png")
      let many = try Clip.track("--masks", "\(folder)/deep.png", into: "\(folder)/many")
      #expect(many.code == 0, "\(many.errors)")
      #expect(try Noted.read("\(folder)/many").frames.allSatisfy { $0.objects.map(\.object) == [3, 255, 300] })
      #expect(try LabelRaster.read(path: "\(folder)/many/00000.png").objects.contains(300))
      // What was written is what judges and prompts again.
      let again = try Clip.track("--mask", "9:\(folder)/many/00000.png#300", into: "\(folder)/again")
      #expect(again.code == 0, "\(again.errors)")
    }
  }

  @Test func detectionsAndOutlinesArePrompts() throws {
    try TestFiles.withTemporaryFolder { folder in
      func write(_ json: String) throws -> String {
        try Data(json.utf8).write(to: URL(fileURLWithPath: "\(folder)/d.json"))
        return "\(folder)/d.json"
      }
      let results = try write(
        """
        [{"image_id": 1, "category_id": 18, "bbox": [20, 20, 60, 50], "score": 0.9},
         {"image_id": 1, "category_id": 2, "bbox": [5, 5, 30, 30], "score": 0.2},
         {"image_id": 1, "category_id": 2, "bbox": [60, 60, 30, 30], "score": 0.6}]
        """)
      let found = try segment(["--detections", results, "--min-score", "0.5"], into: "\(folder)/a")
      #expect(found.code == 0 && found.errors.contains("2 taken, 1 left out"), "\(found.errors)")
      #expect(found.output.contains("object 2 ") && !found.output.contains("object 3 "))
      let boxes = try segment(["--box", "20,20,80,70", "--box", "2:60,60,90,90"], into: "\(folder)/b")
      #expect(boxes.code == 0)
      for mask in ["mask_0.png", "mask_1.png"] {
        #expect(
          try Data(contentsOf: URL(fileURLWithPath: "\(folder)/a/\(mask)"))
            == Data(contentsOf: URL(fileURLWithPath: "\(folder)/b/\(mask)")))
      }
      #expect(try segment(["--detections", results, "--min-score", "0.95"], into: "\(folder)/c").code == 2)
      let labelme = try write(
        """
        {"shapes": [{"label": "x", "shape_type": "polygon", "group_id": null, "points": [[20, 20], [80, 22], [50, 90]]},
         {"label": "y", "shape_type": "rectangle", "points": [[90, 90], [60, 60]]},
         {"label": "z", "shape_type": "point", "points": [[30, 40]]}], "imagePath": "micro.png"}
        """)
      let drawn = try segment(["--detections", labelme], into: "\(folder)/d")
      #expect(drawn.code == 0 && drawn.output.contains("object 3 "), "\(drawn.errors)")
      let coco = try write(
        """
        {"images": [{"id": 7, "file_name": "micro.png"}, {"id": 8, "file_name": "other.png"}], "annotations": [
         {"id": 1, "image_id": 8, "segmentation": [[1, 1, 9, 1, 9, 9]], "bbox": [1, 1, 8, 8]},
         {"id": 2, "image_id": 7, "segmentation": [[20, 20, 80, 22, 50, 90]], "bbox": [20, 20, 60, 70]}]}
        """)
      let annotated = try segment(["--detections", coco], into: "\(folder)/e")
      #expect(annotated.code == 0, "\(annotated.errors)")
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/d/mask_0.png"))
          == Data(contentsOf: URL(fileURLWithPath: "\(folder)/e/mask_0.png")))
      for wrong in [
        "{}", "[{\"score\": 1}]", "[{\"segmentation\": {\"size\": [1e300, 9], \"counts\": \"1\"}}]",
        "[{\"segmentation\": {\"size\": [9, 9], \"counts\": [0.5]}}]",
        "[{\"segmentation\": [[1, 1, 2, 2]]}]", "{\"shapes\": [{\"shape_type\": \"line\", \"points\": []}]}",
        "[]",
      ] {
        let refused = try segment(["--detections", write(wrong)], into: "\(folder)/f")
        #expect(refused.code == 2 && refused.errors.contains("d.json"), "\(refused.errors)")
      }
      let far = try segment(
        ["--detections", write("[{\"segmentation\": [[1, 1, 9, 9, 1e7, 5]]}]")], into: "\(folder)/g")
      #expect(far.code == 2 && far.errors.contains("found x = 10000000.0"), "\(far.errors)")
    }
  }

  /// What was written is the mask that the official predictor hands out and takes again.
  @Test func logitsGoOutAndIn() throws {
    try TestFiles.withTemporaryFolder { folder in
      let npy = "\(folder)/l.npy"
      let first = try segment(["--point", "60,60", "--point", "2:20,20", "--logits", npy], into: "\(folder)/a")
      #expect(first.code == 0 && first.output.contains(npy), "\(first.errors)")
      let header = String(decoding: try Data(contentsOf: URL(fileURLWithPath: npy)).prefix(128), as: UTF8.self)
      #expect(header.contains("'descr': '<f4', 'fortran_order': False, 'shape': (2, 32, 32)"), "\(header)")
      let again = try segment(["--point", "60,60", "--mask", npy], into: "\(folder)/b")
      #expect(again.code == 0, "\(again.errors)")
      #expect(try segment(["--mask", "\(npy)#2"], into: "\(folder)/c").code == 0)
      #expect(try segment(["--mask", "\(npy)#3"], into: "\(folder)/c").code == 2)
      #expect(try segment(["--point", "1,1", "--logits", "\(folder)/l.txt"], into: "\(folder)/d").code == 64)
    }
  }

  /// Frames keep their numbers: masks are called by them, prompts speak of them.
  @Test func someFramesAreTaken() throws {
    try TestFiles.withTemporaryFolder { folder in
      let some = try Clip.track(
        "--point", "44,84", "--frame", "4", "--from", "4", "--to", "16", "--every", "3", into: "\(folder)/some")
      #expect(some.code == 0, "\(some.errors)")
      let report = try Noted.read("\(folder)/some")
      #expect(report.frames.map(\.frame) == [4, 7, 10, 13, 16])
      #expect(report.frames.map(\.mask) == [4, 7, 10, 13, 16].map { String(format: "%05d.png", $0) })
      // The same as a folder of these frames alone.
      let frames = "\(folder)/frames"
      try FileManager.default.createDirectory(atPath: frames, withIntermediateDirectories: true)
      for frame in [4, 7, 10, 13, 16] {
        let name = String(format: "%05d.jpg", frame)
        try FileManager.default.copyItem(atPath: "\(Clip.frames)/\(name)", toPath: "\(frames)/\(name)")
      }
      #expect(try Clip.track("--point", "44,84", video: frames, into: "\(folder)/copied").code == 0)
      for frame in [4, 10, 16] {
        let name = String(format: "%05d.png", frame)
        #expect(
          try Data(contentsOf: URL(fileURLWithPath: "\(folder)/some/\(name)"))
            == Data(contentsOf: URL(fileURLWithPath: "\(folder)/copied/\(name)")))
      }
      let between = try Clip.track("--point", "44,84", "--frame", "5", "--every", "3", into: "\(folder)/x")
      #expect(between.code == 2 && between.errors.contains("found frame 5"), "\(between.errors)")
      let beyond = try Clip.track("--point", "44,84", "--from", "99", into: "\(folder)/x")
      #expect(beyond.code == 2 && beyond.errors.contains("which has 24, counted from 0, found frame 99"))
      #expect(try Clip.track("--point", "1,1", "--from", "9", "--to", "8", into: "\(folder)/x").code == 64)
    }
  }

  /// Times are the video's, and the overlay begins with its first frame.
  @Test func timesAreThoseOfTheVideo() throws {
    try TestFiles.withTemporaryFolder { folder in
      try Clip.write("\(folder)/v.mp4", frames: 8)
      let run = try Clip.track(
        "--point", "44,84", "--frame", "2", "--from", "2", "--every", "2", "--overlay", "\(folder)/o.mkv",
        video: "\(folder)/v.mp4", into: "\(folder)/out")
      #expect(run.code == 0, "\(run.errors)")
      let times = try Noted.read("\(folder)/out").frames.compactMap(\.time)
      #expect(
        times.count == 3 && zip(times, [0.16, 0.32, 0.48]).allSatisfy { abs($0 - $1) < 1e-6 }, "\(times)")
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/o.mkv")).prefix(4)
          == Data([0x1A, 0x45, 0xDF, 0xA3]))
    }
  }

  @Test(arguments: [
    ("mp4", 4, "ftyp"), ("mov", 4, "ftyp"), ("mkv", 0, "\u{1A}E"), ("webm", 0, "\u{1A}E"), ("gif", 0, "GIF89a"),
  ])
  func theContainerFollowsTheName(ending: String, place: Int, magic: String) throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/o.\(ending)"
      let writer = try VideoWriter(path: path, width: 31, height: 17, frameRate: 10)
      for level in [0, 90, 200] as [UInt8] {
        try writer.append(Picture(width: 31, height: 17, pixels: [UInt8](repeating: level, count: 31 * 17 * 3)))
      }
      try writer.finish()
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect(bytes.dropFirst(place).starts(with: magic.utf8))
      if ending == "webm" { #expect(bytes.prefix(64).range(of: Data("webm".utf8)) != nil) }
      let source = try openFrameSource(path: path)
      #expect(source.count == 3)
      for (index, level) in [0, 90, 200].enumerated() {
        let found = try source.frame(at: index)?.picture.pixels.first ?? 0
        // A GIF's palette has steps of 36.
        #expect(abs(Int(found) - level) <= 24, "\(found)")
      }
    }
  }

  /// Wrong names are refused before any work.
  @Test func namesSayWhatIsWritten() throws {
    try TestFiles.withTemporaryFolder { folder in
      for name in ["o.avi", "o.png", "o"] {
        let run = try Clip.track("--point", "1,1", "--overlay", "\(folder)/\(name)", into: "\(folder)/out")
        #expect(run.code == 2 && run.errors.contains(".mp4, .m4v, .mov, .mkv, .webm or .gif"), "\(run.errors)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
      for option in ["--trace", "--sketch"] {
        #expect(try segment(["--point", "1,1", option, "\(folder)/t.npz"], into: "\(folder)/out").code == 64)
      }
      // An output folder that is a file.
      try Data().write(to: URL(fileURLWithPath: "\(folder)/file"))
      let run = try segment(["--point", "1,1"], into: "\(folder)/file")
      #expect(run.code == 2 && run.errors.contains("expected a folder, found a file"), "\(run.errors)")
      let inside = try segment(["--point", "1,1"], into: "\(folder)/file/out")
      #expect(
        inside.code == 2 && inside.errors.contains("is a file, where a folder was expected"), "\(inside.errors)"
      )
    }
  }

  /// More objects than a byte counts.
  @Test func objectsBeyond255AreWrittenInSixteenBits() throws {
    try TestFiles.withTemporaryFolder { folder in
      let run = try Clip.track("--point", "300:44,84", into: "\(folder)/out")
      #expect(run.code == 0, "\(run.errors)")
      let report = try Noted.read("\(folder)/out")
      #expect(report.frames.allSatisfy { $0.objects.map(\.object) == [300] })
      // Grey of 16 bits, by the PNG's header.
      let header = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/out/00000.png")).dropFirst(24).prefix(2)
      #expect(Array(header) == [16, 0])
      #expect(try Clip.track("--point", "65536:44,84", into: "\(folder)/x").code == 2)
    }
  }

  #if os(Linux)
    /// Latin-1 names: in arguments, in folders, and as outputs.
    @Test func fileNamesAreBytes() throws {
      try TestFiles.withTemporaryFolder { folder in
        let script = """
          set -e
          f=$(printf 'caf\\351'); mkdir "$1/$f"; i=0
          for n in 00000 00001 00002; do cp "$2/$n.jpg" "$1/$f/$f$i.jpg"; i=$((i+1)); done
          "$3" track --model "$4" --config "$5" --video "$1/$f" --point 44,84 --output "$1/$f.out" > "$1/stdout"
          "$3" segment --model "$4" --config "$5" --image "$1/$f/$f"0.jpg --point 44,84 --output "$1/$f.one" > "$1/said"
          test -f "$1/$f.out/$f"2.png; test -f "$1/$f.one/mask_0.png"
          grep -q "$(printf 'caf\\351')" "$1/said"
          test $(ls "$1" | wc -l) = 5
          """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
          "-c", script, "sh", folder, Clip.frames, Program.path.path, Clip.micro, Clip.microYAML,
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
      }
    }
  #endif
}
