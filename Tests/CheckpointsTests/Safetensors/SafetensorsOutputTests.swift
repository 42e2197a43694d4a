import Checkpoints
import Files
import Foundation
import Tensors
import Testing
import TestSupport

@Test func tensorsAndWordsReadBackAsTheyWere() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/.state"
    let tensors = [
      "a/0": Tensor([2, 3], [1, -0.0, .leastNonzeroMagnitude, .infinity, 1 / 3, -1e30]), "b": Tensor([1], [7]),
      "empty": Tensor([0, 4], []), "memory": Tensor([3], of: .bfloat16, [0x3f80, 0x7fc1, 0x8000] as [UInt16]),
    ]
    try SafetensorsOutput.write(tensors, metadata: ["words": #"{"é": "\n"}"#], to: path)
    let file = try Checkpoint.open(path: path)
    #expect(file.metadata == ["words": #"{"é": "\n"}"#])
    #expect(Set(file.shapes.keys) == Set(tensors.keys))
    for (name, tensor) in tensors {
      let found = try file.tensor(name)
      #expect(found.shape == tensor.shape && found.elementType == tensor.elementType)
      #expect(found.withBytes { Array($0) } == tensor.withBytes { Array($0) })
    }
  }
}

@Test func aFileIsReplacedUnderItsReaders() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/state"
    try SafetensorsOutput.write(["a": Tensor([1], [1])], to: path)
    let first = try Checkpoint.open(path: path).tensor("a")
    try SafetensorsOutput.write(["a": Tensor([2], [2, 3])], to: path)
    #expect(try Checkpoint.open(path: path).float32("a").elements == [2, 3])
    // What was read before stays what it was.
    #expect(first.elements == [1])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["state"])
  }
}

@Test func equalTensorsGiveEqualBytes() throws {
  try TestFiles.withTemporaryFolder { folder in
    let names = (0..<20).map { "tensor \($0)" }
    for (file, order) in [("a", names), ("b", names.reversed())] {
      var tensors: [String: Tensor] = [:]
      for name in order { tensors[name] = Tensor([2], [1, 2]) }
      try SafetensorsOutput.write(tensors, metadata: ["x": "1", "y": "2"], to: "\(folder)/\(file)")
    }
    #expect(try MappedFile.contents(of: "\(folder)/a") == MappedFile.contents(of: "\(folder)/b"))
  }
}

@Test func aPlaceThatCanNotBeWrittenIsNamed() {
  #expect(
    throws: CheckpointError.file(.unwritable(path: "/none/state", reason: "No such file or directory"))
  ) { try SafetensorsOutput.write(["a": Tensor([1], [1])], to: "/none/state") }
}
