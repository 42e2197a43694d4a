import Foundation
import Testing
import TestSupport

private let hostile = TestFiles.package("Tests/CheckpointsTests/Fixtures/hostile")
private let genuine = TestFiles.package("Tests/CheckpointsTests/Fixtures/genuine/nans.pt")
private let microYAML = TestFiles.package("Reference/micro.yaml")

@Test func aScanOfAHostileFileEndsWith1() throws {
  let outcome = try Program.run("inspect", "--security", "\(hostile)/01_os_system.pt")
  #expect(outcome.code == 1)
  #expect(outcome.errors.isEmpty)
  #expect(outcome.output.contains("os.system"))
  #expect(outcome.output.contains("verdict: NOT safe, 1 finding"))
}

@Test func aScanOfAGenuineFileEndsWith0() throws {
  let outcome = try Program.run("inspect", "--security", genuine)
  #expect(outcome.code == 0)
  #expect(outcome.output.contains("torch._utils._rebuild_tensor_v2  allowed"))
  #expect(outcome.output.contains("verdict: safe"))
}

@Test func aScanOfNoFileEndsWith2() throws {
  let outcome = try Program.run("inspect", "--security", "\(hostile)/none.pt")
  #expect(outcome.code == 2)
  #expect(outcome.output.isEmpty)
}

@Test func aScanIsReadByMachinesToo() throws {
  let outcome = try Program.run("inspect", "--security", "--json", "\(hostile)/01_stack_global.pt")
  #expect(outcome.code == 1)
  let report = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
  #expect(report["isSafe"] as? Bool == false)
  let pickles = try #require(report["pickles"] as? [[String: Any]])
  let globals = try #require(pickles.first?["globals"] as? [[String: Any]])
  #expect(globals.first?["name"] as? String == "posix.system")
  #expect(globals.first?["verdict"] as? String == "forbidden")
  #expect(globals.first?["offsets"] as? [Int] == [36])
}

@Test func limitsAreStatedAndChanged() throws {
  let help = try Program.run("inspect", "--help").output
  #expect(help.contains("pickle-bytes") && help.contains("32M"))
  let refused = try Program.run("inspect", genuine, "--limit", "pickle-bytes=1K", "--limit", "pickle-values=3")
  #expect(refused.code == 2)
  #expect(refused.errors.contains("expected at most 3 pickled values"))
  #expect(try Program.run("inspect", genuine, "--limit", "pickle-bytes=1K").code == 0)
  for wrong in [
    "nonsense=1", "pickle-bytes", "pickle-bytes=-1", "pickle-bytes==1K", "pickle-bytes=9999999999G",
  ] {
    #expect(try Program.run("inspect", genuine, "--limit", wrong).code == 64, "\(wrong)")
  }
}

@Test(arguments: [
  ("22_unexpected", "1 unexpected (backdoor.weight)"), ("22_misshaped", "1 misshaped (no_mem_embed"),
])
func tensorsOfAnotherArchitectureAreNamed(file: String, words: String) throws {
  try TestFiles.withTemporaryFolder { folder in
    let outcome = try Program.run(
      "convert", "\(hostile)/\(file).safetensors", "\(folder)/x.safetensors", "--config", microYAML)
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains(words) && outcome.errors.contains("missing"), "\(outcome.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}

#if os(Linux)
  /// Every hostile file through `convert` with 96 MB of private memory, of which a genuine small one needs 64: each ends with
  /// code 2 and one sentence, and nothing is written.
  @Test func hostileFilesEndWith2WithinLittleMemory() throws {
    try TestFiles.withTemporaryFolder { folder in
      let files = try FileManager.default.contentsOfDirectory(atPath: hostile).sorted()
      // One thread, since OpenBLAS sets memory aside for each; it waits for ever where it gets none.
      let script = """
        ulimit -d 98304; ulimit -c 0; export OPENBLAS_NUM_THREADS=1; program="$0"; output="$1"; shift
        for file; do
          words=$(timeout 60 "$program" convert "$file" "$output/x.safetensors" 2>&1 >/dev/null); code=$?
          lines=$(printf '%s\\n' "$words" | wc -l)
          [ $code = 2 ] && [ $lines = 1 ] || echo "$file: $code: $words"
        done
        """
      let outcome = try shell(script, [Program.path.path, folder] + files.map { "\(hostile)/\($0)" })
      #expect(outcome.isEmpty, "\(outcome)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }
  }

  private func shell(_ script: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", script] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: text, as: UTF8.self)
  }
#endif
