// Drawing on a picture: what the overlay needs and no more.

import Masks
import Prompts

/// A picture being drawn on.
struct Canvas {
  private(set) var picture: Picture
  /// The width of a thin line in pixels: 1 for a picture of 400 pixels, 3 for one of 1200.
  private let stroke: Int

  /// How much of a mask's colour is seen over the picture.
  private static let maskOpacity: Float = 0.5
  /// How many colours the masks of a raster share.
  private static let rasterColors = 256

  init(_ picture: Picture) {
    self.picture = picture
    stroke = max(1, min(picture.width, picture.height) / 400)
  }

  /// Tints the pixels of a mask.
  mutating func fill(_ mask: BinaryMask, _ color: OverlayColor) {
    // What a channel becomes depends on its 256 values alone.
    let tinted = [color.red, color.green, color.blue].map { value in
      (0...255).map { Self.blended(UInt8($0), with: value, Self.maskOpacity) }
    }
    picture.withMutablePixels { picture in
      mask.pixels.withUnsafeBufferPointer { mask in
        for index in mask.indices where mask[index] != 0 {
          for channel in 0..<3 {
            let place = 3 &* index &+ channel
            picture[place] = tinted[channel][Int(picture[place])]
          }
        }
      }
    }
  }

  /// Tints the pixels of all masks, and draws their rims: pixels that have another mask, or none, to their right or below.
  mutating func fill(_ raster: LabelRaster) {
    let (width, height) = (picture.width, picture.height)
    // Colours come round again, but not among neighbours in number.
    let colors = (0..<Self.rasterColors).map { OverlayColor(object: $0) }
    let reach = stroke
    picture.withMutablePixels { picture in
      raster.labels.withUnsafeBufferPointer { labels in
        for y in 0..<height {
          for x in 0..<width {
            let place = y * width + x
            let label = labels[place]
            guard label > 0 else { continue }
            func differs(_ dx: Int, _ dy: Int) -> Bool {
              x + dx < width && y + dy < height && labels[place + dy * width + dx] != label
            }
            let isRim = differs(reach, 0) || differs(0, reach)
            let color = colors[(Int(label) - 1) % Self.rasterColors]
            let opacity = isRim ? 1 : Self.maskOpacity
            for (channel, value) in [color.red, color.green, color.blue].enumerated() {
              picture[3 * place + channel] = Self.blended(picture[3 * place + channel], with: value, opacity)
            }
          }
        }
      }
    }
  }

  /// Draws the mask's rim, just inside it. The picture's edge is no rim.
  mutating func drawContour(of mask: BinaryMask, _ color: OverlayColor) {
    let bounds = mask.bounds
    guard bounds.height > 0 else { return }
    // What is farther away than a stroke has no part in it.
    let rows = max(0, bounds.y - stroke)..<min(mask.height, bounds.y + bounds.height + stroke)
    let first = rows.lowerBound * mask.width
    let strip = BinaryMask(
      width: mask.width, height: rows.count, pixels: Array(mask.pixels[first..<rows.upperBound * mask.width]))
    let core = strip.eroded(by: stroke)
    picture.withMutablePixels { picture in
      for index in core.indices where core[index] != strip.pixels[index] {
        let place = 3 * (first + index)
        picture[place] = color.red
        picture[place + 1] = color.green
        picture[place + 2] = color.blue
      }
    }
  }

  /// Draws a box's outline, at least 2 pixels wide.
  mutating func draw(_ box: Box, _ color: OverlayColor) {
    let half = Float(max(2, stroke + 1)) / 2
    let (left, right) = (Float(min(box.x0, box.x1)), Float(max(box.x0, box.x1)))
    let (top, bottom) = (Float(min(box.y0, box.y1)), Float(max(box.y0, box.y1)))
    let sides = [
      (left - half, top - half, right + half, top + half),
      (left - half, bottom - half, right + half, bottom + half),
      (left - half, top + half, left + half, bottom - half),
      (right - half, top + half, right + half, bottom - half),
    ]
    for (x0, y0, x1, y1) in sides {
      for y in pixels(from: y0, to: y1, below: picture.height) {
        for x in pixels(from: x0, to: x1, below: picture.width) {
          blend(color, at: y * picture.width + x, opacity: 1)
        }
      }
    }
  }

