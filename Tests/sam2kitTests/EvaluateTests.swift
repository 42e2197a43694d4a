// evaluate: what it prints, and what of it other tools read.
import Foundation
import Testing
import TestSupport

private let set = TestFiles.package("Reference/validation")

/// The JSON that evaluate prints.
private struct Printed: Decodable {
  struct Scores: Decodable {
    let picture: String?
    let clip: String?
    let frame: Int?
    let object: Int?
    let objects: Int?
    let oneClick: Double?
    let box: Double?
    let threeClicks: Double?
    let j: Double?
    let f: Double?
    let jAndF: Double?
  }

  let means: [String: Double]
  let standardErrors: [String: Double]
  let pictures: [Scores]
  let clips: [Scores]
  let byPicture: [Scores]
  let byClip: [Scores]
  let byFrame: [Scores]
}

@Suite struct EvaluateTests {
  private func evaluate(_ folder: String, _ arguments: String...) throws -> String {
    // At 128 pixels, which is quick; what masks are worth is measured elsewhere.
    let outcome = try Program.run(
      [
        "evaluate", "--model", TestFiles.package("Weights/sam2.1_micro.pt"), "--config",
        TestFiles.package("Reference/micro.yaml"), "--data", folder,
      ] + arguments)
    try #require(outcome.code == 0, "\(outcome.errors)")
    return outcome.output
  }

  /// A set of these pictures and clips; of a clip the first four frames.
  private func copy(pictures: [String], clips: [String], to folder: String) throws {
    let files = FileManager.default
    try files.createDirectory(atPath: "\(folder)/pictures", withIntermediateDirectories: true)
    for name in pictures.flatMap({ ["\($0).jpg", "\($0).png"] }) {
      try files.copyItem(atPath: "\(set)/pictures/\(name)", toPath: "\(folder)/pictures/\(name)")
    }
    for clip in clips {
      for (part, kind) in [("frames", "jpg"), ("masks", "png")] {
        let (from, to) = ("\(set)/clips/\(clip)/\(part)", "\(folder)/clips/\(clip)/\(part)")
        try files.createDirectory(atPath: to, withIntermediateDirectories: true)
        for frame in 0..<4 {
          try files.copyItem(atPath: "\(from)/0000\(frame).\(kind)", toPath: "\(to)/0000\(frame).\(kind)")
        }
      }
    }
  }

  /// Of two pictures, and of two clips, a mean's standard error is what the first's scores lie off it in sum, doubled, by
  /// the count of objects: n₁ (m₁ - m) = -n₂ (m₂ - m).
  @Test func figuresComeWithTheirSpread() throws {
    try TestFiles.withTemporaryFolder { folder in
      try copy(pictures: ["00", "17"], clips: ["01", "05"], to: folder)
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      let printed = try decoder.decode(Printed.self, from: Data(evaluate(folder, "--json").utf8))
      #expect(printed.byPicture.map(\.picture) == ["00", "17"])
      #expect(printed.byClip.map(\.clip) == ["01", "05"])
      // Of four frames the first is given and the last is not judged.
      #expect(printed.byFrame.map(\.frame) == [1, 2])
      #expect(printed.byFrame.allSatisfy { $0.objects == printed.clips.count })
      let figures: [(String, [Printed.Scores], KeyPath<Printed.Scores, Double?>)] = [
        ("one_click", printed.byPicture, \.oneClick), ("box", printed.byPicture, \.box),
        ("three_clicks", printed.byPicture, \.threeClicks), ("j", printed.byClip, \.j),
        ("f", printed.byClip, \.f), ("j_and_f", printed.byClip, \.jAndF),
      ]
      #expect(printed.means.count == figures.count && printed.standardErrors.count == figures.count)
      for (name, groups, score) in figures {
        let counts = try groups.map { try Double(#require($0.objects)) }
        let means = try groups.map { try #require($0[keyPath: score]) }
        let mean = (counts[0] * means[0] + counts[1] * means[1]) / (counts[0] + counts[1])
        #expect(abs((printed.means[name] ?? 0) - mean) < 1e-9, "\(name)")
        let error = 2 * counts[0] * abs(means[0] - mean) / (counts[0] + counts[1])
        #expect(abs((printed.standardErrors[name] ?? -1) - error) < 1e-9, "\(name)")
      }
      // Clips are equally long: the mean over frames is the mean over objects.
      let frames = try printed.byFrame.map { try #require($0.jAndF) }
      #expect(abs(frames[0] + frames[1] - 2 * (printed.means["j_and_f"] ?? 0)) < 1e-9)

      let lines = try evaluate(folder).split(separator: "\n").map(String.init)
      func figure(_ name: String) -> String {
        String(format: "%.3f ± %.3f", printed.means[name] ?? 0, printed.standardErrors[name] ?? 0)
      }
      let (pictures, clips) = (printed.pictures.count, printed.clips.count)
      #expect(
        lines == [
          "\(pictures) objects in 2 pictures: mIoU one click \(figure("one_click"))  box \(figure("box"))  "
            + "three clicks \(figure("three_clicks"))",
          "\(clips) objects in 2 clips: J \(figure("j"))  F \(figure("f"))  J&F \(figure("j_and_f"))",
          "±: standard error over pictures, and over clips",
        ])
    }
  }

  /// A clip of one frame says nothing of tracking; a set of nothing else has no figures.
  @Test func aSetOfWhichNothingIsJudgedIsAnError() throws {
    try TestFiles.withTemporaryFolder { folder in
      try copy(pictures: [], clips: ["00"], to: folder)
      for part in ["frames", "masks"] {
        for name in try FileManager.default.contentsOfDirectory(atPath: "\(folder)/clips/00/\(part)")
        where !name.hasPrefix("00000") {
          try FileManager.default.removeItem(atPath: "\(folder)/clips/00/\(part)/\(name)")
        }
      }
      let outcome = try Program.run(
        "evaluate", "--model", TestFiles.package("Weights/sam2.1_micro.pt"), "--data", folder, "--csv",
        "\(folder)/scores.csv")
      #expect(outcome.code == 2 && outcome.output.isEmpty)
      #expect(outcome.errors.contains("expected an object to judge, found none"), "\(outcome.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/scores.csv"))
      let split = try Program.run(
        "evaluate", "--masks", folder, "--data", folder, "--split", "val")
      #expect(split.code == 2 && split.errors.contains("leave out --split"), "\(split.errors)")
    }
  }

  @Test func aSinglePictureHasNoSpread() throws {
    try TestFiles.withTemporaryFolder { folder in
      try copy(pictures: ["00"], clips: [], to: folder)
      let lines = try evaluate(folder).split(separator: "\n")
      #expect(lines.count == 1 && lines[0].contains(" in 1 picture: mIoU ") && !lines[0].contains("±"))
    }
  }
}
