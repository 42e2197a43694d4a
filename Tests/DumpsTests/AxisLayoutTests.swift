import Tensors
import Testing

@testable import Dumps

@Test func anArrowSaysWhatBecomesWhat() throws {
  let layout = try #require(AxisLayout("NHWC->NCHW"))
  #expect(layout.choice([1, 2, 3, 4], reference: [9]) == .axes([0, 3, 1, 2]))
  #expect(try #require(AxisLayout("AB->BA")).choice([1, 2], reference: [2, 1]) == .axes([1, 0]))
}

@Test func oneSideLetsShapesTell() throws {
  let last = try #require(AxisLayout("NHWC"))
  #expect(last.choice([1, 12, 12, 64], reference: [1, 64, 12, 12]) == .axes([0, 3, 1, 2]))
  #expect(last.choice([1, 12, 12, 64], reference: [1, 12, 12, 64]) == .axes([0, 1, 2, 3]))
  // Neither fits: the comparison says so.
  #expect(last.choice([1, 12, 12, 64], reference: [7]) == .axes([0, 1, 2, 3]))
  let first = try #require(AxisLayout("NCHW"))
  #expect(first.choice([1, 64, 12, 8], reference: [1, 12, 8, 64]) == .axes([0, 2, 3, 1]))
  #expect(try #require(AxisLayout("HWC")).choice([3, 4, 5], reference: [5, 3, 4]) == .axes([2, 0, 1]))
}

@Test func shapesThatFitBothWaysAreAmbiguous() throws {
  let layout = try #require(AxisLayout("NHWC"))
  #expect(layout.choice([1, 8, 8, 8], reference: [1, 8, 8, 8]) == .ambiguous)
  // Where only one axis is longer than 1 there is nothing to confuse.
  #expect(layout.choice([1, 1, 1, 1], reference: [1, 1, 1, 1]) == .axes([0, 1, 2, 3]))
}

/// What stands in front of the channels is a batch or nothing: of layouts with another axis there, it isn't known where the
/// reference's channels are.
@Test func onlyABatchStaysInFront() throws {
  // NumPy: numpy.moveaxis(x, -1, 1).shape and numpy.moveaxis(x, -1, 0).shape of shapes (2, 3, 4, 5) and (3, 4, 5).
  #expect(
    try #require(AxisLayout("NHWC")).choice([2, 3, 4, 5], reference: [2, 5, 3, 4]) == .axes([0, 3, 1, 2]))
  #expect(
    try #require(AxisLayout("THWC")).choice([2, 3, 4, 5], reference: [5, 2, 3, 4]) == .axes([3, 0, 1, 2]))
  #expect(try #require(AxisLayout("NLC")).choice([3, 4, 5], reference: [3, 5, 4]) == .axes([0, 2, 1]))
  // numpy.moveaxis(x, 0, -1), numpy.moveaxis(x, 1, -1).
  #expect(try #require(AxisLayout("CHW")).choice([3, 4, 5], reference: [4, 5, 3]) == .axes([1, 2, 0]))
  #expect(try #require(AxisLayout("NCL")).choice([3, 4, 5], reference: [3, 5, 4]) == .axes([0, 2, 1]))
  for text in ["TCHW", "NHCW", "HCW", "NTCHW", "C"] { #expect(AxisLayout(text) == nil, "\(text)") }
}

@Test(arguments: ["", "NHW", "NHCW", "nhwc", "NHWC->NCH", "NHWC->NCHX", "NNHC", "->", "NHWC->", "A->B->C"])
func isNoLayout(_ text: String) { #expect(AxisLayout(text) == nil) }
