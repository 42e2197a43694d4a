import ArgumentParser

@main
struct Sam2Kit: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "sam2kit")
}
