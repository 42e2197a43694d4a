// Sizes that no model has, or that lie just beside those at which an implementation changes its ways.
import Tensors

extension Case {
  /// Edges of every operation. Dilation is none of them: a `ConvolutionLayer` has none.
  static let edges: [Case] = linears + convolutions + transposedConvolutions + norms + attentions + products

  /// The same with and without bias.
  private static func both(_ operation: Operation, _ input: Shape) -> [Case] {
    [Case(operation, input), Case(operation, input, hasBias: false)]
  }

  /// No rows, one, and as many as make a whole number of tiles, one less and one more; few rows of many columns.
  private static let linears: [Case] =
    [0, 1, 2, 31, 127, 128, 129, 255, 256, 257, 511, 512, 513, 2047, 2048, 2049, 8191, 8192, 8193].flatMap {
      both(.linear(outputs: 5), [$0, 7])
    }
    + [1, 16, 255, 256, 257, 700, 1025].flatMap { both(.linear(outputs: $0), [3, 33]) }
    + both(.linear(outputs: 4), [9]) + both(.linear(outputs: 1), [2, 3, 1])
    + both(.linear(outputs: 1), [6, 300])
    + both(.linear(outputs: 130), [2, 0, 9]) + both(.linear(outputs: 31), [4, 5, 6, 129])

  private static let convolutions: [Case] = convolutionForms.flatMap { stride, padding, groups, input, weight in
    both(.conv2d(weight: weight, stride: stride, padding: padding, groups: groups), input)
  }

  /// Stride, padding, groups, `[B, in, H, W]`, `[out, in / groups, kh, kw]`.
  private static let convolutionForms: [(Int, Int, Int, Shape, Shape)] = [
    // 1 × 1: rows of pixels around a tile's end; of several images and groups; strided and padded, which is no 1 × 1 to
    // an implementation.
    (1, 0, 1, [1, 3, 1, 511], [4, 3, 1, 1]), (1, 0, 1, [2, 3, 8, 64], [4, 3, 1, 1]),
    (1, 0, 2, [2, 6, 27, 19], [8, 3, 1, 1]), (1, 0, 1, [0, 3, 4, 4], [2, 3, 1, 1]),
    (2, 0, 1, [2, 5, 9, 8], [3, 5, 1, 1]), (1, 1, 1, [1, 2, 3, 4], [3, 2, 1, 1]),
    (1, 2, 1, [1, 1, 1, 1], [1, 1, 1, 1]), (1, 0, 6, [1, 6, 5, 7], [6, 1, 1, 1]),
    // 3 × 3 and others: odd sizes, several images, more rows than a tile takes, rows wider than a tile.
    (1, 1, 1, [2, 3, 7, 5], [4, 3, 3, 3]), (2, 1, 1, [1, 3, 13, 18], [5, 3, 3, 3]),
    (1, 1, 1, [1, 2, 37, 66], [3, 2, 3, 3]), (1, 1, 1, [1, 2, 3, 600], [3, 2, 3, 3]),
    (1, 0, 1, [1, 2, 5, 513], [2, 2, 3, 2]), (3, 2, 1, [1, 4, 17, 23], [3, 4, 5, 3]),
    (4, 3, 1, [2, 3, 30, 29], [6, 3, 7, 7]), (2, 0, 1, [1, 2, 8, 11], [2, 2, 2, 2]),
    (4, 0, 1, [1, 1, 16, 20], [1, 1, 4, 4]), (16, 0, 1, [1, 3, 48, 33], [8, 3, 16, 16]),
    (5, 0, 1, [1, 2, 13, 17], [3, 2, 2, 3]), (1, 1, 1, [0, 2, 4, 4], [3, 2, 3, 3]),
    // Kernels of one row or one column alone, which are no single pixel.
    (1, 0, 1, [1, 2, 5, 6], [3, 2, 1, 3]), (1, 0, 1, [2, 2, 6, 5], [3, 2, 3, 1]),
    (1, 1, 2, [1, 4, 3, 4], [6, 2, 1, 2]),
    // Groups, of several channels and with more outputs than inputs.
    (1, 1, 3, [2, 6, 6, 7], [9, 2, 3, 3]), (2, 1, 2, [1, 8, 9, 9], [4, 4, 3, 3]),
    (1, 1, 4, [2, 4, 6, 6], [8, 1, 3, 3]),
    // Each channel by itself: odd, strided, unpadded, wider than vectors are.
    (1, 3, 5, [2, 5, 9, 11], [5, 1, 7, 7]), (1, 1, 2, [1, 2, 4, 83], [2, 1, 3, 3]),
    (2, 1, 3, [2, 3, 9, 20], [3, 1, 3, 3]), (1, 0, 3, [1, 3, 7, 8], [3, 1, 3, 5]),
    (3, 2, 2, [1, 2, 20, 21], [2, 1, 5, 5]), (1, 0, 2, [0, 2, 5, 5], [2, 1, 3, 3]),
    (1, 1, 1, [1, 1, 6, 6], [1, 1, 3, 3]),
    // Kernels larger than the image, which padding makes room for, and outputs that see nothing but padding.
    (1, 3, 1, [1, 2, 3, 2], [3, 2, 7, 7]), (1, 1, 1, [2, 3, 1, 1], [2, 3, 3, 3]),
    (2, 3, 1, [1, 2, 2, 1], [2, 2, 7, 7]), (1, 3, 2, [1, 2, 2, 3], [2, 1, 7, 7]),
    (1, 3, 1, [1, 2, 4, 3], [3, 2, 2, 2]), (3, 4, 2, [1, 2, 3, 2], [2, 1, 3, 3]),
  ]

