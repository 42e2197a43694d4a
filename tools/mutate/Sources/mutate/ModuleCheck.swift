import Foundation

/// Asks the compiler whether a module's sources are right, with the commands that the package's last build left.
struct ModuleCheck {
  let tree: Tree
  let module: String

  /// Where the compiler found an error.
  struct Place {
    let file: String
    let line: Int
    let message: String
  }

  /// Options of the build that say where results go or how they are told; those with a value of their own first.
  private static let outputsWithValue: Set = [
    "-emit-module-path", "-output-file-map", "-emit-objc-header-path", "-num-threads",
  ]
  private static let outputs: Set = [
    "-emit-dependencies", "-emit-module", "-c", "-serialize-diagnostics", "-parseable-output",
    "-emit-objc-header",
    "-whole-module-optimization", "-O", "-g",
  ]

  func errors() throws -> [Place] {
    let (command, rest) = try command()
    let found = try Command.run(command, rest + ["-typecheck"], in: tree.path)
    var places: [Place] = []
    for line in found.text.split(separator: "\n") {
      guard let match = line.firstMatch(of: /^(.+\.swift):(\d+):\d+: error: (.*)$/), let number = Int(match.2)
      else {
        continue
      }
      var file = String(match.1)
      if file.hasPrefix(tree.path + "/") { file = String(file.dropFirst(tree.path.count + 1)) }
      places.append(Place(file: file, line: number, message: String(match.3)))
    }
    guard found.status == 0 || !places.isEmpty else {
      throw Failure("\(module): the compiler failed: \(found.text.suffix(2000))")
    }
    return places
  }

  /// The compiler and what it was called with, but for outputs.
  private func command() throws -> (String, [String]) {
    let manifest = try String(contentsOfFile: "\(tree.path)/.build/release.yaml", encoding: .utf8)
    let mark = "    args: ["
    guard
      let rule = manifest.components(separatedBy: "\n\n").first(where: { rule in
        rule.drop { $0.isWhitespace }.hasPrefix("\"C.\(module)-") && rule.contains(".module\":")
      }), let start = rule.range(of: mark), let end = rule.range(of: "]", options: .backwards)
    else { throw Failure("\(tree.path): expected a finished release build with \(module), found none") }
    let list = "[" + rule[start.upperBound..<end.lowerBound] + "]"
    var arguments = try JSONDecoder().decode([String].self, from: Data(list.utf8))[...]
    guard let compiler = arguments.popFirst() else { throw Failure("\(module): no compiler is named") }
    var kept: [String] = []
    while let argument = arguments.popFirst() {
      if argument.hasPrefix("-X"), let passed = arguments.popFirst() {
        kept += [argument, passed]
      } else if Self.outputsWithValue.contains(argument) {
        arguments.removeFirst()
      } else if !Self.outputs.contains(argument), !argument.hasPrefix("-j") {
        kept.append(argument)
      }
    }
    return (compiler, kept)
  }
}
