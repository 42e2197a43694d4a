// A picture with masks, boxes and points drawn on it, for people to look at.

public import Masks
public import Prompts

/// One object to draw: any of a mask and the prompts that it came from.
public struct OverlayObject: Sendable {
  /// The object's pixels, of the picture's size.
  public let mask: BinaryMask?
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
    self.mask = mask
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
  /// - Parameter objects: What to draw. Each is asked for several times, so that masks may be made where they are drawn.
  /// - Throws: `MaskError.sizeMismatch` where a mask is not of the picture's size.
  public func overlaid(with objects: some Collection<OverlayObject>) throws(MaskError) -> Picture {
    var canvas = Canvas(self)
    for (index, object) in objects.enumerated() {
      guard let mask = object.mask else { continue }
      guard mask.width == width, mask.height == height else {
        throw .sizeMismatch(
          expectedWidth: width, expectedHeight: height, foundWidth: mask.width, foundHeight: mask.height)
      }
      canvas.fill(mask, object.color ?? OverlayColor(object: index))
    }
    for (index, object) in objects.enumerated() {
      if let mask = object.mask { canvas.drawContour(of: mask, object.color ?? OverlayColor(object: index)) }
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
