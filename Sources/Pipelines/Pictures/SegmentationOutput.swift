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
  /// where one can't be written. Masks that an earlier report in it describes go with it.
  ///
  /// - Throws: `FileError`, `MediaError`.
  public func write(to folder: String) throws { try write(to: OutputFolder(folder)) }

  /// Writes into a folder that is there.
  ///
  /// - Parameters:
  ///   - outlines: Which files of outlines to write as well.
  ///   - tolerance: How far corners of outlines that are left out may lie off what remains, in pixels.
  ///   - logits: The file for the logits of every object's best mask, wherever it lies; nil for none.
  /// - Throws: `FileError`, `MediaError`.
  public func write(
    to folder: OutputFolder, outlines: [OutlineFormat] = [], tolerance: Double = 0, logits: String? = nil
  ) throws {
    try folder.replace(report: Self.reportName, outdated: Self.previousMasks(in: folder)) { staged in
      for (index, found) in masks.enumerated() {
        try found.mask.write(path: staged.file(Self.maskName(index)))
      }
      try overlay()?.write(path: staged.file(Self.overlayName))
      for format in outlines { try writeOutlines(to: staged, as: format, tolerance: tolerance) }
      let json = try OutputFile(path: staged.file(Self.reportName))
      try json.write(try self.json)
      try json.commit()
      if let logits { try writeLogits(to: logits) }
    }
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

  /// The masks that an earlier report in this folder describes, as they lie there: once it is replaced, nothing speaks of them
  /// any more. A file that is anything else than what the report says is left alone.
  private static func previousMasks(in folder: OutputFolder) -> Set<String> {
    struct Report: Decodable {
      struct Mask: Decodable {
        let file: String
        let segmentation: RunLengthEncoding
      }
      let masks: [Mask]
    }
    guard let data = try? MappedFile.contents(of: folder.file(reportName)),
      let report = try? JSONDecoder().decode(Report.self, from: Data(data))
    else { return [] }
    let own = report.masks.enumerated().filter { index, mask in
      let runs = mask.segmentation
      return mask.file == maskName(index)
        && RunLengthEncoding.isDrawable(width: runs.width, height: runs.height)
        && folder.holds(mask.file) { try BinaryMask(mask.segmentation).write(path: $0) }
    }
    return Set(own.map(\.element.file))
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
    let mask = COCOMask(found.runs)
    self.init(
      file: file, object: found.object, alternative: found.alternative, segmentation: mask.segmentation,
      bbox: mask.bbox, area: mask.area, predictedIou: found.predictedIoU,
      stabilityScore: found.stabilityScore, objectScore: found.objectScore)
  }
}
