// What commands refuse to write over, and that results which don't arrive are no success.
import Foundation
import Testing
import TestSupport

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let microYAML = TestFiles.package("Reference/micro.yaml")
private let picture = TestFiles.package("Reference/micro.png")

/// A folder with copies of the model and the picture, and what has become of them.
private struct Room {
  let folder: String
  private let before: [String: Data]

  init(_ folder: String, _ others: [String: String] = [:]) throws {
    self.folder = folder
    let files = ["m.pt": micro, "m.yaml": microYAML, "a.png": picture].merging(others) { $1 }
    for (name, source) in files {
      let place = "\(folder)/\(name)"
      try FileManager.default.createDirectory(
        atPath: (place as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: source, toPath: place)
    }
    before = try files.mapValues { try Data(contentsOf: URL(fileURLWithPath: $0)) }
  }

  /// Runs the program in the folder.
  func run(_ arguments: [String], with variables: [String: String] = [:]) throws -> Program.Outcome {
    try Program.run(
      arguments.map { $0.hasPrefix("@") ? "\(folder)/\($0.dropFirst())" : $0 }, with: variables)
  }

  /// Whether every file is as it was.
  var isWhole: Bool {
    get throws {
      try before.allSatisfy { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0.key)")) == $0.value }
    }
  }
}

@Suite struct NothingLostTests {
  @Test(arguments: [
    ["encode", "--model", "@m.pt", "--image", "@a.png", "--output", "@a.png"],
    ["encode", "--model", "@m.pt", "--image", "@a.png", "--output", "@m.pt"],
    ["encode", "--model", "@m.pt", "--image", "@a.png", "--output", "@m.yaml", "--config", "@m.yaml"],
    ["quantize", "@m.pt", "@m.yaml", "--config", "@m.yaml", "--scheme", "w8"],
    ["convert", "@m.pt", "@m.pt"],
    [
      "segment", "--model", "@m.pt", "--image", "@out/overlay.png", "--point", "9,9", "--output", "@out",
    ],
    [
      "segment", "--model", "@m.pt", "--image", "@a.png", "--mask", "@out/mask_3.png", "--output", "@out",
    ],
    [
      "segment", "--model", "@m.pt", "--image", "@a.png", "--prompts", "@out/prompts.json", "--output", "@out",
    ],
    ["masks", "--model", "@m.pt", "--image", "@out/labels.png", "--output", "@out"],
    [
      "track", "--model", "@m.pt", "--video", "@clip", "--mask", "@out/00000.png", "--output", "@out",
    ],
    ["compare", "@t.h5", "@t.h5", "--map", "@map.json", "--save", "@map.json"],
    ["trace-cut", "@t.h5", "--output", "@t.h5"],
    ["benchmark", "--model", "@m.pt", "--image", "@a.html", "--html", "@a.html"],
  ]) func noInputIsReplaced(arguments: [String]) throws {
    try TestFiles.withTemporaryFolder { folder in
      let room = try Room(
        folder,
        [
          "out/overlay.png": picture, "out/mask_3.png": picture, "out/labels.png": picture,
          "out/00000.png": picture, "clip/00000.png": picture, "a.html": picture, "map.json": microYAML,
          "t.h5": TestFiles.package("Reference/micro.h5"), "out/prompts.json": microYAML,
        ])
      try #"{"objects": [{"id": 1, "mask": "overlay.png"}]}"#
        .write(toFile: "\(folder)/out/prompts.json", atomically: false, encoding: .utf8)
      let outcome = try room.run(arguments)
      #expect(outcome.code == 2)
      #expect(outcome.errors.contains("it would replace "), "\(outcome.errors)")
      try FileManager.default.removeItem(atPath: "\(folder)/out/prompts.json")
      try FileManager.default.copyItem(atPath: microYAML, toPath: "\(folder)/out/prompts.json")
      #expect(try room.isWhole)
    }
  }

