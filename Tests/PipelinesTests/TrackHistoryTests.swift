// Which scripts ask for a frame far behind, so that every frame's output is kept: by hand, out of where each step looks.
import Media
import Prompts
import SAM2
import Testing
import TestSupport

@testable import Pipelines

private func click(_ frame: Int) -> VideoStep {
  .prompt(ObjectPrompt(object: 1, frame: frame, points: [Click(x: 44, y: 84)]))
}

private func way(_ from: Int?, _ frames: Int?, isReverse: Bool = false) -> VideoStep {
  .propagate(.init(from: from, frames: frames, isReverse: isReverse))
}

@Suite struct TrackHistoryTests {
  private static let near: [[VideoStep]] = [
    [click(0), way(0, nil)], [click(0), way(nil, nil)],
    // Corrected where the tracking ended, where it was pointed at before, and where it hasn't been.
    [click(0), way(0, 10), click(10), way(11, 5)], [click(0), way(0, 10), click(0), way(0, 5)],
    [click(0), way(0, 10), click(15), way(15, 3)],
    // On from the last frame, and from the one behind it.
    [click(0), way(0, 10), way(10, 3)], [click(0), way(0, 10), way(11, 3)],
    [click(9), way(9, 3), way(9, 9, isReverse: true)], [click(9), way(9, 9, isReverse: true), click(0)],
    // A way to the end ends far ahead.
    [click(2), click(5), way(2, 4), way(5, nil)],
  ]

  private static let far: [[VideoStep]] = [
    [click(0), way(0, 10), click(3), way(3, 4)], [click(0), way(0, nil), click(3)],
    [click(0), way(0, 10), way(5, 3)], [click(0), way(0, 10), way(12, 3)], [click(0), way(0, 10), way(8, 3)],
    // Tracked in both directions: what is between counts from either side.
    [click(9), way(9, 3), way(9, 9, isReverse: true), click(12)],
    [click(9), way(9, 3), way(9, 9, isReverse: true), click(4)],
    [click(9), way(9, 9, isReverse: true), way(9, 3), click(0)],
    [click(9), way(9, nil, isReverse: true), click(1)],
    // Pointed at ahead of what was tracked, then tracked over; a frame in between is far.
    [click(0), way(0, 4), click(8), way(5, 10), click(6)],
  ]

  private func history(_ steps: [VideoStep]) throws -> VideoHistory {
    let input = try VideoInput(path: TestFiles.package("Reference/clips/shapes"))
    return try TrackScript(PromptScript(steps: steps), .forward, place: "test", folder: ".", input).history
  }

  @Test(arguments: near.indices) func whatStaysNearKeepsAWindow(_ index: Int) throws {
    #expect(try history(Self.near[index]) == .window)
  }

  @Test(arguments: far.indices) func whatGoesFarBackKeepsEverything(_ index: Int) throws {
    #expect(try history(Self.far[index]) == .everything)
  }
}
