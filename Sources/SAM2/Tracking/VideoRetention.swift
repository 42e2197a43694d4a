import Architecture

// What a session keeps of the frames it has left behind.

extension VideoSession {
  /// How far a frame can look back.
  private var reach: Int {
    max(
      configuration.numMaskmem * configuration.memoryTemporalStrideForEval,
      configuration.useObjPtrsInEncoder ? configuration.maxObjPtrsInEncoder : 0)
  }

  /// Lets go of outputs that neither this frame's neighbours nor those of a frame that was pointed at can see.
  mutating func forget(besides frame: Int) {
    let reach = reach
    for index in objects.indices {
      // A live source never goes back to a frame that was pointed at.
      let anchors = history == .latest ? [frame] : objects[index].bank.conditioning.frames + [frame]
      objects[index].bank.tracked.forget { kept in anchors.contains { abs($0 - kept) <= reach } }
    }
  }

  /// Throws if a frame would attend to something that is not held any more.
  func requireHistory(of object: TrackedObject, at moment: Moment) throws(SAM2Error) {
    let tracked = object.bank.tracked
    guard !tracked.forgotten.runs.isEmpty else { return }
    let sign = moment.isReverse ? -1 : 1
    let pointers = configuration.useObjPtrsInEncoder ? configuration.maxObjPtrsInEncoder : 0
    let seen =
      (1..<max(1, configuration.numMaskmem)).map {
        MemoryBank.memoryFrame($0, from: moment, stride: configuration.memoryTemporalStrideForEval)
      } + (1..<max(1, pointers)).map { moment.frame - $0 * sign }
    if let lost = seen.first(where: tracked.forgotten.contains) {
      throw .forgotten(object: object.id, frame: moment.frame, needs: lost)
    }
  }
}