  /// What is read beside what is named, or as a part of it.
  @Test(arguments: [
    ["encode", "--model", "@hf", "--image", "@a.png", "--output", "@hf/model.safetensors"],
    ["encode", "--model", "@hf", "--image", "@a.png", "--output", "@hf/config.json"],
    ["encode", "--model", "@m.pt", "--image", "@a.png", "--output", "@m.yaml"],
    ["convert", "@hf/model.safetensors", "@hf", "--naming", "transformers"],
    ["convert", "@m.pt", "@m.yaml", "--format", "pt"],
    ["quantize", "@hf", "@hf/model.safetensors", "--scheme", "w8"],
    ["convert", "@parts/model.safetensors.index.json", "@parts/model-00002-of-00003.safetensors"],
    ["convert", "@parts", "@parts/model-00001-of-00003.safetensors"],
    ["convert", "sam2.1_hiera_tiny", "@cache/sam2kit/sam2.1_hiera_tiny.pt"],
    ["compare", "@t.h5", "@t.h5", "--model", "sam2.1_hiera_tiny", "--save", "@cache.json"],
    ["benchmark", "--model", "@m.pt", "--video", "@clip", "--html", "@page.html"],
    ["evaluate", "--model", "@m.pt", "--data", "@set", "--csv", "@set.csv"],
    ["quantize", "@m.pt", "@q.gguf", "--scheme", "w8a8", "--calibrate", "@clip", "--save-plan", "@plan.json"],
  ]) func noPartOfAnInputIsReplaced(arguments: [String]) throws {
    try TestFiles.withTemporaryFolder { folder in
      let sharded = TestFiles.package("Tests/CheckpointsTests/Fixtures/brought/sharded_safetensors")
      var others = [
        "clip/00000.png": picture, "set/pictures/00.png": picture, "hf/config.json": microYAML,
        "hf/model.safetensors": micro, "cache/sam2kit/sam2.1_hiera_tiny.pt": micro,
        "t.h5": TestFiles.package("Reference/micro.h5"),
      ]
      for name in try FileManager.default.contentsOfDirectory(atPath: sharded) {
        others["parts/\(name)"] = "\(sharded)/\(name)"
      }
      let room = try Room(folder, others)
      for (link, target) in [
        ("page.html", "clip/00000.png"), ("plan.json", "clip/00000.png"), ("set.csv", "set/pictures/00.png"),
        ("cache.json", "cache/sam2kit/sam2.1_hiera_tiny.pt"),
      ] {
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/\(link)", withDestinationPath: target)
      }
      let outcome = try room.run(arguments, with: ["XDG_CACHE_HOME": "\(folder)/cache"])
      #expect(outcome.code == 2)
      #expect(outcome.errors.contains("it would replace "), "\(outcome.errors)")
      #expect(try room.isWhole)
    }
  }

  /// Frames of a folder are called as its pictures are, whatever that is.
  @Test func norAreMasksAndFramesOfAVideo() throws {
    try TestFiles.withTemporaryFolder { folder in
      let room = try Room(
        folder,
        [
          "out/first.png": TestFiles.package("Reference/micro.mask.png"), "clip/first.jpg": picture,
          "clip/second.jpg": picture,
        ])
      let track = ["track", "--model", "@m.pt", "--video", "@clip", "--output", "@out"]
      let mask = try room.run(track + ["--mask", "@out/first.png"])
      #expect(mask.code == 2 && mask.errors.contains("out/first.png: can't be written: it would replace "))
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/o.mp4", withDestinationPath: "clip/second.jpg")
      let overlay = try room.run(track + ["--point", "9,9", "--overlay", "@o.mp4"])
      #expect(overlay.code == 2 && overlay.errors.contains("it would replace "), "\(overlay.errors)")
      #expect(try room.isWhole)
    }
  }

