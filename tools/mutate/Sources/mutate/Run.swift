import ArgumentParser
import Foundation
import Synchronization

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make one planted slip after the other and run the tests that reach it.")

  @OptionGroup var folders: Folders
  @Option(name: .long, help: "How many to run at once.")
  var jobs = 2
  @Option(name: .long, help: "How many seconds' worth of tests to run for one slip.")
  var seconds = 20.0

  /// How many seconds' worth of tests run at once, before the longer ones.
  private static let batchSeconds = 4.0

  func run() throws {
    let suite = Suite(build: try folders.build())
    let slips = try folders.slips()
    let tests = try observations(suite, of: Set(slips.values.map(\.target)))
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

  /// What tests of some targets reach, found once for what is planted, and again for tests that were built since.
  private func observations(_ suite: Suite, of planted: Set<String>) throws -> [Suite.Tests] {
    let time = Build.time(of: folders.observations) ?? .distantPast
    let known = ((try? String(contentsOf: folders.observations, encoding: .utf8)) ?? "").split(separator: "\n")
      .compactMap { try? JSONDecoder().decode(Suite.Tests.self, from: Data($0.utf8)) }
      .filter { tests in suite.build.time(of: tests.target).map { $0 < time } ?? false }
    let done = Set(known.map { Suite.suite(of: $0.name) })
    let targets = try suite.build.testTargets(of: planted)
    let open = try suite.names().filter { !done.contains($0.key) && targets.contains(Suite.target(of: $0.key)) }
      .sorted { $0.key < $1.key }
    let lines = try known.map { try JSONEncoder().encode($0) + Data("\n".utf8) }
    try Data(lines.joined()).write(to: folders.observations)
    let file = try Mutex(FileHandle(forWritingTo: folders.observations))
    try file.withLock { _ = try $0.seekToEnd() }
    let found = Mutex(known)
    let count = Mutex(0)
    try each(open) { name, names in
      for test in try suite.observe(name, names) {
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
