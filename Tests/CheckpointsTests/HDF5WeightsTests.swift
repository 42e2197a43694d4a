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
      let file = try HDF5NewFile(path)
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

  @Test func refusesGroupsWithoutDatasets() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/weights.h5"
      let file = try HDF5NewFile(path)
      _ = try file.root().createGroup("layer")
      try file.commit()
      let expected = CheckpointError.hdf5(
        .wrongKind(file: path, object: "/", expected: "datasets of numbers", found: "groups without"))
      #expect(throws: expected) { try Checkpoint.open(path: path) }
    }
  }

  @Test func refusesADatasetBeyondWhatItsFileCanHold() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/weights.h5"
      let file = try HDF5NewFile(path)
      // Chunks that were never written take no room: a file of a few KB that declares 1 TiB.
      _ = try file.root().createDataset("w", .float32, [1 << 38], storage: .compressed)
      try file.commit()
      #expect(throws: CheckpointError.self) { try Checkpoint.open(path: path) }
    }
  }

  @Test func refusesTwoDatasetsOfOneName() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/weights.h5"
      let file = try HDF5NewFile(path)
      let root = try file.root()
      try root.write("a.b", Tensor([1], [1]))
      try root.write("a/b", Tensor([1], [2]))
      try file.commit()
      let expected = CheckpointError.hdf5(
        .unsupported(file: path, object: "/a.b", found: "a second dataset for 'a.b'"))
      #expect(throws: expected) { try Checkpoint.open(path: path) }
    }
  }

  /// A group that is its own child, and groups that are each twice in the one before.
  @Test func refusesGroupsWithinThemselvesAndTooMany() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/weights.h5"
      let file = try HDF5NewFile(path)
      let root = try file.root()
      try root.write("a/w", Tensor([1], [1]))
      try root.link("a/b", to: "a")
      try file.commit()
      let cycle = CheckpointError.hdf5(
        .unsupported(
          file: path, object: "/a/b", found: "a group within itself"))
      #expect(throws: cycle) { try Checkpoint.open(path: path) }
      let many = "\(folder)/many.h5"
      let other = try HDF5NewFile(many)
      let top = try other.root()
      _ = try top.createGroup("0")
      try top.write("w", Tensor([1], [1]))
      for layer in 1...6 {
        _ = try top.createGroup("\(layer)")
        try top.link("\(layer)/a", to: "\(layer - 1)")
        try top.link("\(layer)/b", to: "\(layer - 1)")
      }
      try other.commit()
      // The root and seven, each looked into once.
      var limits = ReadingLimits()
      limits.groups = 8
      #expect(throws: Never.self) { try Checkpoint.open(path: many, limits: limits) }
      limits.groups = 7
      let error = try #require(throws: CheckpointError.self) { try Checkpoint.open(path: many, limits: limits) }
      #expect(error.description.contains("more than 7 groups (--limit hdf5-groups=NUMBER allows more)"))
    }
  }

  /// A file whose filter claims 16 bytes of a chunk of 1024: the library would read what lies behind them.
  @Test func refusesLZFThatSaysLessThanAChunk() throws {
    let path = Fixtures.path("brought/refused_lzf.h5")
    let expected = CheckpointError.hdf5(
      .unsupported(
        file: path, object: "/w", found: "LZF whose parameters don't have the 1024 bytes of a chunk"))
    #expect(throws: expected) { try Checkpoint.open(path: path) }
  }

  /// What stands before an HDF5 file is searched as it was when nobody read on: at its first byte, or hidden in it.
  @Test(arguments: [0, 100]) func theScanLooksIntoTheUserBlock(offset: Int) throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/x.h5"
      var data = try Data(contentsOf: URL(filePath: Fixtures.path("brought/block512.h5")))
      let pickle = [UInt8]([0x80, 2]) + Array("cos\nsystem\n(X\u{2}\0\0\0idtR.".utf8)
      data.replaceSubrange(offset..<offset + pickle.count, with: pickle)
      try data.write(to: URL(filePath: path))
      #expect(throws: Never.self) { try Checkpoint.open(path: path) }
      let report = try SecurityScan.report(path: path)
      #expect(report.findings.contains { $0.reason == "the global os.system at byte 2, called once" })
    }
    #expect(try SecurityScan.report(path: Fixtures.path("brought/block512.h5")).isSafe)
  }

  /// Bytes of what LZF compressed changed at random: refused or read, and never more than there is.
  @Test func survivesBrokenLZF() throws {
    try TestFiles.withTemporaryFolder { folder in
      let whole = try Data(contentsOf: URL(filePath: Fixtures.path("brought/lzf.h5")))
      var state = UInt64(7)
      var refused = 0
      for _ in 0..<300 {
        var data = whole
        for _ in 0..<40 {
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          // Behind the first half lie elements for the most part.
          let place = data.count / 2 + Int(state >> 33) % (data.count / 2)
          data[place] = UInt8(truncatingIfNeeded: state >> 20)
        }
        let path = "\(folder)/x.h5"
        try data.write(to: URL(filePath: path))
        do {
          let checkpoint = try Checkpoint.open(path: path)
          for entry in checkpoint.entries {
            #expect(try checkpoint.bytes(of: entry.name).count == entry.byteCount)
          }
        } catch {
          refused += 1
        }
      }
      #expect(refused > 0)
    }
  }

  @Test func refusesATruncatedFile() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/weights.h5"
      try Conversion(try Fixtures.open("genuine/training.pt")).write(to: path, as: .hdf5)
      let whole = try Data(contentsOf: URL(filePath: path))
      try whole.prefix(whole.count / 2).write(to: URL(filePath: path))
      let error = #expect(throws: CheckpointError.self) { try Checkpoint.open(path: path) }
      #expect(error?.description.hasSuffix(": it is cut short, fetch it again") == true)
    }
  }
}
