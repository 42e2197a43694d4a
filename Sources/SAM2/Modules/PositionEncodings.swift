// Where things are, in three encodings; each depends on a grid's size alone and is made once per size.
// Source: sam2/modeling/position_encoding.py.
import Architecture
import Foundation
import Kernels
import Synchronization
import Taps
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
    positions(of: x.shape)
  }

  /// The same where it may never be looked at: made then, unless a tap looks now.
  func later(_ x: Tensor, _ run: Run) -> LaterPositions {
    if run.taps != nil {
      let made = self(x, run)
      return LaterPositions { made }
    }
    let shape = x.shape
    return LaterPositions { positions(of: shape) }
  }

  private func positions(of shape: Shape) -> Tensor {
    let (height, width) = (shape[-2], shape[-1])
    let grid = cache.tensor(height: height, width: width) { encoding(height: height, width: width) }
    return grid.repeated(leading: shape[0])
  }

  /// Channels that depend on the row, then channels that depend on the column: `[1, positions, H, W]`.
  private func encoding(height: Int, width: Int) -> Tensor {
    let half = configuration.numPosFeats / 2
    let rows = waves(height, channels: half)
    let columns = waves(width, channels: half)
    return Tensor([1, 2 * half, height, width]) { out in
      parallelFor(half) { channels in
        for channel in channels {
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

/// The positions of a level, `[B, positions, H, W]`, made where they are looked at: of a picture's three only tracking reads one.
struct LaterPositions: RestorableValue {
  private let make: @Sendable () -> Tensor

  init(_ make: @escaping @Sendable () -> Tensor) { self.make = make }

  init(named name: String, from recorded: RecordedCall) throws {
    let tensor = try Tensor(named: name, from: recorded)
    self.init { tensor }
  }

  var tensor: Tensor { make() }

  func visitTensors(named name: String, _ visit: (String, Tensor) throws -> Void) rethrows {
    try tensor.visitTensors(named: name, visit)
  }
}

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
        parallelFor(height) { rows in
          for row in rows {
            for column in 0..<width {
              let x = (Float(column) + 0.5) / Float(width)
              let y = (Float(row) + 0.5) / Float(height)
              encode(x, y) { channel, value in out[channel * cells + row * width + column] = value }
            }
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

/// Tensors that depend on a grid's size alone, made once per size.
final class GridCache: Sendable {
  private struct Size: Hashable {
    let height: Int
    let width: Int
  }
  private let made = Mutex<[Size: Tensor]>([:])

  func tensor(height: Int, width: Int, make: () -> Tensor) -> Tensor {
    let size = Size(height: height, width: width)
    if let tensor = made.withLock({ $0[size] }) { return tensor }
    let tensor = make()
    made.withLock { $0[size] = tensor }
    return tensor
  }
}
