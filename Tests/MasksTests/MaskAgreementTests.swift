import Foundation
import Masks
import Testing
import TestSupport

@Suite struct MaskAgreementTests {
  /// Masks with what vos-benchmark says of them, made by tools/fixtures/make_similarities.py.
  private struct Case: Decodable {
    let width: Int
    let height: Int
    let predicted: [Int]
    let truth: [Int]
    let region: Double
    let contour: Double

    func mask(_ runs: [Int]) -> BinaryMask {
      let pixels = runs.enumerated().flatMap { [UInt8](repeating: UInt8($0.offset % 2), count: $0.element) }
      return BinaryMask(width: width, height: height, pixels: pixels)
    }
  }

  @Test func regionAndContourAreThoseOfThePublicEvaluator() throws {
    let file = URL(filePath: TestFiles.fixture("similarities.json"))
    let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: file))
    #expect(cases.count == 32)
    for recorded in cases {
      let (predicted, truth) = (recorded.mask(recorded.predicted), recorded.mask(recorded.truth))
      #expect(abs(predicted.iou(with: truth) - recorded.region) < 1e-12)
      #expect(abs(predicted.boundaryF(with: truth) - recorded.contour) < 1e-12)
    }
  }

  /// Of two empty masks pycocotools says 0.
  @Test func theIoUIsThatOfPycocotools() throws {
    for recorded in try RecordedMask.all() where recorded.name != "empty" {
      #expect(recorded.binary.iou(with: recorded.otherBinary) == recorded.iou, "\(recorded.name)")
    }
    #expect(BinaryMask([".."]).iou(with: BinaryMask([".."])) == 1)
  }
}
