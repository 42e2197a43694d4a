import Architecture
import Checkpoints
import Files
import Foundation
import Kernels
import Masks
import Media
public import Prompts
import SAM2
import Taps
import Tensors

extension Model {
  /// Tracks what a request asks for into its folder; see `Tracking`.
  ///
  /// - Parameters:
  ///   - watch: Is told how far it is.
  ///   - isCancelled: Asked after every frame, beside the task's own cancellation.
  ///   - visit: Is given every frame's masks when they have been stored.
  /// - Throws: What `Tracking` throws.
  @discardableResult
  public func track(
    _ request: TrackRequest, watch: PipelineWatcher = { _ in }, isCancelled: () -> Bool = { false },
    visit: (TrackedFrame) throws -> Void = { _ in }
  ) throws -> TrackResult {
    try Tracking(request).run(self, watch: watch, isCancelled: isCancelled, visit: visit)
  }
}

extension Model {
  /// Tracks objects through a video and hands out their masks; nothing is written.
  ///
  /// - Parameters:
  ///   - video: A video file, a folder of pictures, or a TIFF or AVIF of several pages.
  ///   - objects: Where the objects are, on whatever frames; paths of masks are relative to the working folder.
  ///   - direction: Which way to track.
  ///   - isCancelled: Asked after every frame, beside the task's own cancellation.
  ///   - visit: Is given every frame's masks, those of a prompted frame first as the prompts alone give them.
  /// - Throws: `MediaError`, `PromptError`, `SAM2Error`, `BrokenPrediction`, `CancellationError`, what `visit` throws.
  public func track(
    video: String, objects: [ObjectPrompt], direction: TrackDirection = .forward,
    isCancelled: () -> Bool = { false }, visit: (TrackedFrame) throws -> Void
  ) throws {
    let input = try VideoInput(path: video)
    let source = input.source
    let script = try TrackScript(
      PromptScript(objects: objects), direction, place: "the prompts",
      folder: FilePath.currentFolder, input)
    var session = try VideoPredictor(base).session(
      input, width: source.width, height: source.height, history: script.history)
    try session.perform(script.steps, readMask: script.mask(at:)) { _, masks, _ in
      try visit(TrackedFrame(masks, time: source.frame(at: masks.frame)?.timestamp))
      if isCancelled() || Task.isCancelled { throw CancellationError() }
    }
  }
}

/// A video being tracked into a folder, step by step, so that it can be interrupted and gone on with.
///
/// Making one checks all that can be checked without a model.
public struct Tracking {
  /// Whether files of this name are written into a folder of tracks; the masks of a folder's frames may have others.
  public static func names(_ name: String) -> Bool { TrackFolder.names(name) }

  private let request: TrackRequest
  private let input: VideoInput
  private let script: TrackScript
  private let folder: TrackFolder
  private let overlay: TrackOverlay?

  /// The state is stored after the first frame, and then so long after the last time, at the soonest…
  private static let timeBetweenStates = Duration.seconds(10)
  /// … and so many times as long as storing it takes.
  private static let restBetweenStates = 20

  /// Opens the video, checks the prompts against it, and makes the folder.
  ///
  /// - Throws: `MediaError`, `PromptError`, `FileError`.
  public init(_ request: TrackRequest) throws {
    self.request = request
    if let overlay = request.overlay { _ = try VideoContainer(path: overlay) }
    input = try VideoInput(path: request.video, request.frames)
    script = try TrackScript(
      request.prompts, request.direction, place: request.promptsPlace, folder: request.maskFolder, input)
    try Self.check(request.recording, input, script)
    folder = try TrackFolder(request.output, input)
    try folder.requireNoMask(of: request.prompts.masks(from: request.maskFolder))
    overlay = try request.overlay.map { [input] in try TrackOverlay(path: $0, input) }
  }

  /// Sees that what is to be recorded is among the video's frames and the prompts' objects.
  private static func check(
    _ recording: RecordingRequest, _ input: VideoInput, _ script: TrackScript
  ) throws(RecordingError) {
    if let count = input.count, let frame = recording.frames.sorted().first(where: { $0 >= count }) {
      throw .noFrame(frame, count: count)
    }
    let known = script.objects
    if let object = recording.objects.sorted().first(where: { !known.contains($0) }) {
      throw .noObject(object, known: known)
    }
  }

