import Architecture
import Tensors
import Testing

@testable import SAM2

private func output(_ number: Float) -> FrameOutput {
  FrameOutput(
    maskLogits: Tensor([1], [number]), objectPointer: Tensor([1, 1], [number]),
    objectScore: Tensor([1, 1], [0]), predictedIoU: 0, memory: nil)
}

private func bank(conditioning: [Int], tracked: [Int]) -> MemoryBank {
  var bank = MemoryBank()
  for frame in conditioning { bank.conditioning[frame] = output(Float(frame)) }
  for frame in tracked { bank.tracked[frame] = output(Float(frame)) }
  return bank
}

@Suite struct MemoryBankTests {
  private let configuration = Variant.sam21Tiny.configuration

  @Test func theNearestFramesComeLastAndConditioningFirst() {
    let selection = bank(conditioning: [0], tracked: Array(1...20))
      .selection(at: Moment(frame: 21, isReverse: false, frameCount: 100), configuration)
    #expect(selection.memories.map(\.place) == [0, 1, 2, 3, 4, 5, 6])
    #expect(selection.memories.map { Int($0.output.maskLogits.elements[0]) } == [0, 15, 16, 17, 18, 19, 20])
    #expect(selection.pointers.map(\.distance) == [21] + Array(1...15))
  }

  @Test func backwardsTheFramesAheadAreThePast() {
    let selection = bank(conditioning: [20], tracked: [12, 13, 14, 15])
      .selection(at: Moment(frame: 11, isReverse: true, frameCount: 24), configuration)
    #expect(selection.memories.map { Int($0.output.maskLogits.elements[0]) } == [20, 15, 14, 13, 12])
    // The distance to a frame that is the past of a reversed time is positive.
    #expect(selection.pointers.map(\.distance) == [9, 1, 2, 3, 4])
  }

  @Test func aStrideTakesTheLastFrameAndEveryFewBeforeIt() {
    let moment = Moment(frame: 21, isReverse: false, frameCount: nil)
    #expect((1...6).map { MemoryBank.memoryFrame($0, from: moment, stride: 4) } == [20, 16, 12, 8, 4, 0])
    let reverse = Moment(frame: 21, isReverse: true, frameCount: nil)
    #expect((1...6).map { MemoryBank.memoryFrame($0, from: reverse, stride: 4) } == [22, 24, 28, 32, 36, 40])
    let early = Moment(frame: 1, isReverse: false, frameCount: nil)
    #expect(MemoryBank.memoryFrame(2, from: early, stride: 4) == -4)
  }

  @Test func onlySoManyConditioningFramesAreTakenTheClosestOnEachSideFirst() {
    let bank = bank(conditioning: [50, 0, 30, 10, 22], tracked: [])
    #expect(bank.closestConditioningFrames(to: 25, atMost: -1).near == [50, 0, 30, 10, 22])
    let (near, far) = bank.closestConditioningFrames(to: 25, atMost: 3)
    #expect(near == [22, 30, 10])
    #expect(far == [0, 50])
  }

  @Test func aConditioningFrameThatIsLeftOutStillCountsAsANeighbour() {
    var few = configuration
    few.maxCondFramesInAttn = 2
    let selection = bank(conditioning: [0, 18, 19, 20], tracked: [])
      .selection(at: Moment(frame: 21, isReverse: false, frameCount: nil), few)
    // 20 before; none after; then by distance 19; and 18 as the neighbour three back.
    #expect(selection.memories.map(\.place) == [0, 0, 4])
    #expect(selection.memories.map { Int($0.output.maskLogits.elements[0]) } == [20, 19, 18])
  }

  @Test func ofFrameRangesOneInTwoOutAndBackIsTheSame() {
    var runs = FrameRanges()
    for frame in [3, 5, 4, 9, 8, 1] { runs.insert(frame) }
    #expect(runs.runs == [1...1, 3...5, 8...9])
    runs.remove(4)
    #expect(runs.runs == [1...1, 3...3, 5...5, 8...9])
    runs.remove(7)
    runs.insert(4)
    runs.insert(2)
    #expect(runs.runs == [1...5, 8...9])
  }

  @Test func outputsKeepTheOrderInWhichTheirFramesCame() {
    var outputs = FrameOutputs()
    for frame in [5, 2, 9] { outputs[frame] = output(0) }
    outputs[2] = output(1)
    #expect(outputs.frames == [5, 2, 9])
    outputs[2] = nil
    outputs[2] = output(2)
    #expect(outputs.frames == [5, 9, 2])
  }
}
