import Checkpoints
import Foundation
import Testing

@Suite struct CheckpointErrorTests {
  @Test func everyHostileFileIsRefusedInOneSentenceThatNamesIt() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Fixtures.path("hostile"))
    #expect(files.count > 100)
    for file in files {
      let words = Fixtures.refusal(of: "hostile/\(file)")?.description
      #expect(words?.hasPrefix("\(Fixtures.path("hostile/\(file)")): ") == true, "\(file)")
      #expect(words?.contains("expected ") == true, "\(file)")
      #expect(words?.contains("found") == true, "\(file)")
    }
  }
}
