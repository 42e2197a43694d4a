// Which kernels the program runs, and where it says so.
import Foundation
import Testing
import TestSupport

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")

/// What the environment says; where it does, OpenBLAS may fail without.
private let ownCoreType = ProcessInfo.processInfo.environment["OPENBLAS_CORETYPE"]

/// Runs the program with OPENBLAS_CORETYPE as given, or as it is: its output.
private func output(coreType: String?, _ arguments: String...) throws -> String {
  let outcome = try Program.run(arguments, with: coreType.map { ["OPENBLAS_CORETYPE": $0] } ?? [:])
  #expect(outcome.code == 0)
  return outcome.output
}

private struct Timing: Decodable {
  struct Backend: Decodable {
    let name: String
    let kernels: String
  }
  let backend: Backend
}

private func kernels(coreType: String?) throws -> String {
  let json = try output(
    coreType: coreType, "benchmark", "--model", micro, "--backend", "openblas", "--repeat", "1", "--json")
  let timing = try JSONDecoder().decode(Timing.self, from: Data(json.utf8))
  #expect(timing.backend.name == "openblas")
  return timing.backend.kernels
}

@Test func recordingsAndReportsSayWhichKernelsRan() throws {
  let kernels = try kernels(coreType: nil)
  try TestFiles.withTemporaryFolder { folder in
    let (trace, junit, page) = ("\(folder)/mine.h5", "\(folder)/r.xml", "\(folder)/r.html")
    let recording = TestFiles.package("Reference/micro.h5")
    _ = try output(
      coreType: nil, "verify", "--model", micro, "--reference", recording, "--input",
      TestFiles.package("Reference/micro.png"), "--trace", trace, "--junit", junit, "--html", page)
    let words = "(\(kernels))"
    #expect(try output(coreType: nil, "trace-info", trace, "--brief").contains(words))
    #expect(try String(contentsOfFile: junit, encoding: .utf8).contains(words))
    #expect(try String(contentsOfFile: page, encoding: .utf8).contains(words))
  }
  let table = try output(
    coreType: nil, "benchmark", "--model", micro, "--backend", "openblas", "--repeat", "1")
  #expect(table.contains(" (\(kernels)), f32"))
}

#if os(Linux) && arch(x86_64)
  /// OpenBLAS 0.3.21 has kernels of 2004 for processors that it doesn't know, which take four times as long.
  @Test(.enabled(if: ownCoreType == nil, "the environment chooses the kernels"))
  func newProcessorsGetNewKernels() throws {
    let flags = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8).split(
      whereSeparator: \.isWhitespace)
    guard flags.contains("avx2"), flags.contains("fma") else { return }
    let old = ["Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Barcelona", "Sandybridge"]
    #expect(try !old.contains(kernels(coreType: nil)))
  }

  /// Every 64-bit processor runs Prescott's.
  @Test func whatTheEnvironmentSaysIsKept() throws {
    #expect(try kernels(coreType: "Prescott") == "Prescott")
  }
#endif
