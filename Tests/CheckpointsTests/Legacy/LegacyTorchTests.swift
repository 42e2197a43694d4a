import Foundation
import Tensors
import Testing
import TestSupport

@testable import Checkpoints

/// Files of PyTorch before 1.6 with something about them changed.
@Suite struct LegacyTorchTests {
  private func refusal(_ file: String, _ change: (inout Data) -> Void) throws -> TorchError? {
    try TestFiles.withTemporaryFolder { folder -> TorchError? in
      let path = "\(folder)/x.pt"
      var data = try Data(contentsOf: URL(filePath: Fixtures.path("brought/\(file)")))
      change(&data)
      try data.write(to: URL(filePath: path))
      do {
        let checkpoint = try Checkpoint.open(path: path)
        for entry in checkpoint.entries { _ = try checkpoint.bytes(of: entry.name) }
        return nil
      } catch let error as CheckpointError {
        guard case .torch(path, let reason) = error else {
          Issue.record("\(error)")
          return nil
        }
        return reason
      }
    }
  }

  /// Replaces the one place where `old` stands by as many bytes.
  private func replace(_ old: [UInt8], _ new: [UInt8], in data: inout Data) {
    #expect(old.count == new.count)
    guard let range = data.firstRange(of: Data(old)) else {
      Issue.record("nothing to replace")
      return
    }
    data.replaceSubrange(range, with: new)
  }

  @Test func refusesWhatIsCut() throws {
    let whole = try Data(contentsOf: URL(filePath: Fixtures.path("brought/stacked2.pt"))).count
    for count in [20, 60, 300, whole - 200, whole - 1] {
      let error = try refusal("stacked2.pt") { $0 = $0.prefix(count) }
      guard case .cutShort(_, count)? = error else {
        Issue.record("\(count): \(String(describing: error))")
        continue
      }
      #expect(error?.description.hasSuffix("it is cut short, fetch it again") == true)
    }
    for count in [600, 1500, 3000] {
      guard case .cutShort? = try refusal("tar.pt", { $0 = $0.prefix(count) }) else {
        Issue.record("\(count)")
        continue
      }
    }
  }

