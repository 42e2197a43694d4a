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
      try Console.json(TimingReport(timing))
    } else {
      let kernels = timing.kernels.map { " (\($0))" } ?? ""
      print("backend        \(timing.backend) \(timing.backendVersion)\(kernels)")
      print("image encoder  \(timing.imageEncoderSeconds.summary)")
      print("one prompt     \(timing.promptSeconds.summary)")
    }
  }
}

/// The JSON of a timing.
private struct TimingReport: Encodable {
  private let timing: Timing

  init(_ timing: Timing) { self.timing = timing }

  private enum Key: String, CodingKey {
    case backend, kernels
    case backendVersion = "backend_version"
    case imageEncoderSeconds = "image_encoder_seconds"
    case promptSeconds = "prompt_seconds"
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(timing.backend, forKey: .backend)
    try values.encode(timing.backendVersion, forKey: .backendVersion)
    try values.encodeIfPresent(timing.kernels, forKey: .kernels)
    try values.encode(timing.imageEncoderSeconds, forKey: .imageEncoderSeconds)
    try values.encode(timing.promptSeconds, forKey: .promptSeconds)
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
