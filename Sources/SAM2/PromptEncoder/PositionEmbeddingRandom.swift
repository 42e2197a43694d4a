import Foundation
import Tensors
import Taps

/// Positions under random frequencies, fixed when the model was made.
/// Source: sam2/modeling/position_encoding.py, PositionEmbeddingRandom.
struct PositionEmbeddingRandom: Module {
  /// A grid's height and width, in features.
  struct Grid {
    let height: Int
    let width: Int
  }

  let path: ModulePath
  /// `[2, channels / 2]`: frequencies along x, then along y.
  private let frequencies: [Float]
  private let half: Int
  private let cache = GridCache()

  init(_ channels: Int, _ scope: Scope) throws {
    path = scope.path
    half = channels / 2
    frequencies = try scope.parameter("positional_encoding_gaussian_matrix", [2, half]).elements
  }

  /// The official module is called with a size, so nothing but its result is tapped.
  static var fields: [Field<Grid>] { [] }

  func forward(_ grid: consuming Grid, _ run: Run) -> Tensor {  // [channels, H, W]
    let (height, width) = (grid.height, grid.width)
    return cache.tensor(height: height, width: width) {
      let cells = height * width
      return Tensor([2 * half, height, width]) { out in
        for row in 0..<height {
          for column in 0..<width {
            let x = (Float(column) + 0.5) / Float(width)
            let y = (Float(row) + 0.5) / Float(height)
            encode(x, y) { channel, value in out[channel * cells + row * width + column] = value }
          }
        }
      }
    }
  }

  /// Encodes points `[B, N, 2]` in pixels (x, y) of a picture of that size: `[B, N, channels]`.
  func encode(_ points: Tensor, height: Int, width: Int) -> Tensor {
    let (batch, count) = (points.shape[0], points.shape[1])
    return points.withElements { coordinates in
      Tensor([batch, count, 2 * half]) { out in
        for point in 0..<batch * count {
          let x = coordinates[2 * point] / Float(width)
          let y = coordinates[2 * point + 1] / Float(height)
          encode(x, y) { channel, value in out[point * 2 * half + channel] = value }
        }
      }
    }
  }

  /// Sines, then cosines, of a place given as fractions of the picture.
  private func encode(_ x: Float, _ y: Float, _ put: (Int, Float) -> Void) {
    let (x, y) = (2 * x - 1, 2 * y - 1)
    for channel in 0..<half {
      let phase = 2 * Float.pi * (x * frequencies[channel] + y * frequencies[half + channel])
      put(channel, sinf(phase))
      put(half + channel, cosf(phase))
    }
  }
}
