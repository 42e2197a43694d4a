import Checkpoints
import Files
import Foundation
import HDF5
import Tensors
import Testing
import TestSupport

@Suite struct SecurityScanTests {
  private func scan(_ name: String) throws -> SecurityReport {
    try SecurityScan.report(path: Fixtures.path(name))
  }

  static let findings: [(file: String, place: String, reason: String)] = [
    ("01_os_system.pt", "a/data.pkl", "the global os.system at byte 15, called once"),
    ("01_stack_global.pt", "a/data.pkl", "the global posix.system at byte 36, named, not called"),
    ("01_memo_names.pt", "a/data.pkl", "the global posix.system at byte 21, called once"),
    (
      "01_unknown_name.pt", "a/data.pkl",
      "the global posix.?, which the pickle computes at byte 10, named, not called"
    ),
    ("01_extension.pt", "a/data.pkl", "the global entry 1 of the extension registry at byte 2, called once"),
    ("01_protocol_0.pt", "the file", "the global posix.system at byte 15, called once"),
    ("01_before_the_mistake.pt", "a/data.pkl", "the global os.system at byte 2, called once"),
    (
      "01_before_the_mistake.pt", "a/data.pkl",
      "a pickle that could be walked only up to byte 24, where 255 is no opcode"
    ),
    ("01_member.pt", "a/extra.pkl", "the global os.system at byte 2, called once"),
    ("01_member_by_content.pt", "a/README", "the global posix.system at byte 0, called once"),
    ("01_storage.pt", "a/data/1", "the global os.system at byte 2, called once"),
    ("01_behind_stop.pt", "a/data.pkl from byte 146", "the global os.system at byte 2, called once"),
    ("01_broken_directory.pt", "a/data.pkl", "the global os.system at byte 2, called once"),
    ("01_broken_directory.pt", "the zip archive", "expected 9 zip entries, found 3"),
    ("01_broken_deflated.pt", "a/data.pkl", "the global os.system at byte 2, called once"),
    ("01_wrong_checksum.pt", "a/data.pkl", "the global os.system at byte 2, called once"),
    (
      "01_code.pt", "a/code/__torch__.py",
      "30 bytes of TorchScript: a program that runs when the model is called"
    ),
    ("01_nested_archive.pt", "a/inner.zip", "an archive within the archive, which is not looked into"),
    ("04_inst.pt", "a/data.pkl", "the opcode INST, once, at byte 3"),
    ("04_inst.pt", "a/data.pkl", "the global os.system at byte 3, called once"),
    (
      "05_no_stop.pt", "a/data.pkl",
      "a pickle that could be walked only up to the end of the data at byte 145, without STOP"
    ),
    (
      "08_memo_bomb.pt", "data.pkl",
      "expected at most 16777216 values in all, found shared containers that stand for more"
    ),
    ("09_second_pickle.pt", "the archive", "expected one data.pkl, found 'a/data.pkl', 'a/b/data.pkl'"),
    ("10_legacy_system.pt", "the file from byte 46", "the global os.system at byte 2, called once"),
    ("10_legacy_hidden.pt", "the file from byte 228", "the global os.system at byte 2, called once"),
    ("10_tar_system.pt", "pickle", "the global os.system at byte 2, called once"),
    ("10_tar_size.pt", "the tar archive from byte 512", "the global os.system at byte 2, called once"),
    ("17_short.pt", "the archive", "expected storage 0 to hold 16 bytes, found 12"),
    ("hydra_target.safetensors", "the word sam2_configuration", "_target_ 'os.system', which Hydra would call"),
    (
      "chat_template.gguf", "the word tokenizer.chat_template",
      "a chat template, which other programs carry out"
    ),
    ("filter.h5", "/w", "filter 32001, which HDF5 would load as a plugin"),
  ]

