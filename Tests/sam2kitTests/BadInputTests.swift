import Foundation
import Masks
import Media
import Testing
import TestSupport

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let microYAML = TestFiles.package("Reference/micro.yaml")
private let picture = TestFiles.package("Reference/micro.png")

/// Segments the micro picture with more arguments, into a folder that must stay empty.
private func segment(_ arguments: String..., image: String = picture) throws -> Program.Outcome {
  try segment(arguments, image: image)
}

private func segment(_ arguments: [String], image: String = picture) throws -> Program.Outcome {
  try TestFiles.withTemporaryFolder { folder in
    let outcome = try Program.run(
      ["segment", "--model", micro, "--config", microYAML, "--image", image, "--output", folder] + arguments)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    return outcome
  }
}

@Test(arguments: [
  (["--point", "321,5"], "point 321.0,5.0 lies outside the picture, which is 320 × 240 pixels"),
  (["--point", "-5,3"], "point -5.0,3.0 lies outside the picture"),
  (["--box", "-999,0,9,9"], "box -999.0,0.0,9.0,9.0 reaches outside the picture"),
  (["--box", "50,50,40,60"], "box 50.0,50.0,40.0,60.0: expected x0 < x1 and y0 < y1"),
  (["--mask", "/none.png"], "/none.png"),
])
func promptsThatCanNotBeMeantEndWith2(arguments: [String], message: String) throws {
  let outcome = try segment(arguments)
  #expect(outcome.code == 2)
  #expect(outcome.errors.contains(message), "\(outcome.errors)")
  #expect(outcome.output.isEmpty)
}

@Test(arguments: [
  [], ["--point", "a,b"], ["--point", "1,2,7"], ["--point", "1,,2"], ["--point", "inf,1"], ["--box", "1,2,3"],
  ["--box", "1,1,5,5", "--box", "2,2,6,6"], ["--point", "1,1", "--prompts", "x.json"],
  ["--point", "1,1", "--tap", "x"], ["--point", "1,1", "--compress"], ["--point", "1,1", "--threads", "0"],
])
func wrongUsageEndsWith64(arguments: [String]) throws {
  let outcome = try segment(arguments)
  #expect(outcome.code == 64)
}

@Test func aMaskOfAnotherSizeIsRefused() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/mask.png"
    try BinaryMask(width: 8, height: 4, pixels: Array(repeating: 1, count: 32)).write(path: path)
    let outcome = try segment("--mask", path)
    #expect(outcome.code == 2)
    #expect(
      outcome.errors.contains("\(path): expected a mask of the picture's size, 320 × 240, found 8 × 4"),
      "\(outcome.errors)")
  }
}

@Test func aWeightThatIsNoNumberEndsWith2AndNoMask() throws {
  try TestFiles.withTemporaryFolder { folder in
    let model = "\(folder)/broken.safetensors"
    #expect(try Program.run("convert", micro, model, "--config", microYAML).code == 0)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: model))
    // The last tensor of the file is sam_prompt_encoder.point_embeddings.3.weight, which a box needs.
    bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: [0, 0, 0xc0, 0x7f])
    try bytes.write(to: URL(fileURLWithPath: model))
    let outcome = try Program.run(
      "segment", "--model", model, "--image", picture, "--box", "9,9,50,50", "--output", "\(folder)/out")
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("found NaN"), "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/out"))
  }
}

@Test func aPictureThatIsNoneIsRefused() throws {
  let outcome = try segment("--point", "1,1", image: microYAML)
  #expect(outcome.code == 2)
  #expect(outcome.errors.contains("micro.yaml"))
}

@Test func aCorruptPictureIsRefused() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/cut.png"
    let whole = try Data(contentsOf: URL(fileURLWithPath: picture))
    try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: path))
    let outcome = try segment("--point", "1,1", image: path)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains(path))
  }
}

@Test func anOutputFolderThatCanNotBeMadeIsNamed() throws {
  let outcome = try Program.run(
    "segment", "--model", micro, "--config", microYAML, "--image", picture, "--point", "1,1", "--output",
    "\(picture)/out")
  #expect(outcome.code == 2)
  #expect(
    outcome.errors.contains(
      "\(picture)/out: can't be written: a part of it is a file, where a folder was expected"),
    "\(outcome.errors)")
}

