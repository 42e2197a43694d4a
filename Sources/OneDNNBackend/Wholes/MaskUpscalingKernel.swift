// The decoder's upscaling and the masks it makes, a row of the picture at a time: pixels are rows of channels until the masks
// themselves, and nothing upscaled outlives its row.
import CVector
import Kernels
import Tensors

/// A picture `[B, C, h, w]` and weights `[B, M, C / 8]` to `[B, M, 4h, 4w]`.
final class MaskUpscalingKernel: Kernel {
  private let numbers: Numbers
  private let norm: NormTile
  private let doubling, quadrupling: Doubling
  private let upscaling: MaskUpscaling

  /// Nil where layers have different precisions or ones that no tile has, where a kernel isn't 2 by 2, or where channels don't
  /// fit each other or can't be multiplied in pairs.
  init?(_ upscaling: MaskUpscaling) {
    let (first, second) = (upscaling.conv0, upscaling.conv3)
    guard let numbers = Numbers(common: [first.site, second.site]),
      first.weight.shape[1] == second.weight.shape[0], first.weight.shape[1] == upscaling.norm1.weight.count,
      [first, second].allSatisfy({
        $0.weight.shape[2] == 2 && (numbers == .f32 || $0.weight.shape[0].isMultiple(of: 2))
      })
    else { return nil }
    self.upscaling = upscaling
    self.numbers = numbers
    norm = NormTile(upscaling.norm1)
    doubling = Doubling(first, numbers)
    quadrupling = Doubling(second, numbers)
  }

  func callAsFunction(_ input: consuming MaskUpscaling.Input) -> Tensor {
    let input = input
    let (shape, weights) = (input.picture.shape, input.weights)
    precondition(
      shape.rank == 4 && shape[1] == doubling.inputs && weights.shape.rank == 3 && weights.shape[0] == shape[0]
        && weights.shape[2] == quadrupling.outputs
        && (input.finer.map { $0.shape == [1, doubling.outputs, 2 * shape[2], 2 * shape[3]] } ?? true)
        && (input.finest.map { $0.shape == [1, quadrupling.outputs, 4 * shape[2], 4 * shape[3]] } ?? true),
      "\(upscaling.conv0.site.path): upscaling \(shape) times \(weights.shape)")
    let rows = input.picture.permutedView(0, 2, 3, 1)
    let picture = rows.isContiguous ? rows : input.picture.contiguous()
    return Tensor([shape[0], weights.shape[1], 4 * shape[2], 4 * shape[3]]) { out in
      picture.withElements { picture in
        weights.withElements { weights in
          withElements(input.finer) { finer in
            withElements(input.finest) { finest in
              upscale(
                Call(
                  picture: picture.start, isRows: rows.isContiguous, finer: finer, finest: finest,
                  weights: weights.start, out: out.start, prompts: shape[0], masks: input.weights.shape[1],
                  height: shape[2], width: shape[3]))
            }
          }
        }
      }
    }
  }

  /// What one call works on; shapes as in `MaskUpscaling.Input`.
  private struct Call {
    let picture: UnsafePointer<Float>
    /// Whether the picture's channels stand together, `[B, h, w, C]`.
    let isRows: Bool
    let finer, finest: UnsafePointer<Float>?
    let weights: UnsafePointer<Float>
    let out: UnsafeMutablePointer<Float>
    let prompts, masks, height, width: Int
  }

  private func upscale(_ call: Call) {
    let (width, channels) = (call.width, (doubling.inputs, doubling.outputs, quadrupling.outputs))
    var plan = ScratchPlan()
    let finerAt = plan.room(call.finer == nil ? 0 : 4 * width * channels.1 * 4)
    let finestAt = plan.room(call.finest == nil ? 0 : 16 * width * channels.2 * 4)
    let turnedAt = plan.room(call.isRows ? 0 : width * channels.0 * 4)
    let operandAt = plan.room(width * channels.0 * numbers.size)
    let doubledAt = plan.room(2 * width * channels.1 * 4)
    let normedAt = plan.room(2 * width * channels.1 * numbers.size)
    let quadrupledAt = plan.room(4 * width * channels.2 * 4)
    let packedAt = plan.room(cvector_packed_bytes(cvector_f32, channels.2, 4 * width))
    parallelFor(call.height, grain: 1, scratch: plan.floats) { range, scratch in
      let memory = UnsafeMutableRawPointer(scratch)
      func floats(_ place: Int) -> UnsafeMutablePointer<Float> {
        (memory + place).assumingMemoryBound(to: Float.self)
      }
      let (doubled, quadrupled) = (floats(doubledAt), floats(quadrupledAt))
      for y in range {
        // Finer features are the same for all prompts.
        for dy in 0..<2 {
          turn(
            call.finer, row: 2 * y + dy, of: 2 * call.height, width: 2 * width, channels: channels.1,
            into: floats(finerAt) + dy * 2 * width * channels.1)
        }
        for dy in 0..<4 {
          turn(
            call.finest, row: 4 * y + dy, of: 4 * call.height, width: 4 * width, channels: channels.2,
            into: floats(finestAt) + dy * 4 * width * channels.2)
        }
        for prompt in 0..<call.prompts {
          let operand = row(y, of: prompt, call, turned: floats(turnedAt), converted: memory + operandAt)
          for dy in 0..<2 {
            doubling(
              dy, operand, rows: width,
              adding: call.finer == nil ? nil : floats(finerAt) + dy * 2 * width * channels.1, into: doubled)
            norm(.f32, doubled, stride: channels.1, into: doubled, stride: channels.1, rows: 2 * width)
            cvector_activate_tile(
              numbers.kind, cvector_gelu_activation, doubled, 0, memory + normedAt, 0, 1,
              2 * width * channels.1,
              2 * width * channels.1)
            for half in 0..<2 {
              let line = 2 * dy + half
              quadrupling(
                half, memory + normedAt, rows: 2 * width,
                adding: call.finest == nil ? nil : floats(finestAt) + line * 4 * width * channels.2,
                into: quadrupled)
              cvector_activate_tile(
                cvector_f32, cvector_gelu_activation, quadrupled, 0, quadrupled, 0, 1, 4 * width * channels.2,
                4 * width * channels.2)
              multiply(
                quadrupled, call, prompt, line: 4 * y + line, packed: memory + packedAt)
            }
          }
        }
      }
    }
  }

