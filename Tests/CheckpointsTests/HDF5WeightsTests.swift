import Checkpoints
import Foundation
import HDF5
import Tensors
import Testing
import TestSupport

@Suite struct HDF5WeightsTests {
  @Test func readsDatasetsAndAttributes() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/weights.h5"
      let file = try HDF5File.create(path)
      let root = try file.root()
      try root.write("layer.weight", Tensor([2, 2], [1, 2, 3, 4]), storage: .compressed)
      try root.setAttribute("epoch", .integer(3))
      try root.setAttribute("format", .string("pt"))
      try file.commit()
      let checkpoint = try Checkpoint.open(path: path)
      #expect(checkpoint.format == .hdf5)
      #expect(checkpoint.metadata == ["epoch": "3", "format": "pt"])
      #expect(checkpoint.shapes == ["layer.weight": [2, 2]])
      let elements = try checkpoint.float32("layer.weight").elements
      #expect(elements == [1, 2, 3, 4])
      try checkpoint.verify()
    }
  }

  @Test(arguments: [
    ("Tests/Fixtures/trace.h5", "found a trace, which is the recording of a run"),
    (
      "Reference/sketches/sam2.1_hiera_tiny.image.h5",
      "found a sketch, which is what is kept of a run's recording"
    ),
  ])
  func saysThatRecordingsAreNone(name: String, found: String) throws {
    let path = TestFiles.package(name)
    let error = try #require(throws: CheckpointError.self) { try Checkpoint.open(path: path) }
    #expect(error.description == "\(path): expected a model's weights, \(found)")
  }

  @Test func refusesWhatIsNoDataset() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/weights.h5"
      let file = try HDF5File.create(path)
      _ = try file.root().createGroup("layer")
      try file.commit()
      let expected = CheckpointError.hdf5(
        .wrongKind(file: path, object: "/layer", expected: "a dataset", found: "a group"))
      #expect(throws: expected) { try Checkpoint.open(path: path) }
    }
  }

  @Test func refusesADatasetBeyondWhatItsFileCanHold() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/weights.h5"
      let file = try HDF5File.create(path)
      // Chunks that were never written take no room: a file of a few KB that declares 1 TiB.
      _ = try file.root().createDataset("w", .float32, [1 << 38], storage: .compressed)
      try file.commit()
      #expect(throws: CheckpointError.self) { try Checkpoint.open(path: path) }
    }
  }

  @Test func refusesATruncatedFile() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/weights.h5"
      try Conversion(try Fixtures.open("genuine/training.pt")).write(to: path, as: .hdf5)
      let whole = try Data(contentsOf: URL(filePath: path))
      try whole.prefix(whole.count / 2).write(to: URL(filePath: path))
      #expect(throws: CheckpointError.self) { try Checkpoint.open(path: path) }
    }
  }
}
