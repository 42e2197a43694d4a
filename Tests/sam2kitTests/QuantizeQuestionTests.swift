// quantize --analyze, --max-drop and --html: what is printed, written, kept for another run, and refused.
import Checkpoints
import Files
import Foundation
import Testing
import TestSupport

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
// At 128 pixels, which is quick.
private let microYAML = TestFiles.package("Reference/micro.yaml")
private let validation = TestFiles.package("Reference/validation")

/// Of what `quantize --json` prints, what is looked at here.
private struct Printed: Decodable {
  struct Decibels: Decodable {
    let weights: Double?
    let inputs: Double?
    let both: Double?
  }
  struct Loss: Decodable, Equatable {
    let miouPoints: Double?
    let jAndFPoints: Double?
    var worst: Double { max(miouPoints ?? -.infinity, jAndFPoints ?? -.infinity) }
  }
  struct Module: Decodable {
    let module: String
    let layers: [String]
    let weights: Int
    let expectedSqnrDb: Decibels
    let isolatedSqnrDb: Decibels
    let accumulatedSqnrDb: Double?
    let lossAlone: Loss?
  }
  struct Evaluation: Decodable {
    let modulesInFloat: [String]
    let loss: Loss
  }
  struct Search: Decodable {
    let modulesInFloat: [String]
    let loss: Loss
    let evaluations: [Evaluation]
  }
  struct Report: Decodable {
    struct Figure: Decodable {
      let name: String
      let before: Double
      let after: Double
      let differencePoints: Double
    }
    struct Masks: Decodable { let figures: [Figure] }
    struct Module: Decodable {
      let name: String
      let scheme: String
    }
    let masks: Masks?
    let modules: [Module]
  }
  let modules: [Module]?
  let search: Search?
  let report: Report?
  let outputBytes: Int?
}

@Suite struct QuantizeQuestionTests {
  /// A picture and the first frames of a clip to calibrate with, and others to judge.
  private func withFolders(_ body: (_ folder: String) throws -> Void) throws {
    try TestFiles.withTemporaryFolder { folder in
      let files = FileManager.default
      func copy(_ from: String, _ to: String) throws {
        let place = URL(fileURLWithPath: "\(folder)/\(to)")
        try files.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try files.copyItem(atPath: "\(validation)/\(from)", toPath: place.path)
      }
      try copy("pictures/03.jpg", "seen/03.jpg")
      for kind in ["jpg", "png"] { try copy("pictures/17.\(kind)", "data/pictures/17.\(kind)") }
      for frame in 0..<4 {
        try copy("clips/04/frames/0000\(frame).jpg", "seen/clip/0000\(frame).jpg")
        try copy("clips/05/frames/0000\(frame).jpg", "data/clips/05/frames/0000\(frame).jpg")
        try copy("clips/05/masks/0000\(frame).png", "data/clips/05/masks/0000\(frame).png")
      }
      try body(folder)
    }
  }

  private func arguments(_ output: String?, in folder: String, _ more: [String]) -> [String] {
    ["quantize", micro] + (output.map { ["\(folder)/\($0)"] } ?? [])
      + ["--config", microYAML, "--calibrate", "\(folder)/seen"] + more
  }

  private func printed(_ outcome: Program.Outcome) throws -> Printed {
    try #require(outcome.code == 0, "\(outcome.errors)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    return try decoder.decode(Printed.self, from: Data(outcome.output.utf8))
  }

