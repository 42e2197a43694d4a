import ArgumentParser
import Files
import Foundation
import Masks
import Media
import Pipelines
import SAM2

struct Segment: Command {
  static let configuration = CommandConfiguration(
    commandName: "segment",
    abstract: "Segment what you point at in a picture.",
    discussion: """
      Writes mask_0.png … (255 on the object), overlay.png and prediction.json into the output folder. Prompts \
      without an object's number belong to object 1; several objects are told apart by a number in front:

        sam2kit segment --model tiny.safetensors --image truck.jpg \\
          --point 500,375 --point 2:1000,600 --point 2:900,200,0 --output out

      With a folder as --image every line of stdin asks about a picture in it, and a line of stdout answers:

        {"image": "truck.jpg", "objects": [{"id": 1, "points": [[500, 375]], "labels": [1]}]}
      """)

  @OptionGroup var model: ModelOptions
  @Option(
    name: .long,
    help:
      "A JPEG, PNG, WebP, TIFF, AVIF, JPEG 2000, BMP, GIF or PPM, read as Pillow's convert(\"RGB\") reads it; or a folder of pictures that stdin asks about."
  )
  var image: String?
  @Option(
    name: .long, help: "What encode made of the picture; with --image too, an overlay is drawn.")
  var embedding: String?
  @OptionGroup var pictures: PictureOptions
  @OptionGroup var prompts: PromptOptions
  @OptionGroup var size: SizeOptions
  @OptionGroup(title: "Clean masks") var cleaning: CleanUpOptions
  @Flag(
    name: .long, help: "Let objects share no pixel: of several the one of the highest predicted IoU has it.")
  var noOverlap = false
  @OptionGroup(title: "Outlines") var outlines: OutlineOptions
  @Option(
    name: .long, help: "Write every object's low-resolution logits to this .npy file, which --mask takes again."
  )
  var logits: String?
  @OptionGroup var trace: TraceOptions
  @Option(
    name: .long,
    help: "The folder to write into; made if it isn't there. Only lines about a folder's pictures need none.")
  var output: String?

  private var isFolder: Bool { embedding == nil && FilePath.isFolder(image ?? "") }

  func validate() throws {
    try OutputName.check(logits, "--logits", is: ["npy"])
    guard image != nil || embedding != nil else {
      throw ValidationError("say what to segment: --image FILE or --embedding FILE")
    }
    guard !isFolder else {
      guard prompts.isEmpty, output == nil, logits == nil, !trace.request.isAsked else {
        throw ValidationError(
          "prompts about a folder's pictures come from stdin, answers go to stdout: leave out others")
      }
      guard pictures.range == nil else { throw ValidationError("--range is of one picture, not of a folder's") }
      guard outlines.formats.isEmpty, cleaning.cleanUp.isEmpty, !noOverlap else {
        throw ValidationError(
          "answers about a folder's pictures are masks as found: leave out what cleans and draws them")
      }
      return
    }
    guard embedding == nil || pictures.range == nil else {
      throw ValidationError("an embedding was made of a picture as it was read then; leave out --range")
    }
    guard embedding == nil || size.maxSide == nil else {
      throw ValidationError("an embedding was made of a picture of its size then; leave out --max-side")
    }
    try prompts.requireSome()
    guard output != nil else { throw ValidationError("say where results go: --output FOLDER") }
    guard embedding == nil || !trace.request.isAsked else {
      throw ValidationError("a trace is of a whole run; leave out --embedding")
    }
  }

  var files: CommandFiles {
    var files = CommandFiles(read: [image, embedding], written: [logits]).and(model.files).and(prompts.files)
      .and(trace.files)
    if let output { files.written.append(.folder(output, names: Segmentation.names)) }
    return files
  }

  func execute() throws {
    if let embedding {
      try execute(PictureInput(StoredEmbedding(path: embedding), path: image), .decoder)
    } else if let image {
      if isFolder {
        try answerLines(about: image)
      } else {
        try execute(
          PictureInput(path: image, range: pictures.sampleRange, longestSide: size.maxSide?.value), .all)
      }
    }
  }

  private func answerLines(about folder: String) throws {
    _ = try Picture.names(inFolder: folder)
    let found = try model.load().segment(
      linesAbout: folder, longestSide: size.maxSide?.value, next: { readLine() }
    ) { answer in
      StandardOutput.write(json: answer)
      try StandardOutput.check()
    }
    if found.failed > 0 {
      Console.remark(
        "error: \(found.failed) of \(found.answered + found.failed) lines were answered with an error")
      throw ExitCode(2)
    }
  }

  private func execute(_ picture: PictureInput, _ parts: ModelParts) throws {
    let (asked, maskFolder) = try prompts.load(for: picture.path)
    try files.and(CommandFiles(read: asked.masks(from: maskFolder))).check()
    for note in picture.notes { Console.remark("\(picture.path): \(note)") }
    let folder = try OutputFolder(output ?? "")
    if let logits { _ = try OutputFile(path: logits) }
    var request = SegmentRequest(asked, maskFolder: maskFolder)
    (request.recording, request.promptsPlace) = (trace.request, prompts.place)
    (request.cleanUp, request.separatesObjects) = (cleaning.cleanUp, noOverlap)
    let found = try model.load(isRecorded: trace.request.isAsked, parts: parts).segment(
      picture, request, watch: Console.watch)
    try found.write(
      to: folder, outlines: outlines.formats, tolerance: outlines.tolerance.value, logits: logits)
    for (index, mask) in found.masks.enumerated() {
      print(
        "\(folder.file(Segmentation.maskName(index)))  object \(mask.object)  \(mask.runs.area) pixels  "
          + "predicted IoU \(mask.predictedIoU.rounded(3))  stability \(mask.stabilityScore.rounded(3))  "
          + "object score \(mask.objectScore.rounded(2))")
    }
    for mask in found.masks where mask.runs.area == 0 {
      Console.remark("object \(mask.object): no pixel is in its mask \(mask.alternative)")
    }
    if let logits { print(logits) }
    if picture.picture != nil { print(folder.file(Segmentation.overlayName)) }
    print(folder.file(Segmentation.reportName))
  }
}