  /// `tracks.json`, of what was found until then also where a run is cancelled.
  public var report: String { folder.report }

  /// Whether there is what a run that resumes can go on from.
  public var canGoOn: Bool { folder.hasState }

  /// Tracks all that is asked for.
  ///
  /// - Parameters:
  ///   - watch: Is told how far it is.
  ///   - isCancelled: Asked after every frame, beside the task's own cancellation.
  ///   - visit: Is given every frame's masks when they have been stored; a frame that is prompted again comes again.
  /// - Throws: `CancellationError`, after which a run that resumes goes on from there; `OtherRun`, `BrokenPrediction`,
  ///   `SAM2Error`, `MediaError`, `FileError`, what `visit` throws.
  public func run(
    _ model: Model, watch: PipelineWatcher = { _ in }, isCancelled: () -> Bool = { false },
    visit: (TrackedFrame) throws -> Void = { _ in }
  ) throws -> TrackResult {
    let isCancelled = { isCancelled() || Task.isCancelled }
    var said = 0
    /// Tells what reading frames and masks has decided since the last time.
    func tellNotes() {
      let notes = script.notes + input.source.notes.map { "\(request.video): \($0)" }
      for note in notes.dropFirst(said) { watch(.note(note)) }
      said = max(said, notes.count)
    }
    tellNotes()
    let digests = RunDigests(
      checkpoint: CheckpointIdentity(of: model.checkpoint), input: try input.digest)
    let recording = try TapRecorder(
      request.recording, of: model.base.modules,
      model.provenance(
        of: input.traceInput, prompts: script.prompts, digests, filter: request.recording.filter))
    let journal = try follow(model, digests, recording, watch, isCancelled, visit)
    tellNotes()
    try overlay?.write(journal, watch, isCancelled)
    let frameCount = journal.frames.count
    try journal.close()
    try folder.removeState()
    return TrackResult(
      report: folder.report, overlay: overlay?.path, frameCount: frameCount,
      damage: input.source.damage.map(\.description))
  }

  private func follow(
    _ model: Model, _ digests: RunDigests, _ recording: TapRecorder?, _ watch: PipelineWatcher,
    _ isCancelled: () -> Bool, _ visit: (TrackedFrame) throws -> Void
  ) throws -> TrackJournal {
    var session = try VideoPredictor(model.base).session(
      input, width: input.source.width, height: input.source.height, history: script.history)
    let identity = try identity(model, digests)
    let stored = request.resumes ? try storedState(identity, watch) : nil
    // A state that is older than the journal would speak of other bytes.
    if stored == nil { try folder.removeState() }
    let journal =
      if let stored { try TrackJournal(path: folder.journal, upTo: stored.state.journal) } else {
        try TrackJournal(path: folder.journal)
      }
    var beginning = Beginning(folder)
    if let stored {
      try session.restore(stored.memory)
      try input.revisit(journal.frames)
      try beginning.begin { newReport(of: model, $0, isComplete: false) }
      // Masks written shortly before a loss of power may be empty or gone.
      for frame in journal.frames {
        guard let entry = try journal.entry(of: frame) else { continue }
        try folder.write(entry, width: input.source.width, height: input.source.height)
      }
    }
    var progress = ProgressClock(
      stage: .tracking, total: script.frameTotal(count: input.count), done: journal.frames.count)
    var nextState = ContinuousClock.now
    do {
      try session.perform(
        script.steps, from: stored?.state.position ?? ScriptPosition(), Run(taps: recording?.taps),
        readMask: script.mask(at:)
      ) { step, masks, session in
        try beginning.begin { newReport(of: model, $0, isComplete: false) }
        try visit(keep(masks, of: session.objectIDs, journal))
        if let taps = recording?.taps { try masks.record(script.steps[step], at: step, to: taps) }
        guard case .propagate(let way) = script.steps[step] else { return }
        watch(.progress(progress.advance(to: input.source.numbering.number(of: masks.frame))))
        let isEnding = isCancelled()
        let start = ContinuousClock.now
        guard isEnding || start >= nextState else { return }
        let next = ScriptPosition(step: step, frame: masks.frame + (way.isReverse ? -1 : 1))
        // The journal first: the state says how much of it to trust.
        try TrackState(identity: identity, position: next, journal: journal.synchronize())
          .write(to: folder.newState, session.snapshot())
        nextState = .now + max(Self.timeBetweenStates, start.duration(to: .now) * Self.restBetweenStates)
        if isEnding { throw CancellationError() }
      }
    } catch {
      if folder.hasState {
        // What was tracked until then is worth a report, whatever came in between; without room for it, the one that says
        // that the folder is unfinished stays.
        try? writeReport(journal, model, isComplete: false)
      } else {
        if beginning.isNew { folder.discard(journal.frames) }
        try? folder.removeState()
      }
      throw error
    }
    try recording?.finish(watch)
    for outlines in outlines {
      try folder.write(outlines, journal, width: input.source.width, height: input.source.height)
    }
    try writeReport(journal, model, isComplete: true)
    return journal
  }

