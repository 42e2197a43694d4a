import Foundation
import Masks
import Prompts
import Testing
import TestSupport

import Evaluation

/// Masks with what SciPy says of them, made by tools/fixtures/make_similarities.py.
struct DeepestPixels: Decodable {
  let width: Int
  let height: Int
  private let predicted: [Int]
  private let truth: [Int]
  /// x, y and squared depth of the deepest pixel of the truth, of what the prediction lacks, of what it has beyond.
  let first: [Int]?
  let missing: [Int]?
  let extra: [Int]?

  var predictedMask: BinaryMask { mask(predicted) }
  var trueMask: BinaryMask { mask(truth) }

  private func mask(_ runs: [Int]) -> BinaryMask {
    let pixels = runs.enumerated().flatMap { [UInt8](repeating: UInt8($0.offset % 2), count: $0.element) }
    return BinaryMask(width: width, height: height, pixels: pixels)
  }

  static func all() throws -> [DeepestPixels] {
    let file = TestFiles.package("Tests/MasksTests/Fixtures/similarities.json")
    return try JSONDecoder().decode([DeepestPixels].self, from: Data(contentsOf: URL(fileURLWithPath: file)))
  }
}

@Suite struct PromptRuleTests {
  @Test func clicksFallOnTheDeepestPixel() throws {
    for found in try DeepestPixels.all() {
      let first = PromptRule.firstClick(found.trueMask)
      #expect(first.map { [Int($0.x), Int($0.y)] } == found.first.map { Array($0.prefix(2)) })
      let next = PromptRule.nextClick(found.predictedMask, found.trueMask)
      switch (found.missing, found.extra) {
      case (nil, nil): #expect(next == nil)
      case (let missing, let extra):
        let isObject = missing?[2] ?? 0 >= extra?[2] ?? 0
        #expect(next?.isObject == isObject)
        #expect(
          next.map { [Int($0.x), Int($0.y)] } == (isObject ? missing : extra).map { Array($0.prefix(2)) })
      }
    }
  }

  @Test(arguments: [(0, 0), (2, 0), (0, 1), (2, 1)]) func aClickMayFallIntoACorner(x: Int, y: Int) {
    var pixels = [UInt8](repeating: 0, count: 6)
    let nothing = BinaryMask(width: 3, height: 2, pixels: pixels)
    pixels[3 * y + x] = 1
    let mask = BinaryMask(width: 3, height: 2, pixels: pixels)
    #expect(PromptRule.firstClick(mask) == Click(x: Double(x), y: Double(y)))
    #expect(PromptRule.nextClick(nothing, mask) == Click(x: Double(x), y: Double(y)))
    #expect(PromptRule.nextClick(mask, nothing) == Click(x: Double(x), y: Double(y), isObject: false))
  }

  @Test func aBoxTouchesTheOutermostPixels() {
    let mask = BinaryMask(width: 4, height: 3, pixels: [0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0])
    #expect(PromptRule.box(mask) == .init(x0: 1, y0: 1, x1: 3, y1: 3))
    #expect(PromptRule.box(BinaryMask(width: 2, height: 1, pixels: [0, 0])) == nil)
  }
}
