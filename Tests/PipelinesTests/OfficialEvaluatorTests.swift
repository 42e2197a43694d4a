// Masks that somebody else made, judged as the data sets' own evaluators judge them.
import Evaluation
import Foundation
import Pipelines
import Testing
import TestSupport

/// What tools/fixtures/make_davis_scores.py and make_sav_scores.py recorded.
private struct OfficialScores: Decodable {
  let j: [String: Double]
  let f: [String: Double]
}

@Test(arguments: ["davis", "sav"]) func masksAreJudgedAsTheirEvaluatorsJudgeThem(name: String) throws {
  let folder = TestFiles.package("Tests/PipelinesTests/Fixtures/\(name)")
  let official = try JSONDecoder().decode(
    OfficialScores.self, from: Data(contentsOf: URL(filePath: "\(folder)/scores.json")))
  let set = try ValidationSet(folder: folder, split: name == "davis" ? "val" : nil)
  let found = try EvaluationResult(of: set, masksIn: "\(folder)/predictions").clips
  #expect(found.map { "\($0.clip)_\($0.object)" }.sorted() == official.j.keys.sorted())
  for scores in found {
    let name = "\(scores.clip)_\(scores.object)"
    #expect(abs(scores.region - (official.j[name] ?? .nan)) < 1e-12, "\(name)")
    #expect(abs(scores.contour - (official.f[name] ?? .nan)) < 1e-12, "\(name)")
  }
}
