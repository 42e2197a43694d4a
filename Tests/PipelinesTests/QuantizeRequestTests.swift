// What quantizing refuses before the work and tells after it, and where a calibration points.
import Checkpoints
import Files
import Foundation
import Kernels
import Prompts
import Quantization
import SAM2
import Tensors
import Testing
import TestSupport

@testable import Pipelines

private let micro = TestFiles.package("Weights/sam2.1_micro.pt")
private let validation = TestFiles.package("Reference/validation")

@Suite struct QuantizeRequestTests {
  /// What ranks modules of the micro model.
  private func ranking(output: String? = nil) -> QuantizeRequest {
    var request = QuantizeRequest(model: ModelRequest(path: micro), output: output, policy: .scheme(.w8))
    request.calibration = CalibrationRequest(folder: "\(validation)/pictures")
    request.ranksModules = true
    return request
  }

  @Test func modulesAreRankedOfPlainRoundingAlone() throws {
    _ = try #require(try QuantizationQuestions(ranking()))
    var rounded = ranking()
    rounded.rounding = .gptq
    #expect(throws: QuantizationQuestionError.notNearest) { _ = try QuantizationQuestions(rounded) }
    var equalized = ranking()
    equalized.equalizes = true
    #expect(throws: QuantizationQuestionError.notNearest) { _ = try QuantizationQuestions(equalized) }
  }

  @Test func whatIsInTheWayOfASearchsStateIsNamedBeforeTheWork() throws {
    try TestFiles.withTemporaryFolder { folder in
      let state = "\(folder)/.q.safetensors.search"
      try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: false)
      var request = ranking(output: "\(folder)/q.safetensors")
      // Without a search there is no state.
      _ = try #require(try QuantizationQuestions(request))
      request.data = validation
      request.maximumLoss = 1
      #expect(throws: FileError.unwritable(path: state, reason: "a folder of that name is in the way")) {
        _ = try QuantizationQuestions(request)
      }
    }
  }

  @Test func ofLayersWithChannelsOfZerosFourAreNamed() throws {
    try TestFiles.withTemporaryFolder { folder in
      let layers = (2...6).map { "image_encoder.trunk.blocks.\($0).attn.qkv" }
      let file = try Checkpoint.open(path: micro)
      var tensors: [String: Tensor] = [:]
      for name in file.shapes.keys { tensors[name] = try file.tensor(name) }
      for layer in layers {
        let weight = try file.float32("\(layer).weight")
        var elements = weight.elements
        for index in 0..<weight.shape[1] { elements[index] = 0 }
        tensors["\(layer).weight"] = Tensor(weight.shape, elements)
      }
      let path = "\(folder)/zeros.safetensors"
      try SafetensorsOutput.write(tensors, metadata: [:], to: path)
      var model = ModelRequest(path: path)
      model.configuration = TestFiles.package("Reference/micro.yaml")
      let plan = PrecisionPlan(rules: layers.map { PrecisionPlan.Rule(layers: $0, precision: .w8) })
      let notes = Notes()
      let request = QuantizeRequest(model: model, output: nil, policy: .plan(plan))
      #expect(try quantize(request, watch: notes.watch).layers.map(\.zeroChannels) == [1, 1, 1, 1, 1])
      let named = layers.prefix(4).map { "1 of \($0)" }.joined(separator: ", ")
      let note = "output channels of nothing but zeros have scale 1 and stay zeros: \(named) and 1 more"
      #expect(notes.notes.contains(note), "\(notes.notes)")
    }
  }
}

@Suite struct RandomClicksTests {
  /// Of 400 × 200 pixels: in the middle, at the upper left and at the lower right. Clicks were computed in
  /// Python, by SplitMix64 and FNV-1a of the file's name; boxes reach 100 and 50 pixels from them, or to the
  /// edge.
  @Test(
    arguments: [
      ("g.jpg", 256.41, 83.81, Box(x0: 156.41, y0: 33.81, x1: 356.41, y1: 133.81)),
      ("s.jpg", 71.50, 33.97, Box(x0: 0, y0: 0, x1: 171.50, y1: 83.97)),
      ("u.jpg", 353.52, 156.26, Box(x0: 253.52, y0: 106.26, x1: 400, y1: 200)),
    ] as [(String, Double, Double, Box)])
  func aBoxIsAQuarterAroundTheFirstClick(name: String, x: Double, y: Double, box: Box) {
    let clicks = RandomClicks(CalibrationRequest(folder: "a"), "a/\(name)", width: 400, height: 200)
    #expect(abs(clicks[0].x - x) < 0.01 && abs(clicks[0].y - y) < 0.01)
    let found = clicks.box
    #expect(abs(found.x0 - box.x0) < 0.01 && abs(found.y0 - box.y0) < 0.01, "\(found)")
    #expect(abs(found.x1 - box.x1) < 0.01 && abs(found.y1 - box.y1) < 0.01, "\(found)")
  }
}
