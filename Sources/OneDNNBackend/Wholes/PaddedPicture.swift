// Pictures with a pixel's channels together and zeros around them, so that what a convolution sees in a line stands in a row.
import CVector
import Foundation
import Kernels
import Tensors

/// How `[height + 2 · padding, width + 2 · padding, channels]` lies in memory.
struct PaddedPicture: Sendable {
  let height, width, channels, padding: Int
  let numbers: Numbers

  init(height: Int, width: Int, channels: Int, padding: Int, _ numbers: Numbers) {
    (self.height, self.width, self.channels) = (height, width, channels)
    self.padding = padding
    self.numbers = numbers
  }

  /// Numbers from one line to the next.
  var line: Int { (width + 2 * padding) * channels }

  /// Bytes that it takes, with a tile of rows after it that products may read.
  var bytes: Int {
    ((height + 2 * padding) * line + 2) * numbers.size + Self.tilePixels * channels * numbers.size
  }

  /// How many pixels beyond the last are read.
  static let tilePixels = 256

  /// Where a pixel's first number is, counted from the corner of the zeros; down to −padding.
  func offset(_ row: Int, _ column: Int) -> Int { (row + padding) * line + (column + padding) * channels }

  /// Calls `body` with the parts of lines that make up a range of pixels: the row, its columns, and how many pixels of the
  /// range came before.
  func forEachLine(_ pixels: Range<Int>, _ body: (_ row: Int, _ columns: Range<Int>, _ index: Int) -> Void) {
    var first = pixels.lowerBound
    while first < pixels.upperBound {
      let (row, column) = first.quotientAndRemainder(dividingBy: width)
      let count = min(width - column, pixels.upperBound - first)
      body(row, column..<column + count, first - pixels.lowerBound)
      first += count
    }
  }

  /// Writes the zeros around the picture, and after it.
  func clearBorder(_ memory: UnsafeMutableRawPointer) {
    let side = padding * channels * numbers.size
    let lineBytes = line * numbers.size
    memset(memory, 0, padding * lineBytes)
    for row in padding..<height + padding {
      memset(memory + row * lineBytes, 0, side)
      memset(memory + (row + 1) * lineBytes - side, 0, side)
    }
    memset(memory + (height + padding) * lineBytes, 0, padding * lineBytes + 2 * numbers.size)
  }

  /// Fills it from `[channels, height, width]`.
  func fill(_ memory: UnsafeMutableRawPointer, from planes: UnsafePointer<Float>) {
    clearBorder(memory)
    parallelFor(height, grain: Parallelism.rows(of: width * channels)) { rows in
      for row in rows {
        put(memory, planes + row * width, stride: height * width, row: row, columns: 0..<width)
      }
    }
  }

  /// Part of a line from planes of it, so many numbers apart.
  func put(
    _ memory: UnsafeMutableRawPointer, _ planes: UnsafePointer<Float>, stride: Int, row: Int,
    columns: Range<Int>
  ) {
    let target = memory + offset(row, columns.lowerBound) * numbers.size
    guard numbers == .bf16 else {
      cvector_transpose(
        planes, stride, target.assumingMemoryBound(to: Float.self), channels, channels, columns.count)
      return
    }
    let atOnce = 64
    withUnsafeTemporaryAllocation(of: Float.self, capacity: atOnce * channels) { turned in
      for first in Swift.stride(from: 0, to: columns.count, by: atOnce) {
        let count = min(atOnce, columns.count - first)
        cvector_transpose(planes + first, stride, turned.start, channels, channels, count)
        cvector_convert_tile(
          numbers.kind, turned.start, channels, nil, 0, target + first * channels * numbers.size, channels, 1,
          count * channels, count * channels)
      }
    }
  }
}
