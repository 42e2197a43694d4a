// `sam2kit fetch` from a server on the loopback address.
import Architecture
import Downloads
import Files
import Foundation
import Synchronization
import Testing
import TestSupport

@Suite struct FetchTests {
  private func manifest(_ folder: String, _ variant: String, _ url: String) throws -> String {
    let path = "\(folder)/manifest.json"
    try CheckpointManifest(checkpoints: [.init(variant: variant, url: url)]).write(to: path)
    return path
  }

  /// Serves a model of zeros, `served.pt` in a folder: the server, the model's bytes and the path of a manifest of it.
  private func serveTiny(_ folder: String) throws -> (server: LoopbackServer, content: Data, list: String) {
    try SparseModel.write(of: .sam21Tiny, to: "\(folder)/served.pt")
    let content = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/served.pt"), options: .alwaysMapped)
    let server = try LoopbackServer { .file(content, tag: "\"1\"", to: $0) }
    return (server, content, try manifest(folder, Variant.sam21Tiny.rawValue, server.url("/tiny.pt")))
  }

  @Test func aModelIsFetchedRecordedAndHeldToItsRecord() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (server, content, list) = try serveTiny(folder)
      let variant = Variant.sam21Tiny.rawValue
      let arguments = ["fetch", variant, "--manifest", list, "--output", folder, "--json"]
      let first = try Program.run(arguments)
      #expect(first.code == 0, "\(first.errors)")
      #expect(first.output.contains(#""status" : "downloaded""#))
      let path = "\(folder)/\(variant).pt"
      let digest = try SHA256.hex(ofFile: path)
      let record = try #require(try CheckpointManifest(path: list)[variant])
      #expect(record.bytes == content.count && record.sha256 == digest)
      #expect(try digest == SHA256.hex(ofFile: "\(folder)/served.pt"))
      // Verified, not fetched again; and refused once it is another.
      #expect(try Program.run(arguments).output.contains(#""status" : "present""#))
      #expect(server.requests.count == 1)
      let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
      try handle.write(contentsOf: Data("X".utf8))
      try handle.close()
      let refused = try Program.run(arguments)
      #expect(refused.code == 2 && refused.errors.contains("expected SHA-256 \(digest)"))
    }
  }

  @Test func anotherModelIsNotPutInPlace() throws {
    try TestFiles.withTemporaryFolder { folder in
      let content = try Data(contentsOf: URL(fileURLWithPath: TestFiles.package("Weights/sam2.1_micro.pt")))
      let server = try LoopbackServer { .file(content, tag: "\"1\"", to: $0) }
      let list = try manifest(folder, "sam2_hiera_large", server.url("/x.pt"))
      let outcome = try Program.run(
        "fetch", "sam2_hiera_large", "--manifest", list, "--output", "\(folder)/x.pt")
      #expect(outcome.code == 2 && outcome.errors.contains("expected sam2_hiera_large, found"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["manifest.json"])
      // Nor is its digest recorded.
      #expect(try CheckpointManifest(path: list)["sam2_hiera_large"]?.sha256 == nil)
    }
  }

  @Test func aKilledDownloadIsResumed() throws {
    try TestFiles.withTemporaryFolder { folder in
      let content = try Data(contentsOf: URL(fileURLWithPath: TestFiles.package("Weights/sam2.1_micro.pt")))
      // The first answer stops half way with the connection open, until the program is killed.
      let half = LoopbackServer.Response(
        "200 OK", ["ETag": "\"1\"", "Content-Length": "\(content.count)"], content.prefix(content.count / 2))
      let isKilled = Mutex(false)
      let server = try LoopbackServer { request in
        if isKilled.withLock({ $0 }) { return .file(content, tag: "\"1\"", to: request) }
        return half.held(until: { isKilled.withLock { $0 } })
      }
      // A name that no model has: of it only length and digest are verified.
      let list = try manifest(folder, "mine", server.url("/x.pt"))
      let arguments = ["fetch", "mine", "--manifest", list, "--output", "\(folder)/x.pt", "--json"]
      let process = Program.process(arguments)
      process.standardError = FileHandle.nullDevice
      try process.run()
      func received() -> Int {
        let values = try? FileManager.default.attributesOfItem(atPath: "\(folder)/x.pt.part")
        return (values?[.size] as? Int) ?? 0
      }
      wait { received() >= content.count / 2 }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      isKilled.withLock { $0 = true }
      #expect(received() == content.count / 2)
      let outcome = try Program.run(arguments)
      #expect(outcome.code == 0 && outcome.output.contains(#""status" : "resumed""#), "\(outcome.errors)")
      #expect(server.requests.last?.start == content.count / 2)
      #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/x.pt")) == content)
    }
  }

  /// curl has a process group of its own, which an interrupt at the terminal doesn't reach.
  @Test(arguments: [SIGINT, SIGTERM]) func anInterruptEndsWhatDownloads(signal: Int32) throws {
    try TestFiles.withTemporaryFolder { folder in
      let half = LoopbackServer.Response("200 OK", ["Content-Length": "100"], Data(count: 50))
      let isEnded = Mutex(false)
      let server = try LoopbackServer { _ in half.held(until: { isEnded.withLock { $0 } }) }
      let list = try manifest(folder, "mine", server.url("/x.pt"))
      let process = Program.process(["fetch", "mine", "--manifest", list, "--output", "\(folder)/x.pt"])
      process.standardError = FileHandle.nullDevice
      try process.run()
      func downloads() throws -> Int {
        let (list, output) = (Process(), Pipe())
        list.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        list.arguments = ["ps", "-A", "-o", "args="]
        list.standardOutput = output
        try list.run()
        let lines = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        list.waitUntilExit()
        return lines.split(separator: "\n").count { $0.contains("--url \(server.url("/x.pt"))") }
      }
      wait { (try? Data(contentsOf: URL(fileURLWithPath: "\(folder)/x.pt.part")).count) == 50 }
      #expect(try downloads() == 1)
      kill(process.processIdentifier, signal)
      process.waitUntilExit()
      #expect(process.terminationStatus == 128 + signal)
      // The server keeps the connection until it is told.
      wait { (try? downloads()) == 0 }
      #expect(try downloads() == 0)
      isEnded.withLock { $0 = true }
    }
  }

  /// Without --output it goes where every command finds it by its name.
  @Test func aModelIsStoredAndFoundByItsName() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (server, _, list) = try serveTiny(folder)
      let variant = Variant.sam21Tiny.rawValue
      let place = ["XDG_CACHE_HOME": "\(folder)/a/caches"]
      let missing = try Program.run(["inspect", variant, "--no-statistics"], with: place)
      #expect(
        missing.code == 2 && missing.errors.contains("`sam2kit fetch \(variant)` fetches it"),
        "\(missing.errors)")
      let fetched = try Program.run(["fetch", variant, "--manifest", list], with: place)
      let path = "\(folder)/a/caches/sam2kit/\(variant).pt"
      #expect(fetched.code == 0 && fetched.output.contains(path), "\(fetched.errors)")
      #expect(server.requests.count == 1)
      for name in [variant, "\(variant).pt"] {
        let found = try Program.run(["inspect", name, "--no-statistics", "--json"], with: place)
        #expect(
          found.code == 0 && found.errors.contains("note: \(name): taken from \(path)"), "\(found.errors)")
        #expect(found.output.contains(variant))
      }
      let other = Variant.sam2Tiny.rawValue
      let arguments = [
        [
          "segment", "--model", other, "--image", TestFiles.package("Reference/micro.png"), "--point", "1,1",
          "--output", "\(folder)/out",
        ],
        ["convert", other, "\(folder)/x.safetensors"], ["diff", other, variant],
        ["quantize", other, "\(folder)/x.h5", "--scheme", "w8"],
        ["inspect", other, "--security"],
      ]
      for command in arguments {
        let run = try Program.run(command, with: place)
        #expect(
          run.code == 2 && run.errors.contains("`sam2kit fetch \(other)` fetches it"),
          "\(command) \(run.errors)")
      }
    }
  }

  @Test func wrongUseIsSaid() throws {
    #expect(try Program.run("fetch").code == 64)
    #expect(try Program.run("fetch", "sam2_hiera_tiny", "--list").code == 64)
    let unknown = try Program.run("fetch", "sam3")
    #expect(unknown.code == 2 && unknown.errors.contains("sam3: expected one of sam2_hiera_tiny"))
    let list = try Program.run("fetch", "--list", "--json")
    #expect(list.code == 0 && list.output.contains("sam2.1_hiera_large.pt"))
  }
}
