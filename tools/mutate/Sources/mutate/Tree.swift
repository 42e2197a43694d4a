import Foundation

/// The package's sources, and those that slips are planted in.
struct Tree {
  let build: Build

  /// What tells every planted place whether its slip is made: the number in the environment's `SAM2KIT_SLIP`. Where
  /// `SAM2KIT_SLIP_LOG` names a file, the numbers of the places that are reached are added to it, each once.
  private static let switchboard = """
    #include <fcntl.h>
    #include <stdbool.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <unistd.h>

    static int chosen = -1, journal = -1;
    static unsigned char reached[1 << 16];

    __attribute__((constructor)) static void read_environment(void) {
      const char *number = getenv("SAM2KIT_SLIP"), *path = getenv("SAM2KIT_SLIP_LOG");
      if (number) chosen = atoi(number);
      if (path) journal = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    }

    bool cvector_slip(int number) {
      if (journal >= 0 && !reached[number & 0xffff]) {
        reached[number & 0xffff] = 1;
        char line[16];
        int count = snprintf(line, sizeof line, "%d\\n", number);
        if (write(journal, line, count) < 0) _exit(99);
      }
      return number == chosen;
    }
    """

  /// The Swift files of some targets, by their paths from the package's folder.
  func sources(of targets: [String]) throws -> [String] {
    try targets.flatMap { target in
      let folder = URL(fileURLWithPath: "\(build.package)/Sources/\(target)")
      guard FileManager.default.fileExists(atPath: folder.path),
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
      else { throw Failure("\(folder.path): no such target") }
      return files.compactMap { ($0 as? URL)?.path }.filter { $0.hasSuffix(".swift") }
        .map { String($0.dropFirst(build.package.count + 1)) }
    }.sorted()
  }

  /// All places of some targets where slips can be planted.
  func slips(in targets: [String]) throws -> [Slip] {
    try sources(of: targets).flatMap { file in
      SlipFinder.slips(in: try original(file), file: file)
    }
  }

  private func original(_ file: String) throws -> String {
    try String(contentsOfFile: "\(build.package)/\(file)", encoding: .utf8)
  }

  /// Plants slips, leaves out those that the compiler refuses, and makes the program and the tests that have the others.
  ///
  /// - Parameter slips: what to plant, by their numbers.
  /// - Returns: Those that stay.
  func plant(_ slips: [Int: Slip]) throws -> [Int: Slip] {
    // Of an earlier planting nothing may stand in for sources that have changed since.
    for folder in ["Sources", "objects"] { try? FileManager.default.removeItem(atPath: "\(build.scratch)/\(folder)") }
    var kept = slips
    var unfinished = Set(slips.values.map(\.target))
    while !unfinished.isEmpty {
      let byFile = Dictionary(grouping: kept, by: \.value.file)
      for file in Set(slips.values.map(\.file)) {
        let planted = URL(fileURLWithPath: "\(build.scratch)/\(file)")
        try FileManager.default.createDirectory(
          at: planted.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Self.text(of: original(file), with: byFile[file] ?? [])
          .write(to: planted, atomically: true, encoding: .utf8)
      }
      for target in unfinished.sorted() {
        let places = try build.compile(target)
        FileHandle.standardError.write(Data("\(target): \(places.count) places refused\n".utf8))
        if places.isEmpty { unfinished.remove(target) }
        let refused = try Set(places.flatMap { try Self.slips(kept.values, at: $0) })
        kept = kept.filter { !refused.contains($0.value) }
      }
    }
    try build.compile(c: Self.switchboard)
    try build.link()
    return kept
  }

  /// Those that an error is about: of an expression over several lines the compiler may name another line.
  private static func slips(_ slips: some Collection<Slip>, at place: Build.Place) throws -> [Slip] {
    let there = slips.filter { $0.file == place.file }
    guard let nearest = there.map({ abs($0.line - place.line) }).min() else {
      throw Failure("\(place.file):\(place.line): \(place.message), where nothing was planted")
    }
    return there.filter { abs($0.line - place.line) == nearest }
  }

  /// A file with slips in it.
  private static func text(of original: String, with slips: [(key: Int, value: Slip)]) -> String {
    guard !slips.isEmpty else { return original }
    var bytes = Array(original.utf8)
    for (number, slip) in slips.sorted(by: { $0.value.offset > $1.value.offset }) {
      let planted = slip.planted.replacingOccurrences(of: "%slip", with: "plantedSlip(\(number))")
      bytes.replaceSubrange(slip.range, with: Array(planted.utf8))
    }
    return String(decoding: bytes, as: UTF8.self)
      + "\n@_silgen_name(\"cvector_slip\") private func plantedSlip(_ number: Int32) -> Bool\n"
  }
}

/// One sentence on what went wrong.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