  private static let transposedConvolutions: [Case] = [
    ([1, 5, 7, 3], [5, 4, 2, 2]), ([2, 3, 33, 20], [3, 2, 2, 2]), ([1, 2, 2, 3], [2, 1, 3, 3]),
    ([1, 1, 1, 1], [1, 1, 2, 2]), ([2, 3, 4, 5], [3, 4, 1, 1]), ([1, 2, 3, 255], [2, 3, 2, 2]),
    ([1, 2, 3, 256], [2, 3, 2, 2]), ([1, 2, 3, 257], [2, 3, 2, 2]), ([2, 2, 5, 100], [2, 3, 4, 4]),
    ([0, 3, 4, 4], [3, 2, 2, 2]), ([3, 17, 1, 9], [17, 5, 2, 2]),
  ].flatMap { (input: [Int], weight: [Int]) in both(.convTranspose2d(weight: Shape(weight)), Shape(input)) }

  /// One channel, whose variance is 0; an epsilon that shows when it is left out.
  private static let norms: [Case] =
    [1, 2, 15, 16, 17, 33, 96, 1152].flatMap { channels in
      [0, 1, 3].map { Case(.layerNorm(epsilon: 0.1), [$0, channels]) }
    }
    + [[700, 112], [2, 3, 4, 5], [7], [129, 256], [2, 0, 8]].map { Case(.layerNorm(epsilon: 1e-6), Shape($0)) }
    + [
      [1, 1, 1, 1], [2, 5, 3, 7], [1, 17, 20, 31], [2, 3, 1, 255], [2, 3, 1, 256], [2, 3, 257, 1],
      [0, 4, 3, 3],
      [3, 1, 4, 4], [1, 2, 23, 23],
    ].flatMap { shape in
      [0.1, 1e-6].map { Case(.layerNorm2d(epsilon: $0), Shape(shape)) }
    }

  /// No keys, one, and as many as make a whole number of pieces, one less and one more; queries likewise.
  private static let attentions: [Case] =
    [0, 1, 2, 9, 511, 512, 513, 1023, 1024, 1025, 2047, 2048, 2049, 3100].flatMap { keys in
      [([2, 3, 2, 4], keys), ([1, 1, 1, 5], keys)]
    }.map { Case(.attention(keys: $0.1), Shape($0.0)) }
    + [0, 1, 31, 63, 64, 65, 255, 256, 257, 512, 513].map { Case(.attention(keys: 19), [2, $0, 3, 8]) }
    + [1, 2, 16, 33, 96, 256].map { Case(.attention(keys: 70), [1, 5, 2, $0]) }
    + [[0, 3, 2, 4]].map { Case(.attention(keys: 5), Shape($0)) }
    + [
      [1, 1, 3, 1, 1], [3, 150, 3, 2, 12], [5, 9, 3, 2, 8], [40, 16, 3, 3, 5], [0, 4, 3, 2, 2],
      [2, 0, 3, 2, 2],
      [1, 1025, 3, 2, 8], [2, 257, 3, 1, 33],
    ].map { Case(.packedAttention, Shape($0)) }

  private static let products: [Case] = [
    ([1, 1], 1), ([3, 1, 5, 7], 2), ([2, 300, 4], 9), ([0, 4], 3), ([0, 3, 4], 2), ([2, 3, 127, 5], 3),
    ([2, 3, 128, 5], 3), ([2, 3, 129, 5], 3), ([2049, 6], 4), ([5, 300], 600), ([3, 2, 1, 8], 257),
  ].map { Case(.matmul(columns: $0.1), Shape($0.0)) }
}
