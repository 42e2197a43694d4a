import Architecture
import Files
import Foundation
import Tensors
import Testing
import TestSupport

@testable import Checkpoints

/// What transformers builds, recorded by tools/prove_transformers.py.
private struct Recording: Decodable {
  struct Names: Decodable {
    let tensors: Int
    let sha256: String
  }
  let variants: [String: Names]
  /// Of the models for pictures alone, `Sam2Model`.
  let pictures: [String: Names]
  /// `name [shape]` of every tensor.
  let tiny: [String]

  enum CodingKeys: String, CodingKey {
    case variants
    case pictures = "picture_models"
    case tiny = "sam2.1_hiera_tiny"
  }

  init() throws {
    let data = try Data(contentsOf: URL(filePath: Fixtures.path("transformers.json")))
    self = try JSONDecoder().decode(Recording.self, from: data)
  }
}

@Suite struct NameTableTests {
  /// Names and shapes that transformers should have, of a layout's.
  private func translated(_ layout: StateDictLayout, ofTracking: Bool = true) -> [String: Shape] {
    var shapes: [String: Shape] = [:]
    for (name, shape) in layout.tensors where ofTracking || !StateDictLayout.isOfTracking(name) {
      guard let other = NameTable.transformers.right(of: name) else { continue }
      shapes[other] = shape
      if other == NameTable.copied.original { shapes[NameTable.copied.copy] = shape }
      if name == "sam_prompt_encoder.not_a_point_embed.weight" {
        shapes[NameTable.joined.whole] = [NameTable.joined.parts.count, shape[1]]
      }
    }
    return shapes
  }

  @Test(arguments: Variant.allCases) func everyNameHasItsOwnCounterpartAndLeadsBack(_ variant: Variant) {
    let layout = StateDictLayout(variant.configuration)
    var others: Set<String> = []
    for (name, _) in layout.tensors where !NameTable.joined.parts.contains(name) {
      let other = NameTable.transformers.right(of: name)
      #expect(other.flatMap(NameTable.transformers.left(of:)) == name)
      if let other { #expect(others.insert(other).inserted, "\(other)") }
    }
    #expect(others.count == layout.tensors.count - 4)
  }

  @Test(arguments: Variant.allCases) func theseAreTheNamesAndShapesOfTransformers(_ variant: Variant) throws {
    let recorded = try #require(try Recording().variants[variant.rawValue])
    let shapes = translated(StateDictLayout(variant.configuration))
    #expect(shapes.count == recorded.tensors)
    let lines = shapes.map { "\($0.key) \($0.value)\n" }.sorted().joined()
    #expect(Array(lines.utf8).withUnsafeBytes { SHA256.hex(of: $0) } == recorded.sha256)
  }

  @Test(arguments: Variant.allCases) func pictureModelsLackWhatOnlyTrackingNeeds(_ variant: Variant) throws {
    let recorded = try #require(try Recording().pictures[variant.rawValue])
    let shapes = translated(StateDictLayout(variant.configuration), ofTracking: false)
    #expect(shapes.count == recorded.tensors)
    let lines = shapes.map { "\($0.key) \($0.value)\n" }.sorted().joined()
    #expect(Array(lines.utf8).withUnsafeBytes { SHA256.hex(of: $0) } == recorded.sha256)
  }

  /// The same for one variant in full, where a difference has a name.
  @Test func tinyHasTheNamesAndShapesOfTransformers() throws {
    let lines = translated(StateDictLayout(Variant.sam21Tiny.configuration)).map { "\($0.key) \($0.value)" }
    #expect(Set(lines) == Set(try Recording().tiny))
  }

  @Test(
    arguments: [
      "", "weight", "no_mem_embed.weight.weight", "image_encoder.trunk.blocks.01.norm1.weight",
      "image_encoder.trunk.blocks.#.norm1.weight", "image_encoder.trunk.blocks.0.norm1.scale",
      "sam_mask_decoder.iou_prediction_head.layers.3.weight",
      "memory_encoder.mask_downsampler.encoder.2.weight",
      "sam_prompt_encoder.point_embeddings.0.weight", "vision_encoder.neck.convs.0.weight",
    ])
  func otherNamesHaveNone(_ name: String) { #expect(NameTable.transformers.right(of: name) == nil) }
}
