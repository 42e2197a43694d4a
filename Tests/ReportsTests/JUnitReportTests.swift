import Taps
import Tensors
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
  let empty = HeldTensors([])
  let result = try Verdict(reference: empty, candidate: empty, policy: .f32)
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

/// A test that the module's running as one kept from being made is skipped, and doesn't count as failed.
@Test func whatIsFusedIsSkipped() throws {
  let (result, _, _) = try ReportFixtures.comparison(wholes: [ModulePath("trunk.blocks")])
  let elements = try #require(ReportFixtures.elements(JUnitReport(ComparisonReport(result)).xml))
  #expect(!elements.contains { $0.name == "skipped" })
  let inside = HeldTensors([
    ("a.b/0/output", ReportFixtures.grid([2])), ("a/0/output", ReportFixtures.grid([2])),
  ])
  let whole = HeldTensors([("a/0/output", ReportFixtures.grid([2]))])
  let fused = ComparisonReport(
    try Verdict(reference: inside, candidate: whole, policy: .f32, wholes: [ModulePath("a")]))
  let seen = try #require(ReportFixtures.elements(JUnitReport(fused).xml))
  let suite = try #require(seen.first { $0.name == "testsuite" })
  #expect(
    suite.attributes["tests"] == "2" && suite.attributes["skipped"] == "1"
      && suite.attributes["failures"] == "0")
  let skipped = seen.filter { $0.name == "skipped" }
  #expect(skipped.map(\.parent) == ["testcase"] && !seen.contains { $0.name == "failure" })
  #expect(skipped.first?.attributes["message"] == "not seen: a ran as one")
  // Where all is fused, nothing was compared.
  let nothing = ComparisonReport(
    try Verdict(
      reference: HeldTensors([("a.b/0/output", ReportFixtures.grid([2]))]), candidate: HeldTensors([]),
      policy: .f32, wholes: [ModulePath("a")]))
  #expect(JUnitReport(nothing).xml.contains("failures=\"1\""))
}
