// Files that were cut off, at many lengths: none is read as if it were whole.
import Foundation
import HDF5
import Prompts
import Taps
import Tensors
import Testing
import TestSupport
import Traces

private let provenance = Provenance(
  producer: "test", producerVersion: "1", backend: "none", backendVersion: "0", threads: 1,
  checkpointSHA256: "c0", inputSHA256: "f0",
  input: TraceInput(width: 4, height: 3, preprocessing: "SAM2Transforms"),
  prompts: PromptScript(multimask: false, objects: []))

private func write(_ writer: some TapWriter) throws {
  for index in 0..<3 {
    let tensor = Tensor([5, 40], (0..<200).map { Float($0 + index) })
    try writer.write(
      ModulePath("m.\(index)"), call: 0, sequence: index, inputs: [("x", tensor)], output: tensor)
  }
  try writer.finish()
}

@Suite struct TruncationTests {
  @Test(arguments: ["trace", "compressed", "sketch", "foreign"])
  func aFileCutOffAnywhereIsRefused(_ kind: String) throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/whole.h5"
      switch kind {
      case "trace": try write(TraceWriter(path: path, provenance: provenance))
      case "compressed": try write(TraceWriter(path: path, provenance: provenance, storage: .compressed))
      case "sketch": try write(SketchWriter(path: path, provenance: provenance))
      default:
        try FileManager.default.copyItem(atPath: TestFiles.package("Tests/Fixtures/trace.h5"), toPath: path)
      }
      _ = try Recording.open(path: path)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      let step = max(1, bytes.count / 97)
      let lengths = Set(stride(from: 0, to: bytes.count, by: step)).union([1, 8, 47, 48, bytes.count - 1])
      for length in lengths {
        let cut = "\(folder)/cut.h5"
        try bytes.prefix(length).write(to: URL(fileURLWithPath: cut))
        #expect(throws: (any Error).self, "\(length) of \(bytes.count) bytes") {
          _ = try Recording.open(path: cut)
        }
      }
    }
  }
}
