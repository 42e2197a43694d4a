// Masks as polygons in files: COCO's annotations, GeoJSON, SVG.

import Files
import Foundation
import Masks
import Prompts
import SAM2

/// What a file of outlines is.
public enum OutlineFormat: String, Codable, Sendable, CaseIterable {
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

/// A file of outlines that masks are written to as polygons, one after another.
struct OutlineWriter: ~Copyable {
  private let format: OutlineFormat
  private let tolerance: Double
  private let file: OutputFile
  private let encoder = JSONEncoder()
  private var isFirst = true
  /// The frame whose group of an SVG is open.
  private var frame: Int?

  /// Begins a file; it appears whole when it is finished, or not at all.
  ///
  /// - Parameters:
  ///   - width: Pixels per row of the picture.
  ///   - height: Rows of the picture.
  ///   - tolerance: How far corners that are left out may lie off what remains, in pixels.
  /// - Throws: `FileError`.
  init(path: String, as format: OutlineFormat, width: Int, height: Int, tolerance: Double) throws {
    let file = try OutputFile(path: path)
    let opening =
      switch format {
      case .coco: "{\"annotations\":[\n"
      case .geojson: "{\"type\":\"FeatureCollection\",\"features\":[\n"
      case .svg:
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(width) \(height)\">"
          + "<g fill-rule=\"evenodd\" fill-opacity=\"0.5\">\n"
      }
    try file.write(Array(opening.utf8))
    (self.format, self.tolerance) = (format, tolerance)
    self.file = file
    encoder.outputFormatting = [.sortedKeys]
  }

  /// Adds a mask.
  ///
  /// - Parameters:
  ///   - id: The mask's number in the file.
  ///   - place: In a video, the frame's number and the object's; masks of a frame come one after another.
  /// - Throws: `FileError`.
  mutating func append(_ runs: RunLengthEncoding, id: Int, place: (frame: Int, object: Int)? = nil) throws {
    let mask = BinaryMask(runs)
    if format != .svg, !isFirst { try file.write(Array(",\n".utf8)) }
    switch format {
    case .coco:
      let annotation = Annotation(
        id: id, image_id: place?.frame, object: place?.object, area: runs.area, bbox: runs.bounds.coco,
        segmentation: mask.cocoPolygons(tolerance: tolerance))
      try file.write(encoder.encode(annotation))
    case .geojson:
      let rings = mask.simplifiedPolygons(tolerance: tolerance).map { polygon in
        ([polygon.shell] + polygon.holes).map { ring in (ring + ring.prefix(1)).map { [$0.x, $0.y] } }
      }
      let properties = Feature.Properties(area: runs.area, frame: place?.frame, object: place?.object)
      try file.write(encoder.encode(Feature(id: id, properties: properties, coordinates: rings)))
    case .svg: try file.write(Array(group(place?.frame).utf8) + Array(path(mask, id, place?.object).utf8))
    }
    isFirst = false
    frame = place?.frame
  }

  /// Ends the file.
  ///
  /// - Parameter images: In COCO's format, what its masks' frames are, if it is of a video.
  /// - Throws: `FileError`.
  consuming func finish(images: [Image] = []) throws {
    switch format {
    case .coco where !images.isEmpty:
      try file.write(Array("\n],\"images\":".utf8))
      try file.write(encoder.encode(images))
      try file.write(Array("}\n".utf8))
    case .coco, .geojson: try file.write(Array("\n]}\n".utf8))
    case .svg: try file.write(Array((frame == nil ? "</g></svg>\n" : "</g></g></svg>\n").utf8))
    }
    try file.commit()
  }

  /// The ends and beginnings of groups of an SVG that come before a frame's masks. The first frame alone is shown.
  private func group(_ next: Int?) -> String {
    guard let next, next != frame else { return "" }
    let beginning = "<g id=\"frame_\(next)\"\(isFirst ? "" : " display=\"none\"")>\n"
    return frame == nil ? beginning : "</g>\n" + beginning
  }

  private func path(_ mask: BinaryMask, _ id: Int, _ object: Int?) -> String {
    let rings = mask.simplifiedPolygons(tolerance: tolerance).flatMap { [$0.shell] + $0.holes }
    let path = rings.map { ring in "M" + ring.map { "\($0.x) \($0.y)" }.joined(separator: " ") + "Z" }
    let hue = ((object ?? id) * 137) % 360
    return "<path id=\"mask_\(id)\" fill=\"hsl(\(hue) 80% 50%)\" d=\"" + path.joined() + "\"/>\n"
  }

  /// A frame, as COCO lists what annotations are of.
  struct Image: Encodable {
    let id: Int
    let file_name: String
    let width: Int
    let height: Int
  }

  private struct Annotation: Encodable {
    let id: Int
    let image_id: Int?
    let object: Int?
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
    struct Properties: Encodable {
      let area: Int
      let frame: Int?
      let object: Int?
    }

    let type = "Feature"
    let id: Int
    let geometry: Geometry
    let properties: Properties

    init(id: Int, properties: Properties, coordinates: [[[[Int]]]]) {
      self.id = id
      geometry = Geometry(coordinates: coordinates)
      self.properties = properties
    }
  }
}

extension GeneratedMasks {
  /// Writes the masks, numbered from 1, as polygons into a folder.
  ///
  /// - Parameter tolerance: How far corners that are left out may lie off what remains, in pixels; 0 keeps every pixel.
  /// - Throws: `FileError`.
  public func writeOutlines(to folder: OutputFolder, as format: OutlineFormat, tolerance: Double = 0) throws {
    var writer = try OutlineWriter(
      path: folder.target(format.fileName), as: format, width: picture.width, height: picture.height,
      tolerance: tolerance)
    for (index, mask) in masks.enumerated() { try writer.append(mask.segmentation, id: index + 1) }
    try writer.finish()
  }
}

extension Segmentation {
  /// Writes each object's best mask, by the object's number, as polygons into a folder.
  ///
  /// - Parameter tolerance: How far corners that are left out may lie off what remains, in pixels; 0 keeps every pixel.
  /// - Throws: `FileError`.
  public func writeOutlines(to folder: OutputFolder, as format: OutlineFormat, tolerance: Double = 0) throws {
    var writer = try OutlineWriter(
      path: folder.target(format.fileName), as: format, width: picture.width, height: picture.height,
      tolerance: tolerance)
    let best = masks.best
    for mask in prompts.objects.compactMap({ best[$0.object] }) {
      try writer.append(mask.runs, id: mask.object)
    }
    try writer.finish()
  }
}
