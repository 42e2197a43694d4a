// What people bring, through the program.
import Architecture
import Checkpoints
import Foundation
import Tensors
import Testing
import TestSupport

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let microYAML = TestFiles.package("Reference/micro.yaml")
private let picture = TestFiles.package("Reference/micro.png")
private let brought = TestFiles.package("Tests/CheckpointsTests/Fixtures/brought")

/// Writes the embedded model without what only tracking needs, as transformers' `Sam2Model` has it.
private func pictureModel(at path: String) throws {
  let source = try Checkpoint.open(path: micro)
  let names = source.entries.map(\.name).filter { !StateDictLayout.isOfTracking($0) }
  let tensors = try Dictionary(uniqueKeysWithValues: names.map { ($0, try source.tensor($0)) })
  try SafetensorsOutput.write(tensors, metadata: [:], to: path)
}

@Test func aPictureModelSegmentsAsTheWholeModelDoes() throws {
  try TestFiles.withTemporaryFolder { folder in
    let part = "\(folder)/part.safetensors"
    try pictureModel(at: part)
    for (model, output) in [(micro, "whole"), (part, "part")] {
      let outcome = try Program.run(
        "segment", "--model", model, "--config", microYAML, "--image", picture, "--point", "104,132",
        "--box", "2:168,34,282,156", "--output", "\(folder)/\(output)", "--backend", "openblas")
      #expect(outcome.code == 0, "\(outcome.errors)")
    }
    for mask in ["mask_0.png", "mask_1.png"] {
      let whole = try Data(contentsOf: URL(filePath: "\(folder)/whole/\(mask)"))
      #expect(try Data(contentsOf: URL(filePath: "\(folder)/part/\(mask)")) == whole)
    }
  }
}

@Test func aPictureModelIsConvertedAndSaidToBeOne() throws {
  try TestFiles.withTemporaryFolder { folder in
    let (part, other) = ("\(folder)/part.safetensors", "\(folder)/other.pt")
    try pictureModel(at: part)
    let outcome = try Program.run("convert", part, other, "--config", microYAML)
    #expect(outcome.code == 0)
    #expect(outcome.errors.contains("a picture model, without what tracking needs; the output is one too"))
    #expect(try Program.run("diff", part, other).code == 0)
    let inspected = try Program.run("inspect", other, "--no-statistics")
    #expect(
      inspected.output.contains(
        "model: the picture model of what its configuration describes, without what tracking needs"))
  }
}

@Test func aPictureModelDoesNotTrack() throws {
  try TestFiles.withTemporaryFolder { folder in
    let part = "\(folder)/part.safetensors"
    try pictureModel(at: part)
    let outcome = try Program.run(
      "track", "--model", part, "--config", microYAML, "--video", TestFiles.package("Reference/clips/shapes"),
      "--point", "44,84", "--output", "\(folder)/tracks")
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("holds a picture model (Sam2Model), without the memory's tensors"))
  }
}

/// One tensor of tracking more or less is a broken model.
@Test func aModelWithSomeOfTheMemoryIsRefused() throws {
  try TestFiles.withTemporaryFolder { folder in
    let source = try Checkpoint.open(path: micro)
    let path = "\(folder)/most.safetensors"
    let names = source.entries.map(\.name).filter { $0 != "no_obj_ptr" }
    let tensors = try Dictionary(uniqueKeysWithValues: names.map { ($0, try source.tensor($0)) })
    try SafetensorsOutput.write(tensors, metadata: [:], to: path)
    let outcome = try Program.run("convert", path, "\(folder)/x.pt", "--config", microYAML)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("1 missing (no_obj_ptr)"))
  }
}

@Test func inspectSaysWhatAFileIsAndWhatItLeavesOut() throws {
  let training = try Program.run("inspect", "\(brought)/namespace2.pt", "--no-statistics")
  #expect(training.code == 0)
  #expect(training.output.contains("left out: 'args' (an object of argparse.Namespace)"))
  #expect(training.output.contains("named and not run: argparse.Namespace, pathlib.PurePosixPath"))
  #expect(training.errors.contains("PyTorch would import these, `inspect --security` says more"))
  let words = [
    ("stacked.pth.tar", "a PyTorch checkpoint (pickles and storages, before 1.6)"),
    ("tar.pt", "a PyTorch checkpoint (tar, before 0.1.10)"),
    ("sharded_bin", "a PyTorch checkpoint (zip) in 3 files"),
    ("sharded_safetensors", "safetensors in 3 files"), ("lzf.h5", "HDF5 weights"),
  ]
  for (file, layout) in words {
    let outcome = try Program.run("inspect", "\(brought)/\(file)")
    #expect(outcome.code == 0 && outcome.output.contains(": \(layout), "), "\(file): \(outcome.output)")
  }
  let json = try Program.run("inspect", "\(brought)/namespace2.pt", "--no-statistics", "--json").output
  let report = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
  #expect((report["foreign"] as? [String])?.first == "argparse.Namespace")
  #expect(report["layout"] as? String == "a PyTorch checkpoint (zip)")
}

@Test func theScanOfWhatIsReadEndsWith1() throws {
  for file in ["namespace2.pt", "module.pt", "stacked_module.pt", "omegaconf.pt"] {
    #expect(try Program.run("inspect", "\(brought)/\(file)", "--no-statistics").code == 0, "\(file)")
    let scan = try Program.run("inspect", "--security", "\(brought)/\(file)")
    #expect(scan.code == 1 && scan.output.contains("NOT safe"), "\(file)")
  }
  #expect(try Program.run("inspect", "--security", "\(brought)/sharded_bin").code == 0)
}
