/// Masks and their references, laid over each other.
struct MaskSection {
  private let masks: [MaskDifference]

  init(_ masks: [MaskDifference]) { self.masks = masks }

  var markup: Markup? {
    guard !masks.isEmpty else { return nil }
    let legend: [Markup] = [
      ("m1", "in both"), ("m2", "in the reference alone"), ("m3", "in the candidate alone"),
    ].map {
      .element("span", ["class": "key"], [.element("span", ["class": "chip \($0)"]), Markup($1)])
    }
    return .section(
      "masks", "Masks",
      [
        .element("p", ["class": "legend"], legend),
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
