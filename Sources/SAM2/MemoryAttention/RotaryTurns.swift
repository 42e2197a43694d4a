import Foundation
import Tensors

/// The turns of rotary position encoding: the first half of a head's channel pairs turns with a token's column, the
/// second with its row. Source: sam2/modeling/position_encoding.py, compute_axial_cis.
final class RotaryTurns: Sendable {
  /// Channels of one head.
  private let size: Int
  private let theta: Float
  /// Width and height.
  private let featSizes: [Int]
  private let cache = GridCache()

  init(size: Int, theta: Float, featSizes: [Int]) {
    (self.size, self.theta, self.featSizes) = (size, theta, featSizes)
  }

  /// Cosine and sine for every token and pair of channels, `[tokens, size]`: for the configured grid if it has so
  /// many tokens, else for a square.
  func callAsFunction(tokens: Int) -> Tensor {
    var (width, height) = (featSizes[0], featSizes[1])
    if width * height != tokens {
      width = Int(Double(tokens).squareRoot())
      height = width
    }
    precondition(width * height == tokens, "\(tokens) tokens are no square, nor \(featSizes)")
    return cache.tensor(height: height, width: width) {
      let (columns, rows) = (axis(width), axis(height))
      return Tensor([tokens, size]) { out in
        for token in 0..<tokens {
          let (row, column) = token.quotientAndRemainder(dividingBy: width)
          for channel in 0..<size / 2 {
            out[token * size + channel] = columns[column * size / 2 + channel]
            out[token * size + size / 2 + channel] = rows[row * size / 2 + channel]
          }
        }
      }
    }
  }

  /// `[count, size / 2]`: cosine and sine of every place along one axis, at falling frequencies.
  private func axis(_ count: Int) -> [Float] {
    let frequencies = (0..<size / 4).map { 1 / powf(theta, Float(4 * $0) / Float(size)) }
    return (0..<count).flatMap { place in
      frequencies.flatMap { [cosf(Float(place) * $0), sinf(Float(place) * $0)] }
    }
  }
}
