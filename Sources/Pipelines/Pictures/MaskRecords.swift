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

  /// Writes records, a label raster and an overlay into a folder: all of them, or none where one can't be written. Masks of
  /// their own that earlier records in it name go with those.
  ///
  /// - Parameters:
  ///   - outlines: Which files of outlines to write as well.
  ///   - tolerance: How far corners of outlines that are left out may lie off what remains, in pixels.
  /// - Returns: The names of what was written.
  /// - Throws: `FileError`, `MediaError`, `MaskError.tooManyMasks`.
  @discardableResult
  public func write(
    to folder: OutputFolder, as format: MaskFormat = .cocoRLE, outlines: [OutlineFormat] = [],
    tolerance: Double = 0
  ) throws -> [String] {
    let labels = try labels()
    return try folder.replace(report: Self.recordsName, outdated: Self.previousMasks(in: folder)) { staged in
      if format == .binaryMask {
        for (index, mask) in masks.enumerated() {
          try mask.mask.write(path: staged.file(Self.maskName(index)))
        }
      }
      try labels.write(path: staged.file(Self.labelsName))
      try picture.picture?.overlaid(with: labels).write(path: staged.file(Self.overlayName))
      for outline in outlines { try writeOutlines(to: staged, as: outline, tolerance: tolerance) }
      let file = try OutputFile(path: staged.file(Self.recordsName))
      try file.write(json(as: format))
      try file.commit()
    }
  }

  /// The masks in files of their own that earlier records in this folder name, as this program writes them and as large as the
  /// records say; anything else of such a name is left alone.
  private static func previousMasks(in folder: OutputFolder) -> Set<String> {
    guard let data = try? MappedFile.contents(of: folder.file(recordsName)),
      let records = try? JSONDecoder().decode([MaskRecord].self, from: Data(data))
    else { return [] }
    let own = records.enumerated().compactMap { index, record -> String? in
      guard case .file(let name) = record.segmentation, name == maskName(index),
        let mask = try? BinaryMask.read(path: folder.file(name)), mask.area == record.area,
        folder.holds(name, asWrittenBy: { try mask.write(path: $0) })
      else { return nil }
      return name
    }
    return Set(own)
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
