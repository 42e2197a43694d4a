// What comes along with `import SAM2`: the manifest's graph and the sources' imports, walked from the library product.

import Files
import Foundation
import Testing
import TestSupport

@Suite struct LayeringTests {
  private let manifest: String

  init() throws {
    manifest = String(decoding: try MappedFile.contents(of: TestFiles.package("Package.swift")), as: UTF8.self)
  }

  /// The words in quotes of a list in the manifest.
  private func names(_ list: Substring) -> [String] { list.matches(of: /"(\w+)"/).map { String($0.1) } }

  /// What the manifest lists for every `layer`.
  private var layers: [String: [String]] {
    let found = manifest.matches(of: /layer\(\s*"(\w+)",\s*\[([^\]]*)\]/)
    return Dictionary(uniqueKeysWithValues: found.map { (String($0.1), names($0.2)) })
  }

  /// The targets of the product and everything below them.
  private func closure(of product: String) throws -> Set<String> {
    let pattern = try Regex<(Substring, Substring)>(
      "\\.library\\(\\s*name: \"\(product)\",\\s*targets: \\[([^\\]]*)\\]")
    var waiting = names(try #require(manifest.firstMatch(of: pattern)).1)
    var found: Set<String> = []
    while let target = waiting.popLast() {
      if found.insert(target).inserted { waiting += layers[target] ?? [] }
    }
    return found
  }

  private static let allowed: Set = [
    "SAM2", "Architecture", "Kernels", "Masks", "Prompts", "Taps", "Tensors", "OpenBLASBackend",
    "OneDNNBackend", "Threads", "CVector", "COpenBLAS", "COneDNN",
  ]

  /// No HDF5, zip, FFmpeg, JPEG, PNG or YAML, and nothing else that isn't named here.
  @Test func theModelAloneBringsItsArithmeticAlone() throws {
    let found = try closure(of: "SAM2")
    #expect(found.subtracting(Self.allowed).sorted() == [])
    // The walk went somewhere.
    #expect(found.isSuperset(of: ["SAM2", "CVector", "COpenBLAS"]))
  }

  /// The manifest may list less than is imported where nobody asks SwiftPM to look.
  @Test func theModelsSourcesImportNothingElse() throws {
    let system: Set = ["Foundation", "Dispatch", "Synchronization", "Glibc", "Darwin", "Musl"]
    let targets = try closure(of: "SAM2").intersection(Self.allowed)
    var read = 0
    for target in targets.sorted() {
      let folder = TestFiles.package("Sources/\(target)")
      let files = FileManager.default.enumerator(atPath: folder)
      while let file = files?.nextObject() as? String {
        guard file.hasSuffix(".swift") else { continue }
        let text = String(decoding: try MappedFile.contents(of: "\(folder)/\(file)"), as: UTF8.self)
        let pattern = /^\s*(?:(?:public|package|internal|private|fileprivate) )?import (?:\w+ )?(\w+)/
        let imports = text.matches(of: pattern.anchorsMatchLineEndings()).map { String($0.1) }
        read += imports.count
        for name in imports where !system.contains(name) {
          #expect(layers[target]?.contains(name) == true, "\(target)/\(file) imports \(name)")
        }
      }
    }
    #expect(read > 50)
  }
}
