// Files on which the HDF5 library crashes, and those that claim more than they hold.
import CTrial
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

/// What became of a child that reads a file, started while no other thread is within the library.
private func tried(_ path: String, seconds: Double = 20, bytes: Int = 1 << 28) -> ctrial_report {
  var report = ctrial_report()
  let child = Library.value { ctrial_start(path, seconds, bytes) }
  ctrial_finish(child, &report)
  return report
}

/// Looks at everything, as a scan does.
private func readAll(_ group: borrowing HDF5Group) throws {
  _ = try group.attributeContents(limit: 1 << 20)
  for name in try group.children() {
    switch try group.kind(of: name) {
    case .group: try readAll(try group.group(name))
    case .dataset: _ = try group.dataset(name).attributeContents(limit: 1 << 20)
    case .other, nil: continue
    }
  }
}

@Suite struct TrialTests {
  @Test func thereAreDamagedFiles() { #expect(damaged.count >= 3) }

  /// Where another version of the library doesn't crash, it refuses what is damaged, or reads past it.
  @Test(arguments: damaged) func whatCrashesTheLibraryIsRefused(path: String) throws {
    let report = tried(path)
    guard Int(report.outcome) == ctrial_crashed else { return }
    #expect(report.code > 0)
    let error = try #require(throws: HDF5Error.self) { try readAll(HDF5File.open(path).root()) }
    guard case .harmful(path, let object, let found) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(object.hasPrefix("/") && found == "makes it crash (signal \(report.code))", "\(error)")
    #expect(!error.description.contains("\n"))
  }

  @Test func whatIsWholeIsRead() throws {
    for name in ["trace.h5", "foreign.h5", "user_block.h5"] {
      let report = tried(TestFiles.package("Tests/Fixtures/\(name)"))
      #expect(Int(report.outcome) == ctrial_fine, "\(name): \(report.outcome) \(report.code)")
    }
  }

  /// A file is tried once, and another of its name again.
  @Test func aFileThatWasReplacedIsTriedAgain() throws {
    guard let first = damaged.first else { return }
    guard Int(tried(first).outcome) == ctrial_crashed else { return }
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/x.h5"
      try FileManager.default.copyItem(atPath: TestFiles.package("Tests/Fixtures/trace.h5"), toPath: path)
      for _ in 0..<2 { #expect(try HDF5File.open(path).root().children() == ["prediction", "taps"]) }
      try Data(contentsOf: URL(fileURLWithPath: first)).write(to: URL(fileURLWithPath: path))
      #expect(throws: HDF5Error.self) { _ = try HDF5File.open(path) }
    }
  }

  #if os(Linux)
    /// A chunk of 68 MB: what a child gets at most is 1 MB more than the program has. A smaller one could find its place in
    /// what the C library has mapped for a thread and not given out.
    @Test func aChildHasNoMoreMemoryThanItIsGiven() {
      let path = TestFiles.package("Tests/Fixtures/large_chunk.h5")
      #expect(Int(tried(path).outcome) == ctrial_fine)
      #expect(Int(tried(path, bytes: 1 << 20).outcome) == ctrial_large)
    }
  #endif

  /// A child that gets a moment of the processor.
  @Test func aChildIsBounded() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/many.h5"
      let file = try HDF5File.create(path)
      let root = try file.root()
      let text = String(repeating: "x", count: 20_000)
      for number in 0..<2000 { try root.createGroup("\(number)").setAttribute("text", .string(text)) }
      try file.commit()
      #expect(Int(tried(path).outcome) == ctrial_fine)
      #expect(Int(tried(path, seconds: 1e-6).outcome) == ctrial_slow)
    }
  }
}
