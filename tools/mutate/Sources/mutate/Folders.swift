import ArgumentParser
import Foundation

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

  /// What is planted, by its numbers, as a file.
  var planted: URL { URL(fileURLWithPath: "\(scratch)/slips.json") }

  /// What is planted, by its numbers.
  func slips() throws -> [Int: Slip] {
    try JSONDecoder().decode([Int: Slip].self, from: Data(contentsOf: planted))
  }

  /// What tests reach, a line of JSON each.
  var observations: URL { URL(fileURLWithPath: "\(scratch)/observations.jsonl") }

  /// What became of each slip.
  var ledger: String { "\(scratch)/ledger.jsonl" }
}
