// Plants small mistakes in the package and sees which of them its tests notice.

import ArgumentParser

@main
struct Mutate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mutate",
    abstract: "Plant small mistakes in sam2kit's sources and see which of them its tests notice.",
    discussion: "README.md beside this program's sources says how; tools/mutate/run does all of it.",
    subcommands: [Plant.self, Run.self, Report.self])
}
