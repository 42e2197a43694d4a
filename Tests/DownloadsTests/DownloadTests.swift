// Downloads from a server on the loopback address.
import Files
import Foundation
import Synchronization
import Testing
import TestSupport

@testable import Downloads

@Suite struct DownloadTests {
  private static let content = Data((0..<700_000).map { UInt8(truncatingIfNeeded: $0 * 7919 >> 4) })
  private static let digest = content.withUnsafeBytes { SHA256.hex(of: $0) }

  private func item(_ server: LoopbackServer, _ path: String = "/a.pt", known: Bool = true)
    -> CheckpointManifest.Item
  {
    CheckpointManifest.Item(
      variant: "a", url: server.url(path), bytes: known ? Self.content.count : nil,
      sha256: known ? Self.digest : nil)
  }

  private func download(_ item: CheckpointManifest.Item, _ path: String) -> Download {
    Download(item, to: path, attempts: 2, pause: .zero)
  }

  private func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func aFileComesWholeAndIsIdentified() throws {
    try TestFiles.withTemporaryFolder { folder in
      let server = try LoopbackServer { .file(Self.content, tag: "\"1\"", to: $0) }
      let path = "\(folder)/a.pt"
      let result = try download(item(server, known: false), path).run()
      #expect(result.item == item(server) && !result.wasThere && result.resumedFrom == 0)
      #expect(try Data(MappedFile.contents(of: path)) == Self.content)
      #expect(try names(folder) == ["a.pt"])
      // The second time it is only verified.
      #expect(try download(result.item, path).run().wasThere)
      #expect(server.requests.count == 1)
    }
  }

  /// The server closes the connection after 100,000 bytes, every time.
  @Test func aConnectionThatBreaksOffIsResumed() throws {
    try TestFiles.withTemporaryFolder { folder in
      let server = try LoopbackServer { .file(Self.content, tag: "\"1\"", to: $0, cut: 100_000) }
      let path = "\(folder)/a.pt"
      let result = try download(item(server), path).run()
      #expect(result.resumedFrom == 0)
      #expect(server.requests.map { $0.start ?? 0 } == [0, 1, 2, 3, 4, 5, 6].map { $0 * 100_000 })
      #expect(server.requests[1].fields["if-range"] == "\"1\"")
      #expect(try Data(MappedFile.contents(of: path)) == Self.content)
    }
  }

