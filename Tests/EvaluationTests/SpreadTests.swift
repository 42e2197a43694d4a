// Standard errors and summaries against values computed by hand.
import Evaluation
import Testing

private func near(_ found: Double?, _ expected: Double) -> Bool {
  found.map { abs($0 - expected) < 1e-12 } ?? false
}

@Suite struct GroupedMeanTests {
  /// Groups of one object: the deviation of 1, 3, 5 is 2, by the root of three.
  @Test func aloneObjectsHaveTheUsualStandardError() throws {
    let mean = try #require(GroupedMean([[1], [3], [5]]))
    #expect(near(mean.value, 3) && near(mean.standardError, 2 / 3.0.squareRoot()))
  }

  /// The mean is 0.5; the groups' sums are 0.4 below and 0.4 above what it makes of them: √(2 (0.16 + 0.16)) / 3.
  @Test func groupsCountByTheirObjects() throws {
    let mean = try #require(GroupedMean([[0.2, 0.4], [0.9]]))
    #expect(near(mean.value, 0.5) && near(mean.standardError, 0.8 / 3))
  }

  /// Two groups of two whose means are 0.25 and 0.75 have a deviation of √0.125, by the root of two 0.25, however far the
  /// objects of a group lie apart.
  @Test func whatIsCommonToAGroupIsOneChance() throws {
    for spread in [0.0, 0.2] {
      let mean = try #require(GroupedMean([[0.25 - spread, 0.25 + spread], [0.75, 0.75]]))
      #expect(near(mean.value, 0.5) && near(mean.standardError, 0.25))
    }
  }

  @Test func aSingleGroupHasNoSpreadAndNothingNoMean() throws {
    #expect(try #require(GroupedMean([[0.2, 0.4]])).standardError == nil)
    #expect(GroupedMean([[0.3]])?.value == 0.3)
    #expect(try #require(GroupedMean([[], [0.2, 0.4], []])).standardError == nil)
    #expect(GroupedMean([]) == nil && GroupedMean([[]]) == nil)
    #expect(GroupedMean([[0.5], [0.5]])?.standardError == 0)
  }
}

@Suite struct SummaryTests {
  private let clips = [
    ClipScores(clip: "a", object: 1, regions: [0.9, 0.5, 0.1], contours: [1, 0.6, 0.2]),
    ClipScores(clip: "a", object: 2, regions: [0.7, 0.7, 0.7], contours: [0.8, 0.8, 0.8]),
    ClipScores(clip: "b", object: 1, regions: [0.2], contours: [0.3]),
  ]

  @Test func aClipsMeansAreOverItsFramesAndObjects() {
    #expect(near(clips[0].region, 0.5) && near(clips[0].contour, 0.6))
    let found = ClipSummary.each(clips)
    #expect(found.map(\.clip) == ["a", "b"] && found.map(\.objects) == [2, 1])
    #expect(near(found[0].region, 0.6) && near(found[0].contour, 0.7))
    #expect(near(found[1].region, 0.2) && near(found[1].contour, 0.3))
  }

  /// Frame 0 is given; a clip that has ended is left out.
  @Test func aFramesMeansAreOverTheObjectsThatAreJudgedThere() {
    let found = FrameSummary.each(clips)
    #expect(found.map(\.frame) == [1, 2, 3] && found.map(\.objects) == [3, 2, 2])
    // Three of frame 1: (0.9 + 0.7 + 0.2) / 3; two of the others.
    for (frame, (region, contour)) in zip(found, [(0.6, 0.7), (0.6, 0.7), (0.4, 0.5)]) {
      #expect(near(frame.region, region) && near(frame.contour, contour), "\(frame)")
    }
    #expect(FrameSummary.each([]).isEmpty)
  }

  @Test func aPicturesMeansAreOverItsObjects() {
    let found = PictureSummary.each([
      PictureScores(picture: "00", object: 1, oneClick: 0.5, box: 0.6, threeClicks: 0.7),
      PictureScores(picture: "00", object: 2, oneClick: 1, box: 0.8, threeClicks: 0.9),
      PictureScores(picture: "01", object: 1, oneClick: 0.1, box: 0.2, threeClicks: 0.3),
    ])
    #expect(found.map(\.picture) == ["00", "01"] && found.map(\.objects) == [2, 1])
    #expect(near(found[0].oneClick, 0.75) && near(found[0].box, 0.7) && near(found[0].threeClicks, 0.8))
    #expect(near(found[1].oneClick, 0.1) && near(found[1].box, 0.2) && near(found[1].threeClicks, 0.3))
  }
}