@Test func outputsAppearTogetherOrNotAtAll() throws {
  try TestFiles.withTemporaryFolder { folder in
    try FileManager.default.createDirectory(atPath: "\(folder)/overlay.png", withIntermediateDirectories: false)
    let outcome = try Program.run(
      "segment", "--model", micro, "--config", microYAML, "--image", picture, "--point", "1,1", "--output",
      folder)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("\(folder)/overlay.png: can't be written"), "\(outcome.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["overlay.png"])
  }
}

@Test func anUnknownArchitectureAsksForItsYAML() throws {
  try TestFiles.withTemporaryFolder { folder in
    let model = "\(folder)/stranger.pt"
    try FileManager.default.copyItem(atPath: micro, toPath: model)
    let outcome = try Program.run(
      "segment", "--model", model, "--image", picture, "--point", "1,1", "--output", "\(folder)/out")
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("nearest is sam2.1_hiera_tiny"))
    #expect(outcome.errors.contains("--config"))
    #expect(outcome.errors.contains("stranger.yaml"))
  }
}

@Test func anotherModelsYAMLIsRefusedAndNothingWritten() throws {
  try TestFiles.withTemporaryFolder { folder in
    let outcome = try Program.run(
      "convert", micro, "\(folder)/x.safetensors", "--config",
      TestFiles.package("Tests/SAM2Tests/Fixtures/plain.yaml"))
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("not the model that was expected"))
    #expect(outcome.errors.contains("missing") && outcome.errors.contains("unexpected"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}

@Test func anOutputOfUnknownKindIsWrongUsage() throws {
  try TestFiles.withTemporaryFolder { folder in
    let outcome = try Program.run("convert", micro, "\(folder)/x.bin", "--config", microYAML)
    #expect(outcome.code == 64)
  }
}

@Test func filesThatCanNotBeReadEndWith2() throws {
  #expect(try Program.run("inspect", "/none.pt").code == 2)
  #expect(try Program.run("inspect", picture).code == 2)
  #expect(try Program.run("compare", picture, picture).code == 2)
  try TestFiles.withTemporaryFolder { folder in
    let outcome = try Program.run("convert", "/none.pt", "\(folder)/x.safetensors")
    #expect(outcome.code == 2)
  }
}

@Test(arguments: [
  (#"{"objects": [{"id": 1, "point": [[1, 1]]}]}"#, "objects[0].point"),
  (#"{"objects": [{"id": 1, "points": [[1]], "labels": [1]}]}"#, "objects[0]: `points`"),
  (#"{"objects": [{"id": 1, "points": [[1, 1]]}]}"#, "1 points need as many `labels`, found 0"),
  (#"{"objects": [{"points": [[1, 1]]}]}"#, "objects[0].id"),
  (#"{"objects": [{"id": "a"}]}"#, "objects[0].id"),
  (#"{"objects": [{"id": 1, "box": [1, 2, 3]}]}"#, "objects[0]: `box`"),
  (#"{"objects": [{"id": 1, "box": [1, 2, 3, 4]}, {"id": 1, "box": [1, 2, 3, 4]}]}"#, "id 1 stands twice"),
  (#"{"objects": [{"id": 1}]}"#, "objects[0]: expected `points`, `box` or `mask`"),
  ("[]", "the prompts: expected an object, found a list"),
  (
    #"{"objects": [{"id": 1, "points": [[1, "a"]], "labels": [1]}]}"#,
    #"objects[0].points[0][1]: expected a number, found "a""#
  ),
  (#"{"objects": [{"id": 1, "frame": 0, "box": [1, 2, 3, 4]}]}"#, "objects[0].frame: no such field"),
  (#"{"objects": []}"#, "`objects` is empty"),
  (#"{"objects": "#, "prompts.json"),
])
func promptFilesNameTheFieldThatIsWrong(json: String, message: String) throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/prompts.json"
    try json.write(toFile: path, atomically: false, encoding: .utf8)
    let outcome = try segment("--prompts", path)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains(message), "\(outcome.errors)")
  }
}