  /// One row of one prompt's picture, as products take it.
  private func row(
    _ y: Int, of prompt: Int, _ call: Call, turned: UnsafeMutablePointer<Float>,
    converted: UnsafeMutableRawPointer
  ) -> UnsafeRawPointer {
    let (width, channels) = (call.width, doubling.inputs)
    let first = prompt * channels * call.height * width
    var rows = call.picture + first + y * width * channels
    if !call.isRows {
      cvector_transpose(
        call.picture + first + y * width, call.height * width, turned, channels, channels, width)
      rows = UnsafePointer(turned)
    }
    guard numbers != .f32 else { return UnsafeRawPointer(rows) }
    cvector_convert_tile(
      numbers.kind, rows, channels, nil, 0, converted, channels, width, channels, channels)
    return UnsafeRawPointer(converted)
  }

  /// A row of planes to rows of channels.
  private func turn(
    _ planes: UnsafePointer<Float>?, row: Int, of height: Int, width: Int, channels: Int,
    into rows: UnsafeMutablePointer<Float>
  ) {
    guard let planes else { return }
    cvector_transpose(planes + row * width, height * width, rows, channels, channels, width)
  }

  /// One line of all masks of a prompt, in Float32 as matrix products outside of layers are.
  private func multiply(
    _ pixels: UnsafePointer<Float>, _ call: Call, _ prompt: Int, line: Int, packed: UnsafeMutableRawPointer
  ) {
    let (columns, channels) = (4 * call.width, quadrupling.outputs)
    cvector_pack_transposed(cvector_f32, cvector_f32, pixels, channels, channels, columns, packed)
    Numbers.f32.multiply(
      call.weights + prompt * call.masks * channels, stride: channels, rows: call.masks, inner: channels,
      by: packed, columns: columns, into: call.out + (prompt * call.masks * 4 * call.height + line) * columns,
      stride: 4 * call.height * columns)
  }

  private func withElements(_ x: Tensor?, _ body: (UnsafePointer<Float>?) -> Void) {
    guard let x else { return body(nil) }
    x.withElements { body($0.start) }
  }
}

/// A transposed convolution of 2 by 2 on one row of pixels: each of two rows that it becomes is a product, whose columns are
/// two pixels beside each other.
private struct Doubling: Sendable {
  let inputs, outputs: Int
  private let numbers: Numbers
  /// By row.
  private let operands: [PackedOperand]
  private let bias: [Float]

  init(_ layer: TransposedConvolutionLayer, _ numbers: Numbers) {
    let (inputs, outputs) = (layer.weight.shape[0], layer.weight.shape[1])
    (self.inputs, self.outputs) = (inputs, outputs)
    self.numbers = numbers
    let turned = layer.weight.permuted(2, 3, 1, 0)
    operands = (0..<2).map { PackedOperand(transposed: turned[$0].reshaped([2 * outputs, inputs]), numbers) }
    bias = layer.bias.map { $0.elements + $0.elements } ?? []
  }

  /// `[rows, inputs]` to `[2 · rows, outputs]`.
  func callAsFunction(
    _ half: Int, _ x: UnsafeRawPointer, rows: Int, adding added: UnsafePointer<Float>?,
    into out: UnsafeMutablePointer<Float>
  ) {
    bias.withNumbers { bias in
      numbers.multiply(
        x, stride: inputs, rows: rows, inner: inputs, by: operands[half].start, columns: 2 * outputs,
        bias: bias,
        adding: added, into: out, stride: 2 * outputs)
    }
  }
}
