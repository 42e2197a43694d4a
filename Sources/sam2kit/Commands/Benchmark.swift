import ArgumentParser
import Files
import Pipelines
import Reports

struct Benchmark: Command {
  static let configuration = CommandConfiguration(
    commandName: "benchmark",
    abstract: "Time a model on this machine, stage by stage, and hold it against what the machine gives.",
    discussion: """
      A picture is decoded, resized, embedded, asked about by all clicks in one call, and its masks are brought to its size
      and written as PNGs, --repeat times after a round to warm up. A video is tracked from clicks on its first frame;
      frames with a full memory bank are reported apart. Without either a picture is made up.

      Operations are those of matrix products as PyTorch computes them, two for each multiplication with its addition, \
      at the least time. A share of the peak compares with the fastest instructions for a layer's precision, which are \
      measured on as many threads; a stage that the backend computes with fewer operations can have more than all of it.

      --json prints image_encoder_seconds and prompt_seconds of each round, without decoding and resizing; picture and \
      clip with stages (name, part, seconds, least_seconds, median_seconds, operations, bytes, operations_per_second, \
      share_of_peak), clip.frames one by one, clip.full and clip.filling; peaks, processor, backend, model, \
      peak_memory_bytes and load_seconds. tools/bench_peers sets PyTorch and others beside it.
      """)

  @OptionGroup var model: ModelOptions
  @Option(name: .long, help: "A picture to segment.")
  var image: String?
  @Option(
    name: .long, help: "A video file, a folder of pictures, or a TIFF whose pages are the frames, to track.")
  var video: String?
  @Option(name: .long, help: "How many clicks in one call; on a video, how many objects.")
  var prompts = Ranged<ClickCount>(1)
  @Option(
    name: .customLong("repeat"), help: "How often to measure: by default a picture 5 times, a video once.")
  var rounds: Ranged<RoundCount>?
  @Option(name: .long, help: "How many frames of the video to track at most.")
  var frames = Ranged<MeasuredFrames>(16)
  @Flag(name: .long, help: "List what oneDNN runs for the products prepared, and the modules that run as one.")
  var verbose = false
  @Flag(name: .long, help: "Print JSON.")
  var json = false
  @Option(name: .long, help: "Write a page with all stages and a roofline to this file.")
  var html: String?

  func validate() throws {
    guard video == nil || prompts.value < 256 else {
      throw ValidationError("--prompts should be at most 255 on a video, found \(prompts.value)")
    }
    try OutputName.check(html, "--html", is: OutputName.page)
  }

  var files: CommandFiles {
    CommandFiles(read: [image, video], written: [html]).and(model.files)
  }

  func execute() throws {
    var request = BenchmarkRequest()
    (request.picture, request.video) = (image, video)
    (request.prompts, request.frames) = (prompts.value, frames.value)
    (request.rounds, request.videoRounds) = (
      rounds?.value ?? request.rounds, rounds?.value ?? request.videoRounds
    )
    let page = try html.map { try OutputFile(path: $0) }
    let start = ContinuousClock.now
    let loaded = try model.load()
    let report = try loaded.benchmark(
      request, loadSeconds: start.duration(to: .now) / .seconds(1), watch: Console.watch)
    Console.endLine()
    if let page {
      try page.write(BenchmarkPage(report).page.utf8)
      try page.commit()
    }
    if json {
      StandardOutput.write(json: try report.json())
    } else {
      print(BenchmarkText(report, isVerbose: verbose).lines)
    }
  }
}
