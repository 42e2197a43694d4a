// Plants small mistakes in the package and sees which of them its tests notice.

import ArgumentParser
import Foundation
import Synchronization

@main
struct Mutate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mutate",
    abstract: "Plant small mistakes in sam2kit's sources and see which of them its tests notice.",
    discussion: "README.md beside this program's sources says how; tools/mutate/run does all of it.",
    subcommands: [Plant.self, Run.self, Report.self])
}

/// Where the package and what is made of it stand.
struct Folders: ParsableArguments {
  @Argument(help: "The package's folder, built in release mode with its tests.")
  var package: String
  @Option(name: .long, help: "Where planted sources, what is made of them, and the results stand.")
  var scratch: String

  func build() throws -> Build {
    func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
    return try Build(package: absolute(package), scratch: absolute(scratch))
  }

  /// What is planted, by its numbers.
  var planted: URL { URL(fileURLWithPath: "\(scratch)/slips.json") }
  func slips() throws -> [Int: Slip] {
    try JSONDecoder().decode([Int: Slip].self, from: Data(contentsOf: planted))
  }
  /// What tests reach, a line of JSON each.
  var observations: URL { URL(fileURLWithPath: "\(scratch)/observations.jsonl") }
  /// What became of each slip.
  var ledger: String { "\(scratch)/ledger.jsonl" }
}

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
    let wanted = try again ? survivors(in: all) : sample(of: all)
    let planted = try tree.plant(wanted)
    try JSONEncoder().encode(planted).write(to: folders.planted)
    print("\(planted.count) slips planted, of \(all.count) places")
  }

  private func sample(of all: [Slip]) -> [Int: Slip] {
    Dictionary(uniqueKeysWithValues: all.sample(count, seed: seed).enumerated().map { ($0, $1) })
  }

  /// What wasn't noticed keeps its number, by which the tests that reach it are known, and has no line in the ledger any more.
  private func survivors(in all: [Slip]) throws -> [Int: Slip] {
    var ledger = try Ledger(path: folders.ledger)
    let found = try folders.slips().compactMapValues { slip -> Slip? in
      guard ledger.hasUnnoticed(slip) else { return nil }
      return all.filter { $0.isSame(as: slip) }.min { abs($0.line - slip.line) < abs($1.line - slip.line) }
    }
    try ledger.forgetUnnoticed()
    return found
  }
}

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make one planted slip after the other and run the tests that reach it.")

  @OptionGroup var folders: Folders
  @Option(name: .long, help: "How many to run at once.")
  var jobs = 2
  @Option(name: .long, help: "How many seconds' worth of tests to run for one slip.")
  var seconds = 60.0

  /// How many seconds' worth of tests run at once, before the longer ones.
  private static let batchSeconds = 4.0

  func run() throws {
    let suite = Suite(build: try folders.build())
    let slips = try folders.slips()
    let tests = try observations(suite)
    let ledger = try Mutex(Ledger(path: folders.ledger))
    let open = slips.sorted { $0.key < $1.key }.filter { slip in !ledger.withLock { $0.knows(slip.value) } }
    let total = ledger.withLock { $0.entries.count } + open.count
    try each(open) { number, slip in
      let reaching = tests.filter { $0.reached.contains(number) }
      let failing = try firstFailure(of: inOrder(reaching, for: slip), number, suite)
      try ledger.withLock { ledger in
        try ledger.add(.init(slip: slip, isNoticed: failing != nil, by: failing, reaching: reaching.count))
        let noticed = ledger.entries.count { $0.isNoticed }
        print(
          "\(ledger.entries.count) of \(total), \(noticed) noticed; \(slip.id): \(failing ?? "NOT NOTICED")")
        fflush(nil)
      }
    }
  }

  /// Does something with every element, some at once.
  private func each<Element: Sendable>(_ elements: [Element], _ body: @Sendable (Element) throws -> Void) throws {
    let failure = Mutex<(any Error)?>(nil)
    let next = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: max(1, jobs)) { _ in
      while failure.withLock({ $0 == nil }) {
        let index = next.withLock { next in
          defer { next += 1 }
          return next
        }
        guard index < elements.count else { return }
        do { try body(elements[index]) } catch { failure.withLock { $0 = error } }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  /// The tests of the slip's own target first, and the quick ones, as many as there is time for.
  private func inOrder(_ tests: [Suite.Tests], for slip: Slip) -> [Suite.Tests] {
    func delay(_ tests: Suite.Tests) -> Double {
      tests.target == "\(slip.target)Tests" ? tests.seconds : tests.seconds + Self.batchSeconds
    }
    var left = seconds
    return tests.sorted { delay($0) < delay($1) }.prefix { tests in
      left -= tests.seconds
      return left >= 0
    }
  }

  /// Runs tests in batches until one fails.
  private func firstFailure(of tests: [Suite.Tests], _ number: Int, _ suite: Suite) throws -> String? {
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

  /// What tests reach, found once for what is planted, and again for tests that were built since.
  private func observations(_ suite: Suite) throws -> [Suite.Tests] {
    let known = ((try? String(contentsOf: folders.observations, encoding: .utf8)) ?? "").split(separator: "\n")
      .compactMap { try? JSONDecoder().decode(Suite.Tests.self, from: Data($0.utf8)) }
      .filter { tests in
        guard let time = Build.time(of: folders.observations) else { return false }
        return suite.build.time(of: tests.target).map { $0 < time } ?? false
      }
    let done = Set(known.map { Suite.suite(of: $0.name) })
    let targets = try suite.build.testTargets(of: Set(folders.slips().values.map(\.target)))
    let open = try suite.names().filter { !done.contains($0.key) && targets.contains(Suite.target(of: $0.key)) }
      .sorted { $0.key < $1.key }
    let lines = try known.map { try JSONEncoder().encode($0) + Data("\n".utf8) }
    try Data(lines.joined()).write(to: folders.observations)
    let file = try Mutex(FileHandle(forWritingTo: folders.observations))
    try file.withLock { _ = try $0.seekToEnd() }
    let found = Mutex(known)
    let count = Mutex(0)
    try each(open) { name, names in
      let tests = try suite.observe(name, names)
      if tests.isEmpty { print("\(name) fails without any slip, and is left out") }
      for test in tests {
        try file.withLock { try $0.write(contentsOf: JSONEncoder().encode(test) + Data("\n".utf8)) }
        found.withLock { $0.append(test) }
      }
      let seen = count.withLock { count in
        count += 1
        return count
      }
      if seen % 25 == 0 {
        print("seeing what tests reach: \(seen) suites of \(open.count)")
        fflush(nil)
      }
    }
    return found.withLock { $0 }
  }
}

struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what share was noticed, and which slips weren't; exit code 1 if it is too small.")

  @OptionGroup var folders: Folders
  @Option(name: .long, help: "The share, in percent, of those that change anything that is to be noticed.")
  var atLeast = 100

  func run() throws {
    let ledger = try Ledger(path: folders.ledger)
    let equivalents = try Equivalents(package: folders.package)
    print(ledger.report(without: equivalents))
    let open = equivalents.removed(from: ledger.entries.filter { !$0.isNoticed }.map(\.slip)).count
    let noticed = ledger.entries.count { $0.isNoticed }
    if 100 * noticed < atLeast * (noticed + open) { throw ExitCode(1) }
  }
}
