import Checkpoints
import Testing

@Suite struct ZipDirectoryTests {
  static let refusals: [(String, ZipError)] = [
    ("09_zip_trailing", .trailingData(byteCount: 9)),
    ("09_zip_leading", .hiddenBytes(offset: 0, byteCount: 54)),
    ("12_local_name", .nameMismatch(central: "a/data/0", local: "a/data/1")),
    ("13_encrypted", .encrypted(name: "a/data/0")),
    ("13_strong_encryption", .encrypted(name: "a/data/0")),
    ("14_method", .method(name: "a/data/0", found: 12)),
    ("15_dot_dot", .unsafeName("a/../../etc/passwd")),
    ("15_absolute", .unsafeName("/etc/passwd")),
    ("15_backslash", .unsafeName("a\\b")),
    ("15_duplicate", .duplicateName("a/data/0")),
    ("16_zip64_contradicts", .zip64(field: "directory size", expected: 110, found: 0)),
    ("16_zip64_outside", .directoryOutside(offset: 1 << 62, size: 0, end: 350)),
    ("16_zip64_locator", .zip64(field: "record offset", expected: 350, found: 1 << 60)),
    ("16_zip64_missing", .zip64(field: "record count", expected: 1, found: 0)),
    ("16_zip64_extra", .zip64(field: "value count of 'a/data/0'", expected: 0, found: 1)),
    ("16_directory_outside", .directoryOutside(offset: 1 << 30, size: 110, end: 350)),
    ("16_entry_outside", .entryOutside(name: "a/data/0", offset: 186, size: 1 << 20, end: 240)),
    ("16_overlap", .overlap("a/data.pkl", "a/data/0")),
    ("16_nested", .overlap("a/data/0", "a/data/1")),
    ("16_hidden_bytes", .hiddenBytes(offset: 240, byteCount: 6)),
    ("16_count", .entryCount(expected: 3, found: 2)),
    ("16_local_size", .headerMismatch(name: "a/data/0", field: "size", central: 16, local: 8)),
    ("cut_zip", .noDirectory),
  ]

  @Test(arguments: refusals) func refuses(_ file: String, _ expected: ZipError) {
    let name = "hostile/\(file).pt"
    #expect(Fixtures.refusal(of: name) == .zip(path: Fixtures.path(name), expected))
  }

  @Test func refusesMoreEntriesThanItsLimit() {
    var limits = ReadingLimits()
    limits.zipEntries = 3
    let name = "genuine/nans.pt"
    // torch.save writes seven entries for one tensor.
    #expect(
      Fixtures.refusal(of: name, limits: limits)
        == .zip(path: Fixtures.path(name), .tooManyEntries(found: 7, limit: 3)))
  }
}
