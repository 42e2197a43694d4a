// Every command that writes, with ever larger limits on the size of a file: each run is whole, or fails with the reason and
// leaves nothing behind.
import Foundation
import Testing
import TestSupport

private let picture = TestFiles.package("Reference/micro.png")
private let reference = TestFiles.package("Reference/micro.h5")
private let pointing = ["--image", picture, "--point", "100,100"]

/// Runs the program where files may have so many blocks of 512 bytes.
private func run(_ arguments: [String], blocks: Int, in folder: String) throws -> Program.Outcome {
  let shell = Process()
  shell.executableURL = URL(fileURLWithPath: "/bin/sh")
  shell.arguments = ["-c", "ulimit -f \(blocks); exec \"$0\" \"$@\"", Program.path.path] + arguments
  shell.currentDirectoryURL = URL(fileURLWithPath: folder)
  let (output, errors) = (Pipe(), Pipe())
  (shell.standardOutput, shell.standardError) = (output, errors)
  try shell.run()
  let text = output.fileHandleForReading.readDataToEndOfFile()
  let remarks = errors.fileHandleForReading.readDataToEndOfFile()
  shell.waitUntilExit()
  return Program.Outcome(
    code: shell.terminationStatus, output: String(decoding: text, as: UTF8.self),
    errors: String(decoding: remarks, as: UTF8.self))
}

@Suite struct FullDiskTests {
  @Test(arguments: [
    ["convert", Clip.micro, "o.safetensors"], ["convert", Clip.micro, "o.pt"], ["convert", Clip.micro, "o.h5"],
    ["convert", Clip.micro, "o.gguf"], ["convert", Clip.micro, "o", "--naming", "transformers"],
    ["convert", Clip.micro, "old", "--naming", "transformers"],
    ["quantize", Clip.micro, "o.safetensors", "--scheme", "w8", "--save-plan", "o.json"],
    ["synthesize", "--config", Clip.microYAML, "o.pt"],
    ["encode", "--model", Clip.micro, "--image", picture, "--output", "o.emb"],
    ["segment", "--model", Clip.micro, "--output", "o", "--outlines", "svg", "--logits", "l.npy"] + pointing,
    ["segment", "--model", Clip.micro, "--output", "o/p", "--sketch", "s.h5"] + pointing,
    ["masks", "--model", Clip.micro, "--image", picture, "--points-per-side", "3", "--output", "o"],
    ["masks", "--model", Clip.micro, "--image", "in", "--points-per-side", "3", "--output", "o"],
    ["evaluate", "--data", "set", "--masks", "found", "--csv", "o.csv"],
    ["compare", reference, reference, "--save", "o.json", "--junit", "o.xml", "--html", "o.html"],
    ["trace-cut", reference, "--output", "o.h5", "--tap", "*mask*"],
    ["trace-sketch", reference, "--output", "o.h5"], ["trace-merge", reference, reference, "--output", "o.h5"],
    ["benchmark", "--model", Clip.micro, "--image", picture, "--repeat", "1", "--html", "o.html"],
  ]) func aFileTooLargeIsAnError(arguments: [String]) throws {
    try TestFiles.withTemporaryFolder { folder in
      let manager = FileManager.default
      for name in ["in", "old", "set/clips", "set/pictures", "found"] {
        try manager.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
      }
      try manager.copyItem(atPath: picture, toPath: "\(folder)/in/a.png")
      let clip = TestFiles.package("Reference/validation/clips/00")
      try manager.copyItem(atPath: clip, toPath: "\(folder)/set/clips/00")
      try manager.copyItem(atPath: "\(clip)/masks", toPath: "\(folder)/found/00")
      let before = try manager.subpathsOfDirectory(atPath: folder).sorted()
      var codes: [Int32] = []
      for blocks in [0, 1, 3, 10, 40, 160, 640, 2560, 10_240, 40_960] {
        let outcome = try run(arguments, blocks: blocks, in: folder)
        codes.append(outcome.code)
        if outcome.code == 0 { break }
        #expect(outcome.code == 2, "\(blocks) blocks")
        #expect(outcome.errors.contains("File too large"), "\(outcome.errors)")
        #expect(
          outcome.errors.split(separator: "\n").count { $0.hasPrefix("error: ") } == 1, "\(outcome.errors)")
        #expect(try manager.subpathsOfDirectory(atPath: folder).sorted() == before, "\(blocks) blocks")
      }
      #expect(codes.count > 1 && codes.last == 0, "\(codes)")
    }
  }

  /// A track keeps what a run that resumes goes on from, and says so; without room for that, nothing.
  @Test func aTrackGoesOnWhenThereIsRoom() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (whole, cut) = ("\(folder)/whole", "\(folder)/cut")
      let arguments = ["--point", "69,37", "--frame", "12"]
      #expect(try Clip.track(arguments, into: whole).code == 0)
      for blocks in [0, 1, 2, 4, 8, 600, 1200] {
        let outcome = try run(Clip.arguments(arguments, into: cut), blocks: blocks, in: folder)
        if outcome.code == 0 { break }
        #expect(outcome.code == 2 && outcome.errors.contains("File too large"), "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        let left = names(in: cut)
        #expect(left.allSatisfy { !$0.hasSuffix(".partial") })
        guard left.contains(".tracks.state") else {
          #expect(left.isEmpty, "\(blocks) blocks: \(left)")
          continue
        }
        #expect(
          outcome.errors.contains("; \(cut)/tracks.json says what was found until then, --resume goes on"))
        #expect(try !TracksReport(folder: cut).complete)
        #expect(try Clip.track(arguments + ["--resume"], into: cut).code == 0)
        #expect(try contents(of: cut) == contents(of: whole))
        try FileManager.default.removeItem(atPath: cut)
      }
    }
  }

  /// A track that stops says where what it found is; of a damaged frame it doesn't promise that it goes on.
  @Test func aTrackThatStopsSaysWhatItFound() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (frames, output) = ("\(folder)/clip", "\(folder)/out")
      try FileManager.default.copyItem(atPath: Clip.frames, toPath: frames)
      try Data("no picture".utf8).write(to: URL(fileURLWithPath: "\(frames)/00005.jpg"))
      let outcome = try Clip.track("--point", "69,37", video: frames, into: output)
      #expect(
        outcome.code == 2 && outcome.errors.hasPrefix("error: \(frames)/00005.jpg: "), "\(outcome.errors)")
      #expect(outcome.errors.hasSuffix("; \(output)/tracks.json says what was found until then\n"))
      let report = try TracksReport(folder: output)
      #expect(!report.complete && report.frames.map(\.frame) == Array(0..<5))
    }
  }

  @Test func logitsThatCanNotBeWrittenAreFoundBeforeMasksAre() throws {
    try TestFiles.withTemporaryFolder { folder in
      let arguments = ["segment", "--model", Clip.micro, "--output", "\(folder)/o"] + pointing
      for logits in ["\(folder)/none/l.npy", folder, "/dev/null"] {
        let outcome = try Program.run(arguments + ["--logits", logits])
        #expect(
          outcome.code == 2 && outcome.errors.contains("\(logits): can't be written: "), "\(outcome.errors)")
        #expect(names(in: folder).isEmpty)
      }
    }
  }
}
