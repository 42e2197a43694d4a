public import Tensors
import Traces
public import Verification

/// Masks and their references, laid over each other.
struct MaskSection {
  private let masks: [MaskDifference]

  init(_ masks: [MaskDifference]) { self.masks = masks }

  var markup: Markup? {
    guard !masks.isEmpty else { return nil }
    return .section(
      "masks", "Masks",
      [
        .maskLegend([
          ("m1", "in both"), ("m2", "in the reference alone"), ("m3", "in the candidate alone"),
        ]),
        .element("div", ["class": "masks"], masks.map(figure)),
      ])
  }

  private func figure(_ mask: MaskDifference) -> Markup {
    let flipped = mask.lost + mask.gained
    let account =
      "IoU \(Figure.fixed(mask.iou, 5)), \(Figure.count(flipped)) of \(Figure.count(mask.width * mask.height)) pixels flip"
    return .element(
      "figure", [:],
      [
        .element(
          "img",
          [
            "src": mask.image.dataURI, "width": "\(mask.width)", "height": "\(mask.height)",
            "alt": "\(mask.name): \(account), \(mask.lost) lost and \(mask.gained) gained",
          ]),
        .element(
          "figcaption", [:], [.element("code", [:], Markup(mask.name)), .element("span", [:], Markup(account))]),
      ])
  }
}

extension Markup {
  /// What the colours in masks mean, each by its style.
  static func maskLegend(_ keys: [(String, String)]) -> Markup {
    .element(
      "p", ["class": "legend"],
      keys.map { style, words in
        .element("span", ["class": "key"], [.element("span", ["class": "chip \(style)"]), Markup(words)])
      })
  }
}

/// One mask and its reference, pixel by pixel: logits above zero are on.
public struct MaskDifference: Equatable, Sendable {
  /// The tap it is of, and which of its masks.
  public let name: String
  /// Columns and rows.
  public let width: Int
  /// Rows.
  public let height: Int
  /// How many pixels are on in the reference alone.
  public let lost: Int
  /// How many are on in the candidate alone.
  public let gained: Int
  /// How many are on in both.
  public let common: Int
  /// 0 where both are off, 1 where both are on, 2 where the reference alone is, 3 where the candidate alone is.
  let pixels: [UInt8]

  /// Intersection over union; 1 where both are empty.
  public var iou: Double {
    let union = common + lost + gained
    return union == 0 ? 1 : Double(common) / Double(union)
  }

  /// The difference of two masks' logits, row by row.
  public init(
    name: String, width: Int, height: Int, reference: some Sequence<Float>, candidate: some Sequence<Float>
  ) {
    pixels = zip(reference, candidate).map { $0 > 0 ? ($1 > 0 ? 1 : 2) : ($1 > 0 ? 3 : 0) }
    self.name = name
    self.width = width
    self.height = height
    lost = pixels.count { $0 == 2 }
    gained = pixels.count { $0 == 3 }
    common = pixels.count { $0 == 1 }
  }

  /// All masks of an array of logits, whose last two axes are a mask's.
  public static func all(name: String, reference: Tensor, candidate: Tensor) -> [MaskDifference] {
    let shape = reference.shape
    guard shape == candidate.shape, shape.rank >= 2, shape.count > 0 else { return [] }
    let (height, width) = (shape[-2], shape[-1])
    let (expected, found) = (reference.elements, candidate.elements)
    return (0..<shape.count / (height * width)).map { mask in
      let range = mask * height * width..<(mask + 1) * height * width
      return MaskDifference(
        name: "\(name)[\(mask)]", width: width, height: height, reference: expected[range],
        candidate: found[range])
    }
  }

  /// How many pictures are shown at most.
  public static let most = 24

  /// The masks of what was compared, those that agree least first; none where one side is a sketch.
  ///
  /// - Throws: What reading throws.
  public static func all(
    of comparison: Comparison, _ reference: any TapSource, _ candidate: any TapSource
  ) throws -> [MaskDifference] {
    guard reference.sketching == nil, candidate.sketching == nil else { return [] }
    let held = Set(candidate.arrays.map(\.id))
    let masked = comparison.arrays.filter { $0.metrics?.masks != nil && held.contains($0.id) }
    let worst = masked.sorted { ($0.metrics?.masks?.iou ?? 1) < ($1.metrics?.masks?.iou ?? 1) }.prefix(most)
    let pictures = try worst.flatMap { array in
      all(
        name: array.name,
        reference: try Tensor(array.shape) { try reference.read(array.id, from: 0, into: $0) },
        candidate: try Tensor(array.shape) { try candidate.read(array.id, from: 0, into: $0) })
    }
    return Array(pictures.sorted { $0.iou < $1.iou }.prefix(most))
  }

  var image: PNGImage { PNGImage(width: width, height: height, palette: Self.palette, pixels: pixels) }

  /// Dark, light, orange, blue: also told apart by those who see few colours.
  private static let palette: [[UInt8]] = [[28, 32, 40], [214, 218, 224], [255, 122, 0], [0, 140, 255]]
}
