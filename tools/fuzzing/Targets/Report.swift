// A saved comparison: written and read back it is the same text, it is judged again, and drawn.
import Foundation
@testable import Reports
@testable import Verification

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let report: ComparisonReport
  do {
    report = try ComparisonReport(json: Data(input(start, count)), file: "input")
  } catch {
    require(error is ReportError, "a refusal says where and what: \(error)")
    return 0
  }
  do {
    // NaN is none of its equals, so that texts are held against each other.
    let text = try report.json()
    let again = try ComparisonReport(json: text, file: "written")
    require(try again.json() == text, "writing and reading keeps the report")
  } catch {
    require(false, "what is written is read: \(error)")
  }
  require(HTMLReport(report).page.hasSuffix("</html>\n"), "the page is whole")
  require(JUnitReport(report).xml.hasSuffix(">\n"), "the list of tests is whole")
  do {
    let verdict = try Verdict(report, file: "input")
    require(verdict.comparison.arrays.count == report.arrays.count, "every array is judged")
    for order in ComparisonTable.Order.allCases {
      let lines = ComparisonTable(verdict.comparison, order: order).text.split(separator: "\n", omittingEmptySubsequences: false)
      require(lines.count > report.arrays.count, "an array is a line at least")
    }
    let again = ComparisonReport(verdict)
    require(again.arrays.map(\.name) == report.arrays.map(\.name), "judged again it speaks of the same arrays")
  } catch {
    require(error is ReportError, "a refusal says where and what: \(error)")
  }
  return 0
}
