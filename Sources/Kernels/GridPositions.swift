// Positions of a grid of tokens, made where they are added.
import CVector
public import Tensors

/// What is added to a grid of tokens: an image stretched over all of it, plus a window repeated. It is made row by row where it
/// is added, since all of it would take as long to read, and as much memory, as the tokens themselves.
public struct GridPositions: Sendable {
  /// `[1, h, w, C]`.
  private let image: Tensor
  /// `[1, rows, columns, C]`.
  private let window: Tensor
  /// The grid.
  private let size: (height: Int, width: Int)
  private let stretched: ResizedRows

  /// - Parameters:
  ///   - image: `[1, C, h, w]`, stretched by bicubic interpolation.
  ///   - window: `[1, C, rows, columns]`, which the grid is a multiple of.
  ///   - size: The grid, in tokens.
  public init(stretching image: Tensor, repeating window: Tensor, over size: (height: Int, width: Int)) {
    precondition(
      image.shape.rank == 4 && window.shape.rank == 4 && image.shape[1] == window.shape[1],
      "positions of [1, C, h, w] each, got \(image.shape) and \(window.shape)")
    precondition(
      size.height % window.shape[2] == 0 && size.width % window.shape[3] == 0,
      "a grid of \(size) tokens is no multiple of the window \(window.shape)")
    stretched = ResizedRows(from: (image.shape[2], image.shape[3]), to: size, by: .bicubic)
    self.image = image.permuted(0, 2, 3, 1)
    self.window = window.permuted(0, 2, 3, 1)
    self.size = size
  }

  /// Tokens `[B, H, W, C]` with their positions.
  public func added(to tokens: consuming Tensor) -> Tensor {
    let (height, channels) = (size.height, image.shape[3])
    precondition(
      tokens.shape.extents.dropFirst() == [height, size.width, channels],
      "positions of \(size) tokens of \(channels) numbers can't be added to \(tokens.shape)")
    let (row, piece) = (size.width * channels, window.shape[2] * channels)
    let (rows, windowRows) = (tokens.shape[0] * height, window.shape[1])
    let scratch = row + stretched.source.width * channels
    tokens.rewriteElements { tokens, out in
      image.withElements { image in
        window.withElements { window in
          parallelFor(rows, grain: Parallelism.rows(of: row), scratch: scratch) { range, positions in
            for index in range {
              let y = index % height
              stretched.compute(
                row: y, channels: channels, of: image.start, scratch: positions + row, into: positions)
              let repeated = window.start + y % windowRows * piece
              for start in stride(from: 0, to: row, by: piece) {
                cvector_add(positions + start, repeated, positions + start, piece)
              }
              cvector_add(tokens.start + index * row, positions, out.start + index * row, row)
            }
          }
        }
      }
    }
    return tokens
  }
}
