import ArgumentParser
import Checkpoints
import Dumps

/// How what another program dumped is to be read.
struct DumpOptions: ParsableArguments {
  @Option(name: .long, help: "A JSON file that says which of a dump's arrays is which tap.")
  var map: String?
  @Option(
    name: .long,
    help: "How a dump's arrays of four axes lie: NHWC or NCHW, or what becomes what, such as NHWC->NCHW.",
    transform: { text in
      guard let layout = AxisLayout(text) else {
        throw ValidationError("--layout should be like NHWC, NCHW or NHWC->NCHW, found \(text)")
      }
      return layout
    })
  var layout: AxisLayout?

  /// What is read.
  var files: CommandFiles { CommandFiles(read: [map]) }

  /// Opens what is held against a reference.
  func candidate(path: String, of reference: ComparedFile, limits: ReadingLimits) throws -> ComparedFile {
    try .candidate(
      path: path, map: map.map { try NameMap(path: $0) }, layout: layout, of: reference, limits: limits)
  }
}
