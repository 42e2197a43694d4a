// A frame was given clicks or a mask, whichever came last: what the official predictor keeps in point_inputs_per_obj and
// mask_inputs_per_obj, and pops from the other.
import Prompts
import Tensors
import Testing
import TestSupport

@testable import SAM2

@Test func theLastPromptOfAFrameIsWhatItWasGiven() throws {
  let recording = try RecordedVideo.micro("clicks")
  let frames = try ClipFrames(path: TestFiles.package("Reference/clips/shapes"))
  var session = try VideoPredictor(recording.model).session(frames, width: 160, height: 120)
  let mask = Tensor([120, 160], (0..<120 * 160).map { 30..<60 ~= $0 / 160 && 40..<90 ~= $0 % 160 ? 1 : 0 })
  func given() throws -> String {
    let object = session.objects[0]
    let description = try session.snapshot().description
    let words =
      object.points.keys.sorted().map { "clicks \($0)" } + object.maskedFrames.sorted().map { "mask \($0)" }
    #expect(description.contains(#""masked":\#(object.maskedFrames.sorted())"#), "\(description)")
    return words.joined(separator: ", ")
  }
  try session.prompt(object: 1, frame: 0, mask: mask)
  #expect(try given() == "mask 0")
  try session.prompt(object: 1, frame: 0, points: [Click(x: 62, y: 38)])
  #expect(try given() == "clicks 0")
  try session.prompt(object: 1, frame: 2, points: [Click(x: 62, y: 38)])
  try session.prompt(object: 1, frame: 2, mask: mask)
  #expect(try given() == "clicks 0, mask 2")
  try session.clearPrompts(object: 1, frame: 2)
  #expect(try given() == "clicks 0")
}
