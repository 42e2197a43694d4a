import Files
import Foundation
import Tensors
import Testing
import TestSupport

@testable import Checkpoints

@Suite struct GGUFLayoutTests {
  private func entry(
    _ name: String, _ shape: Shape = [1], _ type: ElementType = .float32
  ) -> Checkpoint.Entry {
    Checkpoint.Entry(
      name: name, elementType: type, shape: shape, byteCount: shape.count * type.byteCount, isContiguous: true)
  }

  private func refusal(_ entries: [Checkpoint.Entry], _ metadata: [String: String] = [:]) -> GGUFError? {
    do {
      _ = try GGUFLayout(entries, metadata: metadata)
      return nil
    } catch { return error }
  }

  @Test func refusesWhatTheFormatLacks() {
    #expect(refusal([entry("w", [1, 1, 1, 1, 1])]) == .rank(tensor: "w", found: 5, limit: 4))
    #expect(refusal([entry("w", [3, 0])]) == .emptyAxis(tensor: "w", extents: [0, 3]))
    #expect(refusal([entry("w", [1], .bool)]) == .elementType(tensor: "w", found: .bool))
    #expect(refusal([entry("")]) == .nameLength(tensor: "", limit: 63))
    let long = String(repeating: "n", count: 65536)
    #expect(refusal([], [long: ""]) == .key("sam2kit.\(long)"))
    #expect(refusal([entry("w"), entry("v", [2, 3, 4, 5], .bfloat16)]) == nil)
  }

  @Test func longNamesAreStoredShortAndReadWhole() throws {
    let decoder = "sam_mask_decoder.transformer.layers.1.cross_attn_image_to_token.out_proj.weight"
    let names = [
      decoder, "short", String(repeating: "é", count: 40), String(repeating: "n", count: 63),
      String(repeating: "n", count: 64), String(repeating: "n", count: 65),
    ]
    #expect(GGUFNames.stored(decoder, at: 0) == "0~layers.1.cross_attn_image_to_token.out_proj.weight")
    #expect(GGUFNames.stored(names[2], at: 2) == "2~" + String(repeating: "é", count: 30))
    #expect(GGUFNames.stored(names[3], at: 3) == names[3])
    for (index, name) in names.enumerated() { #expect(GGUFNames.stored(name, at: index).utf8.count <= 63) }
    try TestFiles.withTemporaryFolder { folder in
      let tensors = Dictionary(
        uniqueKeysWithValues: names.enumerated().map { ($0.element, Tensor([1], [Float($0.offset)])) })
      try SafetensorsOutput.write(tensors, to: "\(folder)/a")
      try Conversion(try Checkpoint.open(path: "\(folder)/a")).write(to: "\(folder)/b.gguf", as: .gguf)
      let read = try Checkpoint.open(path: "\(folder)/b.gguf")
      #expect(Set(read.shapes.keys) == Set(names))
      for name in names { #expect(try read.float32(name).elements == tensors[name]?.elements) }
    }
  }

  @Test(arguments: [
    ("sam2_variant", "sam2.variant"), ("producer", "sam2kit.producer"), ("general.name", "general.name"),
    ("general.architecture", "sam2kit.general.architecture"), ("a b%é", "sam2kit.a%20b%25%c3%a9"),
    ("", "sam2kit."), ("general.é", "sam2kit.general.%c3%a9"),
    ("tensors.full_names", "sam2kit.tensors.full_names"),
  ])
  func wordsHaveASCIIKeysAndComeBack(word: String, key: String) {
    #expect(GGUFKeys.key(of: word) == key)
    #expect(GGUFKeys.word(of: key) == word)
  }

  @Test(arguments: ["clip.vision", "sam2kit.100%", "sam2kit.%zz", "sam2kit.%ff"])
  func foreignKeysAreTakenAsTheyAre(key: String) {
    #expect(GGUFKeys.word(of: key) == (key.hasPrefix("sam2kit.") ? String(key.dropFirst(8)) : key))
  }
}
