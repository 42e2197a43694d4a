// Maximum pooling with stride equal to the kernel, as `torch.nn.MaxPool2d(kernel_size=k, stride=k)`.
import CVector
public import Tensors

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
