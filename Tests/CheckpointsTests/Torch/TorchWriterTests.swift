// Checkpoints written as PyTorch writes them.
import Files
import Foundation
import Tensors
import Testing
import TestSupport

@testable import Checkpoints

/// A `torch.save({"model": OrderedDict}, "model.pt")` by tools/fixtures/make_checkpoints.py.
private let official = "genuine/model.pt"

private func items(of checkpoint: Checkpoint) -> [TorchWriter.Item] {
  checkpoint.entries.map { .init(name: $0.name, elementType: $0.elementType, shape: $0.shape) }
}

/// Writes every tensor of a checkpoint again.
private func rewrite(_ checkpoint: Checkpoint, to path: String) throws {
  var writer = try TorchWriter(path: path, items(of: checkpoint))
  for entry in checkpoint.entries {
    let bytes = try checkpoint.copy(of: entry.name)
    try bytes.withUnsafeBytes { try writer.write($0) }
  }
  try writer.finish()
}

/// The table of contents of an archive.
private func directory(of path: String) throws -> ZipDirectory {
  let file = try MappedFile(path: path)
  return try withExtendedLifetime(file) { try ZipDirectory(file.bytes, limits: ReadingLimits()) }
}

/// An entry's bytes.
private func entry(_ name: String, of path: String) throws -> [UInt8] {
  let archive = try ZipArchive(MappedFile(path: path), limits: ReadingLimits())
  return try archive.bytes(of: #require(archive.directory[name])).withBytes { Array($0) }
}

@Test func writesTheOfficialPickle() throws {
  let expected = try entry("model/data.pkl", of: Fixtures.path(official))
  #expect(TorchWriter.pickle(of: items(of: try Fixtures.open(official))) == expected)
}

@Test func writesTheOfficialPickleOfNotesBesideTheModel() throws {
  let source = try Fixtures.open("genuine/noted.pt")
  let expected = try entry("noted/data.pkl", of: source.path)
  let pickle = TorchWriter.pickle(of: items(of: source), notes: ["author": "é", "empty": ""])
  #expect(pickle == expected)
}

@Test func notesAreReplacedAtTheEnd() throws {
  let source = try Fixtures.open("genuine/noted.pt")
  try TestFiles.withTemporaryFolder { folder in
    for (name, first, last) in [("a", "x", nil), ("b", "o", "x")] as [(String, String, String?)] {
      var writer = try TorchWriter(path: "\(folder)/x.pt", items(of: source), notes: ["n": first])
      try source.copy(of: "w").withUnsafeBytes { try writer.write($0) }
      try writer.finish(notes: last.map { ["n": $0] })
      try FileManager.default.moveItem(atPath: "\(folder)/x.pt", toPath: "\(folder)/\(name)")
    }
    #expect(try MappedFile.contents(of: "\(folder)/a") == MappedFile.contents(of: "\(folder)/b"))
    let written = try Checkpoint.open(path: "\(folder)/b")
    #expect(written.metadata == ["n": "x"])
    try written.verify()
  }
}

@Test func tensorsOfEveryTypeAndRankComeBack() throws {
  let source = try Fixtures.open(official)
  try TestFiles.withTemporaryFolder { folder in
    try rewrite(source, to: "\(folder)/model.pt")
    let written = try Checkpoint.open(path: "\(folder)/model.pt")
    #expect(written.entries == source.entries)
    for entry in source.entries { #expect(try written.copy(of: entry.name) == source.copy(of: entry.name)) }
    try written.verify()
  }
}

@Test func archiveHasTheOfficialEntriesAndAlignment() throws {
  let source = try Fixtures.open(official)
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/model.pt"
    try rewrite(source, to: path)
    let written = try directory(of: path)
    let theirs = try directory(of: Fixtures.path(official))
    // Theirs has an identification drawn from the file, which nobody reads.
    #expect(
      written.entries.map(\.name) == theirs.entries.map(\.name).filter { $0 != "model/.data/serialization_id" })
    #expect(written.entries.allSatisfy { $0.dataOffset % 64 == 0 })
    for small in ["version", "byteorder", ".format_version", ".storage_alignment"] {
      #expect(try entry("model/\(small)", of: path) == entry("model/\(small)", of: Fixtures.path(official)))
    }
    // Read back by torch.load(weights_only=True) of PyTorch 2.15.0.
    #expect(
      try SHA256.hex(ofFile: path) == "c07ee2f25dbe389e5a315926f8b08dc985735df0a07d716f087959700ff81a33")
  }
}

@Test(arguments: [("sam2.1_x.pt", "sam2.1_x"), (".pt", "archive"), ("a b.pt", "archive"), ("plain", "plain")])
func folderInTheArchiveIsTheFilesName(file: String, root: String) throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/\(file)"
    try TorchWriter(path: path, []).finish()
    let written = try directory(of: path)
    #expect(written["\(root)/data.pkl"] != nil)
  }
}

@Test func moreThanAThousandTensorsComeInRuns() throws {
  // Python ends a run of items after 1000; a run of one has no mark.
  for count in [0, 1, 1000, 1001, 2002] {
    let items = (0..<count).map { TorchWriter.Item(name: "w.\($0)", shape: [1]) }
    try TestFiles.withTemporaryFolder { folder in
      var writer = try TorchWriter(path: "\(folder)/x.pt", items)
      for index in 0..<count { try withUnsafeBytes(of: Float(index)) { try writer.write($0) } }
      try writer.finish()
      let written = try Checkpoint.open(path: "\(folder)/x.pt")
      #expect(written.entries.map(\.name) == items.map(\.name))
      if let last = items.last { #expect(try written.float32(last.name).elements == [Float(count - 1)]) }
    }
  }
}

@Test func wrongTensorsAreRefusedAndNothingAppears() throws {
  try TestFiles.withTemporaryFolder { (folder: String) throws in
    let path = "\(folder)/x.pt"
    let one = TorchWriter.Item(name: "w", shape: [1])
    #expect(throws: CheckpointError.torch(path: path, .duplicateName("w"))) {
      _ = try TorchWriter(path: path, [one, one])
    }
    #expect(throws: CheckpointError.torch(path: path, .storageSize(key: "0", expected: 4, found: 8))) {
      var writer = try TorchWriter(path: path, [one])
      try withUnsafeBytes(of: 1.0) { try writer.write($0) }
    }
    #expect(throws: CheckpointError.torch(path: path, .missingStorage(key: "0"))) {
      try TorchWriter(path: path, [one]).finish()
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}
