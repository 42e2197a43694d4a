import Tensors

/// One object's outputs on the frames it was tracked to, and the directions in which it was.
struct TrackedOutputs: Sendable {
  /// Those still held.
  private(set) var outputs: [Int: FrameOutput] = [:]
  /// The frames that were ever tracked to and are not held any more: runs that begin and end there.
  private(set) var forgotten = FrameRuns()
  /// Frames that were tracked forwards, and backwards.
  var forwards = FrameRuns()
  var backwards = FrameRuns()

  init() {}

  init(outputs: [Int: FrameOutput], forgotten: FrameRuns, forwards: FrameRuns, backwards: FrameRuns) {
    self.outputs = outputs
    self.forgotten = forgotten
    self.forwards = forwards
    self.backwards = backwards
  }

  subscript(frame: Int) -> FrameOutput? {
    get { outputs[frame] }
    set {
      outputs[frame] = newValue
      forgotten.remove(frame)
    }
  }

  /// The direction in which the object was tracked to a frame last; nil if it never was.
  func isReverse(_ frame: Int) -> Bool? {
    backwards.contains(frame) ? true : forwards.contains(frame) ? false : nil
  }

  /// Notes that the object was tracked to a frame.
  mutating func note(_ frame: Int, isReverse: Bool?) {
    forwards.remove(frame)
    backwards.remove(frame)
    switch isReverse {
    case true?: backwards.insert(frame)
    case false?: forwards.insert(frame)
    case nil: break
    }
  }

  /// Lets go of outputs whose frame isn't `kept`.
  mutating func forget(except kept: (Int) -> Bool) {
    for frame in outputs.keys where !kept(frame) {
      outputs[frame] = nil
      forgotten.insert(frame)
    }
  }
}

/// A set of frames, as runs of neighbours: as small for a long video as for a short one.
struct FrameRuns: Sendable, Equatable, Codable {
  /// Ascending, apart from each other.
  private(set) var runs: [ClosedRange<Int>] = []

  init(_ runs: [ClosedRange<Int>] = []) { self.runs = runs }

  func contains(_ frame: Int) -> Bool { runs.contains { $0.contains(frame) } }

  mutating func insert(_ frame: Int) {
    guard !contains(frame) else { return }
    var run = frame...frame
    runs.removeAll { neighbour in
      guard neighbour.upperBound == frame - 1 || neighbour.lowerBound == frame + 1 else { return false }
      run = min(run.lowerBound, neighbour.lowerBound)...max(run.upperBound, neighbour.upperBound)
      return true
    }
    let place = runs.firstIndex { $0.lowerBound > run.lowerBound } ?? runs.endIndex
    runs.insert(run, at: place)
  }

  mutating func remove(_ frame: Int) {
    guard let place = runs.firstIndex(where: { $0.contains(frame) }) else { return }
    let run = runs.remove(at: place)
    if run.upperBound > frame { runs.insert(frame + 1...run.upperBound, at: place) }
    if run.lowerBound < frame { runs.insert(run.lowerBound...frame - 1, at: place) }
  }
}
