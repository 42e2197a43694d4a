// What generated masks leave in a folder: the official generator's records as JSON, a label raster and an overlay.

import Files
public import Foundation
import Masks
import Media
import SAM2

/// How records hold their masks, by the official generator's names.
public enum MaskFormat: String, Sendable, CaseIterable {
  /// COCO's run lengths as text.
  case cocoRLE = "coco_rle"
  /// COCO's run lengths as a list.
  case uncompressedRLE = "uncompressed_rle"
  /// A PNG for each mask, of which records have the name.
  case binaryMask = "binary_mask"
}

extension GeneratedMasks {
  /// The records.
  public static let recordsName = "masks.json"
  /// Which mask every pixel belongs to.
  public static let labelsName = "labels.png"
  /// The picture with every mask drawn.
  public static let overlayName = "overlay.png"

  /// The name of a mask's own file, by its place.
  public static func maskName(_ index: Int) -> String { "mask_\(index).png" }

  /// Whether files of this name are written into a folder of results.
  public static func names(_ name: String) -> Bool {
    [recordsName, labelsName, overlayName, MaskFolderRequest.reportName].contains(name)
      || name.isNumbered("mask_", ".png") || OutlineFormat.names(name)
  }

  /// Writes a label raster, an overlay and, last, the records into a folder; each appears whole or not at all.
  ///
  /// - Throws: `FileError`, `MediaError`, `MaskError.tooManyMasks`.
  public func write(to folder: OutputFolder, as format: MaskFormat = .cocoRLE) throws {
    let labels = try labels()
    if format == .binaryMask {
      for (index, mask) in masks.enumerated() {
        try mask.mask.write(path: folder.file(Self.maskName(index)))
      }
      // Those of an earlier run that found more.
      var rest = masks.count
      while folder.file(Self.maskName(rest)).withFileName({ unlink($0) }) == 0 { rest += 1 }
    }
    try labels.write(path: folder.file(Self.labelsName))
    try picture.picture?.overlaid(with: labels).write(path: folder.file(Self.overlayName))
    let file = try OutputFile(path: folder.file(Self.recordsName))
    try file.write(json(as: format))
    try file.commit()
  }

  /// The records, in the official generator's layout.
  public func json(as format: MaskFormat = .cocoRLE) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // A line for each: the files are long.
    var text = Data("[".utf8)
    for (index, mask) in masks.enumerated() {
      text += Data((index == 0 ? "\n" : ",\n").utf8)
      text += try encoder.encode(MaskRecord(mask, Self.maskName(index), format))
    }
    text += Data("\n]\n".utf8)
    return text
  }
}

/// A mask in the official generator's terms.
struct MaskRecord: Codable {
  /// A mask as a record has it.
  enum Segmentation: Codable {
    case compressed(RunLengthEncoding)
    case list(RunLengthEncoding)
    /// The name of a PNG.
    case file(String)

    private struct Lengths: Encodable {
      let size: [Int]
      let counts: [Int]
    }

    init(from decoder: any Decoder) throws {
      if let name = try? decoder.singleValueContainer().decode(String.self) {
        self = .file(name)
      } else {
        self = .compressed(try RunLengthEncoding(from: decoder))
      }
    }

    func encode(to encoder: any Encoder) throws {
      switch self {
      case .compressed(let runs): try runs.encode(to: encoder)
      case .list(let runs):
        try Lengths(size: [runs.height, runs.width], counts: runs.counts).encode(to: encoder)
      case .file(let name):
        var value = encoder.singleValueContainer()
        try value.encode(name)
      }
    }
  }

  let segmentation: Segmentation
  let area: Int
  let bbox: [Int]
  let predictedIoU: Float
  let pointCoords: [[Float]]
  let stabilityScore: Float
  let cropBox: [Int]

  private enum CodingKeys: String, CodingKey {
    case segmentation, area, bbox
    case predictedIoU = "predicted_iou"
    case pointCoords = "point_coords"
    case stabilityScore = "stability_score"
    case cropBox = "crop_box"
  }

  init(_ mask: AutomaticMask, _ name: String, _ format: MaskFormat) {
    segmentation =
      switch format {
      case .cocoRLE: .compressed(mask.segmentation)
      case .uncompressedRLE: .list(mask.segmentation)
      case .binaryMask: .file(name)
      }
    area = mask.area
    bbox = mask.officialBox
    predictedIoU = mask.predictedIoU
    pointCoords = [[mask.point.x, mask.point.y]]
    stabilityScore = mask.stabilityScore
    cropBox = mask.cropBox.coco
  }
}
