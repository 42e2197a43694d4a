import ArgumentParser
import Pipelines

struct Encode: Command {
  static let configuration = CommandConfiguration(
    commandName: "encode",
    abstract: "Embed a picture once, to be asked about later.",
    discussion: """
      Writes what the image encoder makes of a picture as safetensors, with digests of the model, the picture and how it \
      was prepared. segment and masks take it with --embedding; a prompt then costs the decoder alone:

        sam2kit encode --model tiny.safetensors --image truck.jpg --output truck.emb
        sam2kit segment --model tiny.safetensors --embedding truck.emb --point 500,375 --output out
      """)

  @OptionGroup var model: ModelOptions
  @Option(name: .long, help: "A picture, read as Pillow's convert(\"RGB\") reads it.")
  var image: String
  @OptionGroup var size: SizeOptions
  @Option(name: .long, help: "The file to write, such as truck.emb.")
  var output: String

  var files: CommandFiles {
    CommandFiles(read: [image], written: [output]).and(model.files)
  }

  func execute() throws {
    let picture = try PictureInput(path: image, longestSide: size.maxSide?.value)
    for note in picture.notes { Console.remark("\(image): \(note)") }
    try model.load().encode(picture, watch: Console.watch).write(to: output)
    print(output)
  }
}
