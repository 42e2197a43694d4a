import ArgumentParser
import Files
import Kernels
import Pipelines
import Quantization
import Reports

struct Quantize: Command {
  static let configuration = CommandConfiguration(
    commandName: "quantize",
    abstract: "Make a model's weights whole numbers of 8 or 4 bits.",
    discussion: """
      Schemes: w8, weights of 8 bits with a scale for each output channel, computed in Float32; w8a16, the same computed \
      in bfloat16; w8a8, inputs of 8 bits too, their products summed in 32; w4, weights of 4 bits with a scale for each 32 \
      inputs, computed in Float32. Quantized are Hiera's linear layers, the neck (in w8a8 but for the levels that the \
      decoder projects), the memory encoder's linear layers and \
      1 x 1 convolutions, the memory attention, the decoder's attention and MLPs, the projection of object pointers; in w8a8 \
      also the scores of Hiera's attention over all tokens and of the memory attention; all else \
      is computed as --elsewhere says, in Float32 unless told otherwise. \
      --plan FILE says it by layer: JSON such as --json prints (Sources/SAM2/README.md), and what the output carries.

      The output, .safetensors or .gguf, is a checkpoint like any other: every command takes it and computes it by the plan \
      that it carries, unless told otherwise, and convert makes floats of it again. .gguf holds w8 and w8a16 as Q8_0; \
      weights whose rows are no multiple of 32 are named and stored as F16.

      For every layer the SQNR of its weights is listed: how far the whole numbers are from what they stand for. --calibrate runs \
      the model in Float32 on pictures (a random click, a box, three clicks) and on the first frames of clips (a random click, \
      followed), and puts into the plan for each w8a8 layer the range under which its result is most exact. Without ranges \
      in the plan w8a8 finds that of each input anew. --rounding gptq, with the same folder, rounds each weight so that it makes up \
      for what those before it lost in the layer's result: worth most for w4. --equalize divides what a norm returns channel \
      by channel and multiplies the columns of the layers that read it, so that one range serves all channels better; results \
      are the same in floating point, the norm's own are not. NaN and infinite weights are refused; channels of nothing but zeros \
      are told and stay so.

      --analyze ranks modules (a block of Hiera, the neck, a layer of the memory attention, ...) by what quantizing them does, \
      with weights, inputs or both rounded: as expected from the sizes of steps, to the module's result on the exact \
      model's inputs, to its result where it stands, and with --data to masks, when it alone is quantized. Without OUTPUT nothing \
      is written.

      --max-drop keeps in floating point the fewest modules with which neither mIoU, over one click, a box and three \
      clicks, nor J&F on --data loses more than so many points. It frees modules in the order of their ranking, then tries to \
      quantize each again. After Ctrl-C, or anything else, the same command goes on where it stopped.

        sam2kit quantize M.safetensors Q.safetensors --scheme w8a8 --calibrate pictures --data Reference/validation \
          --max-drop 0.3 --save-plan plan.json --html report.html
      """)

