// Killed before any of its calls, or with the power gone after any: what a run leaves is the old result, the new one, or a
// folder that says that it is unfinished; and a track goes on to the same bytes, or refuses in words.
import Foundation
import Testing
import TestSupport

#if os(Linux)
  private let picture = TestFiles.package("Reference/micro.png")
  private let lenient = [
    "--points-per-side", "3", "--pred-iou-thresh", "0.3", "--stability-score-thresh", "0.3", "--output-mode",
    "binary_mask",
  ]

  private func saysUnfinished(_ files: [String: Data]) -> Bool {
    struct Report: Decodable { let complete: Bool }
    if files.keys.contains("UNFINISHED.txt") { return true }
    guard let report = files["tracks.json"] else { return false }
    return (try? JSONDecoder().decode(Report.self, from: report))?.complete == false
  }

  /// Runs a command once for the old results and then, noted call by call, for new ones in their place.
  private func expectOldNewOrUnfinished(
    old: [String]?, new: [String], option: String = "--output", in folder: String
  ) throws {
    let output = "\(folder)/out"
    let place = option.isEmpty ? [output] : [option, output]
    if let old {
      let first = try Program.run(old + place)
      #expect(first.code == 0, "\(first.errors)")
    }
    let before = ((try? files(below: output)) ?? [:]).visible
    let history = try DiskHistory(of: Program.process(new + place), in: output, log: "\(folder)/calls.log")
    let after = try files(below: output)
    #expect(after.keys.allSatisfy { !$0.hasPrefix(".") || $0 == ".masks.journal" })
    let moments = history.moments
    // Nothing escaped the notes.
    #expect(moments.last?.all.filter { $0.key != ".sam2kit.lock" } == after)
    var unfinished = 0
    for (number, moment) in moments.enumerated() {
      let now = moment.all.visible
      if now == before || now == after.visible { continue }
      unfinished += 1
      #expect(saysUnfinished(now), "before call \(number + 1) of \(moments.count): \(now.keys.sorted())")
    }
    #expect(unfinished > 0)
    #expect(before != after.visible)
  }

  @Suite struct KilledRunTests {
    @Test(arguments: [true, false]) func aTrack(isRerun: Bool) throws {
      try TestFiles.withTemporaryFolder { folder in
        let command = ["track", "--model", Clip.micro, "--config", Clip.microYAML, "--video", Clip.frames]
        try expectOldNewOrUnfinished(
          old: isRerun ? command + ["--point", "44,84", "--frame", "18"] : nil,
          new: command + ["--point", "69,37", "--frame", "20"], in: folder)
      }
    }

    @Test func aSegmentation() throws {
      try TestFiles.withTemporaryFolder { folder in
        let command = ["segment", "--model", Clip.micro, "--image", picture, "--point", "100,100"]
        try expectOldNewOrUnfinished(
          old: command + ["--point", "2:200,100", "--outlines", "svg"],
          new: command + ["--point", "120,90", "--outlines", "svg"], in: folder)
      }
    }

    @Test func masksOfAPictureAndOfAFolder() throws {
      try TestFiles.withTemporaryFolder { folder in
        let input = "\(folder)/in"
        try FileManager.default.createDirectory(atPath: input, withIntermediateDirectories: false)
        for name in ["a.png", "b.png"] {
          try FileManager.default.copyItem(atPath: picture, toPath: "\(input)/\(name)")
        }
        for image in [picture, input] {
          let command = ["masks", "--model", Clip.micro, "--image", image] + lenient
          try expectOldNewOrUnfinished(
            old: command, new: command + ["--min-area", "900", "--use-m2m"], in: folder)
          try FileManager.default.removeItem(atPath: "\(folder)/out")
        }
      }
    }

    @Test func aFolderForTransformers() throws {
      try TestFiles.withTemporaryFolder { folder in
        let command = ["convert", Clip.micro, "--naming", "transformers", "--config", Clip.microYAML]
        // Something of its own in the folder stays.
        try write(["out/mine.txt": Data("mine".utf8)], below: folder)
        try expectOldNewOrUnfinished(
          old: command, new: command + ["--dtype", "bf16"], option: "",
          in: folder)
        #expect(try String(contentsOfFile: "\(folder)/out/mine.txt", encoding: .utf8) == "mine")
      }
    }
  }

  @Suite struct PowerCutTests {
    @Test func aTrackGoesOnOrSaysWhyNot() throws {
      try TestFiles.withTemporaryFolder { folder in
        let (whole, cut) = ("\(folder)/whole", "\(folder)/cut")
        let arguments = ["--point", "69,37"]
        #expect(try Clip.track(arguments, into: whole).code == 0)
        let process = Program.process(Clip.arguments(arguments, into: cut))
        let history = try DiskHistory(
          of: process, in: cut, log: "\(folder)/calls.log", heldAt: "00006.png"
        ) {
          HeldProgram.send(SIGINT, to: process)
        }
        #expect(process.terminationStatus == 130)
        var states: [[String: Data]] = []
        for moment in history.moments {
          // Without the masks on all their ways: the journal has them.
          for files in [moment.least, moment.named, moment.all] {
            let kept = files.filter { !$0.key.hasSuffix(".partial") && !$0.key.hasSuffix(".png") }
            if !states.contains(kept) { states.append(kept) }
          }
        }
        #expect(states.count > 12)
        var resumed = 0
        for (number, state) in states.enumerated() {
          let output = "\(folder)/\(number)"
          try write(state, below: output)
          let run = try Clip.track(arguments + ["--resume"], into: output)
          if run.code == 0 {
            #expect(try contents(of: output) == contents(of: whole), "state \(number)")
            if run.errors.isEmpty { resumed += 1 }
          } else {
            // With both files of a run that was stopped this is not to happen: the order of writing sees to it.
            Issue.record("state \(number), \(state.mapValues(\.count)): \(run.code) \(run.errors)")
          }
        }
        #expect(resumed > 4)
      }
    }
  }
