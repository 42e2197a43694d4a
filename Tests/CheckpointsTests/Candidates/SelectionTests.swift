// The files of tools/fixtures/make_candidates.py: a model's first number is 1 or 2, as the script says.
import Foundation
import Tensors
import Testing
import TestSupport

@testable import Checkpoints

private let parameters: Set = ["image_encoder.trunk.pos_embed", "no_mem_embed"]

@Suite struct SelectionTests {
  /// A file, the key asked for, the model it should give and what should be said of it.
  struct Layout: Sendable {
    let file: String
    var key: String?
    var model: Float = 1
    var expected: Selection
  }

  static let layouts = [
    Layout(
      file: "training.pt",
      expected: Selection(
        key: "model",
        leftOut: ["'optimizer' (a dict)", "'scaler' (a dict)", "'loss' (a dict)", "'steps' (a dict)"])),
    Layout(file: "bare.pt", expected: Selection()),
    Layout(file: "bare.pt", key: ".", expected: Selection()),
    Layout(
      file: "lightning.pt",
      expected: Selection(
        key: "state_dict.model", leftOut: ["'optimizer_states' (a list)", "'hyper_parameters' (a dict)"],
        wrappers: ["model."])),
    Layout(file: "lightning.safetensors", expected: Selection(key: "model", wrappers: ["model."])),
    Layout(
      file: "lightning.safetensors", key: "model", expected: Selection(key: "model", wrappers: ["model."])),
    Layout(
      file: "ema.pt",
      expected: Selection(
        key: "model", others: ["ema"], leftOut: ["'optimizer' (a dict)", "'scaler' (a dict)"])),
    Layout(
      file: "ema.pt", key: "ema", model: 2,
      expected: Selection(
        key: "ema", others: ["model"], leftOut: ["'optimizer' (a dict)", "'scaler' (a dict)"])),
    Layout(
      file: "ema_alone.pt", model: 2, expected: Selection(key: "ema.module", leftOut: ["'model' (None)"])),
    Layout(file: "module.pt", expected: Selection(key: "model", wrappers: ["module."])),
    Layout(file: "compiled.pt", expected: Selection(key: "model", wrappers: ["_orig_mod."])),
    Layout(file: "both_wrappers.pt", expected: Selection(wrappers: ["_orig_mod.", "module."])),
    Layout(file: "averaged.pt", expected: Selection(leftOut: ["'n_averaged'"], wrappers: ["module."])),
    Layout(file: "part_compiled.pt", expected: Selection(wrappers: ["_orig_mod."])),
    Layout(
      file: "teacher.pt",
      expected: Selection(
        key: "model.student", others: ["model.teacher"],
        leftOut: ["a tensor outside 'student.', the first 'head.weight'"], wrappers: ["student."])),
    Layout(
      file: "teacher.pt", key: "model.teacher", model: 2,
      expected: Selection(
        key: "model.teacher", others: ["model.student"],
        leftOut: ["a tensor outside 'teacher.', the first 'head.weight'"], wrappers: ["teacher."])),
  ]

  @Test(arguments: layouts) func findsTheModel(_ layout: Layout) throws {
    let checkpoint = try Checkpoint.open(path: Fixtures.path("candidates/\(layout.file)"), key: layout.key)
    #expect(Set(checkpoint.entries.map(\.name)) == parameters)
    let (first, fill) = (layout.model, layout.model + 0.5)
    #expect(try checkpoint.float32("image_encoder.trunk.pos_embed").elements == [first, first + 0.25])
    #expect(try checkpoint.float32("no_mem_embed").elements == [fill, fill])
    #expect(checkpoint.selection == layout.expected)
  }

