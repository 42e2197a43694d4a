// What `sam2kit convert` writes.
import Architecture
import Checkpoints
import Files
import Tensors
import Testing
import TestSupport

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let microYAML = TestFiles.package("Reference/micro.yaml")

@Test(arguments: ["x.pt", "x.pth", "x.gguf", "x.safetensors", "x.h5"])
func theExtensionChoosesTheFormatAndNothingIsLost(file: String) throws {
  try TestFiles.withTemporaryFolder { folder in
    let (there, back) = ("\(folder)/\(file)", "\(folder)/back.pt")
    #expect(try Program.run("convert", micro, there, "--config", microYAML).code == 0)
    // The configuration came along.
    #expect(try Program.run("convert", there, back).code == 0)
    let (source, result) = (try Checkpoint.open(path: micro), try Checkpoint.open(path: back))
    #expect(result.shapes == source.shapes)
    for entry in source.entries {
      let (a, b) = (try source.bytes(of: entry.name), try result.bytes(of: entry.name))
      #expect(a.withBytes { Array($0) } == b.withBytes { Array($0) })
    }
    #expect(try result.metadata["source_sha256"] == SHA256.hex(ofFile: there))
    #expect(try result.metadata["checkpoint_sha256"] == SHA256.hex(ofFile: micro))
    #expect(result.metadata["checkpoint_directory_sha256"] == source.directoryDigest)
    #expect(try Program.run("inspect", there, "--no-statistics").code == 0)
  }
}

@Test func theOptionChoosesTheFormatOfAnyName() throws {
  try TestFiles.withTemporaryFolder { folder in
    let outcome = try Program.run(
      "convert", micro, "\(folder)/x", "--format", "gguf", "--config", microYAML)
    #expect(outcome.code == 0)
    let file = try Checkpoint.open(path: "\(folder)/x")
    #expect(file.format == .gguf && file.metadata["general.name"] == "SAM 2")
  }
}

@Test func aTypeRoundsTheLargeTensorsAndSaysSo() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/x.gguf"
    let outcome = try Program.run("convert", micro, path, "--dtype", "bf16", "--config", microYAML)
    #expect(outcome.code == 0)
    let file = try Checkpoint.open(path: path)
    #expect(file.metadata["precision"] == "bf16")
    for entry in file.entries {
      #expect(entry.elementType == WeightRounding.bfloat16.elementType(of: .float32, entry.shape))
    }
    #expect(file.entries.contains { $0.elementType == .bfloat16 })
    #expect(try Program.run("convert", micro, path, "--dtype", "q8").code == 64)
  }
}

@Test func theHelpStatesTheRuleOfRounding() throws {
  let help = try Program.run("convert", "--help").output
  #expect(help.contains("\(WeightRounding.threshold) elements"))
}

/// A `.pt` too large for its whole digest is known by its directory's through every conversion, until it is asked for.
@Test func aLargeCheckpointIsKnownByItsDirectory() throws {
  try TestFiles.withTemporaryFolder { folder in
    let large = "\(folder)/large.pt"
    try SparseModel.write(of: .sam21BasePlus, to: large)
    let source = try Checkpoint.open(path: large)
    #expect(source.fileByteCount > Conversion.wholeDigestLimit)
    let (first, second, whole) = ("\(folder)/a.safetensors", "\(folder)/b.gguf", "\(folder)/c.safetensors")
    #expect(try Program.run("convert", large, first, "--durable").code == 0)
    #expect(try Program.run("convert", first, second).code == 0)
    #expect(try Program.run("convert", large, whole, "--sha256").code == 0)
    let digest = try #require(source.directoryDigest)
    let metadata = try [first, second, whole].map { try Checkpoint.open(path: $0).metadata }
    let (a, b, c) = (metadata[0], metadata[1], metadata[2])
    #expect(a["source_sha256"] == nil && a["source_directory_sha256"] == digest)
    #expect(b["checkpoint_sha256"] == nil && b["checkpoint_directory_sha256"] == digest)
    #expect(try b["source_sha256"] == SHA256.hex(ofFile: first) && b["source_directory_sha256"] == nil)
    #expect(try c["source_sha256"] == SHA256.hex(ofFile: large) && c["source_directory_sha256"] == digest)
  }
}