  @Test func refusesWhatFollows() throws {
    #expect(
      try refusal("stacked_python2.pt") { $0 += [1, 2, 3] }
        == .legacy(part: "the last storage", expected: "the file's end behind it", found: "3 more bytes"))
  }

  @Test func refusesAnotherCountThanThePicklesSay() throws {
    let error = try refusal("stacked_python2.pt") { data in
      // 12 elements, before the first of them, 0.
      replace([12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], in: &data)
    }
    #expect(error == .legacy(part: "storage 71", expected: "12 elements", found: "11"))
  }

  @Test func refusesBigEndianNumbers() throws {
    let word = Array("little_endian".utf8)
    let error = try refusal("stacked_python2.pt") { replace(word + [0x88], word + [0x89], in: &$0) }
    #expect(error == .byteOrder(found: "big"))
  }

  @Test func refusesOtherVersions() throws {
    let error = try refusal("stacked_python2.pt") {
      replace([0x4d, 0xe9, 3, 0x2e], [0x4d, 0xe8, 3, 0x2e], in: &$0)
    }
    #expect(error == .legacy(part: "the format's version", expected: "1001", found: "an int"))
  }

  @Test func refusesStoragesThatNobodyNamesAndNamesWithoutOne() throws {
    // The key among the keys at the end: 71 becomes 72.
    let error = try refusal("stacked_python2.pt") { data in
      replace([0x5d, 0x28, 0x55, 2, 0x37, 0x31, 0x65], [0x5d, 0x28, 0x55, 2, 0x37, 0x32, 0x65], in: &data)
    }
    #expect(
      error
        == .legacy(
          part: "the storages' keys", expected: "keys that the saved value has", found: "the string '72'"))
  }

  /// A view (key, 4, 6) of 12 elements moved to where it ends behind them.
  @Test func refusesViewsBeyondTheirStorage() throws {
    let view = [0x28, 0x55, 2, 0x39, 0x39, 0x8a, 1, 4, 0x8a, 1, 6, 0x74].map { UInt8($0) }
    var moved = view
    moved[7] = 7
    let error = try refusal("stacked_python2.pt") { replace(view, moved, in: &$0) }
    guard case .legacyPickle("the saved value", .persistentID(let expected, _, _))? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(expected == "a view within the 12 elements of storage 71")
    moved[7] = 6
    #expect(try refusal("stacked_python2.pt") { replace(view, moved, in: &$0) } == nil)
  }

  /// 8 Mi elements with stride 0 on a storage of 4, in stacked pickles by hand.
  @Test func refusesViewsThatStandForMoreThanTheFile() throws {
    func text(_ text: String) -> [UInt8] { [0x55, UInt8(text.utf8.count)] + Array(text.utf8) }
    func pickle(_ opcodes: [UInt8]) -> [UInt8] { [0x80, 2] + opcodes + [0x2e] }
    let storage =
      [0x28] + text("storage") + Array("ctorch\nFloatStorage\n".utf8) + text("1") + text("cpu") + [
        0x4b, 4, 0x4e, 0x74, 0x51,
      ]
    let hooks = Array("ccollections\nOrderedDict\n)R".utf8)
    func file(extent: [UInt8]) -> [UInt8] {
      let view = [0x4b, 0, 0x4a] + extent + [0x85, 0x4b, 0, 0x85, 0x89] + hooks
      let tensor = Array("ctorch._utils\n_rebuild_tensor_v2\n(".utf8) + storage + view + [0x74, 0x52]
      let magic = [0x8a, 10] + StackedPickles.magic
      return pickle(magic) + pickle([0x4d, 0xe9, 3]) + pickle([0x7d])
        + pickle([0x7d] + text("w") + tensor + [0x73])
        + pickle([0x5d] + text("1") + [0x61]) + [4, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 16)
    }
    let bomb = try refusal("stacked2.pt") { $0 = Data(file(extent: [0, 0, 0x80, 0])) }
    #expect(bomb == .viewBomb(name: "w", limit: 16 << 20))
    #expect(try refusal("stacked2.pt") { $0 = Data(file(extent: [0, 0, 0x40, 0])) } == nil)
  }

  /// Six octal digits: the sum of a tar header's bytes, those of the sum itself taken as blanks.
  private func checksum(_ header: [UInt8]) -> String {
    let sum = (0..<512).reduce(0) { $0 + (148..<156 ~= $1 ? 0x20 : Int(header[$1])) }
    let digits = String(sum, radix: 8)
    return String(repeating: "0", count: 6 - digits.count) + digits
  }

  /// A tar archive of files of 1 to 512 bytes.
  private func tar(_ members: [(name: String, content: [UInt8])]) -> [UInt8] {
    var archive: [UInt8] = []
    for (name, content) in members {
      var header = [UInt8](repeating: 0, count: 512)
      func put(_ text: String, _ at: Int) {
        header.replaceSubrange(at..<at + text.utf8.count, with: Array(text.utf8))
      }
      let size = String(content.count, radix: 8)
      put(name, 0)
      put(String(repeating: "0", count: 11 - size.count) + size, 124)
      put("0", 156)
      put("ustar", 257)
      put(checksum(header), 148)
      archive += header
      archive += content
      archive += [UInt8](repeating: 0, count: 512 - content.count)
    }
    return archive + [UInt8](repeating: 0, count: 1024)
  }

  /// Three storages and five tensors, in four members.
  @Test func countsWhatATarHoldsAgainstTheLimit() {
    var limits = ReadingLimits()
    limits.zipEntries = 5
    #expect(Fixtures.refusal(of: "brought/tar.pt", limits: limits) == nil)
    limits.zipEntries = 4
    #expect(
      Fixtures.refusal(of: "brought/tar.pt", limits: limits)
        == .torch(
          path: Fixtures.path("brought/tar.pt"),
          .legacy(part: "tensors", expected: "a count of at most 4", found: "an int")))
  }

  /// A storage without elements, as of torch.empty(0), and one of 1.5 behind it.
  @Test func readsATensorWithoutElementsOfATar() throws {
    func pickle(_ opcodes: [UInt8]) -> [UInt8] { [0x80, 2] + opcodes + [0x2e] }
    func numbers(_ numbers: [UInt8]) -> [UInt8] { numbers.flatMap { [$0, 0, 0, 0, 0, 0, 0, 0] } }
    /// `(key, 'cpu', FloatStorage)`
    func storage(_ key: UInt8) -> [UInt8] {
      pickle([0x4b, key, 0x55, 3] + Array("cpuctorch\nFloatStorage\n".utf8) + [0x87])
    }
    /// `(key, storage, FloatTensor)`, one axis of `count`, stride 1 and offset 0.
    func tensor(_ key: UInt8, of storage: UInt8, count: UInt8) -> [UInt8] {
      pickle([0x4b, key, 0x4b, storage] + Array("ctorch\nFloatTensor\n".utf8) + [0x87])
        + numbers([1, count, 1, 0])
    }
    var storages = pickle([0x4b, 2]) + storage(1) + numbers([0])
    storages += storage(2) + numbers([1]) + [0, 0, 0xc0, 0x3f] + pickle([0x5d])
    let tensors = pickle([0x4b, 2]) + tensor(101, of: 1, count: 0) + tensor(102, of: 2, count: 1)
    let none: [UInt8] = [0x55, 4] + Array("none".utf8) + [0x4b, 101, 0x51, 0x73]
    let one: [UInt8] = [0x55, 3] + Array("one".utf8) + [0x4b, 102, 0x51, 0x73]
    let saved = pickle([0x7d] + none + one)
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/x.pt"
      try Data(tar([("storages", storages), ("tensors", tensors), ("pickle", saved)]))
        .write(to: URL(filePath: path))
      let checkpoint = try Checkpoint.open(path: path)
      #expect(checkpoint.shapes == ["none": [0], "one": [1]])
      #expect(try checkpoint.copy(of: "none").isEmpty)
      #expect(try checkpoint.copy(of: "one") == [0, 0, 0xc0, 0x3f])
    }
  }

  @Test func refusesOtherHeadersAndMembersOfATar() throws {
    let header = TorchError.legacy(
      part: "the tar archive", expected: "a header with a size and its own checksum at byte 0", found: "none")
    #expect(try refusal("tar.pt") { $0[0] = UInt8(ascii: "S") } == header)
    let cut = try refusal("tar.pt") { data in
      // The first header's size made larger, and its checksum with it: a digit more.
      data[124 + 4] += 7
      data.replaceSubrange(148..<154, with: Data(checksum(Array(data.prefix(512))).utf8))
    }
    guard case .cutShort(let part, _)? = cut else {
      Issue.record("\(String(describing: cut))")
      return
    }
    #expect(part.hasSuffix("bytes of 'sys_info' in the tar archive"))
  }

  /// A tar of files is one, and no checkpoint.
  @Test func namesATarOfFiles() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/model.pth.tar"
      try Data(tar([("ckpt/model.pth", [1, 2, 3, 4])])).write(to: URL(filePath: path))
      let expected = CheckpointError.archive(
        path: path,
        found: "a tar archive with 'ckpt/model.pth' in it: unpack it (tar xf) and give what it holds")
      #expect(throws: expected) { try Checkpoint.open(path: path) }
    }
  }

  @Test func namesZipsOfOtherThings() {
    func words(_ names: [String]) -> String {
      ForeignContent.archiveWords(names, "a zip archive", command: "unzip")
    }
    #expect(
      words(["__MACOSX/._a.pt", "weights/", "weights/a.pt"])
        == "a zip archive with 'weights/a.pt' in it: unpack it (unzip) and give what it holds")
    #expect(words(["a.npy", "b.npy"]).hasPrefix("a NumPy archive (.npz) of 2 arrays"))
    #expect(words(["x/archive/data.pkl", "x/archive/version"]).contains("'x/archive/data.pkl'"))
    #expect(
      words(["a", "b", "c", "d"]) == "a zip archive of 'a', 'b', 'c' and 1 more, no weights among them")
    #expect(words([]) == "a zip archive without files: fetch it again")
  }

  /// What was read is flagged all the same, and as before.
  @Test func theScanFlagsWhatIsRead() throws {
    let report = try SecurityScan.report(path: Fixtures.path("brought/stacked_module.pt"))
    #expect(
      report.findings.map(\.reason) == [
        "the global torch.nn.modules.linear.Linear at byte 16, named, not called"
      ])
    let best = try SecurityScan.report(path: Fixtures.path("brought/stacked2.pt"))
    #expect(best.findings.count == 2 && best.findings.allSatisfy { $0.reason.contains("numpy") })
    #expect(try SecurityScan.report(path: Fixtures.path("brought/stacked_python2.pt")).isSafe)
    // Classes that the tar layout has beside each tensor.
    let tar = try SecurityScan.report(path: Fixtures.path("brought/tar.pt"))
    #expect(!tar.isSafe && tar.findings.allSatisfy { $0.place.hasPrefix("tensors from byte ") })
  }
}
