import Foundation

/// The package's last build, whose commands compile planted sources and link them with all that was built before: what no slip is in,
/// the tests among it, isn't compiled again.
struct Build {
  /// The package's folder, built in release mode with its tests.
  let package: String
  /// Where planted sources and what is made of them stand.
  let scratch: String
  /// The build's commands, by their names.
  private let commands: [String: [String]]

  /// Where the compiler found an error.
  struct Place {
    /// From the folder that the source stands in, as the package has it.
    let file: String
    let line: Int
    let message: String
  }

  init(package: String, scratch: String) throws {
    let manifest = try String(contentsOfFile: "\(package)/.build/release.yaml", encoding: .utf8)
    var commands: [String: [String]] = [:]
    for rule in manifest.components(separatedBy: "\n\n") {
      let mark = "    args: ["
      guard let name = rule.firstMatch(of: /^\s*"C\.([^"]+)":/), let start = rule.range(of: mark),
        let end = rule.range(of: "]", options: .backwards)
      else { continue }
      let list = "[" + rule[start.upperBound..<end.lowerBound] + "]"
      commands[String(name.1)] = try? JSONDecoder().decode([String].self, from: Data(list.utf8))
    }
    (self.package, self.scratch, self.commands) = (package, scratch, commands)
  }

  /// Where a program or the tests made of planted sources stand.
  var products: String { "\(scratch)/release" }

  /// The targets of tests that list one of some targets as what they test.
  func testTargets(of targets: Set<String>) throws -> Set<String> {
    struct Description: Decodable {
      struct Target: Decodable {
        let name, type: String
        let target_dependencies: [String]?
      }
      let targets: [Target]
    }
    let described = try Command.run("/usr/bin/env", ["swift", "package", "describe", "--type", "json"], in: package)
    // Progress and warnings stand before it.
    let text = described.text.drop { $0 != "{" }
    let all = try JSONDecoder().decode(Description.self, from: Data(text.utf8)).targets
    let tests = all.filter { $0.type == "test" && !targets.isDisjoint(with: $0.target_dependencies ?? []) }
    return Set(tests.map(\.name))
  }

  /// When a module was built last.
  func time(of module: String) -> Date? {
    Self.time(of: URL(fileURLWithPath: "\(package)/.build/release/Modules/\(module).swiftmodule"))
  }

  static func time(of file: URL) -> Date? {
    try? FileManager.default.attributesOfItem(atPath: file.path)[.modificationDate] as? Date
  }

  /// The command of a module or product, by what its name ends with.
  private func command(of name: String, _ suffix: String) throws -> (program: String, arguments: ArraySlice<String>) {
    let found = commands.first { $0.key.hasPrefix("\(name)-") && $0.key.hasSuffix("-release.\(suffix)") }
    guard let command = found?.value, let program = command.first else {
      throw Failure("\(package): expected a finished release build with \(name), found none")
    }
    return (program, command.dropFirst())
  }

  // MARK: Compiling

  /// Options that say where something goes that isn't needed, or how it is told; those with a value of their own first.
  private static let outputsWithValue: Set = [
    "-emit-module-path", "-output-file-map", "-emit-objc-header-path", "-index-store-path",
  ]
  private static let outputs: Set = [
    "-emit-dependencies", "-emit-module", "-serialize-diagnostics", "-parseable-output", "-emit-objc-header",
  ]

  /// Where the object of a module's source stands.
  private func object(of source: String, in module: String) -> String {
    "\(scratch)/objects/\(module).build/\((source as NSString).lastPathComponent).o"
  }

  /// Compiles a module with its planted sources in place of the package's.
  ///
  /// - Returns: The errors; none where it is compiled.
  func compile(_ module: String) throws -> [Place] {
    var (compiler, rest) = try command(of: module, "module")
    var (arguments, sources) = ([String](), [String]())
    while let argument = rest.popFirst() {
      if argument.hasPrefix("-X"), let passed = rest.popFirst() {
        arguments += [argument, passed]
      } else if argument.hasPrefix("@") {
        sources = try String(contentsOfFile: String(argument.dropFirst()), encoding: .utf8)
          .split(separator: "\n").map { $0.trimmingCharacters(in: ["'", "\""]) }
      } else if Self.outputsWithValue.contains(argument) {
        rest.removeFirst()
      } else if !Self.outputs.contains(argument) {
        arguments.append(argument)
      }
    }
    try FileManager.default.createDirectory(
      atPath: "\(scratch)/objects/\(module).build", withIntermediateDirectories: true)
    let planted = sources.map { source in
      let other = scratch + source.dropFirst(package.count)
      return source.hasPrefix(package + "/") && FileManager.default.fileExists(atPath: other) ? other : source
    }
    let objects = planted.map { ($0, ["object": object(of: $0, in: module)]) }
    let map = "\(scratch)/objects/\(module).json"
    try JSONEncoder().encode(Dictionary(uniqueKeysWithValues: objects)).write(to: URL(fileURLWithPath: map))
    let found = try Command.run(compiler, arguments + planted + ["-output-file-map", map], in: package)
    var places: [Place] = []
    for line in found.text.split(separator: "\n") {
      guard let match = line.firstMatch(of: /^(.+\.swift):(\d+):\d+: error: (.*)$/), let number = Int(match.2)
      else { continue }
      var file = String(match.1)
      for folder in [scratch, package] where file.hasPrefix(folder + "/") {
        file = String(file.dropFirst(folder.count + 1))
      }
      places.append(Place(file: file, line: number, message: String(match.3)))
    }
    guard found.status == 0 || !places.isEmpty else {
      throw Failure("\(module): the compiler failed: \(found.text.suffix(2000))")
    }
    return places
  }

  /// Compiles C that every product is linked with.
  func compile(c source: String) throws {
    let (compiler, _) = try command(of: "sam2kit", "exe")
    let clang = (compiler as NSString).deletingLastPathComponent + "/clang"
    let path = "\(scratch)/switchboard.c"
    try source.write(toFile: path, atomically: true, encoding: .utf8)
    let found = try Command.run(clang, ["-O2", "-fPIC", "-c", path, "-o", "\(path).o"], in: package)
    guard found.status == 0 else { throw Failure("\(path): the compiler failed: \(found.text)") }
  }

  // MARK: Linking

  /// Links the program and the tests: the objects of planted modules take the places of those that the build made.
  func link() throws {
    try FileManager.default.createDirectory(atPath: products, withIntermediateDirectories: true)
    try link("sam2kit", "exe", named: "sam2kit")
    try link("sam2kitPackageTests", "test", named: "sam2kitPackageTests.xctest")
  }

  private func link(_ product: String, _ suffix: String, named name: String) throws {
    var (linker, rest) = try command(of: product, suffix)
    var arguments: [String] = []
    while let argument = rest.popFirst() {
      if argument == "-o" {
        arguments += ["-o", "\(products)/\(name)"]
        rest.removeFirst()
      } else if argument.hasPrefix("@") {
        arguments.append("@" + (try objectList(String(argument.dropFirst()), for: product)))
      } else {
        arguments.append(argument)
      }
    }
    let found = try Command.run(linker, arguments, in: package)
    guard found.status == 0 else { throw Failure("\(name): the linker failed: \(found.text.suffix(2000))") }
  }

  private func objectList(_ path: String, for product: String) throws -> String {
    let objects = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
      let quoted = line.first == "'" || line.first == "\""
      let object = line.trimmingCharacters(in: ["'", "\""]) as NSString
      let module = (object.deletingLastPathComponent as NSString).lastPathComponent
      let planted = "\(scratch)/objects/\(module)/\(object.lastPathComponent)"
      guard FileManager.default.fileExists(atPath: planted) else { return String(line) }
      return quoted ? "'\(planted)'" : planted
    }
    let list = "\(scratch)/objects/\(product).LinkFileList"
    try (objects + ["\(scratch)/switchboard.c.o"]).joined(separator: "\n")
      .write(toFile: list, atomically: true, encoding: .utf8)
    return list
  }
}
