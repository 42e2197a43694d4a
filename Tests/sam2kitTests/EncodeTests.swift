import Foundation
import Masks
import Media
import Testing
import TestSupport

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let picture = TestFiles.package("Reference/micro.png")
private let click = ["--point", "100,120", "--point", "2:220,90"]

/// What a run left in a folder, of which paths are named otherwise.
private func masks(in folder: String) throws -> [[UInt8]] {
  try ["mask_0.png", "mask_1.png"].map { try BinaryMask.read(path: "\(folder)/\($0)").pixels }
}

@Suite struct EncodeTests {
  /// Embedded earlier or now: the same masks, the same scores.
  @Test func anEmbeddingGivesThePicturesMasks() throws {
    try TestFiles.withTemporaryFolder { folder in
      let embedding = "\(folder)/micro.emb"
      let encoded = try Program.run("encode", "--model", micro, "--image", picture, "--output", embedding)
      #expect(encoded.code == 0, "\(encoded.errors)")
      let whole = try Program.run(
        ["segment", "--model", micro, "--image", picture, "--output", "\(folder)/whole"] + click)
      let stored = try Program.run(
        ["segment", "--model", micro, "--embedding", embedding, "--output", "\(folder)/stored"] + click)
      #expect(whole.code == 0 && stored.code == 0, "\(stored.errors)")
      #expect(try masks(in: "\(folder)/whole") == masks(in: "\(folder)/stored"))
      let words = { (text: String) in
        text.split(separator: "\n").prefix(2).map { $0.split(separator: "  ").dropFirst() }
      }
      #expect(words(whole.output) == words(stored.output))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/stored/overlay.png"))
      // With the picture there is something to draw on.
      let drawn = try Program.run(
        [
          "segment", "--model", micro, "--embedding", embedding, "--image", picture, "--output",
          "\(folder)/drawn",
        ] + click)
      #expect(drawn.code == 0, "\(drawn.errors)")
      #expect(
        try Picture.read(path: "\(folder)/drawn/overlay.png")
          == Picture.read(path: "\(folder)/whole/overlay.png"))

      let options = ["--points-per-side", "3", "--pred-iou-thresh", "0.4", "--stability-score-thresh", "0.6"]
      let all = try Program.run(
        ["masks", "--model", micro, "--image", picture, "--output", "\(folder)/m"] + options)
      let these = try Program.run(
        ["masks", "--model", micro, "--embedding", embedding, "--output", "\(folder)/n"] + options)
      #expect(all.code == 0 && these.code == 0, "\(these.errors)")
      let text = try Data(contentsOf: URL(filePath: "\(folder)/m/masks.json"))
      #expect(text.count > 100)
      #expect(try text == Data(contentsOf: URL(filePath: "\(folder)/n/masks.json")))
      let cropped = try Program.run(
        [
          "masks", "--model", micro, "--embedding", embedding, "--output", "\(folder)/c", "--crop-n-layers",
          "1",
        ])
      #expect(cropped.code == 2)
      #expect(cropped.errors.contains("expected none, since only the whole was embedded"))
    }
  }

  /// A conversion of the same checkpoint is the same model; another plan, configuration or checkpoint is not.
  @Test func onlyTheModelThatMadeItTakesAnEmbedding() throws {
    try TestFiles.withTemporaryFolder { folder in
      let embedding = "\(folder)/micro.emb"
      #expect(try Program.run("encode", "--model", micro, "--image", picture, "--output", embedding).code == 0)
      func segment(_ model: String, _ arguments: [String] = []) throws -> Program.Outcome {
        try Program.run(
          ["segment", "--model", model, "--embedding", embedding, "--output", "\(folder)/out"] + click
            + arguments)
      }
      let converted = "\(folder)/micro.safetensors"
      #expect(try Program.run("convert", micro, converted).code == 0)
      #expect(try segment(converted).code == 0)
      let rounded = "\(folder)/half.safetensors"
      #expect(try Program.run("convert", micro, rounded, "--dtype", "f16").code == 0)
      for (model, arguments, words) in [
        (micro, ["--set", "image_size=128"], "another configuration"),
        (micro, ["--precision", "w8"], "another precision plan"), (rounded, [], "another rounding of weights"),
        (TestFiles.package("Tests/SAM2Tests/Fixtures/sam2.1_nano.pt"), [], "another checkpoint"),
      ] {
        let run = try segment(model, arguments)
        #expect(run.code == 2 && run.errors.contains(words), "\(run.errors)")
      }
      let other = try segment(micro, ["--image", TestFiles.package("Reference/validation/pictures/02.jpg")])
      #expect(other.code == 2 && other.errors.contains("found that of another picture, called micro.png"))
      let none = try Program.run(
        ["segment", "--model", micro, "--embedding", converted, "--output", "\(folder)/out"] + click)
      #expect(none.code == 2 && none.errors.contains("expected a picture's embedding"))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/out/none.json"))
    }
  }

  /// The generator would find no mask in it, which is no error by itself.
  @Test func anEmbeddingWithANumberThatIsNoneIsRefused() throws {
    try TestFiles.withTemporaryFolder { folder in
      let embedding = "\(folder)/micro.emb"
      #expect(try Program.run("encode", "--model", micro, "--image", picture, "--output", embedding).code == 0)
      var bytes = try Data(contentsOf: URL(filePath: embedding))
      bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: [0, 0, 0xc0, 0x7f])
      try bytes.write(to: URL(filePath: embedding))
      for command in [["masks"], ["segment"] + click] {
        let run = try Program.run(
          command + ["--model", micro, "--embedding", embedding, "--output", "\(folder)/out"])
        #expect(run.code == 2 && run.errors.contains("micro.emb: expected finite numbers"), "\(run.errors)")
      }
    }
  }

  @Test func anEmbeddingThatIsCutShortIsRefused() throws {
    try TestFiles.withTemporaryFolder { folder in
      let embedding = "\(folder)/micro.emb"
      #expect(try Program.run("encode", "--model", micro, "--image", picture, "--output", embedding).code == 0)
      let bytes = try Data(contentsOf: URL(filePath: embedding))
      for length in [0, 7, 200, bytes.count / 2, bytes.count - 1] {
        try bytes.prefix(length).write(to: URL(filePath: embedding))
        let run = try Program.run(
          ["segment", "--model", micro, "--embedding", embedding, "--output", "\(folder)/out"] + click)
        #expect(run.code == 2)
        #expect(run.errors.contains("micro.emb"), "\(run.errors)")
      }
    }
  }
}

