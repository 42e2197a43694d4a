import Kernels
import Tensors
import Testing

@Test func permutationMatchesPyTorch() throws {
  #expect(try recorded("tokens").permuted(3, 0, 1, 2).elements == recorded("tokens.permuted.3012").elements)
}

/// Around the 16-wide tiles of the transpose and past the end of a parallel tile.
@Test(
  arguments: [
    [1, 1, 1, 1], [2, 3, 4, 5], [1, 17, 33, 16], [3, 96, 31, 70], [1, 700, 20, 15],
  ] as [Shape])
func everyPermutationMovesEveryElement(shape: Shape) {
  let x = positions(shape)
  for axes in [
    [0, 2, 3, 1], [0, 3, 1, 2], [0, 1, 3, 2], [0, 2, 1, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 0, 2, 3],
  ] {
    let result = x.permuted(axes)
    let strides = axes.map { shape.strides[$0] }
    let expected = (0..<x.count).map { position in
      Float(
        zip(result.shape.strides, zip(axes, strides)).reduce(0) {
          $0 + position / $1.0 % shape[$1.1.0] * $1.1.1
        })
    }
    #expect(result.shape.extents == axes.map { shape[$0] })
    #expect(result.elements == expected, "axes \(axes)")
  }
}
