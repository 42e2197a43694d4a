import Foundation

/// The tests that were linked with planted sources.
struct Suite {
  let build: Build

  /// One test, or all of one suite that are quick together, and what was seen of them where no slip is made.
  struct Tests: Codable {
    /// The test's name, or the suite's with a slash behind it.
    let name: String
    let seconds: Double
    /// The numbers of the slips whose places are reached.
    let reached: Set<Int>

    /// The tests' target.
    var target: String { Suite.target(of: name) }
  }

  /// Suites that take longer are looked at test by test.
  private static let quickSeconds = 5.0

  private var bundle: String { "\(build.products)/sam2kitPackageTests.xctest" }

  /// The tests' names, by their suites'.
  func names() throws -> [String: [String]] {
    let listed = try Command.run(
      bundle, ["--testing-library", "swift-testing", "--list-tests"], in: build.package)
    guard listed.status == 0 else { throw Failure("\(bundle): the tests can't be listed: \(listed.text)") }
    let names = listed.text.split(separator: "\n").map(String.init).filter { $0.contains("Tests.") }
    return Dictionary(grouping: names, by: Self.suite)
  }

  /// The suite that a test is in, with a slash behind it; a test that is in none stands alone.
  static func suite(of name: String) -> String { name.lastIndex(of: "/").map { String(name[...$0]) } ?? name }

  /// The target that a test or a suite is in.
  static func target(of name: String) -> String { String(name.prefix { $0 != "." }) }

  /// Runs a suite without any slip, and each of its tests if that takes long or fails. What fails alone is said and left out.
  func observe(_ suite: String, _ tests: [String]) throws -> [Tests] {
    if let all = try observe(suite), tests.count == 1 || all.seconds <= Self.quickSeconds { return [all] }
    return try tests.compactMap { test in
      let seen = try observe(test)
      if seen == nil { print("\(test) fails without any slip, and is left out") }
      return seen
    }
  }

  /// - Returns: nil where something fails without any slip.
  private func observe(_ name: String) throws -> Tests? {
    let journal = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: journal) }
    let start = ContinuousClock.now
    let run = try run([name], with: ["SAM2KIT_SLIP_LOG": journal.path])
    let seconds = start.duration(to: .now) / .seconds(1)
    guard run == .passed else { return nil }
    let numbers = (try? String(contentsOf: journal, encoding: .utf8)) ?? ""
    return Tests(
      name: name, seconds: seconds, reached: Set(numbers.split(separator: "\n").compactMap { Int($0) }))
  }

  enum Outcome: Equatable {
    case passed
    case failed(String)
  }

  /// Runs some tests or suites.
  func run(_ names: [String], with variables: [String: String] = [:], seconds: Double = 600) throws -> Outcome {
    // A test's name ends in its parameters; more stands behind it where filters look.
    let patterns = names.map { "^" + NSRegularExpression.escapedPattern(for: $0) }
    let filters = patterns.flatMap { ["--filter", $0] }
    let found = try Command.run(
      bundle, ["--testing-library", "swift-testing"] + filters, in: build.package, with: variables,
      seconds: seconds)
    guard let status = found.status else { return .failed("no end within \(Int(seconds)) s") }
    if status == 0 { return .passed }
    let failures = found.text.matches(
      of: /Test (?:case passing .* to )?"?([A-Za-z0-9_]+)[^ ]* recorded an issue/)
    return .failed(failures.first.map { String($0.1) } ?? "ended with status \(status)")
  }
}
