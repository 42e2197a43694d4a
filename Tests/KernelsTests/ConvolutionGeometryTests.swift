// Which input pixels lie under which outputs, against PyTorch's formula and plain loops.
import Kernels
import Tensors
import Testing

@Suite struct ConvolutionGeometryTests {
  /// A channel, and what slides over it.
  struct Form: Sendable, CustomTestStringConvertible {
    let height, width, kernelHeight, kernelWidth, stride, padding: Int

    init(_ height: Int, _ width: Int, _ kernel: (Int, Int), stride: Int, padding: Int) {
      (self.height, self.width) = (height, width)
      (kernelHeight, kernelWidth) = kernel
      (self.stride, self.padding) = (stride, padding)
    }

    var testDescription: String {
      "\(height) × \(width), kernel \(kernelHeight) × \(kernelWidth), stride \(stride), padding \(padding)"
    }

    func geometry(inputs: Int = 1) -> ConvolutionGeometry {
      let weight = Shape([1, inputs, kernelHeight, kernelWidth])
      return ConvolutionGeometry(
        ConvolutionLayer(
          Site(ModulePath("c")), weight: Tensor(repeating: 0, weight), bias: nil,
          stride: stride, padding: padding))
    }
  }

  /// By hand from torch.nn.Conv2d: ⌊(H + 2 · padding − (kernel − 1) − 1) / stride⌋ + 1.
  @Test(arguments: [
    (Form(1024, 1023, (7, 7), stride: 4, padding: 3), 256, 256),  // ⌊1023 / 4⌋, ⌊1022 / 4⌋
    (Form(13, 14, (3, 3), stride: 2, padding: 1), 7, 7),  // 12 / 2; ⌊13 / 2⌋, a column left over
    (Form(18, 19, (5, 5), stride: 3, padding: 2), 6, 7),  // ⌊17 / 3⌋, 18 / 3
    (Form(6, 7, (2, 2), stride: 5, padding: 0), 1, 2),  // ⌊4 / 5⌋, 5 / 5
    (Form(3, 5, (3, 1), stride: 1, padding: 0), 1, 5),  // as high as its kernel
    (Form(1, 2, (5, 5), stride: 1, padding: 2), 1, 2),  // smaller than its kernel
    (Form(1, 1, (1, 1), stride: 1, padding: 2), 5, 5),
    (Form(5, 4, (2, 3), stride: 2, padding: 1), 3, 2),  // ⌊5 / 2⌋, ⌊3 / 2⌋
  ]) func sizesAreThoseOfPyTorch(form: Form, height: Int, width: Int) {
    let plane = form.geometry().plane(for: [2, 1, form.height, form.width])
    #expect((plane.height, plane.width) == (form.height, form.width))
    #expect((plane.outHeight, plane.outWidth) == (height, width))
    #expect(plane.inPixels == form.height * form.width && plane.outPixels == height * width)
  }

  /// In the first four some places of the kernel lie beside the image under every output, on its left or on its right.
  @Test(arguments: [
    Form(1, 1, (5, 5), stride: 1, padding: 2), Form(2, 1, (7, 7), stride: 2, padding: 3),
    Form(3, 2, (9, 9), stride: 1, padding: 4), Form(1, 3, (11, 11), stride: 3, padding: 5),
    Form(1, 1, (1, 1), stride: 1, padding: 2), Form(5, 6, (3, 3), stride: 2, padding: 1),
    Form(6, 5, (3, 3), stride: 1, padding: 1), Form(8, 11, (2, 2), stride: 3, padding: 0),
    Form(7, 9, (3, 2), stride: 4, padding: 1), Form(13, 17, (2, 3), stride: 5, padding: 2),
    Form(4, 7, (1, 3), stride: 1, padding: 1), Form(4, 40, (3, 7), stride: 2, padding: 3),
  ]) func pixelsAreThoseUnderTheKernel(form: Form) {
    let inputs = 2
    let geometry = form.geometry(inputs: inputs)
    let plane = geometry.plane(height: form.height, width: form.width)
    // No pixel is 0, as what lies outside is.
    let image = (1...inputs * form.height * form.width).map(Float.init)
    for rows in [0..<plane.outHeight, plane.outHeight / 2..<plane.outHeight] {
      var expected: [Float] = []
      for channel in 0..<inputs {
        for ky in 0..<form.kernelHeight {
          for kx in 0..<form.kernelWidth {
            for row in rows {
              for column in 0..<plane.outWidth {
                let (y, x) = (row * form.stride + ky - form.padding, column * form.stride + kx - form.padding)
                let isInside = (0..<form.height).contains(y) && (0..<form.width).contains(x)
                expected.append(isInside ? image[(channel * form.height + y) * form.width + x] : 0)
              }
            }
          }
        }
      }
      // Nothing before or behind is touched.
      let margin = [Float](repeating: -1, count: 16)
      var found = margin + [Float](repeating: -1, count: expected.count) + margin
      found.withUnsafeMutableBufferPointer { found in
        image.withUnsafeBufferPointer { image in
          guard let target = found.baseAddress, let source = image.baseAddress else { return }
          plane.gather(source, rows: rows, geometry, into: target + margin.count)
        }
      }
      #expect(found == margin + expected + margin)
    }
  }

  /// Squares of 3 × 3 side by side, in two calls: each number says its output, its place in the square and its pixel.
  @Test func squaresStandSideBySide() {
    let (outputs, kernel, height, width) = (2, 3, 4, 5)
    let layer = TransposedConvolutionLayer(
      Site(ModulePath("t")),
      weight: Tensor(repeating: 0, [1, 2, 3, 3]), bias: nil)
    let squares = PixelSquares(layer, on: [1, 1, 4, 5])
    #expect(squares.count == 18)
    func number(_ output: Int, _ dy: Int, _ dx: Int, _ y: Int, _ x: Int) -> Float {
      Float((((output * 10 + dy) * 10 + dx) * 10 + y) * 10 + x)
    }
    var image = [Float](repeating: -1, count: outputs * kernel * height * kernel * width)
    for rows in [0..<1, 1..<height] {
      var products: [Float] = []
      for output in 0..<outputs {
        for dy in 0..<kernel {
          for dx in 0..<kernel {
            for y in rows { for x in 0..<width { products.append(number(output, dy, dx, y, x)) } }
          }
        }
      }
      image.withUnsafeMutableBufferPointer { image in
        guard let target = image.baseAddress else { return }
        squares.scatter(products, rows: rows, into: target)
      }
    }
    var expected: [Float] = []
    for output in 0..<outputs {
      for y in 0..<kernel * height {
        for x in 0..<kernel * width {
          expected.append(number(output, y % kernel, x % kernel, y / kernel, x / kernel))
        }
      }
    }
    #expect(image == expected)
  }
}
