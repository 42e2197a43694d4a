// The masks of a folder's pictures: a folder for each, and one COCO file for all.

import Architecture
import Files
import Foundation
import Masks
import Media
public import SAM2

/// A folder of pictures to look at.
public struct MaskFolderRequest: Sendable {
  /// The COCO file of all pictures.
  public static let reportName = "coco.json"
  /// The folder.
  public var pictures: String
  /// The folder that results go into.
  public var output: String
  /// What to ask about, and what to keep.
  public var options = AutomaticMaskOptions()
  /// How records hold their masks.
  public var format = MaskFormat.cocoRLE
  /// See `PictureInput.init(_:path:longestSide:)`.
  public var longestSide: Int?
  /// Which files of outlines to write for each picture.
  public var outlines: [OutlineFormat] = []
  /// How far corners of outlines that are left out may lie off what remains, in pixels.
  public var tolerance = 0.0
  /// Whether pictures that an earlier run into the same folder finished are left as they are.
  public var resumes = false

  /// Everything in a folder's pictures, found as the official generator does.
  public init(pictures: String, output: String) {
    self.pictures = pictures
    self.output = output
  }
}

/// What became of a folder's pictures.
public struct MaskFolderResult: Sendable {
  /// The COCO file.
  public let report: String
  /// Pictures with masks, or none found; those of an earlier run included.
  public let pictures: Int
  /// All masks.
  public let masks: Int
  /// Pictures that couldn't be read or looked at, with why.
  public let failures: [(picture: String, reason: String)]
}

extension Model {
  /// Finds masks for everything in a folder's pictures. Pictures that can't be read are left out, and named.
  ///
  /// - Parameters:
  ///   - watch: Is told which picture comes next, and how far it is.
  ///   - isCancelled: Asked after every batch of points, beside the task's own cancellation.
  /// - Throws: `MediaError` where the folder has no picture, `FileError`, `SAM2Error.outOfRange`, `CancellationError`:
  ///   what is finished then stays, for a run that resumes.
  public func generateMasks(
    _ request: MaskFolderRequest, watch: PipelineWatcher = { _ in }, isCancelled: () -> Bool = { false }
  ) throws -> MaskFolderResult {
    try request.options.check()
    let names = try Picture.names(inFolder: request.pictures)
    let folder = try OutputFolder(request.output)
    var journal = try MaskJournal(of: request, model: self, in: folder)
    let outputs = MaskOutputs.names(of: names)
    var progress = FolderProgress(folder)
    defer { progress.end() }
    var failures: [(picture: String, reason: String)] = []
    for (index, name) in names.enumerated() {
      if isCancelled() || Task.isCancelled { throw CancellationError() }
      let path = "\(request.pictures)/\(name)"
      watch(.step("\(name): \(index + 1) of \(names.count)"))
      do {
        let digest = try SHA256.hex(ofFile: path)
        let output = folder.file(outputs[index])
        if let finished = journal.pictures[name], finished.sha256 == digest, finished.isWhole(in: output) {
          continue
        }
        journal.pictures[name] = nil
        let picture = try PictureInput(path: path, longestSide: request.longestSide)
        for note in picture.notes { watch(.note("\(path): \(note)")) }
        let found = try generateMasks(picture, request.options, watch: watch, isCancelled: isCancelled)
        try progress.begin()
        let results = try OutputFolder(output)
        let written = try found.write(
          to: results, as: request.format, outlines: request.outlines, tolerance: request.tolerance)
        progress.finishedOne()
        journal.pictures[name] = try .init(
          sha256: digest, width: picture.width, height: picture.height, written: written, in: results)
        try journal.write(to: folder)
      } catch let error as MediaError {
        // What can't be written is no picture's fault.
        if case .file(.unwritable) = error { throw error }
        failures.append((name, error.description))
      } catch let error as SAM2Error {
        failures.append((name, "\(path): \(error)"))
      } catch let error as FileError {
        guard case .unreadable = error else { throw error }
        failures.append((name, error.description))
      }
    }
    for failure in failures { watch(.note(failure.reason)) }
    let done = zip(names, outputs).compactMap { name, output in
      journal.pictures[name].map {
        COCOFile.Picture(name: name, output: output, width: $0.width, height: $0.height)
      }
    }
    let masks = try COCOFile.write(done, to: folder)
    progress.finishedAll()
    return MaskFolderResult(
      report: folder.file(MaskFolderRequest.reportName), pictures: done.count, masks: masks, failures: failures)
  }
}

/// Says in a folder of masks that it is unfinished, from before its first picture's old masks go until all is written.
private struct FolderProgress {
  private let folder: OutputFolder
  private var isMarked = false
  private var hasChanged = false

  init(_ folder: OutputFolder) { self.folder = folder }

  /// A picture's masks are about to be replaced.
  mutating func begin() throws {
    guard !isMarked else { return }
    // That of an earlier run stays whatever becomes of this one.
    hasChanged = FilePath.exists(folder.file(OutputFolder.unfinishedName))
    try folder.markUnfinished()
    isMarked = true
  }

  /// A picture's masks are there: the old COCO file speaks of others.
  mutating func finishedOne() {
    hasChanged = true
    FilePath.remove(folder.file(MaskFolderRequest.reportName))
  }

  /// The new COCO file is there.
  mutating func finishedAll() {
    folder.markFinished()
    isMarked = false
  }

  /// Nothing more comes: where nothing has changed nothing need be said.
  func end() {
    if isMarked, !hasChanged { folder.markFinished() }
  }
}

