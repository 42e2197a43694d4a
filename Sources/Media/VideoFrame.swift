// One frame of a video: its place in time, its pixels and the tensor that the model takes.
// Source: sam2/utils/misc.py, load_video_frames_from_jpg_images and load_video_frames_from_video_file.

import Kernels
public import Tensors

/// A frame, whose pixels are converted when they are asked for.
public struct VideoFrame: Sendable {
  /// Its place in the video, from 0.
  public let index: Int
  /// Seconds since the first frame; of a folder's frames, nil.
  public let timestamp: Double?
  /// Pixels per row as displayed.
  public let width: Int
  /// Rows as displayed.
  public let height: Int
  let content: Content

  /// What a frame is converted from.
  enum Content: Sendable {
    case picture(Picture)
    case decoded(DecodedFrame)
  }

  /// The frame at its own size, upright.
  ///
  /// - Throws: `MediaError.undecodableVideo` where its pixel format can't be converted.
  public var picture: Picture {
    get throws(MediaError) {
      switch content {
      case .picture(let picture): picture
      case .decoded(let frame): try frame.picture(width: width, height: height)
      }
    }
  }

  /// The input of the image encoder, `[3, size, size]`, as the official loader prepares a frame of this kind of
  /// source: resized to 8-bit RGB, by Pillow's bicubic resampling in a folder and by FFmpeg's bilinear scaler in a
  /// video file, then scaled to 0...1 and normalised with ImageNet's mean and deviation.
  ///
  /// - Parameter longestSide: Make it smaller before, as a picture, until neither side has more pixels.
  /// - Throws: `MediaError.undecodableVideo` where its pixel format can't be converted.
  public func prepared(size: Int, longestSide: Int? = nil) throws(MediaError) -> Tensor {
    if let longestSide, max(width, height) > longestSide {
      let shrunk = try picture.shrunk(toSide: longestSide)
      return shrunk.resizedBicubic(width: size, height: size).normalizedTensor
    }
    return switch content {
    case .picture(let picture): picture.resizedBicubic(width: size, height: size).normalizedTensor
    case .decoded(let frame): try frame.picture(width: size, height: size).normalizedTensor
    }
  }
}

extension Picture {
  /// Smaller by Pillow's bicubic resampling until neither side has more pixels, its proportions kept.
  public func shrunk(toSide longest: Int) -> Picture {
    guard max(width, height) > longest else { return self }
    let scale = Double(longest) / Double(max(width, height))
    func side(_ pixels: Int) -> Int { max(1, Int((Double(pixels) * scale).rounded())) }
    return resizedBicubic(width: side(width), height: side(height))
  }

  /// The pixels as planes, `[3, height, width]`: divided by 255, less the mean, over the deviation.
  var normalizedTensor: Tensor {
    // Through Float64 and back as numpy divides; for 0...255 that has the bits of a division in Float32.
    let tables = (0..<3).map { channel in
      (0...255).map { value in
        (Float(Double(value) / 255) - ImageNormalization.mean[channel]) / ImageNormalization.deviation[channel]
      }
    }.flatMap { $0 }
    return Tensor([3, height, width]) { output in
      pixels.withUnsafeBufferPointer { pixels in
        tables.withUnsafeBufferPointer { tables in
          guard let output = output.baseAddress, let source = pixels.baseAddress else { return }
          parallelFor(height, grain: rowsAtOnce) { rows in
            for row in rows {
              let line = source + 3 * row * width
              for channel in 0..<3 {
                let target = output + (channel * height + row) * width
                let table = tables.baseAddress.unsafelyUnwrapped + 256 * channel
                for x in 0..<width { target[x] = table[Int(line[3 &* x &+ channel])] }
              }
            }
          }
        }
      }
    }
  }
}
