// Convolution of every channel by its own kernel.
import CVector
import Kernels
import Tensors

/// `[B, C, H, W]` to `[B, C, H′, W′]`.
struct DepthwiseConvolution: Kernel {
  /// `[C, 1, kh, kw]`
  let weight: Tensor
  /// `[C]`
  let bias: Tensor?
  let geometry: ConvolutionGeometry

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let input = x
    let plane = geometry.plane(for: input.shape)
    let (padding, stride) = (geometry.padding, geometry.stride)
    let (kernelHeight, kernelWidth) = (geometry.kernelHeight, geometry.kernelWidth)
    let (paddedHeight, paddedWidth) = (plane.height + 2 * padding, plane.width + 2 * padding)
    let planes = input.shape[0] * geometry.outputs
    return Tensor([input.shape[0], geometry.outputs, plane.outHeight, plane.outWidth]) { out in
      input.withElements { input in
        weight.withElements { weight in
          parallelFor(planes, grain: 1, scratch: paddedHeight * paddedWidth) { range, padded in
            for item in range {
              let channel = item % geometry.outputs
              // With a border of zeros no position needs to be checked.
              padded.update(repeating: 0, count: paddedHeight * paddedWidth)
              for y in 0..<plane.height {
                (padded + (y + padding) * paddedWidth + padding).update(
                  from: input.start + item * plane.inPixels + y * plane.width, count: plane.width)
              }
              let shift = bias?.withElements { $0[channel] } ?? 0
              for y in 0..<plane.outHeight {
                cvector_correlate(
                  padded + y * stride * paddedWidth, paddedWidth, stride,
                  weight.start + channel * kernelHeight * kernelWidth, kernelHeight, kernelWidth, shift,
                  out.start + item * plane.outPixels + y * plane.outWidth, plane.outWidth)
              }
            }
          }
        }
      }
    }
  }
}
