import Testing
import Verification

@testable import Reports

@Test func hasOneTestCaseATap() throws {
  let (result, expected, _) = try ReportFixtures.comparison()
  let xml = JUnitReport(ComparisonReport(result)).xml
  let elements = try #require(ReportFixtures.elements(xml))
  let cases = elements.filter { $0.name == "testcase" }
  #expect(cases.count == expected.arrays.count)
  #expect(
    cases.allSatisfy {
      $0.attributes["name"] != nil && $0.attributes["classname"] != nil && $0.attributes["time"] == "0"
    })
  #expect(cases[3].attributes["classname"] == "trunk.blocks.0" && cases[3].attributes["name"] == "0/output")
  let failures = elements.filter { $0.name == "failure" }
  #expect(
    failures.map { $0.attributes["type"] } == ["diverged", "diverged", "shape_mismatch", "missing", "diverged"])
  #expect(failures[0].attributes["message"]?.contains("worst at [0, 0, 7, 7]: expected") == true)
  let suite = try #require(elements.first { $0.name == "testsuite" })
  #expect(
    suite.attributes["tests"] == "8" && suite.attributes["failures"] == "5" && suite.attributes["errors"] == "0"
  )
  #expect(suite.attributes["name"] == "port <1>.npz against reference.h5")
}

/// The order and the names that `junit-10.xsd` allows.
@Test func followsTheSchema() throws {
  let (result, _, _) = try ReportFixtures.comparison()
  let elements = try #require(ReportFixtures.elements(JUnitReport(ComparisonReport(result)).xml))
  let allowed: [String: (parents: [String?], attributes: Set<String>)] = [
    "testsuites": ([nil], ["name", "time", "tests", "failures", "errors", "disabled"]),
    "testsuite": (
      ["testsuites"],
      [
        "name", "tests", "failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id",
        "package",
      ]
    ),
    "properties": (["testsuite"], []), "property": (["properties"], ["name", "value"]),
    "testcase": (["testsuite"], ["name", "assertions", "time", "classname", "status"]),
    "failure": (["testcase"], ["type", "message"]), "system-out": (["testcase"], []),
  ]
  for element in elements {
    let rule = try #require(allowed[element.name], "\(element.name)")
    #expect(rule.parents.contains(element.parent) && rule.attributes.isSuperset(of: element.attributes.keys))
  }
  #expect(elements.map(\.name).prefix(4) == ["testsuites", "testsuite", "properties", "property"])
}

@Test func aComparisonOfNothingFails() throws {
  let empty = MemoryArrays(tensors: [])
  let result = try Verdict(reference: empty, at: "a", candidate: empty, at: "b")
  let elements = try #require(ReportFixtures.elements(JUnitReport(ComparisonReport(result)).xml))
  #expect(elements.filter { $0.name == "failure" }.count == 1)
  #expect(elements.first { $0.name == "testsuite" }?.attributes["failures"] == "1")
}

@Test func whatPassesHasNoFailure() throws {
  let (result, _, _) = try ReportFixtures.comparison(breaks: false)
  let elements = try #require(ReportFixtures.elements(JUnitReport(ComparisonReport(result)).xml))
  #expect(!elements.contains { $0.name == "failure" })
  #expect(elements.first { $0.name == "testsuites" }?.attributes["failures"] == "0")
}