  /// A link leads to the same file.
  @Test func norThroughALink() throws {
    try TestFiles.withTemporaryFolder { folder in
      let room = try Room(folder)
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/link.emb", withDestinationPath: "a.png")
      let outcome = try room.run(["encode", "--model", "@m.pt", "--image", "@a.png", "--output", "@link.emb"])
      #expect(outcome.code == 2)
      #expect(try room.isWhole)
    }
  }

  @Test(arguments: [
    ["segment", "--model", "m", "--image", "a.png", "--point", "1,1", "--output", "o", "--trace", "t.h5"]
      + ["--sketch", "./t.h5"],
    ["compare", "a", "b", "--save", "x.json", "--junit", "x", "--html", "./x"],
    ["quantize", "a", "q.json", "--scheme", "w8", "--save-plan", "q.json"],
    ["track", "--model", "m", "--video", "v", "--point", "1,1", "--output", "none", "--overlay", "none/1.png"],
  ]) func noTwoResultsAreOneFile(arguments: [String]) throws {
    let outcome = try Program.run(arguments)
    #expect(outcome.code == 64)
    #expect(outcome.errors.contains("two results would be one file"), "\(outcome.errors)")
  }

  @Test func resultsThatAreInTheWayOfOthersAreRefused() throws {
    try TestFiles.withTemporaryFolder { folder in
      let room = try Room(folder, ["out/x": picture])
      let outcome = try room.run([
        "track", "--model", "@m.pt", "--video", "@a.png", "--point", "1,1", "--output", "@out", "--trace",
        "@out/tracks.json",
      ])
      #expect(outcome.code == 64)
    }
  }

  #if os(Linux)
    /// A disk that is full.
    @Test(arguments: [
      "inspect \"$0\" --no-statistics", "diff \"$0\" \"$0\"",
      "segment --model \"$0\" --image \"$2\" --point 9,9 --output \"$3\"",
      "masks --model \"$0\" --image \"$2\" --points-per-side 2 --output \"$3\"",
      "convert \"$0\" \"$3.safetensors\" && exec \"$1\" inspect \"$3.safetensors\" --json",
      "quantize \"$0\" \"$3.safetensors\" --scheme w8",
    ]) func resultsThatDoNotArriveAreAnError(command: String) throws {
      try TestFiles.withTemporaryFolder { folder in
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = [
          "-c", "exec >/dev/full; \"$1\" \(command)", micro, Program.path.path, picture, "\(folder)/out",
        ]
        let errors = Pipe()
        shell.standardError = errors
        try shell.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        shell.waitUntilExit()
        #expect(shell.terminationStatus == 2)
        #expect(text.contains("error: stdout: can't be written: No space left on device"), "\(text)")
      }
    }
  #endif

  @Test func aPipeThatNobodyReadsEndsQuietly() throws {
    try TestFiles.withTemporaryFolder { folder in
      let shell = Process()
      shell.executableURL = URL(fileURLWithPath: "/bin/sh")
      let status = "\(folder)/status"
      // The second runs with the signal ignored, as some parents leave it.
      shell.arguments = [
        "-c",
        "for trap in '' \"trap '' PIPE\"; do { eval \"$trap\"; \"$1\" inspect \"$0\"; echo $? >>\"$2\"; } | true; done",
        micro, Program.path.path, status,
      ]
      let errors = Pipe()
      shell.standardError = errors
      try shell.run()
      let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      shell.waitUntilExit()
      #expect(!text.contains("error"), "\(text)")
      let codes = try String(contentsOfFile: status, encoding: .utf8).split(separator: "\n")
      #expect(codes == ["141", "141"])
    }
  }