  /// Tells runs apart that may not go on from each other.
  private func identity(_ model: Model, _ digests: RunDigests) throws -> String {
    let parts = [
      digests.checkpoint.text, model.configuration.json, digests.input, try script.fingerprint,
      request.frames.fingerprint, "\(request.cleanUp)", Product.version, model.base.backend.name,
      model.base.backend.version, model.base.plan.json,
    ]
    return Array(parts.joined(separator: "\n").utf8).withUnsafeBytes { SHA256.hex(of: $0) }
  }

  /// Writes the report. Masks and outlines that an earlier one lists and this doesn't go first, while what stands there says
  /// that it is unfinished.
  private func writeReport(_ journal: TrackJournal, _ model: Model, isComplete: Bool) throws {
    let outlines = isComplete ? outlines : []
    if let before = folder.earlier {
      let kept = journal.frames.map(folder.maskName) + outlines.map(\.format.fileName)
      folder.remove(filesOf: before, except: Set(kept))
    }
    try newReport(of: model, outlines, isComplete: isComplete).write(to: folder.newReport, journal)
  }

  private var outlines: [TrackOutlines] {
    request.outlines.map { TrackOutlines(format: $0, tolerance: request.tolerance) }
  }

  private func newReport(of model: Model, _ outlines: [TrackOutlines], isComplete: Bool) -> TrackReport {
    TrackReport(
      input.source, notes: script.notes, model: model.checkpoint.path, outlines: outlines,
      isComplete: isComplete)
  }

  private func storedState(
    _ identity: String, _ watch: PipelineWatcher
  ) throws -> (state: TrackState, memory: SessionSnapshot)? {
    guard let stored = try TrackState.read(path: folder.state) else {
      watch(.note("\(folder.path): no interrupted run to go on from; starting at the beginning"))
      return nil
    }
    guard stored.state.identity == identity else { throw OtherRun(path: folder.state) }
    guard script.steps.indices.contains(stored.state.position.step) else {
      throw DamagedRun(path: folder.state)
    }
    return stored
  }

  /// Stores a frame's masks, with those that other objects had there before.
  private func keep(_ masks: FrameMasks, of tracked: [Int], _ journal: TrackJournal) throws -> TrackedFrame {
    let number = input.source.numbering.number(of: masks.frame)
    let found = try TrackedFrame(
      masks, number: number, time: input.source.frame(at: masks.frame)?.timestamp, request.cleanUp)
    var entry = TrackEntry(found, mask: folder.maskName(number))
    if let earlier = try journal.entry(of: number) { entry = entry.filled(from: earlier, of: tracked) }
    try folder.write(entry, width: masks.width, height: masks.height)
    try journal.append(entry)
    return found
  }
}

/// Before a run writes its first mask the folder says that it is unfinished: a report of no frames stands in place of the old
/// one.
private struct Beginning {
  private let folder: TrackFolder
  private var hasBegun = false
  /// Whether the folder had no report before.
  private(set) var isNew = false

  init(_ folder: TrackFolder) { self.folder = folder }

  /// - Parameter report: Makes one that lists the outlines that are there.
  mutating func begin(_ report: ([TrackOutlines]) -> TrackReport) throws {
    guard !hasBegun else { return }
    isNew = !folder.hasReport
    let earlier = folder.earlier
    // One that says so itself stays.
    if earlier?.complete ?? true {
      try report(earlier?.outlines ?? [])
        .write(to: folder.newReport, inPlaceOf: earlier?.entries ?? [])
    }
    hasBegun = true
  }
}
