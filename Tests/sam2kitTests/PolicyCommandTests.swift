// Policies, saved comparisons and what is proposed from them, as a user meets them.
import Foundation
import Testing
import TestSupport

private let recording = TestFiles.package("Reference/micro.h5")
private let fixture = TestFiles.package("Tests/Fixtures/trace.h5")

/// A comparison of the micro model's decoder with PyTorch's, saved to that file.
private func save(_ path: String) throws {
  let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
  let segmented = try Program.run(
    "segment", "--model", TestFiles.package("Weights/sam2.1_micro.pt"), "--config",
    TestFiles.package("Reference/micro.yaml"), "--image", TestFiles.package("Reference/micro.png"),
    "--prompts", TestFiles.package("Reference/micro.prompts.json"), "--output", folder, "--trace",
    "\(folder)/t.h5", "--tap", "sam_*")
  #expect(segmented.code == 0, "\(segmented.errors)")
  let compared = try Program.run(
    "compare", recording, "\(folder)/t.h5", "--tap", "sam_*", "--tap", "prediction/*", "--save", path)
  #expect(compared.code == 0, "\(compared.output)\(compared.errors)")
}

@Suite struct PolicyCommandTests {
  @Test func aSavedComparisonIsJudgedAgainAndCalibratesAPolicy() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (saved, policy) = ("\(folder)/saved.json", "\(folder)/policy.json")
      try save(saved)
      #expect(try Program.run("judge", saved).code == 0)
      #expect(try Program.run("judge", saved, "--policy", "bf16", "--brief").code == 0)
      #expect(try Program.run("judge", saved, "--tolerance", "1e-9").code == 1)
      // What it prints is what it reads.
      let printed = try Program.run("judge", saved, "--json")
      #expect(
        printed.output == String(decoding: try Data(contentsOf: URL(fileURLWithPath: saved)), as: UTF8.self)
          + "\n")

      let proposed = try Program.run("calibrate-policy", saved, "--margin", "2", "--output", policy)
      #expect(proposed.code == 0, "\(proposed.errors)")
      #expect(proposed.output.isEmpty)
      #expect(proposed.errors.contains("one comparison alone"))
      let judged = try Program.run("judge", saved, "--policy", policy)
      #expect(judged.code == 0, "\(judged.output)")
      let two = try Program.run("calibrate-policy", saved, saved)
      #expect(two.errors.contains("left out in turn, 2 of 2 pass"))
      #expect(two.output.contains("\"format\" : \"sam2kit.tolerance_policy\""))
    }
  }

  @Test func aPolicyOfOnesOwnDecides() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/p.json"
      func compare(_ rules: String) throws -> Program.Outcome {
        let json = """
          {"format": "sam2kit.tolerance_policy", "format_version": 1, "name": "p", "extends": "f32", "rules": \(rules)}
          """
        try Data(json.utf8).write(to: URL(fileURLWithPath: path))
        return try Program.run("compare", fixture, fixture, "--policy", path)
      }
      // The fixture's logits are all zeros.
      let plain = try compare("[]")
      #expect(plain.code == 0)
      #expect(plain.output.contains("All zeros on both sides"))
      #expect(plain.output.contains("prediction/low_res_logits"))
      #expect(try compare(#"[{"taps": "prediction/*", "zero": "fail"}]"#).code == 1)
      let slip = try compare(#"[{"taps": "*", "relatve": 1}]"#)
      #expect(slip.code == 2)
      #expect(slip.errors.contains("rules[0]: found the key relatve"))
    }
  }

  /// By whatever names; a copy is another file.
  @Test func thatAFileAgreesWithItselfIsSaid() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (link, copy) = ("\(folder)/link.h5", "\(folder)/copy.h5")
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: fixture)
      try FileManager.default.copyItem(atPath: fixture, toPath: copy)
      for (other, isSame) in [(fixture, true), (link, true), (copy, false)] {
        let outcome = try Program.run("compare", fixture, other)
        #expect(outcome.code == 0)
        #expect(outcome.errors.contains("are the same file: that it agrees with itself says nothing") == isSame)
      }
    }
  }

  @Test func whatCanNotBeReadEndsWith2() throws {
    let outcomes = [
      try Program.run("judge", "/none.json"), try Program.run("judge", recording),
      try Program.run("compare", fixture, fixture, "--policy", "fp64"),
      try Program.run("calibrate-policy", "/none.json"),
      try Program.run("compare", fixture, fixture, "--save", "/none/x.json"),
    ]
    for outcome in outcomes {
      #expect(outcome.code == 2, "\(outcome.errors)")
      #expect(outcome.errors.hasPrefix("error: "))
    }
    #expect(try Program.run("compare", fixture, fixture, "--tolerance", "-1").code == 64)
    #expect(try Program.run("calibrate-policy", "x.json", "--margin", "0.5").code == 64)
  }
}
