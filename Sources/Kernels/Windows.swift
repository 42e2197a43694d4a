import CVector
public import Tensors

// Cutting a feature map into square windows and putting it together again; the largest of squares.
// Source: sam2/modeling/backbones/utils.py, window_partition and window_unpartition.

extension Tensor {
  /// Windows of `size` × `size` tokens, row by row; zeros are added below and to the right where `size` doesn't
  /// divide. `[B, H, W, C]` to `[B · windows, size, size, C]`, and the padded height and width in tokens.
  public func windowPartitioned(_ size: Int) -> (windows: Tensor, padded: (height: Int, width: Int)) {
    precondition(shape.rank == 4, "windowPartitioned takes [B, H, W, C], got \(shape)")
    let grid = WindowGrid(shape[0], shape[1], shape[2], shape[3], size)
    let windows = Tensor([grid.count, size, size, grid.channels]) { out in
      withElements { elements in
        grid.forEachRow { image, window, count in
          let target = out.start + window
          if count > 0 { target.update(from: elements.start + image, count: count) }
          (target + count).update(repeating: 0, count: size * grid.channels - count)
        }
      }
    }
    return (windows, (grid.down * size, grid.across * size))
  }

  /// The inverse of `windowPartitioned`: `[B · windows, size, size, C]` to `[B, height, width, C]`, where
  /// `padded` is the size in tokens with the padding and `height` and `width` the size without.
  public func windowUnpartitioned(
    size: Int, padded: (height: Int, width: Int), height: Int, width: Int
  ) -> Tensor {
    precondition(
      shape.rank == 4 && shape[1] == size && shape[2] == size && padded.height % size == 0
        && padded.width % size == 0, "windowUnpartitioned(size: \(size), padded: \(padded)) of \(shape)")
    let perImage = padded.height / size * (padded.width / size)
    let grid = WindowGrid(shape[0] / perImage, height, width, shape[3], size)
    precondition(grid.count == shape[0], "\(shape) doesn't make [\(height), \(width)]")
    return Tensor([grid.batch, height, width, grid.channels]) { out in
      withElements { elements in
        grid.forEachRow { image, window, count in
          if count > 0 { (out.start + image).update(from: elements.start + window, count: count) }
        }
      }
    }
  }
}

/// Where each row of each window lies in the image.
private struct WindowGrid {
  let batch, height, width, channels, size, down, across: Int

  init(_ batch: Int, _ height: Int, _ width: Int, _ channels: Int, _ size: Int) {
    (self.batch, self.height, self.width, self.channels, self.size) = (batch, height, width, channels, size)
    down = (height + size - 1) / size
    across = (width + size - 1) / size
  }

  /// How many windows in all.
  var count: Int { batch * down * across }

  /// Calls `body` with each window row's offset in the image, offset among the windows, and how many of its
  /// elements the image has, possibly none.
  func forEachRow(_ body: (_ image: Int, _ window: Int, _ count: Int) -> Void) {
    parallelFor(count * size, grain: Parallelism.rows(of: size * channels)) { range in
      for row in range {
        let (window, dy) = row.quotientAndRemainder(dividingBy: size)
        let (line, windowX) = window.quotientAndRemainder(dividingBy: across)
        let (entry, windowY) = line.quotientAndRemainder(dividingBy: down)
        let (y, x) = (windowY * size + dy, windowX * size)
        let tokens = y < height ? min(size, width - x) : 0
        body(((entry * height + y) * width + x) * channels, row * size * channels, tokens * channels)
      }
    }
  }
}

// Maximum pooling with stride equal to the kernel, as `torch.nn.MaxPool2d(kernel_size=k, stride=k)`.

extension Tensor {
  /// The largest of each `kernel` × `kernel` square and channel: `[B, H, W, C]` to
  /// `[B, H / kernel, W / kernel, C]`, rounded down.
  public func maxPooledChannelsLast(kernel: Int) -> Tensor {
    precondition(shape.rank == 4, "maxPooledChannelsLast takes [B, H, W, C], got \(shape)")
    let (height, width, channels) = (shape[1], shape[2], shape[3])
    let (outHeight, outWidth) = (height / kernel, width / kernel)
    return Tensor([shape[0], outHeight, outWidth, channels]) { out in
      withElements { elements in
        let rows = shape[0] * outHeight
        parallelFor(rows, grain: Parallelism.rows(of: outWidth * channels)) { range in
          for row in range {
            let (image, y) = row.quotientAndRemainder(dividingBy: outHeight)
            for x in 0..<outWidth {
              let source = elements.start + ((image * height + y * kernel) * width + x * kernel) * channels
              let target = out.start + (row * outWidth + x) * channels
              target.update(from: source, count: channels)
              for tap in 1..<max(1, kernel * kernel) {
                let (dy, dx) = tap.quotientAndRemainder(dividingBy: kernel)
                cvector_maximum(target, source + (dy * width + dx) * channels, target, channels)
              }
            }
          }
        }
      }
    }
  }
}