  @Test func theNextProgramGoesOn() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/a.pt"
      let turns = Mutex(0)
      let server = try LoopbackServer { request in
        let turn = turns.withLock { turns in
          turns += 1
          return turns
        }
        return switch turn {
        case 1: .file(Self.content, tag: "\"1\"", to: request, cut: 300_000)
        case 2, 3: .init("503 Service Unavailable")
        default: .file(Self.content, tag: "\"1\"", to: request)
        }
      }
      #expect(throws: DownloadError.status(url: server.url("/a.pt"), code: 503, reason: "Service Unavailable"))
      {
        try download(item(server), path).run()
      }
      #expect(try names(folder) == ["a.pt.part", "a.pt.part.json"])
      #expect(try download(item(server), path).run().resumedFrom == 300_000)
      #expect(server.requests.last?.start == 300_000)
      #expect(try names(folder) == ["a.pt"])
      #expect(try Data(MappedFile.contents(of: path)) == Self.content)
    }
  }

  /// What came from one address is no beginning of what is at another.
  @Test func anotherAddressBeginsAgain() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/a.pt"
      let server = try LoopbackServer { .file(Self.content, tag: "\"1\"", to: $0) }
      do {
        let part = try PartialDownload(for: path, url: server.url("/other.pt"))
        try part.begin(PartialDownload.Note(url: server.url("/other.pt"), bytes: Self.content.count))
        try Data(count: 5000).withUnsafeBytes { try part.append($0) }
      }
      #expect(try download(item(server), path).run().resumedFrom == 0)
      #expect(server.requests.map(\.start) == [nil])
    }
  }

  @Test func aFileThatChangedOnTheServerComesWholeAgain() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/a.pt"
      let turns = Mutex(0)
      let old = Data(repeating: 1, count: Self.content.count)
      let server = try LoopbackServer { request in
        let turn = turns.withLock { turns in
          defer { turns += 1 }
          return turns
        }
        return turn == 0
          ? .file(old, tag: "\"1\"", to: request, cut: 1000) : .file(Self.content, tag: "\"2\"", to: request)
      }
      _ = try download(item(server), path).run()
      #expect(server.requests.map(\.start) == [nil, 1000])
      #expect(try Data(MappedFile.contents(of: path)) == Self.content)
    }
  }

  @Test func redirectsAreFollowed() throws {
    try TestFiles.withTemporaryFolder { folder in
      let server = try LoopbackServer { request in
        switch request.path {
        case "/a.pt": .init("302 Found", ["Location": "/b.pt"], Data("moved".utf8))
        case "/b.pt": .file(Self.content, tag: "\"1\"", to: request, cut: 500_000)
        default: .init("302 Found", ["Location": "/around"])
        }
      }
      _ = try download(item(server), "\(folder)/a.pt").run()
      #expect(try Data(MappedFile.contents(of: "\(folder)/a.pt")) == Self.content)
      #expect(throws: DownloadError.self) { try download(item(server, "/around"), "\(folder)/c.pt").run() }
      #expect(try names(folder) == ["a.pt"])
    }
  }

  @Test func otherAnswersAreErrorsAndLeaveNothing() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/a.pt"
      let server = try LoopbackServer { request in
        switch request.path {
        case "/none": .init("404 Not Found", [:], Data("no such file".utf8))
        case "/long": .init("200 OK", ["Content-Length": "700001"], Self.content)
        default: .init("200 OK", [:], Data(repeating: 0, count: Self.content.count))
        }
      }
      #expect(throws: DownloadError.status(url: server.url("/none"), code: 404, reason: "Not Found")) {
        try download(item(server, "/none"), path).run()
      }
      #expect(throws: DownloadError.length(name: server.url("/long"), expected: 700_000, found: 700_001)) {
        try download(item(server, "/long"), path).run()
      }
      let zeros = SHA256.hex(of: 700_000)
      #expect(throws: DownloadError.digest(name: "\(path).part", expected: Self.digest, found: zeros)) {
        try download(item(server, "/zeros"), path).run()
      }
      #expect(try names(folder).isEmpty)
    }
  }

  /// The server announces nothing and sends more and more.
  @Test func whatIsLongerThanKnownIsNotReadToItsEnd() throws {
    try TestFiles.withTemporaryFolder { folder in
      let server = try LoopbackServer { _ in
        .init("200 OK", ["Content-Length": ""], Data(repeating: 7, count: 64 << 20))
      }
      let error = #expect(throws: DownloadError.self) { try download(item(server), "\(folder)/a.pt").run() }
      guard case .tooLong(server.url("/a.pt"), Self.content.count, let found) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(found > Self.content.count && found < 4 << 20)
      #expect(try names(folder).isEmpty)
    }
  }

  @Test func aServerThatIsNotThereIsNamed() throws {
    try TestFiles.withTemporaryFolder { folder in
      // Port 1 needs a privilege to listen on, and nothing does.
      let item = CheckpointManifest.Item(variant: "a", url: "http://127.0.0.1:1/a.pt")
      let error = #expect(throws: DownloadError.self) { try download(item, "\(folder)/a.pt").run() }
      guard case .unreachable(item.url, let reason) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(reason.hasPrefix("Failed to connect"))
      let left = try names(folder)
      #expect(left.isEmpty)
    }
  }

  @Test func whatTheCallerRefusesIsNotPutInPlace() throws {
    struct Refusal: Error {}
    try TestFiles.withTemporaryFolder { folder in
      let server = try LoopbackServer { .file(Self.content, tag: "\"1\"", to: $0) }
      #expect(throws: Refusal.self) {
        try download(item(server), "\(folder)/a.pt").run(check: { _ in throw Refusal() })
      }
      #expect(try names(folder).isEmpty)
    }
  }

  @Test func anotherFileThatIsThereStaysUnlessReplaced() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/a.pt"
      try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
      let server = try LoopbackServer { .file(Self.content, tag: "\"1\"", to: $0) }
      #expect(throws: DownloadError.differs(path: path, expected: "700000 bytes", found: "4")) {
        try download(item(server), path).run()
      }
      #expect(try MappedFile.contents(of: path) == Array("mine".utf8))
      _ = try download(item(server), path).run(replaces: true)
      #expect(try Data(MappedFile.contents(of: path)) == Self.content)
    }
  }

  @Test func aSecondProgramKeepsOut() throws {
    try TestFiles.withTemporaryFolder { folder in
      let server = try LoopbackServer { .file(Self.content, tag: "\"1\"", to: $0) }
      let first = try PartialDownload(for: "\(folder)/a.pt", url: server.url("/a.pt"))
      let second = download(item(server), "\(folder)/a.pt")
      let error = #expect(throws: DownloadError.self) { try second.run() }
      #expect(error == .busy(path: first.path))
    }
  }

  /// A child that the process starts has its open files until it becomes another program.
  @Test func aChildThatHasTheFileTooKeepsNobodyOut() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (path, url) = ("\(folder)/a.pt", "http://a")
      var first: PartialDownload? = try PartialDownload(for: path, url: url)
      let copy = try duplicate(try #require(first).path)
      defer { close(copy) }
      #expect(throws: DownloadError.busy(path: "\(path).part")) { try PartialDownload(for: path, url: url) }
      first = nil
      _ = try PartialDownload(for: path, url: url)
    }
  }

  /// The descriptor once more by which this process has a file open.
  private func duplicate(_ path: String) throws -> Int32 {
    var wanted = stat()
    try #require(stat(path, &wanted) == 0)
    let found = (0..<Int32(getdtablesize())).first { descriptor in
      var there = stat()
      return fstat(descriptor, &there) == 0 && there.st_dev == wanted.st_dev && there.st_ino == wanted.st_ino
    }
    let copy = dup(try #require(found))
    try #require(copy >= 0)
    return copy
  }
}

extension SHA256 {
  /// Of so many zeros.
  fileprivate static func hex(of count: Int) -> String {
    [UInt8](repeating: 0, count: count).withUnsafeBytes { hex(of: $0) }
  }
}
