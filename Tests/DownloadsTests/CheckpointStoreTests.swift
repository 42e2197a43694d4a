@testable import Downloads
import Foundation
import Testing
import TestSupport

@Suite struct CheckpointStoreTests {
  /// Source: XDG Base Directory Specification.
  @Test func theFolderIsTheEnvironments() {
    func folder(_ variables: [String: String]) -> String { CheckpointStore(environment: variables).folder }
    #expect(folder(["HOME": "/home/x"]) == "/home/x/.cache/sam2kit")
    #expect(folder(["HOME": "/home/x", "XDG_CACHE_HOME": "/c"]) == "/c/sam2kit")
    #expect(folder(["HOME": "/home/x", "XDG_CACHE_HOME": ""]) == "/home/x/.cache/sam2kit")
    #expect(folder(["HOME": "/home/x", "XDG_CACHE_HOME": "relative"]) == "/home/x/.cache/sam2kit")
  }

  @Test func namesStandForFiles() throws {
    try TestFiles.withTemporaryFolder { folder in
      let known = CheckpointManifest(checkpoints: [.init(variant: "one", url: "https://example.org/one.pt")])
      let store = CheckpointStore(environment: ["XDG_CACHE_HOME": "\(folder)/a/b"])
      #expect(throws: NotFetched(variant: "one", folder: "\(folder)/a/b/sam2kit")) {
        try store.find("one", among: known)
      }
      // Other names are other files, whether they are there or not.
      for name in ["two", "two.pt", "x/one.pt", "one.safetensors", folder] {
        #expect(try store.find(name, among: known) == name)
      }
      try store.makeFolder()
      try store.makeFolder()
      try Data([1]).write(to: URL(fileURLWithPath: store.path(of: "one")))
      #expect(try store.find("one", among: known) == "\(folder)/a/b/sam2kit/one.pt")
      #expect(try store.find("one.pt", among: known) == "\(folder)/a/b/sam2kit/one.pt")
    }
  }
}
