import Checkpoints
import Files
import Foundation
import Testing
import TestSupport

@Suite struct FormatDetectionTests {
  /// What a file is, and how it is called with what to do about it.
  static let others: [(name: String, content: [UInt8], found: String)] = [
    ("a.pt", Array("MZ this".utf8) + [0, 1], "a file of 9 bytes that begins with 4d 5a 20 74 68 69 73 00"),
    ("a.pt", [], "an empty file: fetch it again"),
    (
      "a.pt", Array("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 155906050\n".utf8),
      "a Git LFS pointer to 155906050 bytes, not the weights: fetch them with `git lfs pull`, or download the file itself"
    ),
    (
      "a.pt", Array("/annex/objects/MD5E-s1--a.pt\n".utf8),
      "a git-annex pointer, not the weights: fetch them with `git annex get`"
    ),
    (
      "a.pth", Array("\u{feff}\n <!DOCTYPE HTML><html><title>Sign in</title></html>".utf8),
      "a web page of 55 bytes: the address led to a page and not to the file, "
        + "download the file itself (its \"download\" or \"raw\" link)"
    ),
    (
      "a.pt", Array("<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code></Error>".utf8),
      "a server's answer in XML ('AccessDenied'): the download was refused, ask for the file again"
    ),
    (
      "a.pt", Array(#"{"data":{"error":"Repository not found"}}"#.utf8),
      #"a JSON text that begins with '{"data":{"error":"Repository not found"}}': the download was refused, "#
        + "or this is not the weights' file"
    ),
    (
      "a.safetensors", Array("Entry not found".utf8),
      "a text of 15 bytes that begins with 'Entry not found': not the weights' file, download that"
    ),
    (
      "a.yaml", Array("model:\n  _target_: sam2\n".utf8),
      "a YAML text: the model's weights belong here, its configuration goes to --config"
    ),
    (
      "a.pt", [UInt8](repeating: 0, count: 100_000),
      "100000 zeros: a download that reserved its room and did not fill it, fetch the file again"
    ),
    ("a.pt.gz", [0x1f, 0x8b, 8, 0], "a gzip archive: unpack it (tar xzf, or gunzip) and give what it holds"),
    ("a.bz2", Array("BZh9".utf8), "a bzip2 archive: unpack it (tar xjf, or bunzip2) and give what it holds"),
    (
      "a.xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0],
      "an xz archive: unpack it (tar xJf, or unxz) and give what it holds"
    ),
    ("a.zst", [0x28, 0xb5, 0x2f, 0xfd, 0], "a zstd archive: unpack it (unzstd) and give what it holds"),
    ("a.7z", [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], "a 7z archive: unpack it and give what it holds"),
    (
      "a.npy", [0x93] + Array("NUMPY".utf8) + [1, 0],
      "a NumPy array (.npy): save the model's tensors with torch.save or safetensors"
    ),
    (
      "a.pkl", [0x80, 4, 0x7d, 0x2e],
      "a bare pickle: save its tensors with torch.save, if you trust it: to load it runs what it says"
    ),
    (
      "a.png", [0x89] + Array("PNG\r\n".utf8) + [0x1a, 10],
      "a PNG picture: the model's weights belong here, pictures go to --image"
    ),
  ]

  @Test(arguments: others) func namesWhatItIs(_ file: (name: String, content: [UInt8], found: String)) throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/\(file.name)"
      try Data(file.content).write(to: URL(filePath: path))
      let expected = CheckpointError.unknownFormat(path: path, found: file.found)
      let error = #expect(throws: expected) { try Checkpoint.open(path: path) }
      #expect(error?.description.contains("\n") == false)
    }
  }

  @Test(arguments: [
    "10_tar", "10_tar_system", "10_tar_size", "10_legacy_system", "10_legacy_hidden", "10_legacy_cut",
  ])
  func refusesBrokenAndHostileFilesOfOldLayouts(_ file: String) throws {
    let path = Fixtures.path("hostile/\(file).pt")
    let system = PickleError.forbiddenGlobal(module: "os", name: "system", offset: 2)
    let expected: [String: TorchError] = [
      "10_tar": .legacy(
        part: "the tar archive", expected: "a header with a size and its own checksum at byte 0", found: "none"),
      "10_tar_system": .legacy(
        part: "the tar archive", expected: "one member 'storages'", found: "none or several"),
      "10_tar_size": .legacy(
        part: "the tar archive", expected: "a header with a size and its own checksum at byte 0", found: "none"),
      "10_legacy_system": .legacyPickle(part: "the saved value", system),
      "10_legacy_hidden": .legacyPickle(
        part: "the saved value", .persistentID(expected: "six parts", found: "a tuple", offset: 100)),
      "10_legacy_cut": .cutShort(part: "the saved value", fileLength: 60),
    ]
    #expect(Fixtures.refusal(of: "hostile/\(file).pt") == expected[file].map { .torch(path: path, $0) })
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
