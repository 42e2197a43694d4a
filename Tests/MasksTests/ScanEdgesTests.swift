// Logits that are a bound themselves, which belong to nothing: sam2.utils.amg.calculate_stability_score of
// [[1, -1, 0, 2, -2, 1]] is 1/4 around 0 by 1, and 0 around 1 by 1.
import Masks
import Testing

@Test(arguments: [(Float(0), Float(1) / 4, 3), (1, 0, 1)])
func logitsOnABoundBelongToNothing(threshold: Float, stability: Float, area: Int) {
  let logits: [Float] = [1, -1, 0, 2, -2, 1]
  var scan = MaskScan(
    width: 6, height: 1, columns: 0..<6, from: 0, MaskScan.Thresholds(mask: threshold, offset: 1))
  logits.withUnsafeBufferPointer { scan.add($0) }
  let found = scan.finish()
  #expect(found.stabilityScore == stability && found.area == area)
}
