// The palette of DAVIS and Pascal VOC label maps.
// Source: the VOC development kit's VOClabelcolormap, whose rule DAVIS shares.

/// The colours of objects 0 (background, black) to 255.
public enum ObjectPalette {
  /// The colour of every index. Bits 0, 3, 6 of an index are red's bits 7, 6, 5 and so on down; 1, 4, 7 are green's;
  /// 2, 5 are blue's.
  public static let colors: [OverlayColor] = (0..<256).map { index in
    func channel(_ first: Int) -> UInt8 {
      (0..<8).reduce(0) { value, bit in
        let place = first + 3 * bit
        return place < 8 ? value | UInt8(index >> place & 1) << UInt8(7 - bit) : value
      }
    }
    return OverlayColor(red: channel(0), green: channel(1), blue: channel(2))
  }
}
