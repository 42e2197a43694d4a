import Files
import Foundation
import Masks
import Media

/// The folder that a tracked video's masks go into, and what an interrupted run leaves there to go on from.
struct TrackFolder {
  private let folder: OutputFolder
  /// A mask's name by frame, for videos without names.
  private let names: [String]
  private let numbering: FrameNumbering

  /// Makes the folder. Masks are called as the frames are, or by their numbers.
  init(_ path: String, _ input: VideoInput) throws {
    guard !input.stands(at: path) else {
      throw FileError.unwritable(path: path, reason: "the video's own frames are there; name another folder")
    }
    folder = try OutputFolder(path)
    numbering = input.source.numbering
    let stems = input.source.frameNames.map { ($0 as NSString).deletingPathExtension + ".png" }
    names = Set(stems).count == stems.count ? stems : []
  }

  private static let reportName = "tracks.json"

  /// See `Tracking.names`.
  static func names(_ name: String) -> Bool {
    name == reportName || name.isNumbered("", ".png") || OutlineFormat.names(name)
  }

  var path: String { folder.path }
  var report: String { folder.file(Self.reportName) }
  var journal: String { folder.file(".tracks.journal") }
  var state: String { folder.file(".tracks.state") }

  /// The name of a frame's mask, by the frame's number in the video.
  func maskName(_ frame: Int) -> String {
    let index = numbering.index(of: frame) ?? names.count
    return names.indices.contains(index) ? names[index] : String(format: "%05d.png", frame)
  }

  func file(_ name: String) -> String { folder.file(name) }

  /// The largest number of an object that a PNG holds.
  static let mostObjects = LabelRaster.limit

  /// Writes a frame's objects as an indexed PNG, or where their numbers need it as one of 16-bit grey.
  func write(_ entry: TrackEntry, width: Int, height: Int) throws {
    let masks = entry.masks()
    if masks.contains(where: { $0.object > Int(UInt8.max) }) {
      try LabelRaster(width: width, height: height, objects: masks).write(path: file(entry.mask))
    } else {
      try LabelMap(width: width, height: height, masks: masks).write(path: file(entry.mask))
    }
  }

  /// Writes the outlines of all masks in a journal.
  func write(_ outlines: TrackOutlines, _ journal: TrackJournal, _ source: any FrameSource) throws {
    try outlines.write(journal, to: folder, source)
  }

  /// Whether an unfinished run has left a state to go on from.
  var hasState: Bool { FilePath.exists(state) }

  /// Removes what only an unfinished run needs: the state first, which must not outlive its journal.
  func removeState() throws {
    if hasState {
      FilePath.remove(state)
      try Disk.synchronizeFolder(of: state)
    }
    FilePath.remove(journal)
  }

  /// The masks and outlines that an earlier report in this folder lists: once it is replaced, nothing speaks of them any more.
  var reportedFiles: Set<String> {
    struct Report: Decodable {
      struct Frame: Decodable { let mask: String }
      let format: String
      let frames: [Frame]
      let outlines: [String]?
    }
    guard let data = try? MappedFile.contents(of: report),
      let report = try? JSONDecoder().decode(Report.self, from: Data(data)),
      report.format == TrackReport.format
    else { return [] }
    let masks = report.frames.map(\.mask).filter { $0.hasSuffix(".png") && !$0.contains("/") }
    return Set(masks + (report.outlines ?? []).filter(OutlineFormat.names))
  }

  /// Removes files by name.
  func remove(_ names: Set<String>) {
    for name in names { FilePath.remove(file(name)) }
  }
}
