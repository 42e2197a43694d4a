import Kernels
import Tensors
import Testing

/// PyTorch's stretched image, and of the window what plain indices say.
@Test func tokensAreToldTheStretchedImageAndTheirPlaceInAWindow() throws {
  let (image, stretched) = (try recorded("image"), try recorded("image.bicubic.7x9"))
  let (batch, channels, height, width) = (2, image.shape[1], 7, 9)
  let first = Tensor(
    [1, channels, image.shape[2], image.shape[3]], Array(image.elements.prefix(image.count / image.shape[0])))
  let window = Tensor([1, channels, 7, 3], (0..<channels * 21).map { Float($0 % 17) / 8 - 1 })
  let tokens = Tensor(
    [batch, height, width, channels], (0..<batch * height * width * channels).map { Float($0 % 23) / 4 - 3 })

  let found = GridPositions(stretching: first, repeating: window, over: (height, width)).added(to: tokens)

  let (planes, repeated, given) = (stretched.elements, window.elements, tokens.elements)
  var expected: [Float] = []
  for _ in 0..<batch {
    for y in 0..<height {
      for x in 0..<width {
        for channel in 0..<channels {
          let place = (planes[(channel * height + y) * width + x], repeated[(channel * 7 + y) * 3 + x % 3])
          expected.append(given[expected.count] + (place.0 + place.1))
        }
      }
    }
  }
  expectClose(found, Tensor(tokens.shape, expected), tolerance: 3e-6)
  #expect(tokens.elements == given, "who holds the tokens keeps them")
}

@Test func aWindowIsRepeatedDownAndAcross() {
  let window = Tensor([1, 2, 4, 3], (0..<24).map(Float.init))
  let positions = GridPositions(stretching: Tensor([1, 2, 1, 1], [0, 0]), repeating: window, over: (8, 6))
  let found = positions.added(to: Tensor([1, 8, 6, 2], [Float](repeating: 0, count: 96))).elements
  for y in 0..<8 {
    for x in 0..<6 {
      let place = Float(y % 4 * 3 + x % 3)
      #expect(found[(y * 6 + x) * 2] == place && found[(y * 6 + x) * 2 + 1] == place + 12)
    }
  }
}
