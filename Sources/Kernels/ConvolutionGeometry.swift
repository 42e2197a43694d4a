// What a convolution does to positions: which input pixels lie under which outputs.
import CVector
import Tensors

/// A convolution's parameters, without its weights.
struct ConvolutionGeometry {
  let outputs, inputsPerGroup, kernelHeight, kernelWidth: Int
  let stride, padding, groups: Int

  var outputsPerGroup: Int { outputs / groups }

  /// Whether each output pixel depends on just the pixel at its place.
  var isPointwise: Bool { kernelHeight == 1 && kernelWidth == 1 && stride == 1 && padding == 0 }

  /// `weight`: `[out, in / groups, kh, kw]`.
  init(weight: Shape, stride: Int, padding: Int, groups: Int) {
    precondition(
      weight.rank == 4 && weight[0] % groups == 0, "conv2d with weight \(weight) in \(groups) groups")
    (outputs, inputsPerGroup, kernelHeight, kernelWidth) = (weight[0], weight[1], weight[2], weight[3])
    (self.stride, self.padding, self.groups) = (stride, padding, groups)
  }

  /// Sizes for an input `[B, in, H, W]`.
  func plane(for input: Shape) -> ConvolutionPlane {
    precondition(
      input.rank == 4 && input[1] == inputsPerGroup * groups
        && input[2] + 2 * padding >= kernelHeight && input[3] + 2 * padding >= kernelWidth,
      "conv2d [\(outputs), \(inputsPerGroup), \(kernelHeight), \(kernelWidth)] in \(groups) groups on \(input)")
    return ConvolutionPlane(
      height: input[2], width: input[3], outHeight: (input[2] + 2 * padding - kernelHeight) / stride + 1,
      outWidth: (input[3] + 2 * padding - kernelWidth) / stride + 1)
  }
}

/// The sizes of one channel before and after, in pixels.
struct ConvolutionPlane {
  let height, width, outHeight, outWidth: Int

  var inPixels: Int { height * width }
  var outPixels: Int { outHeight * outWidth }

  /// For each input channel of a group and each place of the kernel, one row of `columns` with the pixel under
  /// it for every output of `rows`; zero outside the image.
  func gather(
    _ channels: UnsafePointer<Float>, rows: Range<Int>, _ geometry: ConvolutionGeometry,
    into columns: UnsafeMutablePointer<Float>
  ) {
    let (stride, padding) = (geometry.stride, geometry.padding)
    var target = columns
    for channel in 0..<geometry.inputsPerGroup {
      for ky in 0..<geometry.kernelHeight {
        for kx in 0..<geometry.kernelWidth {
          // Outputs first ..< end have their pixel x · stride + kx − padding inside the image. Division rounds towards
          // zero: what is below must not become 0 by it.
          let first = min(outWidth, max(0, (padding - kx + stride - 1) / stride))
          let end = max(first, min(outWidth, (width - 1 + padding - kx + stride) / stride))
          for row in rows {
            let y = row * stride + ky - padding
            if y < 0 || y >= height {
              target.update(repeating: 0, count: outWidth)
            } else {
              let source = channels + channel * inPixels + y * width + first * stride + kx - padding
              target.update(repeating: 0, count: first)
              cvector_gather(source, stride, target + first, end - first)
              (target + end).update(repeating: 0, count: outWidth - end)
            }
            target += outWidth
          }
        }
      }
    }
  }
}
