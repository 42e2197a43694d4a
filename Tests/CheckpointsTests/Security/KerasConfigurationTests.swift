// What an HDF5 file's attributes would have Keras do.
import Checkpoints
import HDF5
import Testing
import TestSupport

@Suite struct KerasConfigurationTests {
  private func findings(_ configuration: String, inGroup: Bool = false) throws -> [String] {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/model.h5"
      let file = try HDF5NewFile(path)
      let root = try file.root()
      let place = inGroup ? try root.createGroup("model_weights") : root
      try place.setAttribute("model_config", .string(configuration))
      try file.commit()
      let report = try SecurityScan.report(path: path)
      #expect(report.isSafe == report.findings.isEmpty)
      return report.findings.map { "\($0.place): \($0.reason)" }
    }
  }

  @Test(arguments: [
    #"{"class_name": "Lambda", "config": {"function": ["4wEAAAA=", null, null]}}"#,
    #"{"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {}}]}}"#,
    #"{"class_name": "Sequential", "config": {"layers": [{"class_name": "MyPackage>Lambda", "config": {}}]}}"#,
    #"{"class_name": "Lambda", "#,
  ])
  func codeIsFound(configuration: String) throws {
    for inGroup in [false, true] {
      let found = try findings(configuration, inGroup: inGroup)
      let place = "the attribute model_config of /\(inGroup ? "model_weights" : "")"
      #expect(found.count == 1 && found[0].hasPrefix(place) && found[0].contains("Lambda"), "\(found)")
    }
  }

  @Test(arguments: [
    "", "no JSON", #"{"class_name": "Dense", "config": {"units": 3, "activation": "relu"}}"#,
    #"{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "module": "keras.layers"}]}}"#,
  ])
  func layersThatHoldNoCodeAreSafe(configuration: String) throws {
    #expect(try findings(configuration) == [])
  }
}
