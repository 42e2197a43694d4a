// The parts of a picture that are looked at, and the points that are asked about in each.
// Source: sam2/utils/amg.py, generate_crop_boxes and build_all_layer_point_grids.

import Foundation
import Masks
import Prompts

/// A part of a picture, and where it is asked about.
struct Crop: Sendable {
  let box: PixelBox
  /// In pixels of the part.
  var points: [Click]
}

/// All parts of a picture, in the order in which they are looked at.
struct CropGrid {
  private(set) var crops: [Crop]

  /// - Throws: `SAM2Error.cropsTooDeep`, `.outOfRange`.
  init(_ options: AutomaticMaskOptions, width: Int, height: Int) throws(SAM2Error) {
    if let tiling = options.tiling {
      crops = try Self.tiles(tiling, options, width, height)
    } else {
      crops = []
      for (box, layer) in try Self.boxes(options, width, height) where layer > 0 || !options.skipsWholePicture {
        crops.append(Crop(box: box, points: try Self.grid(options, layer: layer, box)))
      }
    }
    if let points = options.points {
      for point in points
      where !((0...Double(width)).contains(point.x) && (0...Double(height)).contains(point.y)) {
        throw .pointOutside(x: point.x, y: point.y, width: width, height: height)
      }
      for index in crops.indices {
        let box = crops[index].box
        crops[index].points = points.compactMap { point in
          let (x, y) = (point.x - Double(box.x), point.y - Double(box.y))
          guard (0...Double(box.width)).contains(x), (0...Double(box.height)).contains(y) else { return nil }
          return Click(x: x, y: y)
        }
      }
    }
    guard let region = options.region else { return }
    guard region.width == width, region.height == height else {
      throw .outOfRange(
        name: "the region to look at", expected: "a mask of \(width) × \(height) pixels as the picture has",
        found: "\(region.width) × \(region.height)")
    }
    for index in crops.indices {
      let box = crops[index].box
      crops[index].points.removeAll { point in
        let (x, y) = (min(width - 1, box.x + Int(point.x)), min(height - 1, box.y + Int(point.y)))
        return region.pixels[y * width + x] == 0
      }
    }
  }

  /// The whole picture in layer 0, then layers of ever smaller crops.
  private static func boxes(
    _ options: AutomaticMaskOptions, _ width: Int, _ height: Int
  ) throws(SAM2Error) -> [(PixelBox, layer: Int)] {
    var boxes = [(PixelBox(x: 0, y: 0, width: width, height: height), layer: 0)]
    for layer in 1..<options.cropLayers + 1 {
      let count = 1 << layer
      let overlap = Int(options.cropOverlap * Double(min(width, height)) * (2 / Double(count)))
      func length(_ side: Int) -> Int {
        Int((Double(overlap * (count - 1) + side) / Double(count)).rounded(.up))
      }
      let (cropWidth, cropHeight) = (length(width), length(height))
      for column in 0..<count {
        for row in 0..<count {
          let (x, y) = ((cropWidth - overlap) * column, (cropHeight - overlap) * row)
          let (right, bottom) = (min(x + cropWidth, width), min(y + cropHeight, height))
          guard x < right, y < bottom else {
            throw .cropsTooDeep(layer: layer, width: width, height: height)
          }
          boxes.append((PixelBox(x: x, y: y, width: right - x, height: bottom - y), layer: layer))
        }
      }
    }
    return boxes
  }

  /// Tiles with their halos; points stand on the tiles alone.
  private static func tiles(
    _ tiling: Tiling, _ options: AutomaticMaskOptions, _ width: Int, _ height: Int
  ) throws(SAM2Error) -> [Crop] {
    let (across, down) = (
      (width + tiling.side - 1) / tiling.side, (height + tiling.side - 1) / tiling.side
    )
    var crops: [Crop] = []
    for row in 0..<down {
      for column in 0..<across {
        let (x0, x1) = (width * column / across, width * (column + 1) / across)
        let (y0, y1) = (height * row / down, height * (row + 1) / down)
        let (left, top) = (max(0, x0 - tiling.halo), max(0, y0 - tiling.halo))
        let (right, bottom) = (min(width, x1 + tiling.halo), min(height, y1 + tiling.halo))
        let tile = PixelBox(x: x0, y: y0, width: x1 - x0, height: y1 - y0)
        let points = try grid(options, layer: 0, tile).map {
          Click(x: $0.x + Double(x0 - left), y: $0.y + Double(y0 - top))
        }
        crops.append(
          Crop(
            box: PixelBox(x: left, y: top, width: right - left, height: bottom - top), points: points))
      }
    }
    return crops
  }

  /// A layer's points in pixels of a box.
  private static func grid(
    _ options: AutomaticMaskOptions, layer: Int, _ box: PixelBox
  ) throws(SAM2Error) -> [Click] {
    let points: [UnitPoint]
    if let grids = options.pointGrids {
      points = grids[layer]
    } else {
      let perSide = Int(Double(options.pointsPerSide) / pow(Double(options.cropPointsDownscale), Double(layer)))
      guard perSide >= 1 else {
        throw .outOfRange(
          name: "points per side of crop layer \(layer)", expected: "at least 1",
          found: "\(options.pointsPerSide) / \(options.cropPointsDownscale)^\(layer)")
      }
      points = grid(perSide: perSide)
    }
    return points.map { Click(x: $0.x * Double(box.width), y: $0.y * Double(box.height)) }
  }

  /// Evenly spaced places, row by row, in the arithmetic of NumPy's `linspace`.
  private static func grid(perSide count: Int) -> [UnitPoint] {
    let offset = 1 / Double(2 * count)
    let step = count > 1 ? (1 - offset - offset) / Double(count - 1) : 0
    let places = (0..<count).map { $0 == count - 1 && count > 1 ? 1 - offset : Double($0) * step + offset }
    return places.flatMap { y in places.map { x in UnitPoint(x: x, y: y) } }
  }
}
