// What convolutions ask of the tiles, against plain loops in double precision, with every instruction set that the machine has.
import CVector
import Foundation
import Testing

/// Numbers from −2 to 2, in no order.
private func samples(_ count: Int, from seed: Int = 0) -> [Float] {
  (0..<count).map { Float(($0 + seed) * 7919 % 4001) / 1000 - 2 }
}

private let levels: [cvector_instructions] = {
  let all = [cvector_portable, cvector_avx2, cvector_avx512, cvector_avx512_bf16, cvector_amx]
  defer { cvector_use_found_instructions() }
  return all.filter { cvector_use_instructions($0) == $0 }
}()

/// Stands after what a function writes, and must stay there.
private let untouched: Float = 12345

private func activated(_ x: Double, _ activation: cvector_activation) -> Double {
  switch activation {
  case cvector_gelu_activation: x * 0.5 * erfc(-x / 2.0.squareRoot())
  case cvector_relu_activation: max(x, 0)
  default: x
  }
}

/// The nearest bfloat16, of two equally near ones the even one.
private func rounded(_ x: Float) -> Float {
  let bits = x.bitPattern
  return Float(bitPattern: (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
}

/// One at a time: the instruction set is the process's.
@Suite(.serialized) struct ConvolutionTilesTests {
  private func withLevel(_ level: cvector_instructions, _ body: () -> Void) {
    #expect(cvector_use_instructions(level) == level)
    defer { cvector_use_found_instructions() }
    body()
  }

  struct Line: Sendable, CustomTestStringConvertible {
    var channels, count, height, width: Int
    var hasBias = true

    var testDescription: String { "\(self)" }
  }

  @Test(
    arguments: levels,
    [
      Line(channels: 1, count: 1, height: 1, width: 1), Line(channels: 5, count: 3, height: 3, width: 3),
      Line(channels: 16, count: 8, height: 7, width: 7), Line(channels: 37, count: 35, height: 5, width: 2),
      Line(channels: 64, count: 17, height: 7, width: 7, hasBias: false),
      Line(channels: 3, count: 33, height: 2, width: 7, hasBias: false),
    ])
  func linesOfDepthwiseConvolutions(level: cvector_instructions, line: Line) {
    let (channels, count) = (line.channels, line.count)
    let stride = (count + line.width - 1) * channels + 3
    let outStride = channels + 2
    let x = samples(line.height * stride)
    let weights = samples(line.height * line.width * channels, from: 17)
    let bias = samples(channels, from: 5)
    var out = [Float](repeating: untouched, count: count * outStride)
    withLevel(level) {
      bias.withUnsafeBufferPointer {
        cvector_depthwise_tile(
          x, stride, channels, weights, line.hasBias ? $0.baseAddress : nil, line.height, line.width, &out,
          outStride, count)
      }
    }
    for pixel in 0..<count {
      for channel in 0..<channels {
        var (sum, size) = (line.hasBias ? Double(bias[channel]) : 0, 2.0)
        for ky in 0..<line.height {
          for kx in 0..<line.width {
            let term =
              Double(x[ky * stride + (pixel + kx) * channels + channel])
              * Double(weights[(ky * line.width + kx) * channels + channel])
            sum += term
            size += abs(term)
          }
        }
        #expect(abs(Double(out[pixel * outStride + channel]) - sum) <= 1e-6 * size)
      }
      #expect(
        out[pixel * outStride + channels] == untouched && out[pixel * outStride + channels + 1] == untouched)
    }
  }

  @Test(arguments: levels, [(1, 1), (4, 16), (16, 37), (5, 3), (3, 64)])
  func planesOfNormalisedPixels(level: cvector_instructions, size: (Int, Int)) {
    let (channels, count) = size
    let (stride, outStride, epsilon) = (count + 1, count + 3, 1e-2)
    let x = samples(channels * stride)
    let (weight, bias) = (samples(channels, from: 3), samples(channels, from: 8))
    for activation in [cvector_no_activation, cvector_relu_activation, cvector_gelu_activation] {
      var out = [Float](repeating: untouched, count: channels * outStride)
      var inPlace = x
      withLevel(level) {
        cvector_normalise_planes_tile(
          activation, x, stride, weight, bias, Float(epsilon), &out, outStride, channels, count)
        inPlace.withUnsafeMutableBufferPointer {
          guard let start = $0.baseAddress else { return }
          cvector_normalise_planes_tile(
            activation, start, stride, weight, bias, Float(epsilon), start, stride, channels, count)
        }
      }
      for pixel in 0..<count {
        let column = (0..<channels).map { Double(x[$0 * stride + pixel]) }
        let mean = column.reduce(0, +) / Double(channels)
        let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(channels)
        for channel in 0..<channels {
          let normed = (column[channel] - mean) / (variance + epsilon).squareRoot()
          let expected = activated(normed * Double(weight[channel]) + Double(bias[channel]), activation)
          #expect(abs(Double(out[channel * outStride + pixel]) - expected) <= 4e-6)
          #expect(inPlace[channel * stride + pixel] == out[channel * outStride + pixel])
        }
      }
      let gaps = (0..<channels).flatMap { channel in (count..<outStride).map { out[channel * outStride + $0] } }
      #expect(gaps.allSatisfy { $0 == untouched })
    }
  }

  /// Weights on the left, a bias for each of their rows, columns that are packed as they lie and rounded meanwhile.
  @Test(arguments: levels, [(4, 9, 50), (33, 36, 16), (40, 65, 3), (1, 1, 1), (17, 147, 96)])
  func productsOfPackedColumns(level: cvector_instructions, size: (Int, Int, Int)) {
    let (rows, inner, columns) = size
    let (stride, outStride) = (columns + 5, columns + 1)
    let weights = samples(rows * inner, from: 11)
    let x = samples(inner * stride)
    let bias = samples(rows, from: 2)
    for kind in [cvector_f32, cvector_bf16] {
      var out = [Float](repeating: untouched, count: rows * outStride)
      withLevel(level) {
        let bytes = cvector_packed_bytes(kind, inner, columns)
        let packed = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        let left = UnsafeMutableRawPointer.allocate(byteCount: rows * (inner + 2) * 4, alignment: 64)
        defer {
          packed.deallocate()
          left.deallocate()
        }
        cvector_pack(kind, cvector_f32, x, stride, inner, columns, packed)
        cvector_convert_tile(kind, weights, inner, nil, 0, left, inner + 2, rows, inner, inner + 2)
        var product = cvector_product()
        (product.rows, product.inner, product.columns) = (rows, inner, columns)
        (product.a, product.a_stride) = (UnsafeRawPointer(left), inner + 2)
        product.b = UnsafeRawPointer(packed)
        out.withUnsafeMutableBytes { out in
          bias.withUnsafeBufferPointer { bias in
            product.row_bias = bias.baseAddress
            (product.out, product.out_stride) = (out.baseAddress, outStride)
            cvector_multiply_tile(kind, &product)
          }
        }
      }
      for row in 0..<rows {
        for column in 0..<columns {
          var (sum, size) = (Double(bias[row]), 2.0)
          for k in 0..<inner {
            let (a, b) = (weights[row * inner + k], x[k * stride + column])
            let term = kind == cvector_f32 ? Double(a) * Double(b) : Double(rounded(a)) * Double(rounded(b))
            sum += term
            size += abs(term)
          }
          #expect(abs(Double(out[row * outStride + column]) - sum) <= 1e-6 * size)
        }
        #expect(out[row * outStride + columns] == untouched)
      }
    }
  }

  /// Columns packed as they lie are the same columns packed from their transpose.
  @Test(arguments: levels, [(9, 50), (36, 16), (64, 3), (1, 1), (147, 96)])
  func packedColumnsAreThoseOfTheTranspose(level: cvector_instructions, size: (Int, Int)) {
    let (inner, columns) = size
    let x = samples(inner * columns).map { $0 / 3 }
    let turned = (0..<columns).flatMap { column in (0..<inner).map { x[$0 * columns + column] } }
    for kind in [cvector_f32, cvector_bf16] {
      withLevel(level) {
        let bytes = cvector_packed_bytes(kind, inner, columns)
        var (found, expected) = ([UInt8](repeating: 1, count: bytes), [UInt8](repeating: 2, count: bytes))
        cvector_pack(kind, cvector_f32, x, columns, inner, columns, &found)
        cvector_pack_transposed(kind, cvector_f32, turned, inner, inner, columns, &expected)
        #expect(found == expected)
      }
    }
  }
}
