import ArgumentParser
import Pipelines

struct Verify: Command {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Run a model on a recording's own inputs and compare every tap.",
    discussion: """
      The picture or video and the prompts are the recording's. A picture as it was prepared is mostly among the taps; \
      where it isn't, and for videos, name the file, whose SHA-256 must be the recorded one. Every array is compared \
      when it is made; nothing is stored.

      With --isolate each module is also run on the inputs that were recorded of it, while recorded results stand in \
      for the modules inside: so the error that a module makes by itself stands beside the one that it inherited. The \
      first divergence then names the module that introduces the error, and causes that were tested on the tensors.

        sam2kit verify --model tiny.safetensors --reference reference.h5 --isolate

      Exits with 0 if everything passes, 1 if something doesn't, 2 if the recording is of something else.
      """)

  @OptionGroup var model: ModelOptions
  @Option(name: .long, help: "What PyTorch computed: a trace, or without --isolate also a sketch.")
  var reference: String
  @Option(
    name: [.customLong("input"), .customLong("image"), .customLong("video")],
    help: "The picture or video that was recorded, where the recording does not hold it.")
  var input: String?
  @Option(name: .long, help: "The folder of the prompts' mask files; by default the recording's.")
  var masks: String?
  @Flag(name: .long, help: "Also run each module on its recorded inputs, and compare its output alone.")
  var isolate = false
  @Flag(
    name: .long,
    help: ArgumentHelp(
      "Leave modules whole that the backend runs as one, and compare what they come to. By default they are computed by "
        + "their parts where the recording looks inside."))
  var fused = false
  @OptionGroup var policy: PolicyOptions
  @OptionGroup var agreement: AgreementOptions
  @Option(name: .long, help: "Compare only taps whose module path or name matches this glob; may be repeated.")
  var tap: [String] = []
  @Option(name: .long, help: "Also record the run into this HDF5 file.")
  var trace: String?
  @OptionGroup var output: ComparisonOutput

  var files: CommandFiles {
    CommandFiles(read: [reference, input, masks], written: [trace]).and(model.files).and(policy.files)
      .and(output.files)
  }

  func execute() throws {
    var request = VerifyRequest(model: try model.request(backend: .openblas), reference: reference)
    (request.input, request.maskFolder, request.isolates) = (input, masks, isolate)
    request.keepsWholes = fused
    (request.policy, request.forces) = (try policy.policy(), agreement.force)
    (request.taps, request.trace, request.wantsPictures) = (tap, trace, output.wantsPictures)
    model.useThreads()
    let found = try verify(request, watch: Console.watchModel)
    Console.endLine()
    try output.present(found.comparison, masks: found.masks)
  }
}
