import Evaluation

/// What `evaluate` found: every object's scores, and their means.
struct EvaluationReport: Encodable {
  struct Picture: Encodable {
    let picture: String
    let object: Int
    let oneClick: Double
    let box: Double
    let threeClicks: Double

    init(_ scores: PictureScores) {
      (picture, object) = (scores.picture, scores.object)
      (oneClick, box, threeClicks) = (scores.oneClick, scores.box, scores.threeClicks)
    }

    enum CodingKeys: String, CodingKey {
      case picture, object, box
      case oneClick = "one_click"
      case threeClicks = "three_clicks"
    }
  }

  struct Clip: Encodable {
    let clip: String
    let object: Int
    let j: Double
    let f: Double

    init(_ scores: ClipScores) {
      (clip, object) = (scores.clip, scores.object)
      (j, f) = (scores.region, scores.contour)
    }
  }

  var pictures: [Picture] = []
  var clips: [Clip] = []

  /// The means over objects; nil where there are none.
  var means: [(name: String, value: Double)] {
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    var means: [(String, Double)] = []
    if !pictures.isEmpty {
      means += [
        ("one_click", mean(pictures.map(\.oneClick))), ("box", mean(pictures.map(\.box))),
        ("three_clicks", mean(pictures.map(\.threeClicks))),
      ]
    }
    if !clips.isEmpty {
      let (j, f) = (mean(clips.map(\.j)), mean(clips.map(\.f)))
      means += [("j", j), ("f", f), ("j_and_f", (j + f) / 2)]
    }
    return means
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(Dictionary(uniqueKeysWithValues: means), forKey: .means)
    try values.encode(pictures, forKey: .pictures)
    try values.encode(clips, forKey: .clips)
  }

  private enum CodingKeys: String, CodingKey { case means, pictures, clips }

  /// The means for people.
  var lines: [String] {
    let means = Dictionary(uniqueKeysWithValues: means)
    func figure(_ name: String) -> String { means[name].map { $0.rounded(3) } ?? "–" }
    var lines: [String] = []
    if !pictures.isEmpty {
      lines.append(
        "\(pictures.count) objects in pictures: mIoU one click \(figure("one_click"))  box \(figure("box"))  "
          + "three clicks \(figure("three_clicks"))")
    }
    if !clips.isEmpty {
      lines.append(
        "\(clips.count) objects in clips: J \(figure("j"))  F \(figure("f"))  J&F \(figure("j_and_f"))")
    }
    return lines
  }
}