  @Test func modulesAreRankedAndNothingIsWritten() throws {
    try withFolders { folder in
      let found = try printed(
        Program.run(arguments(nil, in: folder, ["--scheme", "w8a8", "--analyze", "--json"])))
      let modules = try #require(found.modules)
      #expect(modules.count == 17 && found.outputBytes == nil && found.search == nil && found.report == nil)
      #expect(names(in: folder) == ["data", "seen"])
      let exactness = modules.map { $0.isolatedSqnrDb.both ?? .nan }
      #expect(exactness == exactness.sorted() && exactness.allSatisfy { (15...80).contains($0) })
      for module in modules {
        let (alone, expected) = (module.isolatedSqnrDb, module.expectedSqnrDb)
        // Rounding both is as bad as the worse of them, and as their errors added up: 6 dB at most.
        let least = min(alone.weights ?? .nan, alone.inputs ?? .nan)
        #expect(abs((alone.both ?? .nan) - least) < 6.5, "\(module.module)")
        #expect((expected.both ?? .nan) < min(expected.weights ?? .nan, expected.inputs ?? .nan))
        #expect(module.lossAlone == nil)
      }
      // Nothing is rounded before the first block.
      let first = try #require(modules.first { $0.module == "image_encoder.trunk.blocks.0" })
      #expect(first.accumulatedSqnrDb == first.isolatedSqnrDb.both && first.weights == 6912)

      // What a module does alone is what it does in place where it alone is quantized.
      let name = "image_encoder.trunk.blocks.4"
      let plan = "\(folder)/plan.json"
      try
        #"{"rules": [{"layers": "\#(name).attn.qkv", "precision": "w8"}, {"layers": "\#(name).mlp.layers.*", "precision": "w8"}, {"layers": "\#(name).attn.proj", "precision": "w8"}]}"#
        .write(toFile: plan, atomically: false, encoding: .utf8)
      let alone = try printed(Program.run(arguments(nil, in: folder, ["--plan", plan, "--analyze", "--json"])))
      let module = try #require(alone.modules?.first)
      #expect(alone.modules?.count == 1 && module.module == name && module.isolatedSqnrDb.inputs == nil)
      // On pictures and on the first frame it is the same; later frames see it in memories as well, which come after it.
      #expect(module.accumulatedSqnrDb == module.isolatedSqnrDb.both)
      let weights = modules.first { $0.module == name }?.isolatedSqnrDb.weights
      #expect(abs((weights ?? .nan) - (module.isolatedSqnrDb.weights ?? .nan)) < 1e-3)

      let text = try Program.run(arguments(nil, in: folder, ["--scheme", "w8", "--analyze"]))
      #expect(text.code == 0 && text.output.hasPrefix("module "), "\(text.errors)")
      #expect(text.output.contains("image_encoder.neck") && !text.output.contains("lost"))
    }
  }

  @Test func modulesAreRankedByWhatMasksLose() throws {
    try withFolders { folder in
      let found = try printed(
        Program.run(
          arguments(nil, in: folder, ["--scheme", "w4", "--analyze", "--json", "--data", "\(folder)/data"])))
      let modules = try #require(found.modules)
      let losses = modules.compactMap { $0.lossAlone?.worst }
      #expect(losses.count == 17 && losses == losses.sorted(by: >))
      // Pictures are segmented without these.
      for module in modules where module.module.hasPrefix("memory_") {
        #expect(module.lossAlone?.miouPoints == 0 && module.lossAlone?.jAndFPoints != nil)
      }
      #expect(modules.contains { $0.lossAlone?.miouPoints ?? 0 != 0 })
    }
  }

