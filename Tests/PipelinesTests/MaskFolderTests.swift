// A folder of pictures whose masks are to be found, as whoever calls the library sees it.
import Foundation
import Pipelines
import Testing
import TestSupport

@Suite struct MaskFolderTests {
  /// Of a picture that can't be read the model is asked nothing, which would ask whether to go on itself.
  @Test func cancellingEndsBeforeTheNextPicture() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (input, cancelled, finished) = ("\(folder)/in", "\(folder)/cancelled", "\(folder)/finished")
      try FileManager.default.createDirectory(atPath: input, withIntermediateDirectories: false)
      try Data("no picture".utf8).write(to: URL(fileURLWithPath: "\(input)/a.png"))
      let model = try recordedModel()
      func find(in output: String, isCancelled: Bool) throws -> MaskFolderResult {
        try model.generateMasks(
          MaskFolderRequest(pictures: input, output: output), isCancelled: { isCancelled })
      }
      #expect(throws: CancellationError.self) { _ = try find(in: cancelled, isCancelled: true) }
      #expect(!FileManager.default.fileExists(atPath: "\(cancelled)/coco.json"))
      // Where nobody cancels the picture is named, and the folder is finished.
      let found = try find(in: finished, isCancelled: false)
      #expect(found.pictures == 0 && found.failures.map { $0.picture } == ["a.png"])
      #expect(FileManager.default.fileExists(atPath: "\(finished)/coco.json"))
    }
  }
}
