import Foundation
import Testing
import TestSupport

#if os(Linux)
  /// What the system lets a process have little of.
  @Suite struct LimitsTests {
    private static let micro = TestFiles.package("Weights/sam2.1_micro.pt")
    private static let picture = TestFiles.package("Reference/micro.png")
    /// Who limits on processes hold for; the superuser is not among them.
    private static let unprivileged = "setpriv --reuid 65534 --clear-groups"

    /// The arguments that segment into a folder.
    private func segment(_ output: String, _ more: String...) -> [String] {
      [
        "segment", "--model", Self.micro, "--config", TestFiles.package("Reference/micro.yaml"), "--image",
        Self.picture, "--point", "100,120", "--output", output,
      ] + more
    }

    /// Where no thread can be made all is done on one, with the same result. Dispatch alone would sleep for ever.
    @Test(arguments: [1, 2, 3]) func threadsThatCanNotBeMadeAreNotMissed(limit: Int) throws {
      try TestFiles.withTemporaryFolder { folder in
        chmod(folder, 0o777)
        let isRoot = geteuid() == 0
        let become = isRoot ? Self.unprivileged : ""
        let test = "prlimit --version && \(become) test -r '\(Self.micro)' -a -w '\(folder)'"
        guard try Program.run([], through: test).code == 0 else { return }
        #expect(try Program.run(segment("\(folder)/free")).code == 0)
        let script = "exec prlimit --nproc=\(limit) \(become) \"$0\" \"$@\""
        for arguments in [
          segment("\(folder)/few"), segment("\(folder)/reference", "--backend", "openblas", "--threads", "8"),
          ["inspect", Self.micro],
          [
            "convert", Self.micro, "\(folder)/m.safetensors", "--config",
            TestFiles.package("Reference/micro.yaml"),
          ],
        ] {
          let outcome = try Program.run(arguments, through: script)
          #expect(outcome.code == 0, "\(arguments[0]): \(outcome.errors)")
        }
        let masks = try ["free", "few"].map {
          try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)/mask_0.png"))
        }
        #expect(masks[0] == masks[1])
      }
    }

    /// OpenBLAS asks for addresses for ever where there are none: what spins so is ended by the seconds that it computes, of
    /// which a busy machine takes no more.
    @Test func littleAddressSpaceIsSaid() throws {
      try TestFiles.withTemporaryFolder { folder in
        let outcome = try Program.run(
          segment("\(folder)/out", "--backend", "openblas", "--threads", "4"),
          through: "ulimit -t 100; ulimit -v 700000; exec \"$0\" \"$@\"")
        #expect(outcome.code == 2, "\(outcome.errors)")
        #expect(outcome.errors.contains("OpenBLAS needs 704 MB of addresses for its buffers, found"))
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/out"))
      }
    }

    /// Whatever it takes is said, and nothing is left behind.
    @Test(arguments: [4, 5, 6, 8]) func fewOpenFilesAreSaid(limit: Int) throws {
      try TestFiles.withTemporaryFolder { folder in
        let outcome = try Program.run(
          segment("\(folder)/out"), through: "ulimit -n \(limit); exec \"$0\" \"$@\"")
        #expect([0, 2].contains(outcome.code), "\(outcome.errors)")
        guard outcome.code == 2 else { return }
        #expect(outcome.errors.contains("error: "))
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/out"))
      }
    }
  }
#endif
