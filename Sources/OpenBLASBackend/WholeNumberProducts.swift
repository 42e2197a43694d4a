// Layers in whole numbers, in plain Swift: what other backends' are held to, to the last sum.
//
// Inputs become steps of 8 bits (`QuantizedRange.quantize`), less their zero point; sums of their products with weights of
// 8 bits are exact in 32 bits, and become Float32 once, scaled by what a step of either is worth.
import Kernels
import Tensors

/// Weights of whole numbers, a row for each output.
struct WholeNumberWeight {
  /// How many numbers each output sees.
  let inner: Int
  /// 8 bits held in 16, as sums of products take them.
  private let rows: [Int16]
  /// What a step of each output's weights is worth.
  private let scales: [Float]
  /// `[out]`
  private let bias: Tensor?
  /// The range of inputs; nil to find it anew for every input.
  private let range: QuantizedRange?

  init(_ site: Site, _ weight: Tensor, _ quantized: QuantizedWeight?, bias: Tensor?) {
    let whole = quantized ?? QuantizedWeight(quantizing: weight)
    inner = whole.values.count / max(1, whole.scales.count)
    // 255 · 127 · 65536 is less than 2³¹.
    precondition(inner <= 1 << 16, "\(site.path): sums of \(inner) products don't fit 32 bits")
    rows = whole.values.map(Int16.init)
    scales = whole.scales
    self.bias = bias
    range = site.input
  }

  /// The input as steps less the zero point, and what one is worth.
  func quantized(_ input: UnsafeBufferPointer<Float>) -> (steps: [Int16], scale: Float) {
    let range = range ?? QuantizedRange(covering: input)
    let zeroPoint = Int16(range.zeroPoint)
    return (input.map { Int16(range.quantize($0)) - zeroPoint }, range.scale)
  }

  /// Exactly the sum of an output's products.
  func sum(_ output: Int, _ steps: UnsafePointer<Int16>) -> Int32 {
    rows.withUnsafeBufferPointer { rows in
      let row = rows.start + output * inner
      var sum: Int32 = 0
      for index in 0..<inner { sum &+= Int32(row[index]) &* Int32(steps[index]) }
      return sum
    }
  }

  /// What an output's sum stands for.
  func result(_ output: Int, _ sum: Int32, inputScale: Float) -> Float {
    Float(sum) * (inputScale * scales[output]) + (bias?.withElements { $0[output] } ?? 0)
  }
}

/// `[…, in]` to `[…, out]` in whole numbers.
struct WholeNumberLinear: Kernel {
  private let weight: WholeNumberWeight
  /// `[out, in]`
  private let shape: Shape

  init(_ layer: LinearLayer) {
    weight = WholeNumberWeight(layer.site, layer.weight, layer.quantized, bias: layer.bias)
    shape = layer.weight.shape
  }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let input = x
    let shapes = LinearShapes(shape, on: input.shape)
    let (inputs, outputs) = (shapes.inputs, shapes.outputs)
    let (steps, scale) = input.withElements { weight.quantized($0) }
    return Tensor(shapes.result) { out in
      steps.withUnsafeBufferPointer { steps in
        parallelFor(shapes.rows, grain: 16) { range in
          for row in range {
            for output in 0..<outputs {
              out[row * outputs + output] = weight.result(
                output, weight.sum(output, steps.start + row * inputs), inputScale: scale)
            }
          }
        }
      }
    }
  }
}

/// `[B, in, H, W]` to `[B, out, H′, W′]` in whole numbers. Around the image stands the zero point, which is exactly 0.
struct WholeNumberConvolution: Kernel {
  private let weight: WholeNumberWeight
  private let geometry: ConvolutionGeometry

  init(_ layer: ConvolutionLayer) {
    weight = WholeNumberWeight(layer.site, layer.weight, layer.quantized, bias: layer.bias)
    geometry = ConvolutionGeometry(layer)
  }

  func callAsFunction(_ x: consuming Tensor) -> Tensor {
    let input = x
    let plane = geometry.plane(for: input.shape)
    let (steps, scale) = input.withElements { weight.quantized($0) }
    let shape: Shape = [input.shape[0], geometry.outputs, plane.outHeight, plane.outWidth]
    // Two steps take the room of a Float.
    let room = (geometry.inner * plane.outWidth + 1) / 2
    return Tensor(shape) { out in
      steps.withUnsafeBufferPointer { steps in
        parallelFor(shape[0] * geometry.groups * plane.outHeight, grain: 1, scratch: room) { range, scratch in
          let seen = UnsafeMutableRawPointer(scratch).bindMemory(to: Int16.self, capacity: 2 * room)
          for item in range {
            let (entry, row) = item.quotientAndRemainder(dividingBy: plane.outHeight)
            gather(
              steps.start + entry * geometry.inputsPerGroup * plane.inPixels, row: row, plane, into: seen)
            let first = entry % geometry.groups * geometry.outputsPerGroup
            for place in 0..<geometry.outputsPerGroup {
              let target = (entry * geometry.outputsPerGroup + place) * plane.outPixels + row * plane.outWidth
              for column in 0..<plane.outWidth {
                out[target + column] = weight.result(
                  first + place, weight.sum(first + place, seen + column * geometry.inner), inputScale: scale)
              }
            }
          }
        }
      }
    }
  }

  /// For every output of a row, what it sees: channel by channel, the kernel's rows and columns.
  private func gather(
    _ channels: UnsafePointer<Int16>, row: Int, _ plane: ConvolutionPlane,
    into seen: UnsafeMutablePointer<Int16>
  ) {
    var target = seen
    for column in 0..<plane.outWidth {
      for channel in 0..<geometry.inputsPerGroup {
        for ky in 0..<geometry.kernelHeight {
          let y = row * geometry.stride + ky - geometry.padding
          for kx in 0..<geometry.kernelWidth {
            let x = column * geometry.stride + kx - geometry.padding
            let isInside = 0..<plane.height ~= y && 0..<plane.width ~= x
            target.pointee = isInside ? channels[channel * plane.inPixels + y * plane.width + x] : 0
            target += 1
          }
        }
      }
    }
  }
}
