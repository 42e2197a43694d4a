import Architecture
import ArgumentParser
import Kernels
import SAM2
import Tensors

struct Benchmark: Command {
  static let configuration = CommandConfiguration(
    commandName: "benchmark",
    abstract: "Time a model on this machine.",
    discussion: "Runs once to warm up, then measures. tools/bench_encoder.py sets PyTorch beside it.")

  @OptionGroup var model: ModelOptions
  @Option(name: .customLong("repeat"), help: "How often to measure.")
  var rounds = 5
  @Flag(name: .long, help: "Print JSON.")
  var json = false

  func validate() throws {
    guard rounds > 0 else { throw ValidationError("--repeat should be at least 1, found \(rounds)") }
  }

  func execute() throws {
    let (model, _) = try model.load()
    let predictor = ImagePredictor(model)
    let size = model.configuration.imageSize
    // Any picture takes the same time; a ramp keeps the numbers away from special cases.
    let picture = Tensor([3, size, size]) { pixels in
      for index in pixels.indices { pixels[index] = Float(index % 251) / 125 - 1 }
    }
    let prompt = Prompt(points: [.init(x: 1, y: 1)])
    var result = Result()
    for round in 0...rounds {
      let clock = ContinuousClock()
      let start = clock.now
      let embedding = try predictor.embed(picture, width: size, height: size)
      let embedded = clock.now
      _ = try predictor.predict([prompt], in: embedding, multimask: false)
      guard round > 0 else { continue }
      result.imageEncoderSeconds.append((embedded - start).seconds)
      result.promptSeconds.append((clock.now - embedded).seconds)
    }
    if json {
      try Console.json(result)
    } else {
      print("image encoder  \(result.imageEncoderSeconds.summary)")
      print("one prompt     \(result.promptSeconds.summary)")
    }
  }

  /// Seconds of every round.
  struct Result: Encodable {
    var imageEncoderSeconds: [Double] = []
    var promptSeconds: [Double] = []

    enum CodingKeys: String, CodingKey {
      case imageEncoderSeconds = "image_encoder_seconds"
      case promptSeconds = "prompt_seconds"
    }
  }
}

extension Duration {
  /// As a number of seconds.
  fileprivate var seconds: Double { self / .seconds(1) }
}

extension [Double] {
  /// The least and the median, in milliseconds.
  fileprivate var summary: String {
    let sorted = sorted()
    return
      "\((sorted[0] * 1000).rounded(1)) ms at best, \((sorted[count / 2] * 1000).rounded(1)) ms median of \(count)"
  }
}
