import Foundation

/// The built tests of a tree.
struct Suite {
  let tree: Tree

  /// What was seen of a test where no slip is made.
  struct Test: Codable {
    let name: String
    let seconds: Double
    /// The numbers of the slips whose places it reaches.
    let reached: Set<Int>
  }

  private var bundle: String { "\(tree.path)/.build/release/sam2kitPackageTests.xctest" }

  /// The tests' names.
  func names() throws -> [String] {
    let listed = try Command.run(bundle, ["--testing-library", "swift-testing", "--list-tests"], in: tree.path)
    guard listed.status == 0 else { throw Failure("\(bundle): the tests can't be listed: \(listed.text)") }
    return listed.text.split(separator: "\n").map(String.init).filter { $0.contains("Tests.") }
  }

  /// Runs a test without any slip.
  ///
  /// - Returns: nil where it fails all the same.
  func observe(_ name: String) throws -> Test? {
    let journal = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: journal) }
    let start = ContinuousClock.now
    let run = try run([name], with: ["SAM2KIT_SLIP_LOG": journal.path])
    guard run == .passed else { return nil }
    let seconds = start.duration(to: .now) / .seconds(1)
    let numbers = (try? String(contentsOf: journal, encoding: .utf8)) ?? ""
    return Test(
      name: name, seconds: seconds, reached: Set(numbers.split(separator: "\n").compactMap { Int($0) }))
  }

  enum Outcome: Equatable {
    case passed
    case failed(String)
  }

  /// Runs some tests.
  func run(_ names: [String], with variables: [String: String] = [:], seconds: Double = 600) throws -> Outcome {
    // A test's name ends in its parameters; more stands behind it where filters look.
    let patterns = names.map { "^" + NSRegularExpression.escapedPattern(for: $0) }
    let filters = patterns.flatMap { ["--filter", $0] }
    let found = try Command.run(
      bundle, ["--testing-library", "swift-testing"] + filters, in: tree.path, with: variables, seconds: seconds
    )
    guard let status = found.status else { return .failed("no end within \(Int(seconds)) s") }
    if status == 0 { return .passed }
    let failures = found.text.matches(
      of: /Test (?:case passing .* to )?"?([A-Za-z0-9_]+)[^ ]* recorded an issue/)
    return .failed(failures.first.map { String($0.1) } ?? "ended with status \(status)")
  }
}
