extension QuantizationReport {
  /// What masks are worth before and after.
  public struct Masks: Codable, Hashable, Sendable {
    /// A mean over objects.
    public struct Figure: Codable, Hashable, Sendable {
      /// Such as `one_click` or `j_and_f`.
      public var name: String
      /// In floating point, of 1.
      public var before: Double
      /// Quantized, of 1.
      public var after: Double
      /// After less before, in points.
      public var difference: Double
      /// The difference's standard error over pictures or clips, in points; nil where it can't be known.
      public var standardError: Double?

      /// A mean.
      public init(name: String, before: Double, after: Double, difference: Double, standardError: Double?) {
        (self.name, self.before, self.after) = (name, before, after)
        (self.difference, self.standardError) = (difference, standardError)
      }

      enum CodingKeys: String, CodingKey {
        case name, before, after
        case difference = "difference_points"
        case standardError = "standard_error_points"
      }
    }

    /// The mean J&F over objects on the frames of one number.
    public struct Frame: Codable, Hashable, Sendable {
      /// The frame's number.
      public var frame: Int
      /// How many objects were judged there.
      public var objects: Int
      /// In floating point, of 1.
      public var before: Double
      /// Quantized, of 1.
      public var after: Double

      /// A mean.
      public init(frame: Int, objects: Int, before: Double, after: Double) {
        (self.frame, self.objects, self.before, self.after) = (frame, objects, before, after)
      }
    }

    /// By how much the difference in J&F changes from frame to frame: the mean of the clips' own lines.
    public struct Growth: Codable, Hashable, Sendable {
      /// In points a frame; below 0 where more is lost with every frame.
      public var pointsPerFrame: Double
      /// Its standard error over clips; nil for a single clip.
      public var standardError: Double?

      /// A slope.
      public init(pointsPerFrame: Double, standardError: Double?) {
        (self.pointsPerFrame, self.standardError) = (pointsPerFrame, standardError)
      }

      enum CodingKeys: String, CodingKey {
        case pointsPerFrame = "points_per_frame"
        case standardError = "standard_error"
      }
    }

    /// The folder of pictures and clips.
    public var data: String
    /// The means.
    public var figures: [Figure]
    /// J&F by frame number; none without clips.
    public var frames: [Frame]
    /// Whether errors grow; nil where no clip has two frames that count.
    public var growth: Growth?

    /// What was measured on a folder.
    public init(data: String, figures: [Figure], frames: [Frame], growth: Growth?) {
      (self.data, self.figures, self.frames, self.growth) = (data, figures, frames, growth)
    }
  }

  /// A picture whose mask was compared.
  public struct Picture: Codable, Hashable, Sendable {
    /// Its file.
    public var name: String
    /// What was pointed at, such as `object 2, box`.
    public var prompt: String
    /// Of the two masks, their intersection over their union.
    public var iou: Double
    /// Pixels that were in the mask and aren't any more, and the other way round.
    public var lost: Int, gained: Int
    /// What is shown of it; not part of the JSON.
    public var thumbnail: Thumbnail?

    /// Two masks of a picture.
    public init(name: String, prompt: String, iou: Double, lost: Int, gained: Int, thumbnail: Thumbnail?) {
      (self.name, self.prompt, self.iou) = (name, prompt, iou)
      (self.lost, self.gained, self.thumbnail) = (lost, gained, thumbnail)
    }

    enum CodingKeys: String, CodingKey { case name, prompt, iou, lost, gained }
  }

  /// A picture made small, in grey, with two masks of it.
  public struct Thumbnail: Hashable, Sendable {
    /// Columns and rows.
    public let width: Int, height: Int
    let grey: [UInt8]
    /// Bit 0: in the mask in floating point; bit 1: in the quantized model's.
    let masks: [UInt8]

    /// The longer side of what is shown.
    static let side = 256

    /// A picture's and its masks' thumbnail: each of its pixels is the mean of what it covers, and in a mask, or changed, where
    /// any of that is changed, else where the first of it is in the mask.
    ///
    /// - Parameters:
    ///   - rgb: three bytes a pixel, row by row.
    ///   - before: 1 in the mask, row by row.
    ///   - after: the same of the quantized model.
    public init(width: Int, height: Int, rgb: [UInt8], before: [UInt8], after: [UInt8]) {
      precondition(
        rgb.count == 3 * width * height && before.count == width * height && after.count == width * height,
        "\(rgb.count) bytes and masks of \(before.count) and \(after.count) pixels for \(width) × \(height)")
      let step = max(1, (max(width, height) + Self.side - 1) / Self.side)
      let (columns, rows) = ((width + step - 1) / step, (height + step - 1) / step)
      var (grey, masks) = ([UInt8](), [UInt8]())
      for row in 0..<rows {
        for column in 0..<columns {
          var (sum, count, mask) = (0, 0, before[row * step * width + column * step] * 3)
          for y in row * step..<min(height, (row + 1) * step) {
            for x in column * step..<min(width, (column + 1) * step) {
              let place = y * width + x
              sum += 2 * Int(rgb[3 * place]) + 5 * Int(rgb[3 * place + 1]) + Int(rgb[3 * place + 2])
              count += 8
              if before[place] != after[place] { mask = before[place] + 2 * after[place] }
            }
          }
          grey.append(UInt8(sum / max(1, count)))
          masks.append(mask)
        }
      }
      (self.width, self.height, self.grey, self.masks) = (columns, rows, grey, masks)
    }

    /// What of the masks is drawn.
    enum View: CaseIterable {
      case before, after, changes
    }

    /// The picture in 64 greys, tinted: in the mask, lost, gained.
    func image(_ view: View) -> PNGImage {
      let pixels = zip(grey, masks).map { grey, mask -> UInt8 in
        let tint: UInt8 =
          switch view {
          case .before: mask & 1
          case .after: mask >> 1
          case .changes: mask == 1 ? 2 : mask == 2 ? 3 : 0
          }
        return tint << 6 | grey >> 2
      }
      return PNGImage(width: width, height: height, palette: Self.palette, pixels: pixels)
    }

    /// As it is, green, orange, blue: the latter two as masks have them elsewhere.
    private static let palette: [[UInt8]] = [[0, 0, 0], [60, 220, 120], [255, 122, 0], [0, 140, 255]]
      .enumerated()
      .flatMap { tint, colour in
        (0..<64).map { level -> [UInt8] in
          let grey = Double(level) * 255 / 63
          // What changed is hardly transparent, so that a few pixels are seen.
          let share = [0, 0.45, 0.9, 0.9][tint]
          return colour.map { UInt8(grey * (1 - share) + $0 * share) }
        }
      }
  }
}