  @Test(arguments: findings) func finds(_ expected: (file: String, place: String, reason: String)) throws {
    let found = try scan("hostile/\(expected.file)").findings
    #expect(found.contains { $0.place == expected.place && $0.reason == expected.reason }, "\(found)")
  }

  /// What can't be read as a model but could do no harm: types without a reader, other tensors than a model's.
  static let harmless: Set<String> = [
    "21_quantized.pt", "22_misshaped.safetensors", "22_unexpected.safetensors", "no_state_dict.pt",
    "not_a_tensor.pt",
    "bare_pickle.pt", "quantized.gguf", "removed_type.gguf", "unknown_type.gguf", "unknown_type.safetensors",
    "q8_0_infinite.gguf", "q8_0_nan.gguf", "q8_0_negative.gguf",
  ]

  @Test func callsNoHostileFileSafe() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Fixtures.path("hostile"))
    #expect(files.count > 170)
    let safe = try files.filter { try scan("hostile/\($0)").isSafe }
    #expect(Set(safe) == Self.harmless)
  }

  @Test func callsGenuineFilesSafe() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Fixtures.path("genuine"))
    #expect(files.count > 15)
    for file in files {
      let report = try scan("genuine/\(file)")
      #expect(report.isSafe, "\(file): \(report.findings)")
    }
    #expect(try SecurityScan.report(path: TestFiles.package("Weights/sam2.1_micro.pt")).isSafe)
  }

  @Test func listsEveryGlobalAndOpcode() throws {
    let pickles = try scan("genuine/nans.pt").pickles
    let pickle = try #require(pickles.first)
    #expect(pickles.count == 1)
    #expect(pickle.place == "nans/data.pkl")
    #expect(pickle.protocolVersion == 2)
    #expect(
      pickle.globals.map(\.name) == [
        "torch._utils._rebuild_tensor_v2", "torch.FloatStorage", "collections.OrderedDict",
      ])
    #expect(pickle.globals.allSatisfy { $0.verdict == .allowed && $0.count == 1 })
    #expect(pickle.globals.map(\.calls) == [1, 0, 1])
    #expect(pickle.opcodes.first { $0.name == "GLOBAL" }?.count == 3)
    #expect(pickle.opcodes.first { $0.name == "BINPERSID" }?.count == 1)
    #expect(pickle.stop.isComplete)
  }

  @Test func walksAllPicklesOfALegacyFile() throws {
    let report = try scan("genuine/legacy.pt")
    // Magic number, protocol, system, state dict, keys of the storages.
    #expect(report.pickles.count == 5)
    #expect(report.isSafe)
  }

  @Test func findsLinksOfHDF5ToOtherFiles() throws {
    let report = try SecurityScan.report(path: TestFiles.package("Tests/Fixtures/foreign.h5"))
    for name in ["external_data", "virtual", "external_link"] {
      #expect(report.findings.contains { $0.place.hasSuffix(name) }, "\(name): \(report.findings)")
    }
  }

  /// Groups that are each twice in the one before: 2^60 ways lead to the last, which holds something.
  @Test func looksAtEachObjectOfHDF5Once() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/shared.h5"
      let file = try HDF5NewFile(path)
      do {
        let root = try file.root()
        try root.write("0/w", Tensor([1], [1]))
        try root.createGroup("0").setAttribute("x", .string("{_target_: os.system}"))
        for layer in 1...60 {
          try root.link("\(layer)/a", to: "/\(layer - 1)")
          try root.link("\(layer)/b", to: "/\(layer - 1)")
        }
      }
      try file.commit()
      let report = try SecurityScan.report(path: path)
      #expect(report.findings.map(\.reason) == ["_target_ 'os.system', which Hydra would call"])
    }
  }

  @Test func namesAMissingFile() {
    let path = Fixtures.path("nowhere.pt")
    #expect(throws: CheckpointError.file(.unreadable(path: path, reason: "No such file or directory"))) {
      try SecurityScan.report(path: path)
    }
  }
}
