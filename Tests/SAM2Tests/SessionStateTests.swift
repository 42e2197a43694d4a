import Architecture
import Checkpoints
import Prompts
import Synchronization
import Tensors
import Testing
import TestSupport

@testable import SAM2

/// What a session holds: nothing more than it needs, to the bit, and all objects at the same frame.
@Suite struct SessionStateTests {
  let model: SAM2Base
  let frames: ClipFrames
  private let disc = [Click(x: 44, y: 84)]
  private let card = Box(x0: 38, y0: 18, x1: 86, y1: 58)

  init() throws {
    model = try RecordedVideo.micro("clicks").model
    frames = try ClipFrames(path: TestFiles.package("Reference/clips/shapes"))
  }

  private func session(
    _ frames: (any VideoFrames)? = nil, _ history: VideoHistory = .everything
  ) throws -> VideoSession {
    try VideoPredictor(model).session(frames ?? self.frames, width: 160, height: 120, history: history)
  }

  /// Compacting what is compact leaves it where it is.
  private func isCompact(_ tensor: Tensor) -> Bool {
    tensor.compacted().withBytes { $0.baseAddress } == tensor.withBytes { $0.baseAddress }
  }

  /// One click has three masks to choose from, of which one is kept.
  @Test func whatIsKeptIsNoPartOfSomethingLarger() throws {
    #expect(model.configuration.fillHoleArea == 0)
    var session = try session()
    try session.prompt(object: 1, frame: 0, points: disc)
    try session.prompt(object: 2, frame: 0, mask: Tensor(repeating: 1, [120, 160]))
    let pending = session.objects.compactMap { $0.pending.conditioning[0] }
    try session.propagate(frames: 2) { _ in }
    let kept = session.objects.flatMap { object in
      object.bank.tracked.outputs.values + [object.bank.conditioning[0]].compactMap { $0 }
    }
    #expect(pending.count == 2 && kept.count == 6)
    for output in pending + kept {
      #expect(isCompact(output.maskLogits) && isCompact(output.objectPointer) && isCompact(output.objectScore))
      if let memory = output.memory { #expect(isCompact(memory) && memory.elementType == .bfloat16) }
    }
    #expect(kept.allSatisfy { $0.memory != nil })
  }

  @Test func whereOneObjectCanNotFollowNoneDoes() throws {
    var session = try session(nil, .window)
    try session.prompt(object: 1, frame: 0, points: disc)
    try session.prompt(object: 2, frame: 0, box: card)
    try session.propagate(frames: 3) { _ in }
    session.objects[1].bank.tracked.forget { $0 == 3 }
    #expect(throws: SAM2Error.forgotten(object: 2, frame: 4, needs: 2)) {
      try session.propagate(from: 4, frames: 0) { _ in }
    }
    #expect(session.objects[0].bank.tracked.outputs.keys.sorted() == [1, 2, 3])
    #expect(session.objects.map { $0.bank.tracked.isReverse(4) } == [nil, nil])
  }

  /// Frame 3 was pointed at for the first object, so that only the second needs it again.
  @Test func afterAFrameThatCouldNotBeReadAllGoOn() throws {
    func logits(failing: Bool) throws -> [[UInt32]] {
      let source = InterruptedFrames(frames)
      var session = try session(source)
      try session.prompt(object: 1, frame: 0, points: disc)
      try session.prompt(object: 2, frame: 0, box: card)
      try session.prompt(object: 1, frame: 3, points: disc)
      try session.propagate(from: 0, frames: 2) { _ in }
      if failing {
        source.isInterrupted.withLock { $0 = true }
        #expect(throws: EndOfVideo.self) { _ = try session.track(to: 3, isReverse: false, Run()) }
        #expect(session.objects.map { $0.bank.tracked.isReverse(3) } == [nil, nil])
        source.isInterrupted.withLock { $0 = false }
      }
      var found: [[UInt32]] = []
      try session.propagate(from: 3, frames: 2) { found += $0.objects.map(\.lowResLogits.bits) }
      return found
    }
    #expect(try logits(failing: true) == logits(failing: false))
  }

  @Test func anObjectWithoutPromptsKeepsTheOthersWhereTheyAre() throws {
    var session = try session()
    try session.prompt(object: 1, frame: 0, points: disc)
    try session.prompt(object: 2, frame: 0, points: disc)
    try session.clearPrompts(object: 2, frame: 0)
    #expect(throws: SAM2Error.objectWithoutPrompts(2)) { try session.propagate { _ in } }
    #expect(session.objects[0].pending.conditioning.frames == [0])
    #expect(session.objects[0].pending.conditioning[0]?.memory == nil)
  }

