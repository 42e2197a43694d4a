import Foundation
import Verification

/// Where an array's errors are, as a picture: bright where they are large, over four decades below the largest.
struct HeatMapPicture {
  private static let decades = 4.0

  private let map: HeatMap

  init(_ map: HeatMap) { self.map = map }

  /// The largest error of a cell that is finite.
  var largest: Double { map.values.filter(\.isFinite).max() ?? 0 }

  var image: PNGImage {
    let largest = largest
    let pixels = map.values.map { value -> UInt8 in
      guard value.isFinite else { return 255 }
      guard value > 0, largest > 0 else { return 0 }
      return UInt8(max(1, min(254, 254 * (1 + log10(value / largest) / Self.decades))))
    }
    return PNGImage(width: map.columns, height: map.rows, palette: Self.palette, pixels: pixels)
  }

  /// Black, violet, red, orange, yellow, and cyan for what is not finite.
  private static let palette: [[UInt8]] = {
    let stops: [[Double]] = [
      [8, 8, 24], [70, 20, 110], [150, 40, 100], [222, 80, 60], [252, 165, 20], [252, 250, 160],
    ]
    let ramp = (0..<255).map { index -> [UInt8] in
      let position = Double(index) / 254 * Double(stops.count - 1)
      let lower = min(Int(position), stops.count - 2)
      let part = position - Double(lower)
      return zip(stops[lower], stops[lower + 1]).map { UInt8($0 + ($1 - $0) * part) }
    }
    return ramp + [[0, 230, 255]]
  }()
}
