import ArgumentParser
import Masks
import Media
import Pipelines

struct Segment: Command {
  static let configuration = CommandConfiguration(
    commandName: "segment",
    abstract: "Segment what you point at in a picture.",
    discussion: """
      Writes mask_0.png … (255 on the object), overlay.png and prediction.json into the output folder. Prompts \
      without an object's number belong to object 1; several objects are told apart by a number in front:

        sam2kit segment --model tiny.safetensors --image truck.jpg \\
          --point 500,375 --point 2:1000,600 --point 2:900,200,0 --output out
      """)

  @OptionGroup var model: ModelOptions
  @Option(name: .long, help: "A JPEG or PNG; read as Pillow's convert(\"RGB\") reads it.")
  var image: String
  @OptionGroup var pictures: PictureOptions
  @OptionGroup var prompts: PromptOptions
  @OptionGroup var trace: TraceOptions
  @Option(name: .long, help: "The folder to write into; made if it isn't there.")
  var output: String

  func execute() throws {
    let (asked, maskFolder) = try prompts.load()
    let picture = try PictureInput(path: image, range: pictures.sampleRange)
    for note in picture.notes { Console.remark("\(image): \(note)") }
    let folder = try OutputFolder(output)
    var request = SegmentRequest(asked, maskFolder: maskFolder)
    request.recording = trace.request
    let found = try model.load(isRecorded: trace.request.isAsked).segment(
      picture, request, watch: Console.watch)
    try found.write(to: folder)
    for (index, mask) in found.masks.enumerated() {
      print(
        "\(folder.file(Segmentation.maskName(index)))  object \(mask.object)  \(mask.mask.area) pixels  "
          + "predicted IoU \(mask.predictedIoU.rounded(3))  stability \(mask.stabilityScore.rounded(3))  "
          + "object score \(mask.objectScore.rounded(2))")
    }
    print(folder.file(Segmentation.overlayName))
    print(folder.file(Segmentation.reportName))
  }
}