  /// A folder that was made for results isn't left empty, nor those around it; one that was there stays.
  @Test func afterAFailureNoEmptyFolderStays() throws {
    try TestFiles.withTemporaryFolder { folder in
      let room = try Room(folder)
      let arguments = ["segment", "--model", "@m.yaml", "--image", "@a.png", "--point", "9,9", "--output"]
      #expect(try room.run(arguments + ["@one/two"]).code == 2)
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/one"))
      try FileManager.default.createDirectory(
        atPath: "\(folder)/there", withIntermediateDirectories: false)
      #expect(try room.run(arguments + ["@there/two"]).code == 2)
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/there").isEmpty)
    }
  }

  /// What replaces a file has its permissions, and stands where a link leads.
  @Test func aReplacedFileKeepsModeAndLink() throws {
    try TestFiles.withTemporaryFolder { folder in
      let room = try Room(folder, ["real/p.json": microYAML])
      let manager = FileManager.default
      try manager.setAttributes([.posixPermissions: 0o600], ofItemAtPath: "\(folder)/real/p.json")
      try manager.createSymbolicLink(atPath: "\(folder)/plan.json", withDestinationPath: "real/p.json")
      let outcome = try room.run([
        "quantize", "@m.pt", "@q.safetensors", "--scheme", "w8", "--save-plan", "@plan.json",
      ])
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(try manager.destinationOfSymbolicLink(atPath: "\(folder)/plan.json") == "real/p.json")
      let attributes = try manager.attributesOfItem(atPath: "\(folder)/real/p.json")
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      #expect(
        try String(contentsOfFile: "\(folder)/real/p.json", encoding: .utf8).contains("\"rules\""))
      #expect(try manager.contentsOfDirectory(atPath: "\(folder)/real") == ["p.json"])
    }
  }

  /// What is wrong with a file is said with its name, whatever finds it out.
  @Test func filesAreNamed() throws {
    try TestFiles.withTemporaryFolder { folder in
      let room = try Room(folder)
      try #"{"rules": [{"layers": "nope*", "precision": "w8"}]}"#
        .write(toFile: "\(folder)/plan.json", atomically: false, encoding: .utf8)
      try "[[[0.5, 1.5]]]".write(toFile: "\(folder)/grid.json", atomically: false, encoding: .utf8)
      for (arguments, name) in [
        (["segment", "--point", "9,9", "--plan", "@plan.json"], "plan.json: the plan's `nope*`"),
        (["masks", "--point-grids", "@grid.json"], "grid.json: a grid's point: expected 0 to 1"),
      ] {
        let outcome = try room.run(
          arguments + ["--model", "@m.pt", "--image", "@a.png", "--output", "@out"])
        #expect(outcome.code == 2 && outcome.errors.contains("error: \(folder)/\(name)"), "\(outcome.errors)")
      }
    }
  }

  @Test(arguments: [
    (["masks", "--model", "m", "--image", "a.png", "--output", "o", "--resume"], "--resume"),
    (["masks", "--model", "m", "--embedding", "a", "--output", "o", "--max-side", "9"], "--max-side"),
    (
      ["masks", "--model", "m", "--image", "a", "--output", "o", "--point", "1,1", "--point-grids", "g"],
      "--point-grids"
    ),
    (["quantize", "a", "b", "--scheme", "w8", "--seed", "1"], "--seed"),
    (["evaluate", "--data", "d", "--masks", "m", "--precision", "bf16"], "--masks"),
    (
      ["segment", "--model", "m", "--image", "/", "--outlines", "svg"], "answers about a folder's pictures"
    ),
    (["segment", "--model", "m", "--image", "/", "--output", "o"], "answers go to stdout"),
    (["quantize", "a", "b", "--scheme", "w8", "--save-plan", "p.txt"], "--save-plan"),
    (["benchmark", "--model", "m", "--html", "a.png"], "--html"),
    (["encode", "--model", "m", "--image", "a", "--output", "b", "--image-size", "24"], "--image-size"),
  ]) func optionsThatWouldDoNothingAreRefused(arguments: [String], message: String) throws {
    let outcome = try Program.run(arguments)
    #expect(outcome.code == 64)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
  }
}
