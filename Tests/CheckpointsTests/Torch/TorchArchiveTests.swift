import Checkpoints
import Tensors
import Testing

@Suite struct TorchArchiveTests {
  static let refusals: [(String, TorchError)] = [
    ("09_second_pickle", .secondPickle(["a/data.pkl", "a/b/data.pkl"])),
    ("09_two_roots", .twoRoots("a", "b/data/1")),
    ("17_short", .storageSize(key: "0", expected: 16, found: 12)),
    ("17_long", .storageSize(key: "0", expected: 16, found: 32)),
    ("17_count_overflow", .storageSize(key: "0", expected: nil, found: 16)),
    ("17_missing", .missingStorage(key: "7")),
    ("19_view_bomb", .viewBomb(name: "weight", limit: 16 << 20)),
    ("21_big_endian", .byteOrder(found: "big")),
    ("no_pickle", .noPickle(found: "a zip archive of 'a/data/0', no weights among them")),
    ("torchscript", .torchScript(entry: "a/constants.pkl")),
    ("no_state_dict", .noStateDict(found: "a dict of 'epoch'")),
    ("not_a_tensor", .notATensor(name: "epoch", found: "an int")),
  ]

  @Test(arguments: refusals) func refuses(_ file: String, _ expected: TorchError) {
    let name = "hostile/\(file).pt"
    #expect(Fixtures.refusal(of: name) == .torch(path: Fixtures.path(name), expected))
  }

  @Test func readsEveryElementType() throws {
    let checkpoint = try Fixtures.open("genuine/dtypes.pt")
    // The fixture's byte i is (37 i + 11) mod 256.
    let bytes = (0..<48).map { UInt8(truncatingIfNeeded: 37 * $0 + 11) }
    #expect(Set(checkpoint.entries.map(\.elementType)) == Set(ElementType.allCases))
    for entry in checkpoint.entries {
      #expect(entry.name == entry.elementType.rawValue)
      let expected = entry.elementType == .bool ? [1, 0, 1] : bytes
      #expect(try checkpoint.copy(of: entry.name) == expected)
      #expect(entry.shape == [expected.count / entry.elementType.byteCount])
    }
  }

  @Test func gathersViewsOfASharedStorage() throws {
    let checkpoint = try Fixtures.open("genuine/views.pt")
    // base is arange(24) as [4, 6].
    let expected: [(String, Shape, [Float], Bool)] = [
      ("base", [4, 6], (0..<24).map(Float.init), true),
      ("transposed", [6, 4], (0..<24).map { Float($0 % 4 * 6 + $0 / 4) }, false),
      ("strided", [4, 3], (0..<12).map { Float($0 * 2) }, false),
      ("row", [6], (12..<18).map(Float.init), true),
      ("column", [4], [1, 7, 13, 19], false),
      ("expanded", [3, 6], (0..<18).map { Float(6 + $0 % 6) }, false),
      ("permuted", [4, 2, 3], (0..<24).map { Float($0 / 6 + $0 % 6 * 4) }, false),
      ("scalar", [], [2.5], true),
      ("empty", [0, 3], [], true),
    ]
    #expect(checkpoint.entries.map(\.name) == expected.map(\.0))
    for (name, shape, elements, isContiguous) in expected {
      #expect(checkpoint[name]?.isContiguous == isContiguous)
      #expect(try checkpoint.tensor(name).shape == shape)
      #expect(try checkpoint.float32(name).elements == elements)
    }
  }

  @Test(arguments: ["training", "protocol3", "protocol4", "protocol5"])
  func findsTheStateDict(_ file: String) throws {
    let checkpoint = try Fixtures.open("genuine/\(file).pt")
    #expect(checkpoint.format == .torch)
    #expect(checkpoint.shapes == ["weight": [3, 2], "bias": [3]])
    #expect(try checkpoint.float32("weight").elements == [0, 1, 2, 3, 4, 5])
    #expect(try checkpoint.float32("bias").elements == [0.5, -0.5, 0.25])
  }

  @Test func notesWhatStandsBesideAStateDict() throws {
    #expect(try Fixtures.open("genuine/training.pt").metadata == ["epoch": "3", "time_elapsed": "1.5"])
  }

  @Test func readsParametersAndTensorsWithAttributes() throws {
    let checkpoint = try Fixtures.open("genuine/parameters.pt")
    #expect(checkpoint.shapes == ["plain": [3, 2], "marked": [2], "buffer": [2]])
    #expect(try checkpoint.float32("marked").elements == [1, 1])
  }

  @Test func keepsThePayloadsOfNaNs() throws {
    // struct.pack('<4I', 0x7fa12345, 0xffc00001, 0x7f800001, 0x80000000)
    let bits: [UInt32] = [0x7fa1_2345, 0xffc0_0001, 0x7f80_0001, 0x8000_0000]
    let checkpoint = try Fixtures.open("genuine/nans.pt")
    #expect(try checkpoint.copy(of: "w") == bits.withUnsafeBytes { Array($0) })
    #expect(try checkpoint.float32("w").elements.map(\.bitPattern) == bits)
  }
}
