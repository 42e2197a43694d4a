import Files
import Foundation
import Media
import Testing
import TestSupport
import Verification

@testable import Reports

@Test(arguments: [2, 4, 16, 256]) func aPictureComesBackAsItWas(_ colours: Int) throws {
  let palette = (0..<colours).map { (index: Int) -> [UInt8] in
    [UInt8(index), UInt8(255 - index), UInt8(index * 7 % 256)]
  }
  // A width that fills no whole number of bytes.
  let pixels = (0..<13 * 5).map { (index: Int) -> UInt8 in UInt8(index * 31 % colours) }
  let image = PNGImage(width: 13, height: 5, palette: palette, pixels: pixels)
  try TestFiles.withTemporaryFolder { folder in
    try Data(image.bytes).write(to: URL(fileURLWithPath: "\(folder)/x.png"))
    let read = try Picture.read(path: "\(folder)/x.png")
    #expect(read.width == 13 && read.height == 5)
    #expect(read.pixels == pixels.flatMap { palette[Int($0)] })
  }
}

@Test func masksAreToldApartPixelByPixel() {
  let mask = MaskDifference(
    name: "m", width: 3, height: 2, reference: [1, 1, -1, -1, 2, 0], candidate: [1, -1, 1, -1, 3, 0])
  #expect(mask.pixels == [1, 2, 3, 0, 1, 0])
  #expect(mask.common == 2 && mask.lost == 1 && mask.gained == 1 && mask.iou == 0.5)
  #expect(MaskDifference(name: "e", width: 1, height: 1, reference: [-1], candidate: [-1]).iou == 1)
}

@Test func severityGoesByWhatIsAllowed() {
  let infinite: Double? = .infinity
  let cases: [(Double?, Bool, Severity)] = [
    (0, false, .equal), (1e-7, false, .tiny), (5e-6, false, .small), (1e-4, false, .near), (2e-4, true, .past),
    (2e-3, true, .far), (1, true, .lost), (infinite, true, .lost), (nil, true, .lost), (1e-9, true, .past),
  ]
  for (error, fails, expected) in cases {
    #expect(Severity(error: error, limit: 1e-4, fails: fails) == expected)
  }
}