  /// A memory's position is its place in the grid plus what its age adds, and is made once.
  @Test func positionsOfMemoriesAreMadeOnce() throws {
    var session = try session()
    try session.prompt(object: 1, frame: 0, points: disc)
    try session.propagate(frames: 8) { _ in }
    let memory = try #require(session.objects[0].bank.tracked[3]?.memory)
    let (channels, height, width) = (memory.shape[1], memory.shape[2], memory.shape[3])
    let spatial = model.memoryEncoder.positions(of: memory.converted(to: .float32)).elements
    for age in 0..<model.configuration.numMaskmem {
      let temporal = model.maskmemTposEnc[model.configuration.numMaskmem - age - 1].elements
      let found = model.memoryPositions[age].tensor(height: height, width: width) {
        Issue.record("no position of age \(age)")
        return Tensor(repeating: 0, [1, height * width, channels])
      }
      let expected = (0..<height * width).flatMap { place in
        (0..<channels).map { (spatial[$0 * height * width + place] + temporal[$0]).bitPattern }
      }
      #expect(found.bits == expected)
    }
  }

  @Test func aStoredSessionKeepsMemoriesToTheBitInHalfTheSize() throws {
    var whole = try session()
    try whole.prompt(object: 1, frame: 0, points: disc)
    try whole.propagate(frames: 2) { _ in }
    let snapshot = try whole.snapshot()
    let memory = try #require(snapshot.tensors["1/tracked/2/memory"])
    #expect(memory.elementType == .bfloat16 && memory.byteCount == 2 * memory.count)
    try TestFiles.withTemporaryFolder { folder in
      try SafetensorsOutput.write(snapshot.tensors, to: "\(folder)/state")
      let file = try Checkpoint.open(path: "\(folder)/state")
      let names = file.shapes.keys
      let tensors = try Dictionary(uniqueKeysWithValues: names.map { ($0, try file.tensor($0)) })
      var resumed = try session()
      try resumed.restore(SessionSnapshot(description: snapshot.description, tensors: tensors))
      let again = try resumed.snapshot()
      #expect(again.description == snapshot.description && again.tensors.keys == snapshot.tensors.keys)
      for (name, tensor) in snapshot.tensors {
        let found = try #require(again.tensors[name])
        #expect(found.elementType == tensor.elementType && found.shape == tensor.shape)
        #expect(found.withBytes { Array($0) } == tensor.withBytes { Array($0) })
        // Nothing of the file stays mapped.
        #expect(isCompact(found))
      }
    }
  }

  /// As sessions were stored before: bfloat16 numbers written as Float32.
  @Test func memoriesStoredAsFloat32AreTakenUpExactly() throws {
    var whole = try session()
    try whole.prompt(object: 1, frame: 0, points: disc)
    try whole.propagate(frames: 2) { _ in }
    var snapshot = try whole.snapshot()
    snapshot.tensors = snapshot.tensors.mapValues { $0.converted(to: .float32) }
    var resumed = try session()
    try resumed.restore(snapshot)
    var (expected, found): ([[UInt32]], [[UInt32]]) = ([], [])
    try whole.propagate(from: 3, frames: 1) { expected += $0.objects.map(\.lowResLogits.bits) }
    try resumed.propagate(from: 3, frames: 1) { found += $0.objects.map(\.lowResLogits.bits) }
    #expect(found == expected && found.count == 2)
  }

  @Test(arguments: [
    ("mask", Tensor(repeating: 0, [1, 1, 4, 4]), "float32 [1, 1, 32, 32]", "float32 [1, 1, 4, 4]"),
    ("memory", Tensor(repeating: 0, [64]), "bfloat16 [1, 32, 8, 8]", "float32 [64]"),
    ("score", Tensor([1, 1], of: .float8E5M2, [0] as [UInt8]), "float32 [1, 1]", "float8_e5m2 [1, 1]"),
  ]) func aStoredTensorOfAnotherShapeOrTypeIsRefused(
    part: String, tensor: Tensor, expected: String, found: String
  ) throws {
    var session = try session()
    try session.prompt(object: 1, frame: 0, points: disc)
    try session.propagate(frames: 0) { _ in }
    var snapshot = try session.snapshot()
    let name = "1/conditioning/0/\(part)"
    snapshot.tensors[name] = tensor
    #expect(throws: SAM2Error.wrongSnapshot(tensor: name, expected: expected, found: found)) {
      try session.restore(snapshot)
    }
  }

  /// Two copies of a session, each on a thread of its own, over one source of frames.
  @Test func aSessionGoesOnOnOtherThreads() async throws {
    var session = try session()
    try session.prompt(object: 1, frame: 0, points: disc)
    try session.propagate(frames: 1) { _ in }
    let begun = session
    let going = (0..<2).map { _ in
      Task.detached {
        var session = begun
        var found: [[UInt32]] = []
        try session.propagate(from: 2, frames: 4) { found += $0.objects.map(\.lowResLogits.bits) }
        return found
      }
    }
    var expected: [[UInt32]] = []
    try session.propagate(from: 2, frames: 4) { expected += $0.objects.map(\.lowResLogits.bits) }
    for task in going { #expect(try await task.value == expected) }
    #expect(expected.count == 5)
  }
}

/// Frames that can't be read for a while.
private final class InterruptedFrames: VideoFrames {
  private let frames: ClipFrames
  let isInterrupted = Mutex(false)

  init(_ frames: ClipFrames) { self.frames = frames }

  var count: Int? { frames.count }

  func frame(_ index: Int, size: Int) throws -> Tensor {
    if isInterrupted.withLock({ $0 }) { throw EndOfVideo() }
    return try frames.frame(index, size: size)
  }
}
