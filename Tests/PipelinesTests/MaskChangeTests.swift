// What masks lost: means, frame by frame, and whether it grows; numbers by hand.
import Evaluation
import Quantization
import Reports
import Testing

@testable import Pipelines

/// Two pictures of one and two objects; clip a with two objects on four frames that count, clip b with one on three.
private func result(
  pictures: [Double] = [0.5, 0.5, 0.5], a: [[Double]] = [[0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5]],
  b: [Double] = [0.5, 0.5, 0.5]
) -> EvaluationResult {
  var result = EvaluationResult()
  result.pictures = zip(["p", "q", "q"], pictures).enumerated().map { index, scores in
    PictureScores(
      picture: scores.0, object: index, oneClick: scores.1, box: 0.9, threeClicks: 0.5)
  }
  result.clips = (a.map { ("a", $0) } + [("b", b)]).enumerated().map { index, scores in
    // F is a tenth lower than J.
    ClipScores(
      clip: scores.0, object: index, regions: scores.1, contours: scores.1.map { $0 - 0.1 })
  }
  return result
}

@Suite struct MaskChangeTests {
  private let before = result()
  /// One click: +3, -1 and -2 points. Clip a: 1 point less with every frame for one object, 3 for the other; b: 1 more.
  private let after = result(
    pictures: [0.53, 0.49, 0.48], a: [[0.5, 0.49, 0.48, 0.47], [0.5, 0.47, 0.44, 0.41]], b: [0.5, 0.51, 0.52])

  @Test func errorsGrowByTheMeanOfTheClipsLines() throws {
    let growth = try #require(MaskChanges.growth(before, after))
    // -2 and +1.
    #expect(abs(growth.pointsPerFrame - -0.5) < 1e-9)
    #expect(abs((growth.standardError ?? 0) - 1.5) < 1e-9)
    #expect(MaskChanges.growth(EvaluationResult(), EvaluationResult()) == nil)
  }

  @Test func framesAreMeansOverTheObjectsThatAreThere() {
    let frames = MaskChanges.frames(before, after)
    #expect(frames.map(\.frame) == [1, 2, 3, 4] && frames.map(\.objects) == [3, 3, 3, 2])
    #expect(frames.allSatisfy { abs($0.before - 0.45) < 1e-12 })
    for (frame, mean) in zip(frames, [0.45, 0.44, 0.43, 0.39]) { #expect(abs(frame.after - mean) < 1e-12) }
  }

  /// Objects count alike; the error is that of a ratio of sums over two pictures: 2 · 1 · |3 - 0| / 3.
  @Test func differencesAreOfEachObjectAgainstItself() throws {
    let figures = MaskChanges.figures(before, after)
    #expect(figures.map(\.name) == ["one_click", "box", "three_clicks", "j", "f", "j_and_f"])
    #expect(abs(figures[0].difference) < 1e-9 && abs((figures[0].standardError ?? 0) - 2) < 1e-9)
    #expect(figures[1].difference == 0 && figures[1].standardError == 0)
    // Objects' means: -1.5, -4.5 and +1 points.
    #expect(abs(figures[5].difference - -5.0 / 3) < 1e-9)
    #expect(abs(figures[5].before - 0.45) < 1e-12)
  }

  @Test func aLossIsInPointsOverAllWaysToPoint() {
    let better = result(pictures: [0.53, 0.5, 0.5])
    let loss = MaskLoss(before, better)
    // 3 points of one of three objects in one of three ways are gained.
    #expect(abs((loss.meanIoU ?? 0) - -1.0 / 3) < 1e-9 && loss.jAndF == 0)
    #expect(MaskLoss(EvaluationResult(), EvaluationResult()) == MaskLoss(meanIoU: nil, jAndF: nil))
  }
}
