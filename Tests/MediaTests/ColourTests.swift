import Foundation
@testable import Media
import Tensors
import Testing

/// Fixtures/colours.json: clips of one frame in every family of pixel formats, and what decord gives of them under every
/// colour matrix and range that a file can be tagged with.
struct ColourFixtures: Decodable {
  struct Clip: Decodable, CustomTestStringConvertible {
    let name: String
    let file: Data
    /// Colour matrix, range, and the places of the frame at its own size and scaled among the results.
    let tags: [[Int]]
    let matrixPlace: Int
    let rangePlace: Int
    var testDescription: String { name }
  }
  let size: Int
  let results: [Data]
  let clips: [Clip]

  static let recorded: ColourFixtures? = fixture("colours")
}

@Suite struct ColourTests {
  @Test(arguments: ColourFixtures.recorded?.clips ?? [])
  func everyMatrixAndRangeMeansWhatItMeansToDecord(clip: ColourFixtures.Clip) throws {
    let recorded = try #require(ColourFixtures.recorded)
    #expect(clip.tags.count == 45)
    let folder = try TemporaryFolder()
    // FFmpeg reads colours of ten bits with another rounding than decord's older copy.
    let levels = clip.name == "gbrp10le" ? 2 : 1
    for tags in clip.tags {
      let tag = "matrix \(tags[0]), range \(tags[1])"
      var file = clip.file
      file[clip.matrixPlace] = UInt8(tags[0])
      file[clip.rangePlace] = UInt8(tags[1])
      let path = try folder.write(file, "clip.mkv")
      let frame = try #require(try openFrameSource(path: path).frame(at: 0))
      #expect(largestDifference(frame.stored().pixels, recorded.results[tags[2]]) <= levels, "\(tag)")
      let shown = Picture(
        width: recorded.size, height: recorded.size, pixels: Array(recorded.results[tags[3]]))
      // A level of a channel is 1/58 to 1/57 in the tensor.
      #expect(
        largestDifference(
          try frame.prepared(size: recorded.size).elements, shown.normalizedTensor.elements)
          < (Float(levels) + 0.5) / 57,
        "\(tag), scaled")
    }
  }
}
