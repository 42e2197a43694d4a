// What tools/fixtures/make_hostile.py wrote.
import Architecture
import Configurations
import Files
import Testing
import TestSupport

@Suite struct HostileConfigurationTests {
  private func refusal(_ text: String) -> ConfigurationError? {
    do {
      _ = try ModelConfiguration(yaml: text, origin: "x.yaml")
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    ("aliases", "found an anchor ('&'), which no configuration needs"),
    ("alias_as_key", "found an anchor ('&'), which no configuration needs"),
    ("alias_of_itself", "found an anchor ('&'), which no configuration needs"),
    ("no_mapping", "found no mapping at its root"),
  ])
  func refuses(_ file: String, _ reason: String) throws {
    let text = String(
      decoding: try MappedFile.contents(of: TestFiles.fixture("hostile/\(file).yaml")), as: UTF8.self)
    #expect(refusal(text) == .notYAML(origin: "x.yaml", reason: reason))
  }

  @Test(arguments: ["deep", "second_document", "key_twice", "tag"]) func refusesInWords(_ file: String) throws {
    let text = String(
      decoding: try MappedFile.contents(of: TestFiles.fixture("hostile/\(file).yaml")), as: UTF8.self)
    let found = try #require(refusal(text))
    #expect(found.description.hasPrefix("x.yaml"), "\(found)")
  }

  @Test func refusesATextOfOverAMegabyte() {
    let text = String(repeating: " ", count: (1 << 20) + 1)
    #expect(refusal(text) == .notYAML(origin: "x.yaml", reason: "found 1048577 bytes, more than 1048576"))
  }
}
