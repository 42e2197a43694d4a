import Foundation
import Media
import Tensors
import Testing

/// Against `ToTensor`, `Resize` and `Normalize` of torchvision, recorded in Fixtures/resizes.json.
@Suite struct PreprocessingTests {
  let recorded: ResizeFixtures
  let picture: Picture

  init() throws {
    recorded = try #require(fixture("resizes"))
    picture = Picture(width: recorded.width, height: recorded.height, pixels: Array(recorded.pixels))
  }

  @Test func imageTensorIsThatOfSAM2Transforms() {
    for expected in recorded.pictures {
      let tensor = picture.imageTensor(size: expected.size)
      #expect(tensor.shape == [3, expected.size, expected.size])
      // 1e-6 on the scale of 0 to 1, divided by the smallest deviation, 0.224.
      #expect(largestDifference(tensor.elements, floats(expected.normalised)) < 4.5e-6)
    }
  }

  @Test func unitTensorIsThatOfTorchvision() {
    for expected in recorded.pictures {
      let tensor = picture.unitTensor(height: expected.size, width: expected.size)
      #expect(largestDifference(tensor.elements, floats(expected.resized)) < 1e-6)
    }
  }

  @Test func unitTensorOfTheSameSizeKeepsEveryPixel() {
    let tensor = picture.unitTensor(height: picture.height, width: picture.width)
    let interleaved = picture.pixels.map { Float($0) / 255 }
    let planar = (0..<3).flatMap { channel in
      stride(from: channel, to: interleaved.count, by: 3).map { interleaved[$0] }
    }
    #expect(tensor.elements == planar)
  }
}