#endif

@Suite struct AlteredRunTests {
  /// Every so many bytes of what an interrupted track leaves, through the program.
  @Test func anAlteredTrackIsTheSameOrRefused() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (whole, cut) = ("\(folder)/whole", "\(folder)/cut")
      let arguments = ["--point", "69,37", "--frame", "16"]
      #expect(try Clip.track(arguments, into: whole).code == 0)
      let process = Program.process(Clip.arguments(arguments, into: cut))
      (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
      try HeldProgram.run(process, at: "\(cut)/00019.png") { HeldProgram.send(SIGINT, to: process) }
      #expect(process.terminationStatus == 130)
      let left = try contents(of: cut)
      for name in [".tracks.state", ".tracks.journal"] {
        let bytes = try #require(left[name])
        for place in stride(from: 3, to: bytes.count, by: max(1, bytes.count / 17)) {
          var altered = bytes
          altered[place] ^= 0x11
          try altered.write(to: URL(fileURLWithPath: "\(cut)/\(name)"))
          let run = try Clip.track(arguments + ["--resume"], into: cut)
          #expect(run.code == 2, "\(name), byte \(place)")
          #expect(
            run.errors
              == "error: \(cut)/\(name): expected what an interrupted run wrote, found it altered, damaged or of another "
              + "version; leave out --resume to start anew\n", "\(name), byte \(place)")
          try bytes.write(to: URL(fileURLWithPath: "\(cut)/\(name)"))
          #expect(try contents(of: cut) == left)
        }
      }
      try FileManager.default.removeItem(atPath: "\(cut)/.tracks.journal")
      let without = try Clip.track(arguments + ["--resume"], into: cut)
      #expect(without.code == 2 && without.errors.contains(".tracks.journal: expected what an interrupted run"))
      try left[".tracks.journal"]?.write(to: URL(fileURLWithPath: "\(cut)/.tracks.journal"))
      #expect(try Clip.track(arguments + ["--resume"], into: cut).code == 0)
      #expect(try contents(of: cut) == contents(of: whole))
    }
  }

  @Test func anAlteredJournalOfMasksIsRefused() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (input, output) = ("\(folder)/in", "\(folder)/out")
      try FileManager.default.createDirectory(atPath: input, withIntermediateDirectories: false)
      try FileManager.default.copyItem(
        atPath: TestFiles.package("Reference/micro.png"), toPath: "\(input)/a.png")
      let arguments = ["masks", "--model", Clip.micro, "--image", input, "--output", output]
      let few = ["--points-per-side", "2", "--pred-iou-thresh", "0.3", "--stability-score-thresh", "0.3"]
      #expect(try Program.run(arguments + few).code == 0)
      let journal = URL(fileURLWithPath: "\(output)/.masks.journal")
      let bytes = try Data(contentsOf: journal)
      for place in stride(from: 1, to: bytes.count, by: max(1, bytes.count / 11)) {
        var altered = bytes
        altered[place] ^= 1
        try altered.write(to: journal)
        let run = try Program.run(arguments + few + ["--resume"])
        #expect(run.code == 2, "byte \(place)")
        #expect(run.errors.contains("leave out --resume to start anew"), "\(run.errors)")
      }
      try bytes.write(to: journal)
      #expect(try Program.run(arguments + few + ["--resume"]).code == 0)
    }
  }
}
