import Foundation
import Masks
import Media
import SAM2
import Traces

/// Goes through a script's steps before anything is computed, and reads the masks that they name.
struct ScriptCheck {
  /// What is wrong with a step.
  struct Problem: Error {
    let text: String
  }

  let input: VideoInput
  /// What mask paths are relative to.
  let folder: URL
  /// The masks that were read, by the names that the steps have for them.
  private(set) var masks: [String: BinaryMask] = [:]
  /// The objects that there are after the steps so far.
  private var objects: Set<Int> = []

  init(input: VideoInput, folder: URL) {
    self.input = input
    self.folder = folder
  }

  /// Checks the next step.
  ///
  /// - Throws: `Problem`, and what keeps a mask or a frame from being read.
  mutating func check(_ step: VideoStep) throws {
    switch step {
    case .prompt(let prompt):
      do { try check(prompt) } catch let problem as Problem {
        throw Problem(text: "object \(prompt.object), frame \(prompt.frame): \(problem.text)")
      }
      objects.insert(prompt.object)
    case .propagate(let way):
      guard !objects.isEmpty else { throw Problem(text: "expected an object to track, found none") }
      if let start = way.from { try check(frame: start) }
    case .clear(let object, let frame):
      try check(object: object)
      try check(frame: frame)
    case .remove(let object):
      try check(object: object)
      objects.remove(object)
    case .reset: objects.removeAll()
    }
  }

  private mutating func check(_ prompt: VideoStep.Prompt) throws {
    guard (1...255).contains(prompt.object) else {
      throw Problem(text: "expected an object from 1 to 255, as indexed PNGs have them, found \(prompt.object)")
    }
    try check(frame: prompt.frame)
    guard let name = prompt.mask else {
      guard prompt.keep != true || prompt.box == nil else {
        throw Problem(text: "a box comes before any points and can't be added to earlier ones, as `keep` asks")
      }
      do { try prompt.pointed.check(width: input.source.width, height: input.source.height) } catch {
        throw Problem(text: "\(error)")
      }
      return
    }
    guard prompt.points == nil, prompt.box == nil else {
      throw Problem(text: "expected either a mask or points and a box, found both")
    }
    let path = URL(fileURLWithPath: name, relativeTo: folder).path
    let mask = try masks[name] ?? BinaryMask.read(path: path)
    guard mask.width == input.source.width, mask.height == input.source.height else {
      throw Problem(
        text: "\(path): expected a mask of the video's size, \(input.source.width) × \(input.source.height), "
          + "found \(mask.width) × \(mask.height)")
    }
    masks[name] = mask
  }

  private func check(object: Int) throws(Problem) {
    guard !objects.contains(object) else { return }
    let known = objects.isEmpty ? "no object" : "one of the objects \(objects.sorted())"
    throw Problem(text: "expected \(known), found \(object)")
  }

  /// Reads the frame too: a damaged file may promise more than there are.
  private func check(frame: Int) throws {
    guard try frame < 0 || input.source.frame(at: frame) == nil else { return }
    let last = input.count.map { "a frame from 0 to \($0 - 1)" } ?? "a frame of at least 0"
    throw Problem(text: "expected \(last), as the video has, found \(frame)")
  }
}
