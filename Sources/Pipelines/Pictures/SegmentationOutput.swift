// What a segmentation leaves in a folder: masks, an overlay, and `prediction.json` in the terms of the COCO annotations.

import Files
public import Foundation
import Masks
import Media

extension Segmentation {
  /// The name of a mask's file, by its place among the masks.
  public static func maskName(_ index: Int) -> String { "mask_\(index).png" }

  /// The picture with everything drawn.
  public static let overlayName = "overlay.png"
  /// What was found, in words.
  public static let reportName = "prediction.json"

  /// Whether files of this name are written into a folder of results.
  public static func names(_ name: String) -> Bool {
    [overlayName, reportName].contains(name) || name.isNumbered("mask_", ".png") || OutlineFormat.names(name)
  }

  /// Writes masks (255 on the object), overlay and report into a folder, made if it isn't there: all of them, or none
  /// where one can't be written. Masks that an earlier report in it lists go with it.
  ///
  /// - Throws: `FileError`, `MediaError`.
  public func write(to folder: String) throws { try write(to: OutputFolder(folder)) }

  /// Writes into a folder that is there.
  ///
  /// - Throws: `FileError`, `MediaError`.
  public func write(to folder: OutputFolder) throws {
    let staging = folder.file(".\(UUID().uuidString).partial")
    PartialFiles.add(staging)
    defer { PartialFiles.remove(staging) }
    try FilePath.makeFolder(staging)
    defer { FilePath.remove(staging) }
    let before = Self.previousMasks(in: folder)
    var names: [String] = []
    func staged(_ name: String) throws -> String {
      // What is in the way of a name shows here, before any file is in its place.
      _ = try OutputFile(path: folder.file(name))
      names.append(name)
      return "\(staging)/\(name)"
    }
    for (index, found) in masks.enumerated() {
      try found.mask.write(path: staged(Self.maskName(index)))
    }
    try overlay()?.write(path: staged(Self.overlayName))
    let json = try OutputFile(path: staged(Self.reportName))
    try json.write(try self.json)
    try json.commit()
    for name in names { try FilePath.move("\(staging)/\(name)", to: folder.file(name)) }
    for name in before.subtracting(names) { FilePath.remove(folder.file(name)) }
  }

  /// What `prediction.json` says, with the fields' usual snake case.
  public var json: Data {
    get throws {
      let encoder = JSONEncoder()
      encoder.keyEncodingStrategy = .convertToSnakeCase
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return try encoder.encode(SegmentationReport(self))
    }
  }

  /// The masks that an earlier report in this folder lists: once it is replaced, nothing speaks of them any more.
  private static func previousMasks(in folder: OutputFolder) -> Set<String> {
    struct Report: Decodable {
      struct Mask: Decodable { let file: String }
      let masks: [Mask]
    }
    guard let data = try? MappedFile.contents(of: folder.file(reportName)),
      let report = try? JSONDecoder().decode(Report.self, from: Data(data))
    else { return [] }
    // Only names that this program gives.
    return Set(report.masks.map(\.file)).intersection(report.masks.indices.map(maskName))
  }
}

/// `prediction.json`.
struct SegmentationReport: Encodable {
  struct Image: Encodable {
    let file: String
    let width: Int
    let height: Int
    let notes: [String]
  }

  struct Mask: Encodable {
    let file: String?
    let object: Int
    let alternative: Int
    let segmentation: RunLengthEncoding
    let bbox: [Int]
    let area: Int
    let predictedIou: Float
    let stabilityScore: Float
    let objectScore: Float
  }

  let image: Image
  let model: String
  let masks: [Mask]

  init(_ segmentation: Segmentation) {
    let picture = segmentation.picture
    image = Image(file: picture.path, width: picture.width, height: picture.height, notes: picture.notes)
    model = segmentation.model
    masks = segmentation.masks.enumerated().map { index, found in
      Mask(found, file: Segmentation.maskName(index))
    }
  }
}

extension SegmentationReport.Mask {
  /// - Parameter file: The name of its PNG; nil where there is none.
  init(_ found: PredictedMask, file: String?) {
    let mask = COCOMask(found.mask)
    self.init(
      file: file, object: found.object, alternative: found.alternative, segmentation: mask.segmentation,
      bbox: mask.bbox, area: mask.area, predictedIou: found.predictedIoU,
      stabilityScore: found.stabilityScore, objectScore: found.objectScore)
  }
}
