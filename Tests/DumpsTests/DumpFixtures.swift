// Files that tools/fixtures/make_dumps.py wrote, and small ones that tests make up.
import Foundation
import Taps
import Tensors
import TestSupport
import Verification

@testable import Dumps

enum DumpFixtures {
  /// 0 to 23 in the shape that the fixtures have.
  static let counting = (0..<24).map { Float($0) }
  static let shape: Shape = [2, 3, 4]

  /// A fixture's arrays under their own names.
  static func open(_ name: String) throws -> ForeignArrays {
    try ForeignArrays(path: TestFiles.fixture(name), reference: nil)
  }

  /// A `.npy` file with that header.
  static func npy(
    _ elements: [Float], _ shape: [Int], fortran: Bool = false, descr: String = "<f4", header: String? = nil
  ) -> [UInt8] {
    let extents = shape.map { "\($0), " }.joined()
    let text =
      header
      ?? "{'descr': '\(descr)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': (\(extents)), }\n"
    let length = UInt16(text.utf8.count)
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xff), UInt8(length >> 8)] + Array(text.utf8)
      + elements.withUnsafeBytes { Array($0) }
  }

  static func write(_ bytes: [UInt8], _ path: String) throws {
    try FileManager.default.createDirectory(
      at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  /// Taps that a reference has, by their names.
  static func expected(_ taps: [(name: String, shape: Shape)]) -> [SourceArray] {
    taps.map { SourceArray(TapID($0.name), $0.shape) }
  }

  /// A map as a file would have it.
  static func map(_ json: String) throws -> NameMap { try NameMap(Data(json.utf8), path: "map.json") }

  /// What opening a folder with that map against those taps is refused for; nil where it isn't.
  static func refusal(
    _ arrays: [String: [Int]], _ json: String, taps: [(name: String, shape: Shape)]
  ) throws -> DumpError? {
    try TestFiles.withTemporaryFolder { folder in
      for (name, shape) in arrays {
        try write(npy([Float](repeating: 1, count: shape.reduce(1, *)), shape), "\(folder)/dump/\(name).npy")
      }
      do {
        _ = try ForeignArrays(path: "\(folder)/dump", map: map(json), reference: expected(taps))
        return nil
      } catch let error as DumpError { return error }
    }
  }
}

extension ForeignArrays {
  /// All elements of an array, read in pieces of seven.
  func elements(_ name: String) throws -> [Float] {
    guard let shape = arrays.first(where: { $0.id.name == name })?.shape else { return [] }
    var elements = [Float](repeating: -1, count: shape.count)
    for start in stride(from: 0, to: shape.count, by: 7) {
      try elements.withUnsafeMutableBufferPointer {
        try read(
          TapID(name), from: start,
          into: UnsafeMutableBufferPointer(rebasing: $0[start..<min(start + 7, shape.count)])
        )
      }
    }
    return elements
  }
}
