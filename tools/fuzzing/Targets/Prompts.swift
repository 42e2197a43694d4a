// Prompts of a picture, a video, or one of many pictures, other programs' detections, and the masks that they name: what is
// read is written and read back the same, and means steps in which every prompt stands once.
import Foundation
import Masks
@testable import Prompts

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let json = input(start, count)
  if let script = try? PromptScript(json: json, path: "input", of: .picture) {
    checkWriting(script)
    let again = try? PromptScript(json: written(script), path: "written", of: .picture)
    require(again == script, "prompts of a picture are read back as such")
  }
  if let script = try? PromptScript(json: json, path: "input", of: .video) {
    checkWriting(script)
    checkSteps(script)
  }
  if let line = try? PicturePrompts(json: json, path: "input") { checkWriting(line.script) }
  if let detections = try? Detections(json: json, path: "input"),
    let found = try? detections.prompts(of: "pictures/000000000139.jpg", minimumScore: 0.5)
  {
    require(!found.prompts.isEmpty && found.leftOut >= 0, "what is found is something")
    require(found.prompts.map(\.object) == Array(1...found.prompts.count), "objects are numbered from 1")
    for prompt in found.prompts { if let mask = prompt.mask { checkMask(mask) } }
  }
  return 0
}

private func written(_ script: PromptScript) -> [UInt8] {
  do { return Array(try JSONEncoder().encode(script)) } catch { fatalError("invariant: prompts are written: \(error)") }
}

private func checkWriting(_ script: PromptScript) {
  do {
    let again = try JSONDecoder().decode(PromptScript.self, from: Data(written(script)))
    require(again == script, "writing and reading keeps prompts")
  } catch {
    require(false, "what is written is read: \(error)")
  }
  for object in script.objects { if let mask = object.mask { checkMask(mask) } }
}

/// Every prompt stands once in what is done, however many frames there are and whichever way time runs.
private func checkSteps(_ script: PromptScript) {
  for count in [nil, 0, 1, 7, Int.max] {
    for direction in [TrackDirection.forward, .reverse, .both] {
      let steps = script.script(frameCount: count, direction: direction)
      if script.steps != nil {
        require(steps == script.steps, "steps that are given stay")
        continue
      }
      let prompts = steps.compactMap { if case .prompt(let prompt) = $0 { prompt } else { nil } }
      require(prompts.count == script.objects.count && Set(prompts) == Set(script.objects), "every prompt stands once")
      for case .propagate(let way) in steps {
        require(way.from ?? 0 >= 0 && way.frames ?? 0 >= 0, "ways through a video begin in it")
      }
    }
  }
}

/// The text of a mask says the same when it is written anew, and pixels are as many as runs say.
private func checkMask(_ text: String) {
  let mask = PromptMask(text)
  require(PromptMask(mask.text).text == mask.text, "writing and reading keeps a mask's text")
  switch mask {
  case .runs(let width, let height, let counts):
    check(try? RunLengthEncoding(width: width, height: height, compressed: counts))
  case .lengths(let width, let height, let counts):
    check(try? RunLengthEncoding(width: width, height: height, counts: counts))
  case .polygons(let polygons):
    // Corners that are far outside are refused before.
    guard polygons.joined().allSatisfy({ abs($0) <= 80 }) else { return }
    _ = try? BinaryMask(width: 48, height: 40, polygons: polygons)
  case .file, .object: break
  }
}

private func check(_ runs: RunLengthEncoding?) {
  guard let runs else { return }
  let again = try? RunLengthEncoding(width: runs.width, height: runs.height, compressed: runs.compressed)
  require(again == runs, "writing and reading keeps runs")
  guard runs.width * runs.height <= 1 << 16 else { return }
  let mask = BinaryMask(runs)
  require(mask.area == runs.area && mask.bounds == runs.bounds, "pixels are those of the runs")
  // Runs of length 0 within are gone then.
  require(BinaryMask(RunLengthEncoding(mask)) == mask, "runs are those of the pixels")
}
