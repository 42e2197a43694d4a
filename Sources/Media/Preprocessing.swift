// From pixels to the tensor that SAM 2's image encoder takes.
// Source: sam2/utils/transforms.py, SAM2Transforms.

import Kernels
public import Tensors

/// What the model was trained to expect of its pictures.
public enum ImageNormalization {
  /// The mean of red, green and blue over ImageNet, on a scale of 0 to 1.
  public static let mean: [Float] = [0.485, 0.456, 0.406]
  /// The standard deviation of red, green and blue over ImageNet, on a scale of 0 to 1.
  public static let deviation: [Float] = [0.229, 0.224, 0.225]
}

extension Picture {
  /// The input of the image encoder, `[3, size, size]`: scaled to 0...1, resized without keeping the aspect
  /// ratio, normalised with ImageNet's mean and deviation.
  public func imageTensor(size: Int) -> Tensor {
    var tensor = unitTensor(height: size, width: size)
    tensor.withMutableElements { elements in
      guard let base = elements.baseAddress else { return }
      parallelFor(3 * size, grain: rowsAtOnce) { rows in
        for row in rows {
          let (mean, deviation) = (
            ImageNormalization.mean[row / size], ImageNormalization.deviation[row / size]
          )
          let line = base + row * size
          for x in 0..<size { line[x] = (line[x] - mean) / deviation }
        }
      }
    }
    return tensor
  }

  /// The picture as planes of red, green and blue on a scale of 0 to 1, `[3, height, width]`, resized as
  /// torchvision's `ToTensor` and `Resize` do: bilinear with antialiasing.
  public func unitTensor(height: Int, width: Int) -> Tensor {
    let units = (0...255).map { Float($0) / 255 }
    let resize = AntialiasedResize(from: (self.height, self.width), to: (height, width))
    return Tensor([3, height, width]) { output in
      pixels.withUnsafeBufferPointer { pixels in
        units.withUnsafeBufferPointer { units in
          guard let output = output.baseAddress, let pixels = pixels.baseAddress else { return }
          resize.run(planes: 3, into: output) { channel, row, scratch in
            let source = pixels + 3 * row * self.width + channel
            for x in 0..<self.width { scratch[x] = units[Int(source[3 &* x])] }
          }
        }
      }
    }
  }
}
