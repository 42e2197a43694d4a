import Checkpoints
import Foundation
import Testing

@Suite struct CheckpointErrorTests {
  /// Files with a pickle, or words, that no reader looks into; the tensors of some other architecture.
  static let readable: Set<String> = [
    "01_member.pt", "01_member_by_content.pt", "01_nested_archive.pt", "01_storage.pt",
    "22_misshaped.safetensors",
    "22_unexpected.safetensors", "chat_template.gguf", "filter.h5", "hydra_target.safetensors",
  ]

  @Test func everyHostileFileIsRefusedInOneSentenceThatNamesIt() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Fixtures.path("hostile"))
    #expect(files.count > 100)
    for file in files where !Self.readable.contains(file) {
      let words = Fixtures.refusal(of: "hostile/\(file)")?.description
      #expect(words?.hasPrefix("\(Fixtures.path("hostile/\(file)")): ") == true, "\(file)")
      #expect(words?.contains("expected ") == true, "\(file)")
      #expect(words?.contains("found") == true, "\(file)")
    }
  }
}
