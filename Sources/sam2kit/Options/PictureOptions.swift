import ArgumentParser
import Media

/// How pictures are read.
struct PictureOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Of pictures of more than eight bits, which samples are black and white: auto for the least and the largest there "
        + "are. Without it grey beyond 255 is white, as Pillow has it.", valueName: "black,white"),
    transform: { text in
      if text == "auto" { return .automatic }
      let numbers = text.split(separator: ",", omittingEmptySubsequences: false).compactMap { Double($0) }
      guard numbers.count == 2, numbers.allSatisfy(\.isFinite), numbers[0] < numbers[1] else {
        throw ValidationError("--range should be auto or two rising numbers such as 0,4095, found \(text)")
      }
      return .fixed(black: numbers[0], white: numbers[1])
    })
  var range: SampleRange?

  /// How samples of more than eight bits become eight.
  var sampleRange: SampleRange { range ?? .pillow }
}
