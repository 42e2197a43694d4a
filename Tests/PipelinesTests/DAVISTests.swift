// Masks that somebody else made, judged as DAVIS 2017's own evaluator judges them.
import Evaluation
import Foundation
import Pipelines
import Testing
import TestSupport

/// What tools/fixtures/make_davis_scores.py recorded.
private struct OfficialScores: Decodable {
  let j: [String: Double]
  let f: [String: Double]
}

@Test func masksAreJudgedAsDAVISJudgesThem() throws {
  let folder = TestFiles.package("Tests/PipelinesTests/Fixtures/davis")
  let official = try JSONDecoder().decode(
    OfficialScores.self, from: Data(contentsOf: URL(filePath: "\(folder)/scores.json")))
  let set = try ValidationSet(folder: folder, split: "val")
  let found = try EvaluationResult(of: set, masksIn: "\(folder)/predictions").clips
  #expect(found.map { "\($0.clip)_\($0.object)" }.sorted() == official.j.keys.sorted())
  for scores in found {
    let name = "\(scores.clip)_\(scores.object)"
    #expect(abs(scores.region - (official.j[name] ?? .nan)) < 1e-12, "\(name)")
    #expect(abs(scores.contour - (official.f[name] ?? .nan)) < 1e-12, "\(name)")
  }
}
