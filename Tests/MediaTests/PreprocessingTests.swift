import Foundation
import Kernels
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
      let difference = largestDifference(tensor.elements, floats(expected.normalised))
      // Enlarged, 37 × 23 to 64 × 64, no sum has more than two terms: PyTorch's bits.
      if expected.size > picture.width { #expect(difference == 0) }
      // Five units in the last place of a number near 2.
      #expect(difference < 1.2e-6)
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

  /// Recorded from torchvision 0.29.2, `Resize((h, w))` on numbers of about ±20: 1e-5 is 5e-7 of the range.
  @Test func planesAreResizedAsTorchvisionDoes() throws {
    let recorded: ResizeFixtures = try #require(fixture("resizes"))
    let logits = Tensor([2, 9, 14], floats(recorded.logits))
    #expect(recorded.planes.count == 3)
    for expected in recorded.planes {
      let resized = logits.resizedBilinearAntialiased(height: expected.height, width: expected.width)
      #expect(resized.shape == [2, expected.height, expected.width])
      #expect(largestDifference(resized.elements, floats(expected.resized)) < 1e-5)
    }
  }
}
