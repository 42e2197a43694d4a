import ArgumentParser
import Foundation

struct Plant: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Plant slips in copies of a package's sources, and make its program and its tests of them.")

  @OptionGroup var folders: Folders
  @Option(name: .long, help: "How many slips to plant at most; the compiler refuses some of them.")
  var count = 400
  @Option(name: .long, help: "Another seed plants others.")
  var seed: UInt64 = 1
  @Option(
    name: .long, help: "The targets to plant in; may be repeated. By default all that a slip could be in.")
  var target: [String] = []
  @Flag(name: .long, help: "Plant those once more that no test noticed, wherever they stand in the sources now.")
  var again = false

  static let targets = [
    "Checkpoints", "Dumps", "Evaluation", "Files", "Kernels", "Masks", "Media", "OneDNNBackend",
    "OpenBLASBackend",
    "Pipelines", "Prompts", "Quantization", "SAM2", "Taps", "Tensors", "Traces", "Verification", "sam2kit",
  ]

  func run() throws {
    let tree = Tree(build: try folders.build())
    let all = try Equivalents(package: folders.package)
      .removed(from: tree.slips(in: again || target.isEmpty ? Self.targets : target))
    let planted = try tree.plant(again ? survivors(in: all) : sample(of: all))
    try JSONEncoder().encode(planted).write(to: folders.planted)
    if again {
      var ledger = try Ledger(path: folders.ledger)
      try ledger.forgetUnnoticed()
    }
    print("\(planted.count) slips planted, of \(all.count) places")
  }

  private func sample(of all: [Slip]) -> [Int: Slip] {
    Dictionary(uniqueKeysWithValues: all.sample(count, seed: seed).enumerated().map { ($0, $1) })
  }

  /// What wasn't noticed, where it still stands and changes anything. It keeps its number, by which the tests that reach it are
  /// known.
  private func survivors(in all: [Slip]) throws -> [Int: Slip] {
    let ledger = try Ledger(path: folders.ledger)
    return try folders.slips().compactMapValues { slip -> Slip? in
      guard ledger.hasUnnoticed(slip) else { return nil }
      return all.filter { $0.isSame(as: slip) }.min { abs($0.line - slip.line) < abs($1.line - slip.line) }
    }
  }
}
