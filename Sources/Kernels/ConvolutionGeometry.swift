// What convolutions do to positions, whoever multiplies: which input pixels lie under which outputs, and what becomes of one.
import CVector
package import Tensors

/// A convolution's parameters, without its weights.
package struct ConvolutionGeometry: Sendable {
  package let outputs, inputsPerGroup, kernelHeight, kernelWidth: Int
  package let stride, padding, groups: Int

  package var outputsPerGroup: Int { outputs / groups }

  /// How many numbers each output sees.
  package var inner: Int { inputsPerGroup * kernelHeight * kernelWidth }

  /// Whether each output pixel depends on just the pixel at its place.
  package var isPointwise: Bool { kernelHeight == 1 && kernelWidth == 1 && stride == 1 && padding == 0 }

  package init(_ layer: ConvolutionLayer) {
    let weight = layer.weight.shape
    (outputs, inputsPerGroup, kernelHeight, kernelWidth) = (weight[0], weight[1], weight[2], weight[3])
    (stride, padding, groups) = (layer.stride, layer.padding, layer.groups)
  }

  /// Sizes for an input `[B, in, H, W]`.
  package func plane(for input: Shape) -> ConvolutionPlane {
    precondition(
      input.rank == 4 && input[1] == inputsPerGroup * groups,
      "conv2d [\(outputs), \(inputsPerGroup), \(kernelHeight), \(kernelWidth)] in \(groups) groups on \(input)")
    return plane(height: input[2], width: input[3])
  }

  /// Sizes for one channel.
  package func plane(height: Int, width: Int) -> ConvolutionPlane {
    precondition(
      height + 2 * padding >= kernelHeight && width + 2 * padding >= kernelWidth,
      "conv2d with a kernel of \(kernelHeight) × \(kernelWidth) and padding \(padding) on \(height) × \(width)")
    return ConvolutionPlane(
      height: height, width: width, outHeight: (height + 2 * padding - kernelHeight) / stride + 1,
      outWidth: (width + 2 * padding - kernelWidth) / stride + 1)
  }
}

/// The sizes of one channel before and after, in pixels.
package struct ConvolutionPlane: Sendable {
  package let height, width, outHeight, outWidth: Int

  package var inPixels: Int { height * width }
  package var outPixels: Int { outHeight * outWidth }

  /// For each input channel of a group and each place of the kernel, one row of `columns` with the pixel under
  /// it for every output of `rows`; zero outside the image.
  package func gather(
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
            if y < 0 || y >= height || end == first {
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

/// What a transposed convolution whose stride is its kernel makes of `[in, H, W]`: each pixel becomes a square of its own.
package struct PixelSquares: Sendable {
  package let outputs, kernel, height, width: Int

  /// One for each output and each place of a square.
  package var count: Int { outputs * kernel * kernel }

  package init(_ layer: TransposedConvolutionLayer, on input: Shape) {
    let weight = layer.weight.shape
    precondition(input.rank == 4 && input[1] == weight[0], "convTranspose2d \(weight) on \(input)")
    (outputs, kernel, height, width) = (weight[1], weight[2], input[2], input[3])
  }

  /// Some rows' products, `[outputs · kernel², rows · W]`, to where they belong in `[outputs, kernel · H, kernel · W]`.
  package func scatter(
    _ products: UnsafePointer<Float>, rows: Range<Int>, into image: UnsafeMutablePointer<Float>
  ) {
    let pixels = rows.count * width
    for square in 0..<count {
      let (output, place) = square.quotientAndRemainder(dividingBy: kernel * kernel)
      let (dy, dx) = place.quotientAndRemainder(dividingBy: kernel)
      for (index, y) in rows.enumerated() {
        let line = (output * height + y) * kernel + dy
        cvector_scatter(
          products + square * pixels + index * width, image + line * width * kernel + dx, kernel, width)
      }
    }
  }
}
