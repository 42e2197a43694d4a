import Files
import Foundation
import Media

/// A folder that results go into, made if it isn't there.
struct OutputFolder {
  let path: String

  /// Makes the folder and sees that files can be made in it.
  init(_ path: String) throws {
    self.path = path
    for end in path.indices where path[end] == "/" && end != path.startIndex {
      try Self.make(String(path[..<end]))
    }
    try Self.make(path)
    guard access(path, W_OK | X_OK) == 0 else {
      throw FileError.unwritable(path: path, reason: String(cString: strerror(errno)))
    }
  }

  /// Makes one folder, unless it is there.
  private static func make(_ path: String) throws {
    guard mkdir(path, 0o755) != 0, errno != EEXIST else { return }
    throw FileError.unwritable(
      path: path, reason: "the folder can't be made: \(String(cString: strerror(errno)))")
  }

  func file(_ name: String) -> String { path.hasSuffix("/") ? path + name : "\(path)/\(name)" }

  /// Writes a segmentation's masks, overlay and report: all of them, or none where one can't be written.
  func write(_ segmentation: Segmentation, report: SegmentationReport) throws {
    let staging = file(".\(UUID().uuidString).partial")
    PartialFiles.add(staging)
    defer { PartialFiles.remove(staging) }
    try FileManager.default.createDirectory(atPath: staging, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: staging) }
    let before = previousMasks
    var names: [String] = []
    func staged(_ name: String) throws -> String {
      // What is in the way of a name shows here, before any file is in its place.
      _ = try OutputFile(path: file(name))
      names.append(name)
      return "\(staging)/\(name)"
    }
    for (index, found) in segmentation.masks.enumerated() {
      try found.mask.write(path: staged(SegmentationReport.maskName(index)))
    }
    try segmentation.overlay().write(path: staged("overlay.png"))
    let json = try OutputFile(path: staged("prediction.json"))
    try json.write(try report.json)
    try json.commit()
    for name in names where rename("\(staging)/\(name)", file(name)) != 0 {
      throw FileError.unwritable(path: file(name), reason: String(cString: strerror(errno)))
    }
    for name in before.subtracting(names) { try? FileManager.default.removeItem(atPath: file(name)) }
  }

  /// The masks that an earlier report in this folder lists: once it is replaced, nothing speaks of them any more.
  private var previousMasks: Set<String> {
    struct Report: Decodable {
      struct Mask: Decodable { let file: String }
      let masks: [Mask]
    }
    guard let data = try? MappedFile.contents(of: file("prediction.json")),
      let report = try? JSONDecoder().decode(Report.self, from: Data(data))
    else { return [] }
    // Only names that this program gives.
    return Set(report.masks.map(\.file)).intersection(report.masks.indices.map(SegmentationReport.maskName))
  }
}
