// Many threads ask one model for pictures and clips at once, each with a recording of its own, and ThreadSanitizer looks on.

import Architecture
import Foundation
import Kernels
import OneDNNBackend
import OpenBLASBackend
import Prompts
import SAM2
import Synthesis
import Taps
import Tensors

/// Touches every array that it is given.
private final class ReadingWriter: TapWriter {
  private let sum = Mutex<Float>(0)

  func write(
    _ module: ModulePath, call: Int, sequence: Int, at place: TapPlace, inputs: [(String, any TapValue)],
    output: any TapValue
  ) throws {
    for (name, value) in inputs + [("output", output)] {
      value.visitTensors(named: name) { _, tensor in
        let part = tensor.elements.reduce(0, +)
        sum.withLock { $0 += part }
      }
    }
  }

  func write(_ prediction: PredictedValue, _ tensor: Tensor, at place: PredictionPlace?) throws {}
  func finish() throws {}
}

@main struct Main {
  /// Tiny, on small pictures.
  private static func model(_ backend: any Backend, _ plan: PrecisionPlan) throws -> SAM2Base {
    var configuration = Variant.sam21Tiny.configuration
    configuration.imageSize = 128
    return try SAM2Base(
      configuration, weights: SynthesizedWeights(configuration, seed: 1), backend: backend, plan: plan)
  }

  /// Lets six threads ask one model at once, half of them with a recording.
  private static func check(_ model: SAM2Base, _ name: String) {
    let size = model.configuration.imageSize
    let threads = DispatchGroup()
    for number in 0..<6 {
      threads.enter()
      Thread.detachNewThread {
        defer { threads.leave() }
        do {
          let image = Tensor(
            [3, size, size], (0..<3 * size * size).map { Float(($0 * (number + 1)) % 255) / 128 - 1 })
          let run = Run(taps: number % 2 == 0 ? Taps(writer: ReadingWriter()) : nil)
          if number % 3 == 2 {
            var session = try VideoPredictor(model).liveSession(width: 64, height: 48)
            _ = try session.append(image, run)
            try session.prompt(object: 1, points: [.init(x: 20, y: 20)], run)
            for _ in 0..<2 { _ = try session.append(image, run) }
          } else {
            let predictor = ImagePredictor(model)
            let embedding = try predictor.embed(image, width: 64, height: 48, run)
            _ = try predictor.predict(
              [Prompt(points: [.init(x: 20, y: 20)])], in: embedding, multimask: true, run
            ).masks
          }
        } catch {
          print("failed: \(error)")
          exit(2)
        }
      }
    }
    threads.wait()
    print("\(name): 6 threads predicted and recorded at once")
  }

  static func main() throws {
    // Several threads within each call, too, whatever the machine has.
    Parallelism.threads = 4
    check(try model(OpenBLASBackend(), PrecisionPlan()), "OpenBLAS, f32")
    let backend: OneDNNBackend
    do { backend = try OneDNNBackend() } catch {
      print("oneDNN is left out: \(error)")
      return
    }
    for precision in [Precision.f32, .bf16] {
      check(try model(backend, PrecisionPlan(default: precision)), "oneDNN, \(precision.rawValue)")
    }
    let bytes = [
      "image_encoder.trunk.blocks.*.attn.*", "image_encoder.trunk.blocks.*.mlp.*", "memory_attention.layers.*",
    ]
    let plan = PrecisionPlan(
      default: .bf16,
      rules: bytes.map { .init(layers: $0, precision: .w8a8) } + [.init(layers: "*.norm*", precision: .bf16)])
    check(try model(backend, plan), "oneDNN, w8a8")
  }
}
