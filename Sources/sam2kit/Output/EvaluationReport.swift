import Evaluation
import Pipelines

/// What `evaluate` found: means with their standard errors, by picture, by clip and by frame, and every object's scores.
struct EvaluationReport: Encodable {
  /// Scores of an object, or means of a picture's objects.
  struct Picture: Encodable {
    let picture: String
    let object: Int?
    let objects: Int?
    let oneClick: Double
    let box: Double
    let threeClicks: Double

    init(_ scores: PictureScores) {
      (picture, object, objects) = (scores.picture, scores.object, nil)
      (oneClick, box, threeClicks) = (scores.oneClick, scores.box, scores.threeClicks)
    }

    init(_ summary: PictureSummary) {
      (picture, object, objects) = (summary.picture, nil, summary.objects)
      (oneClick, box, threeClicks) = (summary.oneClick, summary.box, summary.threeClicks)
    }

    enum CodingKeys: String, CodingKey {
      case picture, object, objects, box
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

  /// Means of a clip, or of the frames of one number.
  struct TrackedMeans: Encodable {
    let clip: String?
    let frame: Int?
    let objects: Int
    let j: Double
    let f: Double
    let both: Double

    init(_ summary: ClipSummary) {
      (clip, frame, objects) = (summary.clip, nil, summary.objects)
      (j, f, both) = (summary.region, summary.contour, (summary.region + summary.contour) / 2)
    }

    init(_ summary: FrameSummary) {
      (clip, frame, objects) = (nil, summary.frame, summary.objects)
      (j, f, both) = (summary.region, summary.contour, (summary.region + summary.contour) / 2)
    }

    enum CodingKeys: String, CodingKey {
      case clip, frame, objects, j, f
      case both = "j_and_f"
    }
  }

  private let pictures: [Picture]
  private let clips: [Clip]
  private let means: [String: Double]
  private let standardErrors: [String: Double]
  private let byPicture: [Picture]
  private let byClip: [TrackedMeans]
  private let byFrame: [TrackedMeans]
  private let leftOut: [String]

  init(_ found: EvaluationResult) {
    pictures = found.pictures.map(Picture.init)
    clips = found.clips.map(Clip.init)
    let figures = found.figures
    means = Dictionary(uniqueKeysWithValues: figures.map { ($0.name, $0.mean.value) })
    standardErrors = Dictionary(
      uniqueKeysWithValues: figures.compactMap { name, mean in mean.standardError.map { (name, $0) } })
    byPicture = PictureSummary.each(found.pictures).map(Picture.init)
    byClip = ClipSummary.each(found.clips).map(TrackedMeans.init)
    byFrame = FrameSummary.each(found.clips).map(TrackedMeans.init)
    leftOut = found.leftOut
  }

  private enum CodingKeys: String, CodingKey {
    case means, pictures, clips
    case standardErrors = "standard_errors"
    case byPicture = "by_picture"
    case byClip = "by_clip"
    case byFrame = "by_frame"
    case leftOut = "left_out"
  }

  /// Every object of a clip as DAVIS's evaluator lists them: `Sequence,J-Mean,F-Mean`.
  var csv: String {
    let rows = clips.map { "\($0.clip)_\($0.object),\($0.j.rounded(6)),\($0.f.rounded(6))" }
    return (["Sequence,J-Mean,F-Mean"] + rows).joined(separator: "\n") + "\n"
  }

  /// The means for people.
  var lines: [String] {
    func figure(_ name: String) -> String {
      guard let mean = means[name] else { return "–" }
      return mean.rounded(3) + (standardErrors[name].map { " ± " + $0.rounded(3) } ?? "")
    }
    func count(_ count: Int, _ thing: String) -> String { "\(count) \(thing)\(count == 1 ? "" : "s")" }
    var lines: [String] = []
    if !pictures.isEmpty {
      lines.append(
        "\(count(pictures.count, "object")) in \(count(byPicture.count, "picture")): mIoU "
          + "one click \(figure("one_click"))  box \(figure("box"))  three clicks \(figure("three_clicks"))")
    }
    if !clips.isEmpty {
      lines.append(
        "\(count(clips.count, "object")) in \(count(byClip.count, "clip")): "
          + "J \(figure("j"))  F \(figure("f"))  J&F \(figure("j_and_f"))")
    }
    if !standardErrors.isEmpty { lines.append("±: standard error over pictures, and over clips") }
    return lines
  }
}
