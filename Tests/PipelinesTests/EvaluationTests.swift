// What evaluate finds against the figures of the official code, and how scores become means with their standard errors.
import Configurations
import Evaluation
import Foundation
import Pipelines
import Testing
import TestSupport

private let folder = TestFiles.package("Reference/validation")

/// Reference/validation/official.json, written by tools/train_micro/evaluate.py.
private struct OfficialFigures: Decodable {
  struct Picture: Decodable {
    let picture: String
    let object: Int
    let oneClick: Double
    let box: Double
    let threeClicks: Double
  }
  struct Clip: Decodable {
    let clip: String
    let object: Int
    let j: Double
    let f: Double
  }
  struct Frame: Decodable {
    let frame: Int
    let objects: Int
    let j: Double
    let f: Double
  }

  let means: [String: Double]
  let standardErrors: [String: Double]
  let pictures: [Picture]
  let clips: [Clip]
  let byFrame: [Frame]

  static func read() throws -> OfficialFigures {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(
      Self.self, from: Data(contentsOf: URL(fileURLWithPath: "\(folder)/official.json")))
  }
}

@Suite struct EvaluationPipelineTests {
  /// As the official code leaves it on a CPU.
  private func model() throws -> Model {
    var request = ModelRequest(path: TestFiles.package("Weights/sam2.1_micro.pt"))
    request.settings = [ConfigurationSetting("fill_hole_area=0")].compactMap { $0 }
    return try Model(request)
  }

  /// What flips a pixel or two on a mask's edge.
  private func agree(_ ours: Double, _ theirs: Double) -> Bool { abs(ours - theirs) < 2e-3 }

  @Test(arguments: [0, 21]) func aPicturesScoresAreThoseOfTheOfficialCode(number: Int) throws {
    let picture = try ValidationSet(folder: folder).pictures[number]
    let ours = try model().evaluate(picture)
    let theirs = try OfficialFigures.read().pictures.filter { $0.picture == picture.name }
    #expect(!ours.isEmpty && ours.map(\.object) == theirs.map(\.object))
    for (ours, theirs) in zip(ours, theirs) {
      #expect(agree(ours.oneClick, theirs.oneClick) && agree(ours.box, theirs.box), "\(ours) \(theirs)")
      #expect(agree(ours.threeClicks, theirs.threeClicks), "\(ours) \(theirs)")
    }
  }

  @Test func aClipsScoresAreThoseOfTheOfficialCode() throws {
    let clip = try #require(ValidationSet(folder: folder).clips.last)
    let ours = try model().evaluate(clip)
    let theirs = try OfficialFigures.read().clips.filter { $0.clip == clip.name }
    #expect(!ours.isEmpty && ours.map(\.object) == theirs.map(\.object))
    for (ours, theirs) in zip(ours, theirs) {
      #expect(ours.regions.count == 22)
      #expect(agree(ours.region, theirs.j) && agree(ours.contour, theirs.f), "\(ours) \(theirs)")
    }
  }

  /// The official code's means and standard errors, which NumPy computed, out of its objects' scores.
  @Test func meansAndStandardErrorsAreThoseOfNumPy() throws {
    let official = try OfficialFigures.read()
    var result = EvaluationResult()
    result.pictures = official.pictures.map {
      PictureScores(
        picture: $0.picture, object: $0.object, oneClick: $0.oneClick, box: $0.box, threeClicks: $0.threeClicks)
    }
    result.clips = official.clips.map {
      ClipScores(clip: $0.clip, object: $0.object, regions: [$0.j], contours: [$0.f])
    }
    #expect(result.figures.map(\.name) == ["one_click", "box", "three_clicks", "j", "f", "j_and_f"])
    for (name, found) in result.figures {
      // The file has six decimals.
      #expect(abs(found.value - (official.means[name] ?? 0)) < 2e-6, "\(name)")
      #expect(abs((found.standardError ?? 0) - (official.standardErrors[name] ?? 0)) < 2e-6, "\(name)")
    }
  }

  @Test func theCommittedSetIsWhatItsREADMESays() throws {
    let set = try ValidationSet(folder: folder)
    let official = try OfficialFigures.read()
    #expect(set.pictures.count == 32 && set.clips.count == 8)
    #expect(Set(official.pictures.map(\.picture)) == Set(set.pictures.map(\.name)))
    #expect(Set(official.clips.map(\.clip)) == Set(set.clips.map(\.name)))
    let files = try FileManager.default.subpathsOfDirectory(atPath: folder)
    let bytes = try files.reduce(0) {
      try $0 + (FileManager.default.attributesOfItem(atPath: "\(folder)/\($1)")[.size] as? Int ?? 0)
    }
    #expect(bytes <= 10_000_000)
  }

  @Test func meansAreOverObjectsAndErrorsOverPicturesAndClips() throws {
    var result = EvaluationResult()
    #expect(result.means.isEmpty && result.figures.isEmpty)
    result.pictures = [
      PictureScores(picture: "a", object: 1, oneClick: 0.5, box: 0.6, threeClicks: 0.7),
      PictureScores(picture: "a", object: 2, oneClick: 1, box: 0.8, threeClicks: 0.9),
    ]
    // Where J is high F is low: their mean hardly varies.
    result.clips = [
      ClipScores(clip: "c", object: 1, regions: [0.4, 0.6], contours: [0.8, 1]),
      ClipScores(clip: "d", object: 1, regions: [0.9, 0.7], contours: [0.5, 0.7]),
    ]
    let means = Dictionary(uniqueKeysWithValues: result.means.map { ($0.name, $0.value) })
    let expected = [
      "one_click": 0.75, "box": 0.7, "three_clicks": 0.8, "j": 0.65, "f": 0.75, "j_and_f": 0.7,
    ]
    #expect(means.keys.sorted() == expected.keys.sorted())
    for (name, value) in expected { #expect(abs((means[name] ?? 0) - value) < 1e-12, "\(name)") }
    let errors = Dictionary(uniqueKeysWithValues: result.figures.map { ($0.name, $0.mean.standardError) })
    // Two clips with one object: half of what lies between them; one picture has no spread.
    for (name, value) in ["j": 0.15, "f": 0.15, "j_and_f": 0] {
      #expect(abs((errors[name].flatMap { $0 } ?? 1) - value) < 1e-12, "\(name)")
    }
    for name in ["one_click", "box", "three_clicks"] { #expect(errors[name] == .some(nil)) }
  }
}
