// Writing traces: whole or not at all, the same bytes for the same run, shared memory once.
import Foundation
import HDF5
import Prompts
import Taps
import Tensors
import Testing
import TestSupport

@testable import Traces

let sample = Provenance(
  producer: "test", producerVersion: "1", backend: "none", backendVersion: "0", threads: 2,
  checkpointSHA256: "c0", inputSHA256: "f0",
  input: TraceInput(width: 640, height: 480, preprocessing: "SAM2Transforms"),
  prompts: PromptScript(
    multimask: true,
    objects: [
      .init(object: 1, points: [Click(x: 500, y: 375.5)]),
      .init(object: 2, box: Box(x0: 0, y0: 1, x1: 2, y1: 3)),
    ]))

private func writeRun(
  _ path: String, _ provenance: Provenance = sample, storage: HDF5Storage = .contiguous
) throws {
  let writer = try TraceWriter(path: path, provenance: provenance, storage: storage)
  let x = Tensor([2, 2], [1, 2, 3, 4])
  try writer.write(
    ModulePath("trunk.blocks.0"), call: 0, sequence: 0, inputs: [("x", x)],
    output: [[x], nil, [x, Tensor([1], [5])]])
  try writer.write(ModulePath("trunk"), call: 0, sequence: 1, inputs: [("sample", x)], output: ["features": x])
  try writer.write(.iou, Tensor([1, 3], [0.1, 0.2, 0.3]))
  try writer.write(.lowResLogits, Tensor(repeating: -1, [1, 3, 64, 64]))
  try writer.finish()
}

@Test(arguments: [HDF5Storage.contiguous, .compressed])
func whatIsWrittenComesBack(_ storage: HDF5Storage) throws {
  try TestFiles.withTemporaryFolder { folder in
    try writeRun(folder + "/x.h5", storage: storage)
    let reader = try TraceReader(path: folder + "/x.h5")
    #expect(reader.provenance == sample)
    #expect(
      reader.taps.map(\.name) == [
        "trunk.blocks.0/0/input/x", "trunk.blocks.0/0/output/0/0", "trunk.blocks.0/0/output/2/0",
        "trunk.blocks.0/0/output/2/1", "trunk/0/input/sample", "trunk/0/output/features",
        "prediction/iou", "prediction/low_res_logits",
      ])
    for tap in reader.taps.prefix(6) where tap.shape == [2, 2] {
      #expect(try reader.tensor(tap).elements == [1, 2, 3, 4])
    }
    #expect(try reader.tensor(reader.tap("trunk.blocks.0/0/output/2/1")).elements == [5])
    #expect(
      try reader.tensor(reader.tap("prediction/low_res_logits")).elements
        == [Float](repeating: -1, count: 3 * 64 * 64))
  }
}

@Test func planAndWholesComeBackAndDiffer() throws {
  try TestFiles.withTemporaryFolder { folder in
    var stated = sample
    stated.plan = #"{"default":"bf16"}"#
    stated.wholes = ["trunk.blocks.0", "trunk.blocks.1"]
    stated.precision = "bf16+f32"
    stated.kernels = "SkylakeX"
    try writeRun("\(folder)/stated.h5", stated)
    try writeRun("\(folder)/plain.h5")
    #expect(try TraceReader(path: "\(folder)/stated.h5").provenance == stated)
    let difference = try TraceDifference(
      .open(path: "\(folder)/plain.h5"), .open(path: "\(folder)/stated.h5"))
    #expect(difference.attributes.map(\.attribute) == ["kernels", "precision", "plan", "wholes"])
    #expect(
      difference.attributes.map(\.second) == [
        "SkylakeX", "bf16+f32", stated.plan, "trunk.blocks.0, trunk.blocks.1",
      ])
  }
}

@Test func whatWasSavedBeforeThereWereWholesIsRead() throws {
  let encoded = try JSONEncoder().encode(sample)
  var fields = try #require(JSONSerialization.jsonObject(with: encoded) as? [String: NSObject])
  #expect(fields.removeValue(forKey: "wholes") != nil && fields["kernels"] == nil)
  fields["precision"] = "float32" as NSString
  let old = try JSONSerialization.data(withJSONObject: fields)
  #expect(try JSONDecoder().decode(Provenance.self, from: old) == sample)
}

