// Files on which the HDF5 library crashes, and children that are given little.
import CHDF5Server
import Files
import Foundation
@testable import HDF5
import Tensors
import Testing
import TestSupport

/// Small files with one byte changed on which HDF5 1.10.8 crashes, written by tools/fixtures/make_damaged.py.
private let damaged: [String] = {
  let folder = TestFiles.package("Tests/Fixtures/damaged")
  let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  return names.filter { $0.hasSuffix(".h5") }.sorted().map { "\(folder)/\($0)" }
}()

/// Looks at everything.
private func readAll(_ group: HDF5Group) throws {
  _ = try group.attributeContents(limit: 1 << 20)
  for name in try group.children() {
    switch try group.kind(of: name) {
    case .group: try readAll(try group.group(name))
    case .dataset:
      let dataset = try group.dataset(name)
      _ = try dataset.attributeContents(limit: 1 << 20)
      if dataset.holdsNumbers { _ = try dataset.tensor() }
    case .other, nil: continue
    }
  }
}

/// Asks a child for what is attached to the root, or in it.
private func ask(_ server: Server, _ kind: Int) throws {
  var reply = try server.open()
  let root = try reply.number()
  _ = try server.reply(
    to: .init(kind: kind, address: root, bytes: 1 << 20), Place(file: "x", object: "/"))
}

@Suite struct ServerTests {
  @Test func thereAreDamagedFiles() { #expect(damaged.count >= 3) }

  /// Where another version of the library doesn't crash, it refuses what is damaged, or reads past it.
  @Test(arguments: damaged) func whatCrashesTheLibraryIsRefused(path: String) throws {
    let root: HDF5Group
    do {
      root = try HDF5File.open(path).root()
      try readAll(root)
    } catch let error as HDF5Error {
      #expect(!error.description.contains("\n"))
      #expect(error.description.hasPrefix("\(path): "))
      return
    }
  }

  /// A crash is told with where it was, and again whatever the file is asked for.
  @Test(arguments: [SIGSEGV, SIGABRT]) func aCrashIsToldFromThenOn(signal: Int32) throws {
    let path = TestFiles.package("Tests/Fixtures/trace.h5")
    let server = try Server(path, seconds: 5, memory: 1 << 28)
    try ask(server, chdf5server_list)
    let child = try #require(server.process)
    #expect(kill(child, signal) == 0)
    let expected = HDF5Error.harmful(
      file: path, object: "/taps", found: "makes it crash (signal \(signal))")
    for place in ["/taps", "/other"] {
      let request = Server.Request(kind: chdf5server_list, address: 96)
      #expect(throws: expected) { _ = try server.reply(to: request, Place(file: "x", object: place)) }
    }
    #expect(server.process == nil)
  }

  @Test func whatIsWholeIsRead() throws {
    for name in ["trace.h5", "user_block.h5", "many_chunks.h5"] {
      try readAll(HDF5File.open(TestFiles.package("Tests/Fixtures/\(name)")).root())
    }
  }

  /// What an object is said to be is what was asked for, not what was found elsewhere.
  @Test func whatIsNotThereIsRefusedInTheLibrarysWords() throws {
    let path = TestFiles.package("Tests/Fixtures/trace.h5")
    let server = try Server(path, seconds: 5, memory: 1 << 28)
    _ = try server.open()
    let request = Server.Request(kind: chdf5server_list, address: 1)
    let error = #expect(throws: HDF5Error.self) {
      _ = try server.reply(to: request, Place(file: path, object: "/nowhere"))
    }
    guard case .failed(path, "/nowhere", "open it", let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    // In general, and why.
    #expect(reason.split(separator: ": ").count == 2, "\(reason)")
    try ask(server, chdf5server_attributes)
  }

  /// A child goes with the last who holds the file.
  @Test func aChildGoesWithItsFile() throws {
    let path = TestFiles.package("Tests/Fixtures/trace.h5")
    var server: Server? = try Server(path, seconds: 5, memory: 1 << 28)
    let child = try #require(server?.process)
    #expect(kill(child, 0) == 0)
    server = nil
    #expect(kill(child, 0) == -1)
  }

  #if os(Linux)
    /// What the program has open, a lock with it, is not held by a child.
    @Test func aChildHoldsNoFileOfTheProgram() throws {
      try TestFiles.withTemporaryFolder { folder in
        let lock = "\(folder)/lock"
        let descriptor = open(lock, O_RDWR | O_CREAT, 0o600)
        defer { close(descriptor) }
        let path = TestFiles.package("Tests/Fixtures/trace.h5")
        let server = try Server(path, seconds: 5, memory: 1 << 28)
        try ask(server, chdf5server_list)
        let files = "/proc/\(try #require(server.process))/fd"
        let held = try FileManager.default.contentsOfDirectory(atPath: files).compactMap {
          try? FileManager.default.destinationOfSymbolicLink(atPath: "\(files)/\($0)")
        }
        #expect(held.contains(path), "\(held)")
        #expect(!held.contains(lock))
        #expect(held.count <= 5, "\(held)")
      }
    }

    /// A chunk of 68 MB: what a child gets at most is 1 MB more than the program has. A smaller one could find its place in
    /// what the C library has mapped for a thread and not given out.
    @Test func aChildHasNoMoreMemoryThanItIsGiven() throws {
      let path = TestFiles.package("Tests/Fixtures/large_chunk.h5")
      for (memory, isEnough) in [(1 << 28, true), (1 << 20, false)] {
        let server = try Server(path, seconds: 20, memory: memory)
        var reply = try server.open()
        let root = try reply.number()
        reply = try server.reply(
          to: .init(kind: chdf5server_list, address: root), Place(file: path, object: "/"))
        #expect(try reply.text() == "w")
        let target = try reply.outcome { reply throws(HDF5Error) in try LinkTarget(&reply) }.get()
        let request = Server.Request(
          kind: chdf5server_read, address: target.address, elementType: StandardTypes.position(of: .float32),
          payload: [UInt8](repeating: 0, count: 8) + [1, 0, 0, 0, 0, 0, 0, 0])
        var element: Float = -1
        func read() throws {
          try withUnsafeMutableBytes(of: &element) {
            try server.read(request, into: $0, Place(file: path, object: "/w"))
          }
        }
        if isEnough {
          try read()
          #expect(element != -1)
        } else {
          #expect(
            throws: HDF5Error.harmful(
              file: path, object: "/w", found: "takes it more than 1 MiB of memory")
          ) { try read() }
        }
      }
    }
  #endif

