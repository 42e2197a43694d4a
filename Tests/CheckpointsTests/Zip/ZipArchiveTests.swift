import Checkpoints
import Foundation
import Testing
import TestSupport

@Suite struct ZipArchiveTests {
  static let refusals: [(String, ZipError)] = [
    ("11_storage_checksum", .checksum(name: "a/data/0", expected: 0x1234_5678, found: 0x8ba7_1454)),
    ("11_pickle_checksum", .checksum(name: "a/data.pkl", expected: 0x1234_5678, found: 0x16f4_93e0)),
    ("14_bomb", .deflateBomb(name: "a/data/0", compressed: 2049, declared: 2 << 20, limit: 1 << 20)),
    (
      "14_declares_4_gib", .deflateBomb(name: "a/data/0", compressed: 10, declared: 0xffff_fff0, limit: 1 << 20)
    ),
    ("14_more_than_declared", .inflatedSize(name: "a/data/0", expected: 16, found: 17)),
    ("14_less_than_declared", .inflation(name: "a/data/0", reason: "CRC error")),
  ]

  @Test(arguments: refusals) func refuses(_ file: String, _ expected: ZipError) {
    let name = "hostile/\(file).pt"
    #expect(Fixtures.refusal(of: name) == .zip(path: Fixtures.path(name), expected))
  }

  @Test func verifiesChecksumsOfStoragesThatNobodyRead() throws {
    let name = "hostile/11_storage_checksum.pt"
    let checkpoint = try Fixtures.open(name)
    let expected = CheckpointError.zip(
      path: Fixtures.path(name), .checksum(name: "a/data/0", expected: 0x1234_5678, found: 0x8ba7_1454))
    #expect(throws: expected) { try checkpoint.verify() }
  }

  @Test func inflatesDeflatedEntriesToTheSameTensors() throws {
    let stored = try Fixtures.open("genuine/training.pt")
    let deflated = try Fixtures.open("genuine/deflated.pt")
    #expect(stored.entries == deflated.entries)
    for entry in stored.entries { #expect(try stored.copy(of: entry.name) == deflated.copy(of: entry.name)) }
    try deflated.verify()
  }

  @Test(arguments: ["zip64_local", "zip64_central", "streamed"])
  func readsOtherWritersLayouts(_ file: String) throws {
    let checkpoint = try Fixtures.open("genuine/\(file).pt")
    let expected = try Fixtures.open("genuine/nans.pt").copy(of: "w")
    #expect(try checkpoint.copy(of: "w") == expected)
    try checkpoint.verify()
  }

  /// torch.save's descriptors have 16 bytes, of which four are the signature.
  @Test func aDescriptorOfThatLengthHasItsSignature() throws {
    var bytes = try Data(contentsOf: URL(filePath: Fixtures.path("genuine/nans.pt")))
    try #require(bytes[226..<230].elementsEqual([0x50, 0x4b, 0x07, 0x08]))
    bytes[226] = 0
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/unsigned.pt"
      try bytes.write(to: URL(filePath: path))
      let expected = CheckpointError.zip(path: path, .hiddenBytes(offset: 226, byteCount: 16))
      #expect(throws: expected) { _ = try Checkpoint.open(path: path) }
    }
  }
}