  /// What is lost is what `evaluate` finds, and the plan that was saved makes the same file again.
  @Test func aLossThatIsAllowedKeepsNothingInFloat() throws {
    try withFolders { folder in
      let (data, html, plan) = ("\(folder)/data", "\(folder)/q.html", "\(folder)/plan.json")
      let found = try printed(
        Program.run(
          arguments(
            "q.safetensors", in: folder,
            [
              "--scheme", "w8a8", "--data", data, "--max-drop", "100", "--html", html, "--save-plan", plan,
              "--json",
            ])))
      let search = try #require(found.search)
      #expect(search.modulesInFloat.isEmpty && search.evaluations.count == 1)
      #expect(names(in: folder) == ["data", "plan.json", "q.html", "q.safetensors", "seen"])
      func means(_ model: String) throws -> [String: Double] {
        let outcome = try Program.run(
          ["evaluate", "--model", model, "--data", data, "--json"]
            + (model == micro ? ["--config", microYAML] : []))
        let json = try #require(
          JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        return try #require(json["means"] as? [String: Double])
      }
      let (before, after) = (try means(micro), try means("\(folder)/q.safetensors"))
      func meanIoU(_ means: [String: Double]) -> Double {
        ["one_click", "box", "three_clicks"].reduce(0) { $0 + (means[$1] ?? .nan) } / 3
      }
      #expect(abs((search.loss.miouPoints ?? .nan) - 100 * (meanIoU(before) - meanIoU(after))) < 1e-9)
      let lost = 100 * ((before["j_and_f"] ?? .nan) - (after["j_and_f"] ?? .nan))
      #expect(abs((search.loss.jAndFPoints ?? .nan) - lost) < 1e-9)
      let report = try #require(found.report)
      #expect(report.masks?.figures.count == 6)
      for figure in report.masks?.figures ?? [] {
        #expect(abs(figure.before - (before[figure.name] ?? .nan)) < 1e-12)
        #expect(abs(figure.after - (after[figure.name] ?? .nan)) < 1e-12)
        #expect(abs(figure.differencePoints - 100 * (figure.after - figure.before)) < 1e-9)
      }
      let page = try String(contentsOfFile: html, encoding: .utf8)
      #expect(page.hasPrefix("<!DOCTYPE html>") && page.utf8.count < 2 << 20)
      #expect(report.modules.allSatisfy { page.contains($0.name) && $0.scheme == "w8a8" })

      let again = "\(folder)/again.safetensors"
      let replayed = try Program.run("quantize", micro, again, "--config", microYAML, "--plan", plan)
      #expect(replayed.code == 0, "\(replayed.errors)")
      #expect(
        try MappedFile.contents(of: again) == MappedFile.contents(of: "\(folder)/q.safetensors"))
    }
  }

  /// Killed at its state, a search goes on to the same bytes; the state of another is not taken.
  @Test func aSearchGoesOnWhereItWasKilled() throws {
    try withFolders { folder in
      let asked = ["--scheme", "w4", "--data", "\(folder)/data", "--max-drop", "0.3", "--json"]
      let whole = try printed(Program.run(arguments("whole.safetensors", in: folder, asked)))
      let search = try #require(whole.search)
      #expect(search.loss.worst <= 0.3)
      #expect(search.evaluations.count > 2, "a search worth killing")
      #expect(!search.modulesInFloat.isEmpty)
      let plan = try Checkpoint.open(path: "\(folder)/whole.safetensors").metadata["precision_plan"]
      for module in search.modulesInFloat { #expect(plan?.contains(module) == true) }

      let process = Program.process(arguments("cut.safetensors", in: folder, asked))
      (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
      let state = "\(folder)/.cut.safetensors.search"
      try HeldProgram.run(process, at: state) { kill(process.processIdentifier, SIGKILL) }
      #expect(process.terminationReason == .uncaughtSignal)
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/cut.safetensors"))
      let left = try Data(contentsOf: URL(fileURLWithPath: state))

      let resumed = try Program.run(arguments("cut.safetensors", in: folder, asked))
      #expect(
        resumed.errors.contains("going on from an earlier search, evaluations known: 1"), "\(resumed.errors)")
      #expect(try printed(resumed).search?.modulesInFloat == search.modulesInFloat)
      #expect(
        try MappedFile.contents(of: "\(folder)/cut.safetensors")
          == MappedFile.contents(of: "\(folder)/whole.safetensors"))
      #expect(!FileManager.default.fileExists(atPath: state))

      // Of another plan, and cut in the middle.
      for (contents, more, remark) in [
        (left, ["--elsewhere", "bf16"], "the state of a search with another plan; the search begins anew"),
        (left.prefix(left.count / 2), [], "expected the state of a search, found something else"),
      ] {
        try contents.write(to: URL(fileURLWithPath: state))
        let anew = try Program.run(
          arguments(
            "cut.safetensors", in: folder,
            ["--scheme", "w4", "--data", "\(folder)/data", "--max-drop", "100"] + more))
        #expect(anew.code == 0 && anew.errors.contains(remark), "\(anew.errors)")
        let lost = #"points lost: \S+ of mIoU, \S+ of J&F, at most "#
        #expect(anew.output.range(of: lost, options: .regularExpression) != nil, "\(anew.output)")
      }
    }
  }

  @Test func anInterruptIsSaid() throws {
    try withFolders { folder in
      let asked = ["--scheme", "w4", "--data", "\(folder)/data", "--max-drop", "0"]
      let process = Program.process(arguments("q.safetensors", in: folder, asked))
      let errors = Pipe()
      (process.standardOutput, process.standardError) = (FileHandle.nullDevice, errors)
      try HeldProgram.run(process, at: "\(folder)/.q.safetensors.search") {
        HeldProgram.send(SIGINT, to: process)
      }
      let remarks = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      #expect(process.terminationStatus == 130)
      #expect(
        remarks.hasSuffix("interrupted; the same command goes on after what was evaluated\n"), "\(remarks)")
      #expect(names(in: folder) == [".q.safetensors.search", "data", "seen"])
    }
  }

  @Test func whatCannotBeMeantIsRefusedBeforeTheWork() throws {
    try withFolders { folder in
      let scheme = ["--scheme", "w8"]
      let data = ["--data", "\(folder)/data"]
      let wrong: [[String]] = [
        arguments(nil, in: folder, scheme),
        arguments(nil, in: folder, scheme + data + ["--max-drop", "1"]),
        arguments("q.safetensors", in: folder, scheme + ["--max-drop", "1"]),
        arguments("q.safetensors", in: folder, scheme + data + ["--max-drop", "-1"]),
        arguments("q.safetensors", in: folder, scheme + data + ["--max-drop", "nan"]),
        arguments("q.safetensors", in: folder, scheme + data),
        ["quantize", micro, "--scheme", "w8", "--analyze"],
        ["quantize", micro, "\(folder)/q.safetensors", "--scheme", "w8", "--html", "\(folder)/q.html"],
      ]
      for arguments in wrong { #expect(try Program.run(arguments).code == 64, "\(arguments)") }
      let failing: [([String], String)] = [
        (["--data", "\(folder)/seen", "--max-drop", "1"], "expected pictures/NAME.jpg"),
        (
          ["--data", "\(folder)/none", "--max-drop", "1"],
          "/none: expected a folder, found nothing of that name"
        ),
        (data + ["--max-drop", "1", "--html", "\(folder)/none/q.html"], "none/q.html"),
        (data + ["--max-drop", "1", "--save-plan", "\(folder)/none/p.json"], "none/p.json"),
        (data + ["--analyze", "--html", folder], "is in the way"),
      ]
      for (more, words) in failing {
        let outcome = try Program.run(arguments("q.safetensors", in: folder, scheme + more))
        #expect(outcome.code == 2 && outcome.errors.contains(words), "\(more): \(outcome.errors)")
        #expect(outcome.output.isEmpty)
      }
      let unwritable = try Program.run(
        arguments("none/q.safetensors", in: folder, scheme + data + ["--max-drop", "1"]))
      #expect(unwritable.code == 2 && unwritable.errors.contains("none/q.safetensors"))
      let unseen = try Program.run(
        arguments("q.safetensors", in: folder, scheme + ["--analyze", "--calibrate", "\(folder)/none"]))
      #expect(unseen.code == 2 && unseen.errors.contains("\(folder)/none"))
      #expect(names(in: folder) == ["data", "seen"])
    }
  }

  /// Weights alone need no calibration; what modules lose does.
  @Test func picturesOfWhichNoneCanBeReadAreAnError() throws {
    try withFolders { folder in
      try FileManager.default.createDirectory(atPath: "\(folder)/broken", withIntermediateDirectories: false)
      try Data([0xff, 0xd8, 0xff]).write(to: URL(filePath: "\(folder)/broken/a.jpg"))
      let outcome = try Program.run(
        "quantize", micro, "--scheme", "w8", "--analyze", "--calibrate", "\(folder)/broken")
      #expect(outcome.code == 2)
      #expect(
        outcome.errors.contains("expected a picture or clip that can be read, found none among 1"),
        "\(outcome.errors)")
    }
  }
}