  /// A child that gets a moment of the processor.
  @Test func aChildIsBounded() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/many.h5"
      let file = try HDF5NewFile(path)
      let root = try file.root()
      for number in 0..<20_000 { _ = try root.createGroup("\(number)") }
      try file.commit()
      try ask(Server(path, seconds: 20, memory: 1 << 28), chdf5server_list)
      let error = #expect(throws: HDF5Error.self) {
        try ask(Server(path, seconds: 1e-6, memory: 1 << 28), chdf5server_list)
      }
      guard case .harmful(path, _, "keeps it busy for more than 0 seconds") = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  /// What one request leaves of the processor's time is what the next one has.
  @Test func requestsShareTheirTime() throws {
    let path = TestFiles.package("Tests/Fixtures/trace.h5")
    let server = try Server(path, seconds: 0.02, memory: 1 << 28)
    let error = #expect(throws: HDF5Error.self) {
      var reply = try server.open()
      let request = Server.Request(kind: chdf5server_list, address: try reply.number())
      for _ in 0..<20_000 { _ = try server.reply(to: request, Place(file: path, object: "/")) }
    }
    guard case .harmful(path, _, "keeps it busy for more than 0 seconds") = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// Whatever a broken child replies is refused.
  @Test func aReplyIsNotTrusted() throws {
    let place = Place(file: "x", object: "/o")
    let harmful = HDF5Error.harmful(file: "x", object: "/o", found: "makes it crash")
    func number(_ value: UInt64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
    var short = Reply([1, 2, 3], place)
    #expect(throws: harmful) { _ = try short.number() }
    var long = Reply(number(9) + [1], place)
    #expect(throws: harmful) { _ = try long.data() }
    var status = Reply(number(7), place)
    #expect(throws: harmful) { _ = try status.outcome { _ in 1 } }
    var whole = Reply(number(2) + Array("ab".utf8) + number(1) + number(5), place)
    #expect(try whole.text() == "ab")
    #expect(try whole.numbers() == [5])
    #expect(whole.isAtEnd)
    var refused = Reply(
      number(1) + [2, 3, 5].flatMap { number($0) + [UInt8](repeating: 97, count: Int($0)) }, place)
    #expect(
      throws: HDF5Error.failed(file: "x", object: "/o", action: "aa b", reason: "aaa: aaaaa")
    ) { _ = try refused.outcome { _ in 1 }.get(at: place, "b") }
  }
}
