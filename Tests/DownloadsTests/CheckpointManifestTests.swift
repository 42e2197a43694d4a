import Foundation
import Testing
import TestSupport

@testable import Downloads

@Test func theOfficialManifestNamesAllReleasedModels() throws {
  let manifest = try CheckpointManifest.official()
  #expect(
    try manifest == CheckpointManifest(path: TestFiles.package("Weights/manifest.json")))
  #expect(manifest.checkpoints.count == 8)
  for item in manifest.checkpoints {
    // As README.md of facebookresearch/sam2 has them.
    let folder = item.variant.hasPrefix("sam2.1") ? "092824" : "072824"
    #expect(item.url == "https://dl.fbaipublicfiles.com/segment_anything_2/\(folder)/\(item.variant).pt")
    #expect(item.bytes != nil && item.sha256 != nil)
  }
}

@Test(arguments: [
  (#"[]"#, "a value of another type at the top"),
  (#"{"checkpoints": [{"variant": "a"}]}"#, "no 'url' at checkpoints.0"),
  (
    #"{"checkpoints": [{"variant": "a", "url": "file:///etc"}]}"#,
    "the address 'file:///etc', which is not http or https"
  ),
  (#"{"checkpoints": [{"variant": "a", "url": "http://b", "bytes": 0}]}"#, "0 bytes for 'a'"),
  (#"{"checkpoints": [{"variant": "a", "url": "http://b", "sha256": "0A"}]}"#, "the SHA-256 '0A'"),
  (
    #"{"checkpoints": [{"variant": "a", "url": "http://b"}, {"variant": "a", "url": "http://b"}]}"#, "'a' twice"
  ),
  (#"{"#, "no JSON"),
]) func aManifestOfAnotherFormIsRefused(json: String, found: String) {
  #expect(throws: DownloadError.manifest(origin: "x", found: found)) {
    try CheckpointManifest(json: Data(json.utf8), origin: "x")
  }
}

@Test func whatIsNowKnownIsRecorded() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/manifest.json"
    var manifest = CheckpointManifest(checkpoints: [
      .init(variant: "a", url: "http://127.0.0.1/a"), .init(variant: "b", url: "http://127.0.0.1/b"),
    ])
    let known = CheckpointManifest.Item(
      variant: "b", url: "http://127.0.0.1/b", bytes: 3, sha256: String(repeating: "0", count: 64))
    manifest.record(known)
    try manifest.write(to: path)
    let read = try CheckpointManifest(path: path)
    #expect(read == manifest && read["b"] == known && read["a"]?.bytes == nil)
  }
}