  @Argument(help: "The checkpoint to read, in floating point.")
  var input: String
  @Argument(
    help:
      "The .safetensors or .gguf to write; a file that is there is replaced when the new one is whole. May be left out with --analyze."
  )
  var output: String?
  @Option(name: .long, help: "How layers are computed by the default policy: w8, w8a16, w8a8 or w4.")
  var scheme: Scheme?
  @Option(
    name: .long,
    help:
      "How the scheme's other layers and attention are computed: f32, or bf16, which is faster where int8 is.")
  var elsewhere: Elsewhere?
  @Option(
    name: .long,
    help: ArgumentHelp("A precision plan: JSON that says which layers are computed how.", valueName: "file"))
  var plan: String?
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Find the ranges of w8a8 inputs with a folder of pictures, of any kind that --image takes, and of folders with the "
        + "frames of clips; a PNG beside another picture of its name holds its masks and is passed over.",
      valueName: "folder"))
  var calibrate: String?
  @Option(
    name: .long,
    help:
      "How weights become whole numbers: each to the nearest, or, with --calibrate, so that the layer's result is near."
  )
  var rounding = RoundingChoice.nearest
  @Flag(
    name: .long,
    help:
      "With --calibrate, make the channels alike that norms return, at the cost of the weights that read them.")
  var equalize = false
  @Option(name: .long, help: "What the random clicks of a calibration depend on; 0 by default.")
  var seed: Ranged<Seed>?
  @OptionGroup var questions: QuantizationQuestionOptions
  @OptionGroup var source: SourceOptions
  @OptionGroup var architecture: ArchitectureOptions
  @Flag(name: .long, help: "Wait until the output is on the disk before it replaces what is there.")
  var durable = false
  @Flag(name: .long, help: "Print JSON: the plan, sizes, and what became of every layer.")
  var json = false

  func validate() throws {
    guard (scheme == nil) != (plan == nil) else {
      throw ValidationError("--scheme takes the default policy and --plan another: give one of them")
    }
    guard plan == nil || elsewhere == nil else {
      throw ValidationError("--elsewhere is of --scheme; a plan's own default says it")
    }
    guard calibrate != nil || (rounding == .nearest && !equalize) else {
      throw ValidationError("--rounding gptq and --equalize need --calibrate, to see what layers are given")
    }
    guard calibrate != nil || seed == nil else {
      throw ValidationError("--seed is of the clicks of --calibrate FOLDER; leave it out")
    }
    guard output != nil || questions.analyze else {
      throw ValidationError("name the file to write; with --analyze alone it may be left out")
    }
    guard calibrate != nil || !questions.isAsked else {
      throw ValidationError(
        "--analyze, --max-drop and --html compare modules on pictures: give --calibrate FOLDER")
    }
    guard !questions.isAsked || (rounding == .nearest && !equalize) else {
      throw ValidationError(
        "--analyze, --max-drop and --html are about weights rounded to the nearest: leave out --rounding gptq and --equalize"
      )
    }
    guard questions.maxDrop == nil || output != nil else {
      throw ValidationError("--max-drop keeps its state beside what it writes: name the file")
    }
  }

  var files: CommandFiles {
    let config = architecture.config
    return CommandFiles(read: CheckpointName.files(input, isConfigured: config != nil))
      .and(CommandFiles(read: [plan, config, calibrate], written: [output])).and(questions.files)
  }

  func execute() throws {
    var model = ModelRequest(path: try CheckpointName.path(input))
    source.apply(to: &model)
    architecture.apply(to: &model)
    if let plan { try model.readPlan(path: plan) }
    let policy: QuantizeRequest.Policy =
      model.plan.map(QuantizeRequest.Policy.plan)
      ?? .scheme(scheme?.precision ?? .w8, elsewhere: elsewhere?.precision ?? .f32)
    var request = QuantizeRequest(model: model, output: output, policy: policy)
    request.isDurable = durable
    (request.rounding, request.equalizes) = (rounding.rounding, equalize)
    if let calibrate {
      var calibration = CalibrationRequest(folder: calibrate)
      calibration.seed = seed?.value ?? calibration.seed
      request.calibration = calibration
    }
    let result: QuantizeResult
    do { result = try questions.answer(request) } catch let error as QuantizationError {
      // Of a plan it is the plan's file that is to be changed.
      guard let plan, error == .nothingToQuantize else { throw error }
      throw FileProblem(path: plan, problem: "\(error)")
    }
    if json { try Console.json(result) } else { print(result.text(output)) }
  }
}

/// What weights can be rounded by.
enum RoundingChoice: String, ExpressibleByArgument, CaseIterable {
  case nearest, gptq

  var rounding: Rounding { self == .nearest ? .nearest : .gptq }
}

/// What the default policy leaves in floating point.
enum Elsewhere: String, ExpressibleByArgument, CaseIterable {
  case f32, bf16

  var precision: Precision { self == .f32 ? .f32 : .bf16 }
}

/// What the default policy can be asked for.
enum Scheme: String, ExpressibleByArgument, CaseIterable {
  case w8, w8a16, w8a8, w4

  var precision: Precision {
    switch self {
    case .w8: .w8
    case .w8a16: .w8a16
    case .w8a8: .w8a8
    case .w4: .w4
    }
  }
}