/// What the folders of pictures' results are called.
enum MaskOutputs {
  /// A picture's name without its extension, or with it where several would be the same.
  static func names(of pictures: [String]) -> [String] {
    let stems = pictures.map { ($0 as NSString).deletingPathExtension }
    let counts = Dictionary(stems.map { ($0.lowercased(), 1) }, uniquingKeysWith: +)
    return zip(pictures, stems).map { name, stem in counts[stem.lowercased()] == 1 ? stem : name }
  }
}

/// Which pictures are finished, and how their masks were found.
private struct MaskJournal: Codable {
  struct Finished: Codable {
    let sha256: String
    let width: Int
    let height: Int
    /// The digests of its results by name.
    let results: [String: String]

    init(
      sha256: String, width: Int, height: Int, written: [String], in folder: OutputFolder
    ) throws(FileError) {
      (self.sha256, self.width, self.height) = (sha256, width, height)
      var results: [String: String] = [:]
      for name in written { results[name] = try SHA256.hex(ofFile: folder.file(name)) }
      self.results = results
    }

    /// Whether its results lie in a folder as they were written.
    func isWhole(in folder: String) -> Bool {
      !results.isEmpty
        && results.allSatisfy { name, digest in (try? SHA256.hex(ofFile: "\(folder)/\(name)")) == digest }
    }
  }

  /// What is the same for every run that may go on.
  let settings: String
  /// Finished pictures by name.
  var pictures: [String: Finished] = [:]

  private static let name = ".masks.journal"

  /// Takes up an earlier run's where that is asked for, else begins a new one.
  ///
  /// - Throws: `MaskJournalMismatch`, `DamagedRun`, `FileError`.
  init(of request: MaskFolderRequest, model: Model, in folder: OutputFolder) throws {
    var options = request.options
    let region = options.region.map { region in region.pixels.withUnsafeBytes { SHA256.hex(of: $0) } } ?? ""
    options.region = nil
    let described =
      "\(CheckpointIdentity(of: model.checkpoint).text) \(model.backend.rawValue) \(model.precision) "
      + "\(model.configuration.json) \(options) \(region) \(request.format.rawValue) "
      + "\(request.outlines) \(request.tolerance) \(request.longestSide ?? 0)"
    settings = Array(described.utf8).withUnsafeBytes { SHA256.hex(of: $0) }
    let path = folder.file(Self.name)
    guard request.resumes, FilePath.exists(path) else { return }
    guard let bytes = try SealedFile.read(path),
      let earlier = try? JSONDecoder().decode(MaskJournal.self, from: Data(bytes))
    else { throw DamagedRun(path: path) }
    guard earlier.settings == settings else { throw MaskJournalMismatch(folder: folder.path) }
    pictures = earlier.pictures
  }

  func write(to folder: OutputFolder) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    try SealedFile.write(Array(encoder.encode(self)), to: folder.target(Self.name))
  }
}

/// A folder of masks that another model or other options left unfinished.
public struct MaskJournalMismatch: Error, CustomStringConvertible {
  /// The folder.
  public let folder: String

  /// One sentence.
  public var description: String {
    "\(folder): expected what a run with this model and these options left, found another run's; leave out --resume"
  }
}

/// All masks of a folder as COCO has annotations.
private enum COCOFile {

  /// A finished picture, and the folder of its results.
  struct Picture {
    let name: String
    let output: String
    let width: Int
    let height: Int
  }

  private struct Image: Encodable {
    let id: Int
    let fileName: String
    let width: Int
    let height: Int
  }

  private struct Annotation: Encodable {
    let id: Int
    let imageId: Int
    let categoryId = 1
    let iscrowd = 0
    let segmentation: RunLengthEncoding
    let area: Int
    let bbox: [Int]
    let predictedIou: Float
    let stabilityScore: Float
    let pointCoords: [[Float]]
    let cropBox: [Int]
  }

  /// Gathers the records of finished pictures; one at a time is in memory. Returns how many there are.
  static func write(_ pictures: [Picture], to folder: OutputFolder) throws -> Int {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let file = try OutputFile(path: folder.target(MaskFolderRequest.reportName))
    var images: [Data] = []
    var count = 0
    try file.write(Array(#"{"annotations":["#.utf8))
    for (index, picture) in pictures.enumerated() {
      let place = "\(folder.file(picture.output))/"
      images.append(
        try encoder.encode(
          Image(id: index + 1, fileName: picture.name, width: picture.width, height: picture.height)))
      let text = try Data(MappedFile.contents(of: place + GeneratedMasks.recordsName))
      for record in try JSONDecoder().decode([MaskRecord].self, from: text) {
        let runs: RunLengthEncoding =
          switch record.segmentation {
          case .compressed(let runs), .list(let runs): runs
          case .file(let name): RunLengthEncoding(try BinaryMask.read(path: place + name))
          }
        count += 1
        let annotation = Annotation(
          id: count, imageId: index + 1, segmentation: runs, area: record.area,
          bbox: runs.bounds.coco, predictedIou: record.predictedIoU, stabilityScore: record.stabilityScore,
          pointCoords: record.pointCoords, cropBox: record.cropBox)
        try file.write(Array((count == 1 ? "\n" : ",\n").utf8))
        try file.write(try encoder.encode(annotation))
      }
    }
    try file.write(Array("\n],\"categories\":[{\"id\":1,\"name\":\"object\"}],\"images\":[\n".utf8))
    try file.write(images.joined(separator: Data(",\n".utf8)))
    try file.write(Array("\n]}\n".utf8))
    try file.commit()
    return count
  }
}