  @Test(arguments: ["ema.pt", "teacher.pt", "bare.pt", "lightning.safetensors"])
  func namesTheKeysWhereOneIsUnknown(_ file: String) throws {
    let available = [
      "ema.pt": ["ema", "model"], "teacher.pt": ["model"], "bare.pt": ["."],
      "lightning.safetensors": ["model"],
    ]
    let path = Fixtures.path("candidates/\(file)")
    let expected = NamingError.noCandidate(key: "nothing", available: available[file] ?? [])
    #expect(throws: CheckpointError.naming(path: path, expected)) {
      try Checkpoint.open(path: path, key: "nothing")
    }
  }

  @Test func namesPrefixesWhereOneIsUnknown() throws {
    let path = Fixtures.path("candidates/teacher.pt")
    let expected = NamingError.noCandidate(
      key: "model.head", available: ["model.student", "model.teacher"])
    #expect(throws: CheckpointError.naming(path: path, expected)) {
      try Checkpoint.open(path: path, key: "model.head")
    }
  }

  @Test func refusesTwoTensorsOfOneName() throws {
    let path = Fixtures.path("candidates/clash.pt")
    let expected = NamingError.clash(
      name: "no_mem_embed", first: "no_mem_embed", second: "module.no_mem_embed")
    #expect(throws: CheckpointError.naming(path: path, expected)) { try Checkpoint.open(path: path) }
  }

  @Test func takesNoOptimizerForAModel() throws {
    let path = Fixtures.path("candidates/optimizer_alone.pt")
    let expected = TorchError.noStateDict(found: "a dict of 'optimizer', 'scaler'")
    #expect(throws: CheckpointError.torch(path: path, expected)) { try Checkpoint.open(path: path) }
  }

  @Test(arguments: ["scaler", "grad_scaler", "lr_scheduler", "RNG_state", "optim", "the_optim"])
  func aWordOfTrainingStateIsFoundWhereverItStands(_ name: String) {
    #expect(StateDict.isTrainingState(name))
    #expect(!StateDict.isTrainingState(String(name.dropLast(5)) + "model"))
  }

  @Test func namesWhatIsNoTensorInTheOnlyCandidate() throws {
    let path = Fixtures.path("candidates/odd.pt")
    #expect(throws: CheckpointError.torch(path: path, .notATensor(name: "epoch", found: "an int"))) {
      try Checkpoint.open(path: path)
    }
  }

  @Test func saysWhatWasChosenAndLeftOut() throws {
    let selection = try Fixtures.open("candidates/ema.pt").selection
    #expect(
      selection.remarks == [
        "took 'model'; --key chooses another: 'ema'", "left out: 'optimizer' (a dict), 'scaler' (a dict)",
      ])
    #expect(try Fixtures.open("candidates/bare.pt").selection.remarks == [])
  }

  @Test func opensAFolder() throws {
    try TestFiles.withTemporaryFolder { folder in
      #expect(throws: CheckpointError.folder(path: folder, found: "none")) { try Checkpoint.open(path: folder) }
      try FileManager.default.copyItem(
        atPath: Fixtures.path("candidates/transformers.safetensors"), toPath: "\(folder)/model.safetensors")
      let checkpoint = try Checkpoint.open(path: "\(folder)/")
      #expect(checkpoint.path == "\(folder)/model.safetensors")
      #expect(checkpoint.selection.naming == .transformers)
    }
  }

  @Test func namesPartsWithoutTheirIndex() throws {
    try TestFiles.withTemporaryFolder { folder in
      let part = "model-00001-of-00003.safetensors"
      let source = Fixtures.path("brought/sharded_safetensors/\(part)")
      try FileManager.default.copyItem(atPath: source, toPath: "\(folder)/\(part)")
      let expected = CheckpointError.folder(
        path: folder, found: "parts such as '\(part)' without their index (*.index.json): fetch it too")
      #expect(throws: expected) { try Checkpoint.open(path: folder) }
      // One part is what it is, and said to be one.
      let alone = try Checkpoint.open(path: "\(folder)/\(part)")
      #expect(
        alone.selection.leftOut == [
          "the other 2 of the model's 3 files: give the folder, or the index beside them"
        ])
    }
  }
}
