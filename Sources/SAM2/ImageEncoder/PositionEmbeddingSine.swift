import Architecture
import Foundation
import Kernels
import Tensors

/// Sines and cosines of every feature's row and column.
/// Source: sam2/modeling/position_encoding.py, PositionEmbeddingSine.
struct PositionEmbeddingSine: Module {
  let path: ModulePath
  private let configuration: SinePositionConfiguration
  private let cache = GridCache()

  init(_ configuration: SinePositionConfiguration, _ scope: Scope) {
    path = scope.path
    self.configuration = configuration
  }

  func forward(_ x: consuming Tensor, _ run: Run) -> Tensor {  // [B, C, H, W] → [B, positions, H, W]
    let (height, width) = (x.shape[-2], x.shape[-1])
    let grid = cache.tensor(height: height, width: width) { encoding(height: height, width: width) }
    return grid.repeated(leading: x.shape[0])
  }

  /// Channels that depend on the row, then channels that depend on the column: `[1, positions, H, W]`.
  private func encoding(height: Int, width: Int) -> Tensor {
    let half = configuration.numPosFeats / 2
    let rows = waves(height, channels: half)
    let columns = waves(width, channels: half)
    return Tensor([1, 2 * half, height, width]) { out in
      for channel in 0..<half {
        for row in 0..<height {
          let y = (channel * height + row) * width
          let x = ((half + channel) * height + row) * width
          for column in 0..<width {
            out[y + column] = rows[row * half + channel]
            out[x + column] = columns[column * half + channel]
          }
        }
      }
    }
  }

  /// `[count, channels]`: sine in even channels, cosine in odd ones, at falling frequencies.
  private func waves(_ count: Int, channels: Int) -> [Float] {
    let scale = configuration.scale ?? 2 * .pi
    let periods = (0..<channels).map { channel in
      powf(configuration.temperature, Float(2 * (channel / 2)) / Float(channels))
    }
    return (1...count).flatMap { position in
      // The official code adds 1e-6 to the extent lest it divide by zero.
      let place =
        configuration.normalize ? Float(position) / (Float(count) + 1e-6) * scale : Float(position)
      return periods.enumerated().map { channel, period in
        channel.isMultiple(of: 2) ? sinf(place / period) : cosf(place / period)
      }
    }
  }
}
