// Ctrl-C while a folder of pictures is gone through: what is there is whole, and `--resume` makes the rest.
import Foundation
import Testing
import TestSupport

private let lenient = [
  "--points-per-side", "3", "--pred-iou-thresh", "0.3", "--stability-score-thresh", "0.3",
]

@Suite struct MasksInterruptionTests {
  private let pictures = ["a", "b", "c"]

  /// A folder of three pictures, and what a run through it leaves that nobody disturbs.
  private func withPictures(_ body: (_ folder: String, _ whole: [String: Data]) throws -> Void) throws {
    try TestFiles.withTemporaryFolder { folder in
      let input = "\(folder)/in"
      try FileManager.default.createDirectory(atPath: input, withIntermediateDirectories: false)
      for (name, source) in [
        ("a.png", "micro.png"), ("b.jpg", "validation/pictures/02.jpg"),
        ("c.jpg", "validation/pictures/03.jpg"),
      ] {
        try FileManager.default.copyItem(
          atPath: TestFiles.package("Reference/\(source)"), toPath: "\(input)/\(name)")
      }
      let run = try Program.run(arguments(folder, "whole"))
      #expect(run.code == 0, "\(run.errors)")
      let whole = try files(below: "\(folder)/whole")
      #expect(
        Set(whole.keys)
          == Set(
            [".masks.journal", "coco.json"]
              + pictures.flatMap { ["\($0)/labels.png", "\($0)/masks.json", "\($0)/overlay.png"] }))
      try body(folder, whole)
    }
  }

  private func arguments(_ folder: String, _ output: String) -> [String] {
    ["masks", "--model", Clip.micro, "--image", "\(folder)/in", "--output", "\(folder)/\(output)"] + lenient
  }

  /// Signals come when a picture's report is in its place, and when the report is still to come: the picture is finished.
  @Test(arguments: [(SIGINT, "masks.json"), (SIGTERM, "masks.json"), (SIGINT, "labels.png")])
  func anInterruptedFolderGoesOnToTheSameBytes(signal: Int32, file: String) throws {
    try withPictures { folder, whole in
      let cut = "\(folder)/cut"
      let run = try interrupt(arguments(folder, "cut"), at: "a/\(file)", in: cut, with: [signal])
      #expect(run.reason == .exit && run.code == 128 + signal)
      #expect(
        run.errors.hasSuffix("interrupted; finished pictures are in \(cut), --resume goes on from there\n"),
        "\(run.errors)")
      let left = try files(below: cut)
      let finished = pictures.filter { left.keys.contains("\($0)/masks.json") }
      #expect(finished.first == "a" && finished.count < pictures.count)
      // Every file of a finished picture and none of another, and what says that there are more to come.
      let results = whole.filter { finished.contains(String($0.key.prefix { $0 != "/" })) }
      #expect(left.filter { $0.key.contains("/") } == results)
      #expect(Set(left.keys.filter { !$0.contains("/") }) == [".masks.journal", "UNFINISHED.txt"])
      let resumed = try Program.run(arguments(folder, "cut") + ["--resume"])
      #expect(resumed.code == 0, "\(resumed.errors)")
      #expect(try files(below: cut) == whole)
    }
  }

  #if os(Linux)
    /// The second of two ends the run amid a picture's files: each is whole, and the picture is done anew.
    @Test func aSecondInterruptLeavesWholeFiles() throws {
      try withPictures { folder, whole in
        let cut = "\(folder)/cut"
        let run = try interrupt(
          arguments(folder, "cut"), at: "b/labels.png", in: cut, with: [SIGINT, SIGINT])
        #expect(run.reason == .exit && run.code == 130)
        let left = try files(below: cut)
        let marks = ["UNFINISHED.txt", "b/UNFINISHED.txt"]
        #expect(marks.allSatisfy(left.keys.contains))
        for (name, bytes) in left where !marks.contains(name) && name != ".masks.journal" {
          #expect(bytes == whole[name], "\(name)")
        }
        #expect(left["a/masks.json"] != nil && left["b/labels.png"] != nil && left["b/masks.json"] == nil)
        let resumed = try Program.run(arguments(folder, "cut") + ["--resume"])
        #expect(resumed.code == 0, "\(resumed.errors)")
        #expect(try files(below: cut) == whole)
      }
    }
  #endif
}
