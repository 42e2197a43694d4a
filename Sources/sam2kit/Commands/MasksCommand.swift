import ArgumentParser
import Files
import Media
import Pipelines
import SAM2

/// `masks`; the type has another name than the library of masks.
struct MasksCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "masks",
    abstract: "Find masks for everything in a picture, or in a folder of pictures.",
    discussion: """
      Asks about a grid of points as the official SAM2AutomaticMaskGenerator does, with its options. Writes masks.json \
      (its records), labels.png (16 bits, each pixel a mask's number, of several the smallest) and overlay.png into the \
      output folder; for a folder of pictures a folder for each, and coco.json with all annotations:

        sam2kit masks --model tiny.safetensors --image truck.jpg --output out

      Ctrl-C leaves whole files; --resume goes on with a folder where it stopped. A picture without any mask is no \
      error. Pictures that can't be read are named, the others done, and the exit code is 2.
      """)

  @OptionGroup var model: ModelOptions
  @Option(name: .long, help: "A picture, or a folder of them.")
  var image: String?
  @Option(
    name: .long,
    help: "What encode made of the picture; with --image too, an overlay is drawn.")
  var embedding: String?
  @Option(name: .long, help: "The folder to write into; made if it isn't there.")
  var output: String
  @OptionGroup(title: "The official generator's options") var generator: GeneratorOptions
  @OptionGroup(title: "Beyond them") var selection: MaskSelectionOptions
  @OptionGroup var size: SizeOptions
  @OptionGroup(title: "Clean masks") var cleaning: CleanUpOptions
  @OptionGroup(title: "Outlines") var outlines: OutlineOptions
  @Option(name: .long, help: "How masks.json holds masks.")
  var outputMode = MaskFormat.cocoRLE
  @Flag(name: .long, help: "Of a folder, leave pictures as they are that an interrupted run finished.")
  var resume = false

  func validate() throws {
    guard image != nil || embedding != nil else {
      throw ValidationError("say what to look at: --image FILE or --embedding FILE")
    }
    guard !resume || FilePath.isFolder(image ?? "") else {
      throw ValidationError("--resume goes on with a folder of pictures; leave it out for one picture")
    }
    guard embedding == nil || size.maxSide == nil else {
      throw ValidationError("an embedding was made of a picture of its size then; leave out --max-side")
    }
    guard generator.pointGrids == nil || selection.point.isEmpty else {
      throw ValidationError(
        "--point asks about points of its own, --point-grids about a grid: give one of them")
    }
    guard generator.pointGrids == nil || generator.pointsPerSide == nil else {
      throw ValidationError("--points-per-side makes a grid, --point-grids names another: give one of them")
    }
    do { try options.check() } catch { throw ValidationError("\(error)") }
  }

  /// What is asked for, but for what files say.
  private var options: AutomaticMaskOptions {
    var options = AutomaticMaskOptions()
    generator.apply(to: &options)
    selection.apply(to: &options)
    options.cleanUp = cleaning.cleanUp
    return options
  }

  var files: CommandFiles {
    var files = CommandFiles(read: [image, embedding, generator.pointGrids, selection.within]).and(model.files)
    guard let image, FilePath.isFolder(image) else {
      files.written.append(.folder(output, names: GeneratedMasks.names))
      return files
    }
    files.read += ((try? Picture.names(inFolder: image)) ?? []).map { "\(image)/\($0)" }
    files.written.append(.folder(output, names: { $0 == MaskFolderRequest.reportName }))
    for name in (try? Folder.entries(output)) ?? [] where FilePath.isFolder("\(output)/\(name)") {
      files.written.append(.folder("\(output)/\(name)", names: GeneratedMasks.names))
    }
    return files
  }

  func execute() throws {
    var options = options
    (options.pointGrids, options.region) = (try generator.grids(), try selection.region())
    // Everything else was checked before.
    do { try options.check() } catch {
      throw generator.pointGrids.map { FileProblem(path: $0, problem: "\(error)") } ?? error
    }
    if let embedding {
      try execute(PictureInput(StoredEmbedding(path: embedding), path: image), options, .decoder)
    } else if let image {
      if FilePath.isFolder(image) {
        try executeFolder(image, options)
      } else {
        try execute(PictureInput(path: image, longestSide: size.maxSide?.value), options, .all)
      }
    }
  }

  private func execute(
    _ picture: PictureInput, _ options: AutomaticMaskOptions, _ parts: ModelParts
  ) throws {
    for note in picture.notes { Console.remark("\(picture.path): \(note)") }
    let folder = try OutputFolder(output)
    let found = try model.load(parts: parts).generateMasks(picture, options, watch: Console.watch)
    Console.endLine()
    try found.write(to: folder, as: outputMode, outlines: outlines.formats, tolerance: outlines.tolerance.value)
    if found.masks.isEmpty {
      Console.remark(
        "\(picture.path): no mask was found; a lower --pred-iou-thresh or --stability-score-thresh keeps more")
    }
    print("\(found.masks.count) masks")
    print(folder.file(GeneratedMasks.recordsName))
    print(folder.file(GeneratedMasks.labelsName))
    if picture.picture != nil { print(folder.file(GeneratedMasks.overlayName)) }
  }

  private func executeFolder(_ image: String, _ options: AutomaticMaskOptions) throws {
    var request = MaskFolderRequest(pictures: image, output: output)
    (request.options, request.format, request.resumes) = (options, outputMode, resume)
    request.longestSide = size.maxSide?.value
    (request.outlines, request.tolerance) = (outlines.formats, outlines.tolerance.value)
    let model = try model.load()
    PartialFiles.awaitInterrupt()
    defer { Console.endLine() }
    do {
      let found = try model.generateMasks(
        request, watch: Console.watch, isCancelled: { PartialFiles.interrupt != nil })
      Console.endLine()
      print("\(found.masks) masks in \(found.pictures) pictures")
      print(found.report)
      if !found.failures.isEmpty {
        let count = found.failures.count
        Console.remark("error: \(count == 1 ? "a picture was" : "\(count) pictures were") left out")
        throw ExitCode(2)
      }
    } catch is CancellationError {
      Console.remark("interrupted; finished pictures are in \(output), --resume goes on from there")
      throw ExitCode(128 + (PartialFiles.interrupt ?? 2))
    }
  }
}
