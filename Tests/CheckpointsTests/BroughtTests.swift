// The files of tools/fixtures/make_brought.py, whose manifest says what PyTorch, safetensors and h5py make of each.
import Files
import Foundation
import Tensors
import Testing
import TestSupport

@testable import Checkpoints

/// What the script recorded of one file.
struct Brought: Decodable, Sendable {
  struct Entry: Decodable {
    let type: String
    let shape: [Int]
    let sha256: String
  }

  let tensors: [String: Entry]
  let key: String
  let left_out: [String]
  let foreign: [String]?

  static let all: [String: Brought] = {
    let data = FileManager.default.contents(atPath: Fixtures.path("brought/manifest.json")) ?? Data()
    return (try? JSONDecoder().decode([String: Brought].self, from: data)) ?? [:]
  }()
  static let files = all.keys.sorted()
  static let training = all.filter { $0.value.foreign != nil }.keys.sorted()
}

@Suite struct BroughtTests {
  @Test func theManifestIsThere() {
    #expect(Brought.files.count >= 30)
    #expect(Brought.training.count >= 15)
  }

  /// Names, types, shapes and bits are those that Python found.
  @Test(arguments: Brought.files) func readsTheTensors(_ file: String) throws {
    let expected = try #require(Brought.all[file])
    let checkpoint = try Fixtures.open("brought/\(file)")
    #expect(Set(checkpoint.entries.map(\.name)) == Set(expected.tensors.keys))
    for (name, tensor) in expected.tensors {
      let entry = try #require(checkpoint[name])
      #expect(entry.elementType.rawValue == tensor.type, "\(name)")
      #expect(entry.shape.extents == tensor.shape, "\(name)")
      let digest = try checkpoint.bytes(of: name).withBytes { SHA256.hex(of: $0) }
      #expect(digest == tensor.sha256, "\(name)")
    }
    try checkpoint.verify()
    #expect(checkpoint.selection.key == expected.key)
    let left = checkpoint.selection.leftOut.map { $0.split(separator: "'")[0] }
    #expect(left == expected.left_out.map { Substring($0) })
    #expect(expected.foreign == nil || checkpoint.selection.foreign == expected.foreign)
  }

  /// Another format holds the same bits, and says what it was made of.
  @Test(arguments: Brought.files) func convertsThem(_ file: String) throws {
    try TestFiles.withTemporaryFolder { folder in
      let source = try Fixtures.open("brought/\(file)")
      for format in [Checkpoint.Format.safetensors, .torch, .hdf5] {
        let path = "\(folder)/x.\(format.rawValue)"
        try Conversion(source).write(to: path, as: format)
        let written = try Checkpoint.open(path: path)
        #expect(try CheckpointDifference(source, written).isEmpty, "\(format)")
        #expect(written.metadata["source_sha256"] == source.wholeDigest())
      }
    }
  }

  /// Reading more is no reason to warn less: each of these files names something that PyTorch would import.
  @Test(arguments: Brought.training) func theScanFlagsWhatIsRead(_ file: String) throws {
    let foreign = try #require(Brought.all[file]?.foreign)
    let report = try SecurityScan.report(path: Fixtures.path("brought/\(file)"))
    #expect(report.isSafe == foreign.isEmpty)
    #expect(!foreign.isEmpty)
    // A zip archive may look like a pickle from its first byte on, which is told apart.
    let pickles = report.pickles.filter { $0.place.hasSuffix("data.pkl") }
    let forbidden = pickles.flatMap(\.globals).filter { $0.verdict == .forbidden }.map(\.name)
    #expect(Set(forbidden) == Set(foreign))
    for name in foreign {
      #expect(report.findings.contains { $0.reason.hasPrefix("the global \(name) at byte ") }, "\(name)")
    }
  }

  /// What a scan's own reader refused it refuses still, where another one takes it: OrderedDict([['w', …]]) of Python 2.
  @Test func theScanReadsAsStrictlyAsBefore() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/a.pt"
      let pickle = TorchWriter.pickle(of: [.init(name: "w", shape: [1])])
      let lists = Array("ccollections\nOrderedDict\n]](U\u{1}kK\u{1}ea".utf8) + [0x85, 0x52]
      var archive = try ZipWriter(path: path, durable: false)
      // The model, with a value of Python 2's kind made and dropped before it.
      try archive.add("a/data.pkl", Array(pickle.prefix(2)) + lists + [0x30] + Array(pickle.dropFirst(2)))
      try archive.add("a/data/0", [0, 0, 0x80, 0x3f])
      try archive.finish()
      #expect(try Checkpoint.open(path: path).shapes == ["w": [1]])
      let report = try SecurityScan.report(path: path)
      #expect(
        report.findings.map(\.reason) == [
          "expected collections.OrderedDict at byte 38 to be given nothing, found a list"
        ])
    }
  }

  @Test func theRemarksNameWhatWasLeftAlone() throws {
    let selection = try Fixtures.open("brought/namespace2.pt").selection
    #expect(selection.leftOut == ["'args' (an object of argparse.Namespace)"])
    #expect(
      selection.remarks.last
        == "named and not run: argparse.Namespace, pathlib.PurePosixPath, datetime.datetime, "
        + "torch.nn.functional.mse_loss; PyTorch would import these, `inspect --security` says more")
    let numbers = try Fixtures.open("brought/numpy.pt").selection.leftOut
    #expect(numbers.prefix(2) == ["'best' (a NumPy scalar)", "'step' (a NumPy scalar)"])
    #expect(numbers.contains("'matrix' (a NumPy array)"))
    #expect(try Fixtures.open("genuine/training.pt").selection.foreign.isEmpty)
  }

  @Test func refusesTensorsThatOnlyCodeCouldFind() {
    func refusal(_ name: String) -> CheckpointError? { Fixtures.refusal(of: "brought/\(name).pt") }
    func path(_ name: String) -> String { Fixtures.path("brought/\(name).pt") }
    #expect(
      refusal("refused_attribute")
        == .torch(
          path: path("refused_attribute"),
          .tensorsInObjects(found: "a dict of 'weight'", names: ["__main__.Settings"])))
    #expect(
      refusal("refused_list")
        == .torch(
          path: path("refused_list"),
          .tensorsInObjects(found: "a dict of 'model'", names: ["__main__.Settings"])))
    #expect(
      refusal("refused_scaled")
        == .torch(
          path: path("refused_scaled"), .notATensor(name: "weight", found: "an object of __main__.Marked")))
    #expect(
      refusal("refused_module")
        == .torch(
          path: path("refused_module"),
          .tensorsInObjects(
            found: "a dict of 'model'",
            names: ["__main__.Block", "__main__.Marked", "torch.nn.functional.relu", "argparse.Namespace"])))
    #expect(refusal("refused_list")?.description.contains("save model.state_dict() in PyTorch") == true)
  }

  @Test func saysWhichLayoutItIs() throws {
    let layouts: [(String, Checkpoint.Layout)] = [
      ("namespace2.pt", .whole), ("stacked2.pt", .stackedPickles), ("stacked.pth.tar", .stackedPickles),
      ("tar.pt", .tar), ("sharded_bin", .shards(3)), ("sharded_safetensors", .shards(3)), ("lzf.h5", .whole),
    ]
    for (file, layout) in layouts { #expect(try Fixtures.open("brought/\(file)").layout == layout, "\(file)") }
  }
}
