// A picture with masks, boxes and points drawn on it, for people to look at.

public import Masks
public import Prompts

/// One object to draw: any of a mask and the prompts that it came from.
public struct OverlayObject: Sendable {
  /// The object's pixels, of the picture's size, as run lengths: pixels are made where they are drawn.
  public let runs: RunLengthEncoding?
  /// Clicks.
  public let points: [Click]
  /// A box prompt.
  public let box: Box?
  /// Its colour; nil is one by its place among the objects.
  public let color: OverlayColor?

  /// An object of whatever parts there are.
  public init(
    mask: BinaryMask? = nil, points: [Click] = [], box: Box? = nil, color: OverlayColor? = nil
  ) {
    self.init(runs: mask.map { RunLengthEncoding($0) }, points: points, box: box, color: color)
  }

  /// An object whose mask is run lengths.
  public init(
    runs: RunLengthEncoding?, points: [Click] = [], box: Box? = nil, color: OverlayColor? = nil
  ) {
    self.runs = runs
    self.points = points
    self.box = box
    self.color = color
  }
}

/// An 8-bit RGB colour.
public struct OverlayColor: Sendable, Hashable {
  /// Red.
  public let red: UInt8
  /// Green.
  public let green: UInt8
  /// Blue.
  public let blue: UInt8

  /// The colour of object number `index`. Hues are a golden section of the circle apart, so that any number of
  /// neighbours stay distinct; the first is a clear blue.
  public init(object index: Int) {
    let turn = 0.58 + 0.618_033_988_75 * Double(index)
    let hue = (turn - turn.rounded(.down)) * 6
    let saturation = [0.85, 0.7, 0.95][index % 3]
    let value = [1.0, 0.95, 0.85][index / 3 % 3]
    func channel(_ shift: Double) -> UInt8 {
      let place = (shift + hue).truncatingRemainder(dividingBy: 6)
      return UInt8((value * (1 - saturation * max(0, min(1, place, 4 - place))) * 255).rounded())
    }
    self.init(red: channel(5), green: channel(3), blue: channel(1))
  }

  init(red: UInt8, green: UInt8, blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  static let white = OverlayColor(red: 255, green: 255, blue: 255)
  static let positive = OverlayColor(red: 30, green: 170, blue: 60)
  static let negative = OverlayColor(red: 220, green: 40, blue: 40)
}

extension Picture {
  /// The picture with every object in a colour of its own: masks half transparent with a contour, boxes as
  /// outlines, positive points green and negative ones red. Strokes grow with the picture.
  ///
  /// - Throws: `MaskError.sizeMismatch` where a mask is not of the picture's size.
  public func overlaid(with objects: [OverlayObject]) throws(MaskError) -> Picture {
    for runs in objects.compactMap(\.runs) where runs.width != width || runs.height != height {
      throw .sizeMismatch(
        expectedWidth: width, expectedHeight: height, foundWidth: runs.width, foundHeight: runs.height)
    }
    var canvas = Canvas(self)
    for (index, object) in objects.enumerated() {
      if let runs = object.runs { canvas.fill(BinaryMask(runs), object.color ?? OverlayColor(object: index)) }
    }
    for (index, object) in objects.enumerated() {
      if let runs = object.runs {
        canvas.drawContour(of: BinaryMask(runs), object.color ?? OverlayColor(object: index))
      }
    }
    for (index, object) in objects.enumerated() {
      if let box = object.box { canvas.draw(box, object.color ?? OverlayColor(object: index)) }
    }
    for object in objects {
      for point in object.points { canvas.draw(point) }
    }
    return canvas.picture
  }

  /// The picture with every mask of a raster in a colour of its own, half transparent, with a contour.
  ///
  /// - Throws: `MaskError.sizeMismatch` where the raster is not of the picture's size.
  public func overlaid(with raster: LabelRaster) throws(MaskError) -> Picture {
    guard raster.width == width, raster.height == height else {
      throw .sizeMismatch(
        expectedWidth: width, expectedHeight: height, foundWidth: raster.width, foundHeight: raster.height)
    }
    var canvas = Canvas(self)
    canvas.fill(raster)
    return canvas.picture
  }
}
