import Masks
import Testing

@Suite struct DistanceTransformTests {
  @Test func distancesAreThoseOfTryingEveryPixel() {
    var state: UInt64 = 7
    for (width, height, one) in [(1, 1, 1), (9, 5, 4), (17, 23, 40), (30, 2, 9), (2, 30, 9), (40, 40, 300)] {
      let isInSet = (0..<width * height).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 40) % one == 0
      }
      let set = isInSet.indices.filter { isInSet[$0] }
      let found = DistanceTransform(width: width, height: height) { isInSet[$0] }.squared
      for pixel in isInSet.indices {
        let nearest = set.map { other in
          let (dx, dy) = (pixel % width - other % width, pixel / width - other / width)
          return dx * dx + dy * dy
        }.min()
        #expect(found[pixel] == nearest ?? .max)
      }
    }
  }

  @Test func distancesAreThoseOfSciPy() throws {
    for recorded in try RecordedMask.all() {
      let mask = recorded.binary
      let found = DistanceTransform(width: mask.width, height: mask.height) { mask.pixels[$0] == 1 }
      #expect(found.squared == recorded.squaredDistances ?? Array(repeating: .max, count: mask.pixels.count))
    }
  }
}
