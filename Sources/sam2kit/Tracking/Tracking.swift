import Architecture
import Files
import Foundation
import Kernels
import Media
import SAM2
import Tensors
import Traces

/// A video being tracked into a folder, step by step, so that it can be interrupted and gone on with.
struct Tracking {
  let input: VideoInput
  let script: TrackScript
  let model: SAM2Base
  let modelPath: String
  let folder: TrackFolder
  /// Tells runs apart that may not go on from each other.
  private let identity: String

  /// The state is stored after the first frame, and then so long after the last time, at the soonest…
  private static let timeBetweenStates = Duration.seconds(10)
  /// … and so many times as long as storing it takes.
  private static let restBetweenStates = 20

  init(
    input: VideoInput, script: TrackScript, model: SAM2Base, modelPath: String, folder: TrackFolder,
    digests: RunDigests
  ) throws {
    self.input = input
    self.script = script
    self.model = model
    self.modelPath = modelPath
    self.folder = folder
    let parts = [
      digests.checkpoint.text, model.configuration.json, digests.input,
      try script.fingerprint, Product.version, model.backend.name, model.backend.version,
    ]
    identity = Array(parts.joined(separator: "\n").utf8).withUnsafeBytes { SHA256.hex(of: $0) }
  }

  /// Tracks all that the script asks for.
  ///
  /// - Parameter resumes: Whether to go on where an interrupted run stopped, if there is one.
  /// - Returns: What was found, to be given to `finish`.
  /// - Throws: `Interrupted` where the user interrupts; what was found until then is reported.
  func run(resumes: Bool, recording: TapRecorder?) throws -> TrackJournal {
    var session = try VideoPredictor(model).session(
      input, width: input.source.width, height: input.source.height, history: script.history)
    let stored = resumes ? try storedState() : nil
    // A state that is older than the journal would speak of other bytes.
    if stored == nil { try folder.removeState() }
    let journal = try TrackJournal(path: folder.journal, length: stored?.state.journalLength ?? 0)
    if let stored {
      try session.restore(stored.memory)
      // Masks written shortly before a loss of power may be empty or gone.
      for frame in journal.frames {
        guard let entry = try journal.entry(of: frame) else { continue }
        try folder.write(entry, width: input.source.width, height: input.source.height)
      }
      try input.revisit(journal.frames)
    }
    var progress = TrackProgress(total: script.frameTotal(count: input.count), done: journal.frames.count)
    var nextState = ContinuousClock.now
    PartialFiles.awaitInterrupt()
    defer { Console.endLine() }
    do {
      try session.perform(
        script.steps, from: stored?.state.position ?? ScriptPosition(), Run(taps: recording?.taps),
        readMask: script.mask(at:)
      ) { step, masks, session in
        try keep(masks, of: session.objectIDs, journal)
        if let taps = recording?.taps { try masks.record(script.steps[step], at: step, to: taps) }
        guard case .propagate(let way) = script.steps[step] else { return }
        progress.advance(to: masks.frame)
        let signal = PartialFiles.interrupt
        let start = ContinuousClock.now
        guard signal != nil || start >= nextState else { return }
        let next = ScriptPosition(step: step, frame: masks.frame + (way.reverse == true ? -1 : 1))
        // The journal first: the state says how much of it to trust.
        try TrackState(identity: identity, position: next, journalLength: journal.synchronize())
          .write(to: folder.state, session)
        nextState = .now + max(Self.timeBetweenStates, start.duration(to: .now) * Self.restBetweenStates)
        if let signal { throw Interrupted(signal: signal) }
      }
    } catch {
      // What was tracked until then is worth a report, whatever came in between.
      if folder.hasState { try report(journal, isComplete: false) }
      throw error
    }
    try recording?.finish()
    try report(journal, isComplete: true)
    return journal
  }

  /// Removes what an unfinished run would have needed.
  func finish(_ journal: TrackJournal) throws {
    try journal.close()
    try folder.removeState()
  }

  /// Writes the report. Masks that an earlier one lists and this doesn't go with it.
  private func report(_ journal: TrackJournal, isComplete: Bool) throws {
    let before = folder.reportedMasks
    try TrackReport(input.source, model: modelPath, isComplete: isComplete).write(to: folder.report, journal)
    folder.remove(before.subtracting(journal.frames.map(folder.maskName)))
  }

  private func storedState() throws -> (state: TrackState, memory: SessionSnapshot)? {
    guard let stored = try TrackState.read(path: folder.state) else {
      Console.remark("\(folder.path): no interrupted run to go on from; starting at the beginning")
      return nil
    }
    guard stored.state.identity == identity else { throw OtherRun(path: folder.state) }
    return stored
  }

  /// Stores a frame's masks, with those that other objects had there before.
  private func keep(_ masks: FrameMasks, of tracked: [Int], _ journal: TrackJournal) throws {
    for object in masks.objects {
      let isMaskBroken = object.lowResLogits.withElements { $0.contains(where: \.isNaN) }
      let scores = [object.objectScore, object.predictedIoU].compactMap { $0 }
      guard isMaskBroken || !scores.allSatisfy(\.isFinite) else { continue }
      throw BrokenPrediction(
        name: "\(isMaskBroken ? "mask" : "score") of object \(object.id) on frame \(masks.frame)")
    }
    let time = try input.source.frame(at: masks.frame)?.timestamp
    var entry = TrackEntry(masks, time: time, mask: folder.maskName(masks.frame))
    if let earlier = try journal.entry(of: masks.frame) { entry = entry.filled(from: earlier, of: tracked) }
    try folder.write(entry, width: masks.width, height: masks.height)
    try journal.append(entry)
  }
}

/// The user asked the program to end.
struct Interrupted: Error {
  let signal: Int32
}

/// The state in a folder belongs to another run.
struct OtherRun: Error, CustomStringConvertible {
  let path: String

  var description: String {
    "\(path): expected a run of the same model, video and prompts to go on from, found another; "
      + "leave out --resume to start anew"
  }
}

/// Says how far a run is, in one line that is written over, to somebody watching.
struct TrackProgress {
  private let total: Int?
  private var done: Int
  private var tracked = 0
  private let start = ContinuousClock.now

  init(total: Int?, done: Int) {
    self.total = total
    self.done = done
  }

  mutating func advance(to frame: Int) {
    done += 1
    tracked += 1
    let seconds = start.duration(to: .now) / .seconds(1)
    let rate = Double(tracked) / max(seconds, 1e-9)
    let left = total.map { total -> String in
      let rest = Int(Double(max(0, total - done)) / rate)
      return String(format: " of %d, %d:%02d left", total, rest / 60, rest % 60)
    }
    Console.line("frame \(frame): \(done)\(left ?? ""), \(rate.rounded(2)) frames/s")
  }
}
