import Architecture
import Checkpoints
import Configurations
import Foundation
import Kernels
import Pipelines
import SAM2
import Testing
import TestSupport

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let microYAML = TestFiles.package("Weights/sam2.1_micro.yaml")

/// What a pipeline told.
final class Notes {
  var notes: [String] = []

  func watch(_ event: PipelineEvent) { if case .note(let text) = event { notes.append(text) } }
}

@Suite struct ModelTests {
  @Test func aYAMLBesideACheckpointIsFoundAndSaid() throws {
    let notes = Notes()
    let model = try Model(ModelRequest(path: micro), watch: notes.watch)
    #expect(model.configurationSource == .beside(microYAML))
    #expect(notes.notes == ["\(micro): configuration taken from \(microYAML) beside it"])
    // As the YAML has it; the architecture alone doesn't tell.
    #expect(model.configuration.imageSize == 256)
  }

  @Test func aStrayYAMLBesideACheckpointIsNamedWithTheWayOut() throws {
    try TestFiles.withTemporaryFolder { folder in
      try FileManager.default.copyItem(atPath: micro, toPath: "\(folder)/m.pt")
      try Data("services: {web: {image: nginx}}\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/m.yaml"))
      let error = try #require(throws: UnfitConfiguration.self) { _ = try Model(path: "\(folder)/m.pt") }
      #expect("\(error)".hasPrefix("\(folder)/m.yaml: expected "))
      #expect("\(error)".contains("read because it stands beside \(folder)/m.pt"))
    }
  }

  @Test func aNamedConfigurationComesFirst() throws {
    let other = TestFiles.package("Reference/micro.yaml")
    let notes = Notes()
    var request = ModelRequest(path: micro)
    request.configuration = other
    let model = try Model(request, watch: notes.watch)
    #expect(model.configurationSource == .named(other))
    #expect(model.configuration.imageSize == 128)
    #expect(notes.notes.isEmpty)
  }

  @Test func aPlanIsTakenFromTheRequestElseFromTheFile() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/m.safetensors"
      _ = try convert(
        ConvertRequest(model: ModelRequest(path: micro), output: path, target: .file(.safetensors)))
      let file = try Checkpoint.open(path: path)
      func carrying(_ plan: String) throws -> String {
        let carrier = "\(folder)/carrier.safetensors"
        let tensors = try Dictionary(uniqueKeysWithValues: file.shapes.keys.map { ($0, try file.tensor($0)) })
        let metadata = file.metadata.merging(["precision_plan": plan]) { $1 }
        try SafetensorsOutput.write(tensors, metadata: metadata, to: carrier)
        return carrier
      }
      let layer = "memory_attention.layers.0.linear1"
      let asked = PrecisionPlan(rules: [.init(layers: layer, precision: .f32)])
      var request = ModelRequest(
        path: try carrying(#"{"rules": [{"layers": "*.linear9", "precision": "f32"}]}"#))
      let refused = try #require(throws: SAM2Error.self) { _ = try Model(request) }
      #expect("\(refused)".contains("the plan's `*.linear9` fits no layer of this model; near it are "))
      request.plan = asked
      #expect(try Model(request).base.plan == asked)
      let notes = Notes()
      let found = try Model(ModelRequest(path: carrying(asked.json)), watch: notes.watch)
      #expect(found.base.plan == asked && found.precision == "f32")
      #expect(notes.notes.contains { $0.hasSuffix("computed by the precision plan that it carries") })
    }
  }

  @Test func aConvertedFileSaysItselfEvenBesideAYAML() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/m.safetensors"
      let request = ConvertRequest(
        model: ModelRequest(path: micro), output: path, target: .file(.safetensors))
      let written = try convert(request)
      #expect(written.tensorCount == 383)
      #expect(written.variant == nil)
      try FileManager.default.copyItem(
        atPath: TestFiles.package("Reference/micro.yaml"), toPath: "\(folder)/m.yaml")
      let model = try Model(path: path)
      #expect(model.configurationSource == .metadata)
      #expect(model.configuration.imageSize == 256)
    }
  }

  @Test func settingsChangeWhatWasFound() throws {
    var request = ModelRequest(path: micro)
    request.settings = [try #require(ConfigurationSetting("fill_hole_area=3"))]
    #expect(try Model(request).configuration.fillHoleArea == 3)
  }

  @Test func aModelThatNothingDescribesIsRefusedWithAdvice() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/a.stranger.pt"
      try FileManager.default.copyItem(atPath: micro, toPath: path)
      let error = #expect(throws: UnknownArchitecture.self) { try Model(path: path) }
      #expect(error?.description.contains("nearest is sam2.1_hiera_tiny") == true)
      #expect(error?.description.hasSuffix("lay it beside the checkpoint as a.stranger.yaml") == true)
      // And with the YAML laid there it is taken.
      try FileManager.default.copyItem(atPath: microYAML, toPath: "\(folder)/a.stranger.yaml")
      #expect(try Model(path: path).configurationSource == .beside("\(folder)/a.stranger.yaml"))
    }
  }
}
