// Plants small mistakes in the package and sees which of them its tests notice.

import ArgumentParser
import Foundation

@main
struct Mutate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mutate",
    abstract: "Plant small mistakes in sam2kit's sources and see which of them its tests notice.",
    discussion: "README.md beside this program's sources says how; tools/mutate/run does all of it.",
    subcommands: [Plant.self, Run.self, Report.self])
}

/// What is planted, in the order of the numbers.
private func plantedPath(_ tree: String) -> String { "\(tree)/.build/slips.json" }

struct Plant: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Plant slips in a copy of the package that was built once with its tests; build it again afterwards.")

  @Argument(help: "The copy's folder.")
  var tree: String
  @Option(name: .long, help: "How many slips to plant at most; the compiler refuses some of them.")
  var count = 400
  @Option(name: .long, help: "Another seed plants others.")
  var seed: UInt64 = 1
  @Option(
    name: .long, help: "The targets to plant in; may be repeated. By default all that a slip could be in.")
  var target: [String] = []

  static let targets = [
    "Checkpoints", "Dumps", "Evaluation", "Files", "Kernels", "Masks", "Media", "OneDNNBackend",
    "OpenBLASBackend",
    "Pipelines", "Prompts", "Quantization", "SAM2", "Taps", "Tensors", "Traces", "Verification", "sam2kit",
  ]

  func run() throws {
    let tree = Tree(path: tree)
    let all = try tree.slips(in: target.isEmpty ? Self.targets : target)
    let planted = try tree.plant(all.sample(count, seed: seed))
    try JSONEncoder().encode(planted).write(to: URL(fileURLWithPath: plantedPath(tree.path)))
    print("\(planted.count) slips planted, of \(all.count) places")
  }
}

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make one planted slip after the other and run the tests that reach it.")

  @Argument(help: "The copy's folder, built with its tests after planting.")
  var tree: String
  @Option(name: .long, help: "Where to keep what became of each slip; what stands there isn't run again.")
  var ledger: String
  @Option(name: .long, help: "Stop after so many minutes.")
  var minutes = 600.0

  /// How many seconds' worth of tests run at once, before the longer ones.
  private static let batchSeconds = 4.0

  func run() throws {
    let (tree, start) = (Tree(path: tree), ContinuousClock.now)
    let slips = try JSONDecoder().decode(
      [Slip].self, from: Data(contentsOf: URL(fileURLWithPath: plantedPath(tree.path))))
    let suite = Suite(tree: tree)
    let tests = try observations(suite)
    var ledger = try Ledger(path: ledger)
    for (number, slip) in slips.enumerated() where !ledger.knows(slip) {
      guard start.duration(to: .now) < .seconds(60 * minutes) else { break }
      let reaching = tests.filter { $0.reached.contains(number) }.sorted { $0.seconds < $1.seconds }
      let failing = try firstFailure(of: reaching, number, suite)
      try ledger.add(.init(slip: slip, isNoticed: failing != nil, by: failing, reaching: reaching.count))
      let noticed = ledger.entries.count { $0.isNoticed }
      print(
        "\(ledger.entries.count) of \(slips.count), \(noticed) noticed; \(slip.id): \(failing ?? "NOT NOTICED")"
      )
      fflush(nil)
    }
  }

  /// Runs the quick tests first.
  private func firstFailure(of tests: [Suite.Test], _ number: Int, _ suite: Suite) throws -> String? {
    var (batch, seconds) = ([String](), 0.0)
    func run() throws -> String? {
      guard !batch.isEmpty else { return nil }
      defer { (batch, seconds) = ([], 0) }
      let outcome = try suite.run(batch, with: ["SAM2KIT_SLIP": "\(number)"], seconds: 30 + 8 * seconds)
      guard case .failed(let test) = outcome else { return nil }
      return test
    }
    for test in tests {
      if seconds + test.seconds > Self.batchSeconds, let failing = try run() { return failing }
      batch.append(test.name)
      seconds += test.seconds
    }
    return try run()
  }

  /// What every test reaches, found once for a planted tree.
  private func observations(_ suite: Suite) throws -> [Suite.Test] {
    let path = "\(suite.tree.path)/.build/observations.jsonl"
    let known = ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n")
      .compactMap { try? JSONDecoder().decode(Suite.Test.self, from: Data($0.utf8)) }
    var tests = known
    let names = try suite.names()
    let done = Set(known.map(\.name))
    if known.isEmpty { try Data().write(to: URL(fileURLWithPath: path)) }
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.seekToEnd()
    for (index, name) in names.enumerated() where !done.contains(name) {
      if index % 50 == 0 {
        print("seeing what tests reach: \(index) of \(names.count)")
        fflush(nil)
      }
      guard let test = try suite.observe(name) else {
        print("\(name) fails without any slip, and is left out")
        continue
      }
      tests.append(test)
      try file.write(contentsOf: JSONEncoder().encode(test) + Data("\n".utf8))
    }
    return tests
  }
}

struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what share was noticed, and which slips weren't.")

  @Argument(help: "What `run` kept.")
  var ledger: String

  func run() throws { print(try Ledger(path: ledger).report) }
}
