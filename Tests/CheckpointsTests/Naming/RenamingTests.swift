// transformers' names on input and output, over the files of tools/fixtures/make_candidates.py.
import Checkpoints
import Tensors
import Testing
import TestSupport

@Suite struct RenamingTests {
  /// Official names and the numbers that the script puts there.
  static let tensors: [String: (Shape, [Float])] = [
    "image_encoder.trunk.pos_embed": ([1, 2, 1, 1], [1, 1.25]),
    "no_mem_embed": ([1, 1, 2], [1.5, 1.5]),
    "sam_prompt_encoder.point_embeddings.0.weight": ([1, 2], [1, 2]),
    "sam_prompt_encoder.point_embeddings.1.weight": ([1, 2], [3, 4]),
    "sam_prompt_encoder.point_embeddings.2.weight": ([1, 2], [5, 6]),
    "sam_prompt_encoder.point_embeddings.3.weight": ([1, 2], [7, 8]),
    "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix": ([2, 1], [1, 1.125]),
    "sam_mask_decoder.iou_prediction_head.layers.1.weight": ([1, 1], [1.75]),
  ]

  @Test(arguments: ["transformers.safetensors", "transformers.pt", "tied.safetensors"])
  func transformersNamesAreRead(_ file: String) throws {
    let checkpoint = try Fixtures.open("candidates/\(file)")
    #expect(checkpoint.selection.naming == .transformers)
    #expect(checkpoint.shapes == Self.tensors.mapValues(\.0))
    for (name, (_, numbers)) in Self.tensors { #expect(try checkpoint.float32(name).elements == numbers) }
  }

  @Test(arguments: Checkpoint.Format.allCases) func namesGoThereAndBack(_ format: Checkpoint.Format) throws {
    try TestFiles.withTemporaryFolder { folder in
      let source = try Fixtures.open("candidates/transformers.safetensors")
      let (there, back) = ("\(folder)/there", "\(folder)/back")
      try Conversion(try source.named(.transformers)).write(to: there, as: format)
      let middle = try Checkpoint.open(path: there)
      #expect(middle.selection.naming == .transformers)
      try Conversion(try middle.named(.meta)).write(to: back, as: format)
      let result = try Checkpoint.open(path: back)
      #expect(result.selection.naming == .meta)
      #expect(try CheckpointDifference(source, result).isEmpty)
      #expect(try CheckpointDifference(source, middle).isEmpty)
    }
  }

  @Test func transformersGetsOneTensorOfPointsAndTwoOfTheEncoding() throws {
    let renamed = try Fixtures.open("candidates/transformers.safetensors").named(.transformers)
    #expect(renamed.entries.count == 6)
    #expect(renamed["prompt_encoder.point_embed.weight"]?.shape == [4, 2])
    #expect(try renamed.float32("prompt_encoder.point_embed.weight").elements == (1...8).map(Float.init))
    for name in ["prompt_encoder.shared_embedding", "shared_image_embedding"] {
      #expect(try renamed.float32("\(name).positional_embedding").elements == [1, 1.125])
    }
  }

  @Test func refusesCopiesThatDiffer() throws {
    let path = Fixtures.path("candidates/unequal.safetensors")
    let expected = NamingError.unequalCopies(
      "prompt_encoder.shared_embedding.positional_embedding", "shared_image_embedding.positional_embedding")
    #expect(throws: CheckpointError.naming(path: path, expected)) { try Checkpoint.open(path: path) }
  }

  @Test func refusesAnotherNumberOfPoints() throws {
    let path = Fixtures.path("candidates/three_points.safetensors")
    let expected = NamingError.unjoinable(name: "prompt_encoder.point_embed.weight", found: "float32 [3, 2]")
    #expect(throws: CheckpointError.naming(path: path, expected)) { try Checkpoint.open(path: path) }
  }

  @Test func refusesTensorsThatTransformersHasNoNameFor() throws {
    let source = try Fixtures.open("genuine/training.pt")
    let expected = NamingError.noCounterpart(names: ["weight", "bias"], naming: .transformers)
    #expect(throws: CheckpointError.naming(path: source.path, expected)) { try source.named(.transformers) }
  }
}
