import Checkpoints
import Files
import Foundation
import Testing
import TestSupport

@Suite struct FormatDetectionTests {
  @Test func namesLegacyLayoutsAndHowToResave() {
    let tar = Fixtures.refusal(of: "hostile/10_tar.pt")
    #expect(tar == .legacyTorch(path: Fixtures.path("hostile/10_tar.pt"), layout: "tar"))
    let stacked = Fixtures.refusal(of: "genuine/legacy.pt")
    #expect(stacked == .legacyTorch(path: Fixtures.path("genuine/legacy.pt"), layout: "stacked pickle"))
    #expect(stacked?.description.contains("torch.save(torch.load(path), new_path)") == true)
  }

  /// `PROTO 4 FRAME 13 LONG1 10` and the magic number, as PyTorch 2.15 writes it with pickle_protocol=4.
  @Test func namesStackedPicklesOfLaterProtocols() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/legacy4.pt"
      let frame: [UInt8] = [0x80, 4, 0x95, 13, 0, 0, 0, 0, 0, 0, 0]
      let magic: [UInt8] = [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]
      try Data(frame + magic).write(to: URL(filePath: path))
      #expect(throws: CheckpointError.legacyTorch(path: path, layout: "stacked pickle")) {
        try Checkpoint.open(path: path)
      }
    }
  }

  @Test(arguments: [
    ("not_a_zip", "a file of 34 bytes that begins with 4d 5a 20 74 68 69 73 20"),
    ("empty", "an empty file"), ("bare_pickle", "a bare pickle"),
  ])
  func refusesOtherContent(_ file: String, _ found: String) {
    let path = Fixtures.path("hostile/\(file).pt")
    #expect(Fixtures.refusal(of: "hostile/\(file).pt") == .unknownFormat(path: path, found: found))
  }

  @Test func printsEveryByteWithTwoDigits() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/zeros.pt"
      try Data([0, 1, 0x0f, 0x10, 0xff, 0, 0, 9, 9]).write(to: URL(filePath: path))
      let expected = CheckpointError.unknownFormat(
        path: path, found: "a file of 9 bytes that begins with 00 01 0f 10 ff 00 00 09")
      #expect(throws: expected) { try Checkpoint.open(path: path) }
    }
  }

  @Test func namesAMissingFile() {
    let path = Fixtures.path("nowhere.pt")
    let expected = CheckpointError.file(.unreadable(path: path, reason: "No such file or directory"))
    #expect(Fixtures.refusal(of: "nowhere.pt") == expected)
  }
}
