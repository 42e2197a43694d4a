import Evaluation
import Pipelines

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

  private let pictures: [Picture]
  private let clips: [Clip]
  private let means: [String: Double]

  init(_ found: EvaluationResult) {
    pictures = found.pictures.map(Picture.init)
    clips = found.clips.map(Clip.init)
    means = Dictionary(uniqueKeysWithValues: found.means.map { ($0.name, $0.value) })
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(means, forKey: .means)
    try values.encode(pictures, forKey: .pictures)
    try values.encode(clips, forKey: .clips)
  }

  private enum CodingKeys: String, CodingKey { case means, pictures, clips }

  /// The means for people.
  var lines: [String] {
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
