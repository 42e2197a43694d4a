// Maximum pooling with stride equal to the kernel, as `torch.nn.MaxPool2d(kernel_size=k, stride=k)`.
import CVector
public import Tensors

extension Tensor {
  /// The largest of each `kernel` × `kernel` square. `[B, C, H, W]` to `[B, C, H / kernel, W / kernel]`,
  /// rounded down.
  public func maxPooled(kernel: Int) -> Tensor {
    precondition(shape.rank == 4, "maxPooled takes [B, C, H, W], got \(shape)")
    let (height, width) = (shape[2], shape[3])
    let (outHeight, outWidth) = (height / kernel, width / kernel)
    return Tensor([shape[0], shape[1], outHeight, outWidth]) { out in
      withElements { elements in
        let rows = shape[0] * shape[1] * outHeight
        parallelFor(rows, grain: Parallelism.rows(of: outWidth)) { range in
          for row in range {
            let (plane, y) = row.quotientAndRemainder(dividingBy: outHeight)
            let source = elements.start + (plane * height + y * kernel) * width
            let target = out.start + row * outWidth
            if kernel == 2 {
              cvector_pool_pairs(source, source + width, target, outWidth)
            } else {
              poolRow(source, rowStride: width, kernel: kernel, into: target, count: outWidth)
            }
          }
        }
      }
    }
  }

  /// The same with channels last: `[B, H, W, C]` to `[B, H / kernel, W / kernel, C]`, rounded down.
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

private func poolRow(
  _ source: UnsafePointer<Float>, rowStride: Int, kernel: Int, into target: UnsafeMutablePointer<Float>,
  count: Int
) {
  for x in 0..<count {
    var largest = -Float.infinity
    for dy in 0..<kernel {
      for dx in 0..<kernel {
        let next = source[dy * rowStride + x * kernel + dx]
        // Written out because Swift's max passes over a NaN.
        largest = largest > next || largest.isNaN ? largest : next
      }
    }
    target[x] = largest
  }
}