@Test func pyTorchsNamesOfPrecisionsAreReadAsOurs() throws {
  try TestFiles.withTemporaryFolder { folder in
    for (theirs, ours) in [("float32", "f32"), ("bfloat16", "bf16"), ("float16", "f16"), ("w8a8", "w8a8")] {
      var stated = sample
      stated.precision = theirs
      try writeRun("\(folder)/\(theirs).h5", stated)
      #expect(try TraceReader(path: "\(folder)/\(theirs).h5").provenance.precision == ours)
    }
  }
}

@Test func identicalRunsGiveIdenticalFiles() throws {
  try TestFiles.withTemporaryFolder { folder in
    try writeRun(folder + "/1.h5")
    Thread.sleep(forTimeInterval: 1.1)  // HDF5 would note the time in seconds
    try writeRun(folder + "/2.h5")
    let first = try #require(FileManager.default.contents(atPath: folder + "/1.h5"))
    #expect(first == FileManager.default.contents(atPath: folder + "/2.h5"))
  }
}

@Test func sharedMemoryIsStoredOnce() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = folder + "/x.h5"
    let writer = try TraceWriter(path: path, provenance: sample)
    let x = Tensor(repeating: 1, [1 << 16])
    for call in 0..<8 {
      try writer.write(ModulePath("identity"), call: call, sequence: call, inputs: [("input", x)], output: x)
    }
    try writer.finish()
    let size = try #require(FileManager.default.contents(atPath: path)).count
    // Once 256 KiB, not sixteen times.
    #expect(size < 2 << 18)
  }
}

@Test func recycledMemoryIsNotTakenForSharedMemory() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = folder + "/x.h5"
    let writer = try TraceWriter(path: path, provenance: sample)
    for call in 0..<100 {
      // Each tensor dies at once, and the pool hands its memory to the next.
      try writer.write(
        ModulePath("m"), call: call, sequence: call, inputs: [],
        output: Tensor(repeating: Float(call), [1 << 15]))
    }
    try writer.finish()
    let reader = try TraceReader(path: path)
    for (call, tap) in reader.taps.enumerated() {
      #expect(try reader.tensor(tap).elements.allSatisfy { $0 == Float(call) })
    }
  }
}

@Test func nothingAppearsWithoutFinish() throws {
  try TestFiles.withTemporaryFolder { folder in
    var writer: TraceWriter? = try TraceWriter(path: folder + "/x.h5", provenance: sample)
    try writer?.write(.iou, Tensor([1, 1], [1]))
    writer = nil
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}

@Test func aFailureStopsTheTraceForGood() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = folder + "/x.h5"
    let writer = try TraceWriter(path: path, provenance: sample)
    let bad = TraceError.badName(file: path, name: "a/b")
    let one = Tensor([1], [1])
    #expect(throws: bad) { try writer.write(ModulePath("a/b"), call: 0, sequence: 0, inputs: [], output: one) }
    #expect(throws: bad) { try writer.write(.iou, one) }
    #expect(throws: bad) { try writer.finish() }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}

@Test func finishedTracesTakeNothingMore() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = folder + "/x.h5"
    let writer = try TraceWriter(path: path, provenance: sample)
    try writer.finish()
    #expect(throws: TraceError.finished(file: path)) { try writer.write(.iou, Tensor([1], [1])) }
    #expect(throws: TraceError.finished(file: path)) { try writer.finish() }
  }
}

/// Recordings from before it was known lack it.
@Test(arguments: [nil, "d0"]) func theDigestOfTheDirectoryIsOptional(digest: String?) throws {
  try TestFiles.withTemporaryFolder { folder in
    var provenance = sample
    provenance.checkpointDirectorySHA256 = digest
    try TraceWriter(path: "\(folder)/a.h5", provenance: provenance).finish()
    #expect(try TraceReader(path: "\(folder)/a.h5").provenance == provenance)
    #expect(
      try HDF5File.open("\(folder)/a.h5").root().attribute("checkpoint_directory_sha256")
        == digest.map { .string($0) })
  }
}