@Suite struct PromptLinesTests {
  private struct Answer: Decodable {
    struct Mask: Decodable {
      let object: Int
      let segmentation: RunLengthEncoding
    }
    let image: String?
    let error: String?
    let masks: [Mask]?
  }

  /// A line asks, a line answers; what can't be meant is said, and the next line read.
  @Test func everyLineIsAnswered() throws {
    try TestFiles.withTemporaryFolder { folder in
      let input = "\(folder)/in"
      try FileManager.default.createDirectory(atPath: input, withIntermediateDirectories: false)
      try FileManager.default.copyItem(atPath: picture, toPath: "\(input)/a.png")
      let lines = [
        #"{"image": "a.png", "objects": [{"id": 1, "points": [[100, 120]], "labels": [1]}]}"#, "",
        #"{"image": "a.png", "objects": [{"id": 7, "points": [[220, 90]], "labels": [1]}]}"#,
        #"{"image": "missing.png", "objects": [{"id": 1, "box": [1, 1, 9, 9]}]}"#,
        #"{"image": "a.png", "objects": [{"id": 1, "points": [[400, 120]], "labels": [1]}]}"#,
        #"{"objects": []}"#, "no JSON",
      ]
      try lines.joined(separator: "\n").write(toFile: "\(folder)/lines", atomically: false, encoding: .utf8)
      let process = Program.process(["segment", "--model", micro, "--image", input])
      process.standardInput = try FileHandle(forReadingFrom: URL(filePath: "\(folder)/lines"))
      let output = Pipe()
      (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
      try process.run()
      let text = output.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      #expect(process.terminationStatus == 2)
      let answers = try text.split(separator: UInt8(ascii: "\n")).map {
        try JSONDecoder().decode(Answer.self, from: $0)
      }
      try #require(answers.count == 6)
      #expect(answers.map { $0.error == nil } == [true, true, false, false, false, false])
      #expect(answers[1].masks?.map(\.object) == [7])
      let run = try Program.run(
        ["segment", "--model", micro, "--image", picture, "--output", "\(folder)/out"] + click)
      #expect(run.code == 0)
      let expected = try masks(in: "\(folder)/out")
      #expect(
        answers.prefix(2).compactMap { $0.masks?.first.map { BinaryMask($0.segmentation).pixels } } == expected)
      for (answer, words) in zip(answers[2...], ["missing.png", "lies outside the picture", "image", "line 7"])
      {
        #expect(answer.error?.contains(words) == true, "\(answer)")
      }
    }
  }
}
