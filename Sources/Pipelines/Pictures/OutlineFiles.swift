// Masks as polygons in files: COCO's annotations, GeoJSON, SVG.

import Files
import Foundation
import Masks
import Prompts
import SAM2

/// What a file of outlines is.
public enum OutlineFormat: String, Sendable, CaseIterable {
  /// Annotations of polygons; holes are cut open, as COCO's polygons have none.
  case coco
  /// A feature for each mask, in pixels of the picture, y downwards.
  case geojson
  /// A path for each mask.
  case svg

  /// What its file is called.
  public var fileName: String { self == .coco ? "outlines.coco.json" : "outlines.\(rawValue)" }

  /// Whether a file of outlines has this name.
  static func names(_ name: String) -> Bool { allCases.contains { $0.fileName == name } }
}

/// Masks to be written as polygons, one at a time.
struct OutlineSet {
  /// Pixels per row of the picture.
  let width: Int
  /// Rows of the picture.
  let height: Int
  /// The number of every mask, and the mask.
  let masks: [(id: Int, runs: RunLengthEncoding)]

  /// Writes the polygons into a folder; the file appears whole or not at all.
  ///
  /// - Parameter tolerance: how far corners that are left out may lie off what remains, in pixels.
  /// - Throws: `FileError`.
  func write(to folder: OutputFolder, as format: OutlineFormat, tolerance: Double) throws {
    let file = try OutputFile(path: folder.target(format.fileName))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    try file.write(Array(opening(format).utf8))
    for (index, entry) in masks.enumerated() {
      let mask = BinaryMask(entry.runs)
      if format != .svg, index > 0 { try file.write(Array(",\n".utf8)) }
      switch format {
      case .coco:
        let annotation = Annotation(
          id: entry.id, area: entry.runs.area, bbox: entry.runs.bounds.coco,
          segmentation: mask.cocoPolygons(tolerance: tolerance))
        try file.write(encoder.encode(annotation))
      case .geojson:
        let rings = mask.simplifiedPolygons(tolerance: tolerance).map { polygon in
          ([polygon.shell] + polygon.holes).map { ring in (ring + ring.prefix(1)).map { [$0.x, $0.y] } }
        }
        try file.write(encoder.encode(Feature(id: entry.id, area: entry.runs.area, coordinates: rings)))
      case .svg:
        let rings = mask.simplifiedPolygons(tolerance: tolerance).flatMap { [$0.shell] + $0.holes }
        let path = rings.map { ring in
          "M" + ring.map { "\($0.x) \($0.y)" }.joined(separator: " ") + "Z"
        }
        let hue = (entry.id * 137) % 360
        try file.write(
          Array(
            ("<path id=\"mask_\(entry.id)\" fill=\"hsl(\(hue) 80% 50%)\" d=\"" + path.joined() + "\"/>\n").utf8)
        )
      }
    }
    try file.write(Array((format == .svg ? "</g></svg>\n" : "\n]}\n").utf8))
    try file.commit()
  }

  private func opening(_ format: OutlineFormat) -> String {
    switch format {
    case .coco: "{\"annotations\":[\n"
    case .geojson: "{\"type\":\"FeatureCollection\",\"features\":[\n"
    case .svg:
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height)\">"
        + "<g fill-rule=\"evenodd\" fill-opacity=\"0.5\">\n"
    }
  }

  private struct Annotation: Encodable {
    let id: Int
    let iscrowd = 0
    let area: Int
    let bbox: [Int]
    let segmentation: [[Double]]
  }

  private struct Feature: Encodable {
    struct Geometry: Encodable {
      let type = "MultiPolygon"
      let coordinates: [[[[Int]]]]
    }
    struct Properties: Encodable { let area: Int }

    let type = "Feature"
    let id: Int
    let geometry: Geometry
    let properties: Properties

    init(id: Int, area: Int, coordinates: [[[[Int]]]]) {
      self.id = id
      geometry = Geometry(coordinates: coordinates)
      properties = Properties(area: area)
    }
  }
}

extension GeneratedMasks {
  /// Writes the masks, numbered from 1, as polygons into a folder.
  ///
  /// - Parameter tolerance: How far corners that are left out may lie off what remains, in pixels; 0 keeps every pixel.
  /// - Throws: `FileError`.
  public func writeOutlines(to folder: OutputFolder, as format: OutlineFormat, tolerance: Double = 0) throws {
    let numbered = masks.enumerated().map { (id: $0.offset + 1, runs: $0.element.segmentation) }
    try OutlineSet(width: picture.width, height: picture.height, masks: numbered)
      .write(to: folder, as: format, tolerance: tolerance)
  }
}

extension Segmentation {
  /// Writes each object's best mask, by the object's number, as polygons into a folder.
  ///
  /// - Parameter tolerance: How far corners that are left out may lie off what remains, in pixels; 0 keeps every pixel.
  /// - Throws: `FileError`.
  public func writeOutlines(to folder: OutputFolder, as format: OutlineFormat, tolerance: Double = 0) throws {
    let best = prompts.objects.compactMap { self.best(of: $0.object) }
    let numbered = best.map { (id: $0.object, runs: RunLengthEncoding($0.mask)) }
    try OutlineSet(width: picture.width, height: picture.height, masks: numbered)
      .write(to: folder, as: format, tolerance: tolerance)
  }
}
