import Files
import Foundation
import Verification

/// A picture whose pixels are numbers of colours, as a PNG.
/// Source: PNG specification, second edition.
struct PNGImage {
  let width: Int
  let height: Int
  /// Red, green and blue, at most 256.
  let palette: [[UInt8]]
  /// The colours' numbers, row by row.
  let pixels: [UInt8]

  /// The picture as the address of itself, for an `img`.
  var dataURI: String { "data:image/png;base64,\(Data(bytes).base64EncodedString())" }

  /// The file.
  var bytes: [UInt8] {
    let depth = palette.count <= 2 ? 1 : palette.count <= 4 ? 2 : palette.count <= 16 ? 4 : 8
    var rows: [UInt8] = []
    for row in 0..<height {
      rows.append(0)  // no filter
      rows += packed(pixels[row * width..<(row + 1) * width], depth)
    }
    return [0x89] + Array("PNG\r\n".utf8) + [0x1a, 0x0a]
      + Self.chunk("IHDR", Self.word(width) + Self.word(height) + [UInt8(depth), 3, 0, 0, 0])
      + Self.chunk("PLTE", palette.flatMap { $0 }) + Self.chunk("IDAT", Deflation.zlib(rows))
      + Self.chunk("IEND", [])
  }

  private func packed(_ row: ArraySlice<UInt8>, _ depth: Int) -> [UInt8] {
    let perByte = 8 / depth
    return stride(from: row.startIndex, to: row.endIndex, by: perByte).map { start in
      (0..<perByte).reduce(UInt8(0)) { byte, place in
        byte << UInt8(depth % 8) | (start + place < row.endIndex ? row[start + place] : 0)
      }
    }
  }

  private static func word(_ number: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt32(number).bigEndian) { Array($0) }
  }

  private static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + content
    return word(content.count) + body + word(Int(body.withUnsafeBytes { CRC32.checksum($0) }))
  }
}

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
