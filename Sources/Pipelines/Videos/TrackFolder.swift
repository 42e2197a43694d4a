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

  private static let (reportName, journalName, stateName) = ("tracks.json", ".tracks.journal", ".tracks.state")

  /// See `Tracking.names`.
  static func names(_ name: String) -> Bool {
    name == reportName || name.isNumbered("", ".png") || OutlineFormat.names(name)
  }

  var path: String { folder.path }
  var report: String { folder.file(Self.reportName) }
  var journal: String { folder.file(Self.journalName) }
  var state: String { folder.file(Self.stateName) }
  /// The same to be written.
  var newReport: String { folder.target(Self.reportName) }
  var newState: String { folder.target(Self.stateName) }

  /// The name of a frame's mask, by the frame's number in the video.
  func maskName(_ frame: Int) -> String {
    let index = numbering.index(of: frame) ?? names.count
    return names.indices.contains(index) ? names[index] : String(format: "%05d.png", frame)
  }

  /// Sees that no mask would replace one that is read.
  func requireNoMask(of read: [String]) throws {
    for path in read where FilePath.isSame(FilePath.folder(of: path), folder.path) {
      let name = FilePath.name(of: path)
      guard names.contains(name) else { continue }
      throw FileError.unwritable(
        path: folder.file(name), reason: "it would replace \(path), which is read; name another folder")
    }
  }

  /// The largest number of an object that a PNG holds.
  static let mostObjects = LabelRaster.limit

  /// Writes a frame's objects as an indexed PNG, or where their numbers need it as one of 16-bit grey.
  func write(_ entry: TrackEntry, width: Int, height: Int) throws {
    try write(entry, width: width, height: height, to: folder.target(entry.mask))
  }

  private func write(_ entry: TrackEntry, width: Int, height: Int, to path: String) throws {
    let masks = entry.masks()
    if masks.contains(where: { $0.object > Int(UInt8.max) }) {
      try LabelRaster(width: width, height: height, objects: masks).write(path: path)
    } else {
      try LabelMap(width: width, height: height, masks: masks).write(path: path)
    }
  }

  /// Writes the outlines of all masks in a journal.
  func write(_ outlines: TrackOutlines, _ journal: TrackJournal, width: Int, height: Int) throws {
    let frames = journal.frames
    let path = folder.target(outlines.format.fileName)
    try outlines.write(to: path, width: width, height: height, count: frames.count) { index in
      try journal.entry(of: frames[index])
    }
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

  /// What an earlier report in this folder says; nil where there is none, or something else of that name.
  var earlier: TrackReport.Earlier? {
    guard let data = try? MappedFile.contents(of: report),
      let report = try? TrackEntry.decoder.decode(TrackReport.Earlier.self, from: Data(data)),
      report.format == TrackReport.format
    else { return nil }
    return report
  }

  /// Whether there is anything in the report's place.
  var hasReport: Bool { FilePath.exists(report) }

  /// Removes masks and outlines of an earlier report, but for some: once it is replaced, nothing speaks of them any more. A file
  /// that isn't, to the byte, what this program makes of what the report says of it is left alone.
  func remove(filesOf report: TrackReport.Earlier, except kept: Set<String>) {
    let (width, height) = (report.video.width, report.video.height)
    let entries = report.entries
    for outlines in report.outlines ?? [] where !kept.contains(outlines.format.fileName) {
      guard entries.allSatisfy({ $0.isDrawable(width: width, height: height) }),
        folder.holds(
          outlines.format.fileName,
          asWrittenBy: {
            try outlines.write(to: $0, width: width, height: height, count: entries.count) { entries[$0] }
          })
      else { continue }
      FilePath.remove(folder.file(outlines.format.fileName))
    }
    for entry in entries where !kept.contains(entry.mask) {
      guard entry.mask.hasSuffix(".png"), !entry.mask.contains("/"),
        entry.isDrawable(width: width, height: height),
        folder.holds(
          entry.mask, asWrittenBy: { try write(entry, width: width, height: height, to: $0) })
      else { continue }
      FilePath.remove(folder.file(entry.mask))
    }
  }

  /// Removes a new run's masks and report, where it ends before there is anything to go on from.
  func discard(_ frames: [Int]) {
    for frame in frames { FilePath.remove(folder.file(maskName(frame))) }
    FilePath.remove(report)
  }
}
