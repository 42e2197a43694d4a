import ArgumentParser
import Pipelines

struct Benchmark: Command {
  static let configuration = CommandConfiguration(
    commandName: "benchmark",
    abstract: "Time a model on this machine.",
    discussion: "Runs once to warm up, then measures. tools/bench_peers sets PyTorch beside it.")

  @OptionGroup var model: ModelOptions
  @Option(name: .customLong("repeat"), help: "How often to measure.")
  var rounds = 5
  @Flag(name: .long, help: "Print JSON.")
  var json = false

  func validate() throws {
    guard rounds > 0 else { throw ValidationError("--repeat should be at least 1, found \(rounds)") }
  }

  func execute() throws {
    let timing = try model.load().benchmark(rounds: rounds)
    if json {
      try Console.json(
        ["image_encoder_seconds": timing.imageEncoderSeconds, "prompt_seconds": timing.promptSeconds])
    } else {
      print("image encoder  \(timing.imageEncoderSeconds.summary)")
      print("one prompt     \(timing.promptSeconds.summary)")
    }
  }
}

extension [Double] {
  /// The least and the median, in milliseconds.
  fileprivate var summary: String {
    let sorted = sorted()
    return
      "\((sorted[0] * 1000).rounded(1)) ms at best, \((sorted[count / 2] * 1000).rounded(1)) ms median of \(count)"
  }
}