  /// Draws a point as a disc of green or red in a white ring, with smooth edges.
  mutating func draw(_ point: Click) {
    let (centerX, centerY) = (Float(point.x), Float(point.y))
    let disc = 3 * Float(stroke) + 1
    let ring = disc + max(1.5, Float(stroke))
    for y in pixels(from: centerY - ring - 1, to: centerY + ring + 1, below: picture.height) {
      for x in pixels(from: centerX - ring - 1, to: centerX + ring + 1, below: picture.width) {
        let (dx, dy) = (Float(x) + 0.5 - centerX, Float(y) + 0.5 - centerY)
        let distance = (dx * dx + dy * dy).squareRoot()
        let index = y * picture.width + x
        blend(.white, at: index, opacity: max(0, min(1, ring + 0.5 - distance)))
        blend(
          point.isObject ? .positive : .negative, at: index, opacity: max(0, min(1, disc + 0.5 - distance)))
      }
    }
  }

  /// The pixels whose centres lie between two positions, cut at the picture's edges.
  private func pixels(from start: Float, to end: Float, below limit: Int) -> Range<Int> {
    guard start.isFinite, end.isFinite else { return 0..<0 }
    let first = Int(min(max((start - 0.5).rounded(.up), 0), Float(limit)))
    let last = Int(min(max((end - 0.5).rounded(.up), 0), Float(limit)))
    return first..<max(first, last)
  }

  private mutating func blend(_ color: OverlayColor, at index: Int, opacity: Float) {
    if opacity <= 0 { return }
    blend(color.red, at: 3 * index, opacity)
    blend(color.green, at: 3 * index + 1, opacity)
    blend(color.blue, at: 3 * index + 2, opacity)
  }

  private mutating func blend(_ value: UInt8, at place: Int, _ opacity: Float) {
    picture.pixels[place] = Self.blended(picture.pixels[place], with: value, opacity)
  }

  private static func blended(_ old: UInt8, with value: UInt8, _ opacity: Float) -> UInt8 {
    let old = Float(old)
    return UInt8((old + (Float(value) - old) * opacity).rounded())
  }
}

extension Picture {
  /// Calls `body` with all samples for writing.
  fileprivate mutating func withMutablePixels(_ body: (UnsafeMutableBufferPointer<UInt8>) -> Void) {
    pixels.withUnsafeMutableBufferPointer { body($0) }
  }
}

extension BinaryMask {
  /// The pixels whose whole square of `radius` around them is foreground; beyond the edges counts as foreground.
  func eroded(by radius: Int) -> [UInt8] {
    let wide = Self.erode(pixels, rows: height, length: width, shifts: -radius...radius)
    // Down the columns the mask is one long row, shifted by whole rows.
    return Self.erode(
      wide, rows: 1, length: pixels.count, shifts: -radius...radius, shiftLength: width)
  }

  /// Keeps an element only where it is foreground in every shifted copy of its row.
  private static func erode(
    _ pixels: [UInt8], rows: Int, length: Int, shifts: ClosedRange<Int>, shiftLength: Int = 1
  ) -> [UInt8] {
    var result = pixels
    pixels.withUnsafeBufferPointer { pixels in
      result.withUnsafeMutableBufferPointer { result in
        guard let source = pixels.baseAddress, let target = result.baseAddress else { return }
        for row in 0..<rows {
          for shift in shifts.map({ $0 * shiftLength }) where abs(shift) < length {
            for place in max(0, -shift)..<min(length, length - shift) {
              target[row * length + place] &= source[row * length + place + shift]
            }
          }
        }
      }
    }
    return result
  }
}
