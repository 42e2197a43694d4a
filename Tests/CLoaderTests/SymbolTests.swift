// What our C targets define, as a linker sees it, and programs that use the same libraries as we do.
import Foundation
import Testing
import TestSupport

/// Our C targets: those with sources to compile.
private let targets: [String] = {
  let names = (try? FileManager.default.contentsOfDirectory(atPath: TestFiles.package("Sources"))) ?? []
  return names.filter { !sources(of: $0).isEmpty }.sorted()
}()

private func sources(of target: String) -> [String] {
  let folder = TestFiles.package("Sources/\(target)")
  let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  return names.filter { $0.hasSuffix(".c") }.sorted().map { "\(folder)/\($0)" }
}

/// Compiles as the package does, without optimisation: it changes no name.
private func compile(_ arguments: [String]) throws {
  let headers = ["Sources/CLoader/include", "Sources/CVector/include", "Sources/CHDF5Server/include"].map {
    "-I" + TestFiles.package($0)
  }
  let flags = try run([
    "pkg-config", "--cflags", "libavformat", "libavcodec", "libswscale", "libavutil", "libtiff-4",
    "libwebpdemux", "libavif", "libopenjp2", "hdf5",
  ])
  .output.split(whereSeparator: \.isWhitespace).map(String.init)
  let outcome = try run(["clang", "-w"] + headers + flags + arguments)
  try #require(outcome.code == 0, "\(outcome.output)")
}

/// Runs a program that is found as a shell would find it: its exit code and all that it says.
private func run(_ command: [String], environment: [String: String]? = nil) throws -> (
  code: Int32, output: String
) {
  let process = Process()
  if let environment { process.environment = environment }
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = command
  let output = Pipe()
  process.standardOutput = output
  process.standardError = output
  try process.run()
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  return (process.terminationStatus, text)
}

@Test func everySymbolBeginsWithItsTargetsName() throws {
  #expect(
    Set(targets).isSuperset(of: ["CFFmpeg", "CLoader", "COneDNN", "COpenBLAS", "CHDF5Server", "CVector"]),
    "\(targets)")
  try TestFiles.withTemporaryFolder { folder in
    for target in targets {
      for source in sources(of: target) {
        let object = "\(folder)/object.o"
        try compile(["-c", source, "-o", object])
        let symbols = try run(["nm", "--extern-only", "--defined-only", "--format=just-symbols", object]).output
          .split(separator: "\n").map(String.init)
        #expect(!symbols.isEmpty, "\(source)")
        let foreign = symbols.filter { !$0.hasPrefix(target.lowercased() + "_") }
        #expect(foreign.isEmpty, "\(source)")
      }
    }
  }
}

/// Functions of ours under the libraries' own names would be called before they are loaded, and jump to nowhere.
@Test(arguments: [
  ("own_ffmpeg", "CFFmpeg", ["-lavcodec", "-lavutil"], "before 0, after 0\n"),
  ("own_openblas", "COpenBLAS", ["-lopenblas"], "before 0, ours 0, after 0\n"),
  ("own_onednn", "COneDNN", ["-ldnnl", "-lgomp"], "before 0, ours 0, after 0, threads 1 of 4\n"),
])
func aProgramThatLinksTheLibraryItselfReachesIt(
  program: String, target: String, libraries: [String], expected: String
) throws {
  try TestFiles.withTemporaryFolder { folder in
    let files =
      sources(of: "CLoader") + sources(of: target) + [
        TestFiles.package("Tests/CLoaderTests/Programs/\(program).c")
      ]
    let executable = "\(folder)/\(program)"
    try compile(
      ["-I" + TestFiles.package("Sources/\(target)")] + files + ["-o", executable] + libraries + [
        "-ldl", "-lpthread",
      ])
    let outcome = try run([executable])
    #expect(outcome.code == 0 && outcome.output == expected, "\(outcome)")
  }
}

/// The first name that is there is taken; where none is, all are told; a function may be missing where that was said.
@Test func librariesMayHaveSeveralNames() throws {
  try TestFiles.withTemporaryFolder { folder in
    let files = sources(of: "CLoader") + [TestFiles.package("Tests/CLoaderTests/Programs/alternatives.c")]
    let executable = "\(folder)/alternatives"
    try compile(files + ["-o", executable, "-ldl", "-lpthread"])
    let outcome = try run([executable])
    let lines = outcome.output.split(separator: "\n").map(String.init)
    try #require(outcome.code == 0 && lines.count == 3, "\(outcome)")
    #expect(lines[0] == "loaded, cos 1, sin 1, other 0")
    #expect(
      lines[1].hasPrefix("libnothing.so.9: ") && lines[1].contains("; libnothing.so.8: "), "\(lines[1])")
    #expect(lines[2].hasPrefix("expected nothing in libnothing.so.9|libm.so.6"), "\(lines[2])")
  }
}

#if arch(x86_64)
  /// What the environment says comes first and stays; what is chosen leaves no trace in it.
  @Test(arguments: [(nil, "Core2 Prescott unset same\n"), ("Nehalem", "Nehalem Nehalem Nehalem same\n")])
  func kernelsAreChosenUnlessTheEnvironmentDoes(variable: String?, expected: String) throws {
    try TestFiles.withTemporaryFolder { folder in
      let files =
        sources(of: "CLoader") + sources(of: "COpenBLAS") + [
          TestFiles.package("Tests/CLoaderTests/Programs/core_type.c")
        ]
      let executable = "\(folder)/core_type"
      try compile(
        ["-D_GNU_SOURCE", "-I" + TestFiles.package("Sources/COpenBLAS")] + files
          + ["-o", executable, "-ldl", "-lpthread"])
      var environment = ProcessInfo.processInfo.environment
      environment["OPENBLAS_CORETYPE"] = variable
      let outcome = try run([executable], environment: environment)
      #expect(outcome.code == 0 && outcome.output == expected, "\(outcome)")
    }
  }
#endif
