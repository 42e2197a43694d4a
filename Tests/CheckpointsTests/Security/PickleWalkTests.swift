import Foundation
import Testing

@testable import Checkpoints

@Suite struct PickleWalkTests {
  private func walk(_ bytes: [UInt8], limits: ReadingLimits = ReadingLimits()) -> PickleScan {
    bytes.withUnsafeBytes { PickleWalk.scan(ByteView(bytes: $0), place: "test", limits: limits) }
  }

  private func short(_ text: String) -> [UInt8] { [0x8c, UInt8(text.utf8.count)] + Array(text.utf8) }

  /// Bypasses of scanners that follow the names of STACK_GLOBAL less closely than Python does.
  @Test func resolvesNamesThroughMemoStackAndMarks() {
    // The memo's entry 0 is put twice: the later one counts.
    let twice = [0x80, 4] + short("collections") + [0x71, 0, 0x30] + short("os") + [0x71, 0, 0x30]
    #expect(walk(twice + [0x68, 0] + short("system") + [0x93, 0x2e]).globals.map(\.name) == ["os.system"])
    // A tuple between the names is popped again, with its MARK.
    let between: [UInt8] = [0x28, 0x4b, 1, 0x4b, 2, 0x74, 0x30]
    #expect(
      walk([0x80, 4] + short("os") + between + short("system") + [0x93, 0x2e]).globals.map(\.name) == [
        "os.system"
      ])
    // POP_MARK takes a decoy away.
    let decoy = [0x28] + short("OrderedDict") + [0x31]
    #expect(
      walk([0x80, 4] + short("os") + short("system") + decoy + [0x93, 0x2e]).globals.map(\.name) == [
        "os.system"
      ])
    // DUP makes both names of one string.
    #expect(walk([0x80, 4] + short("pdb") + [0x32, 0x93, 0x2e]).globals.map(\.name) == ["pdb.pdb"])
  }

  @Test func followsProtocol0() {
    let pickle = Array("Vos\np1\n0Vsystem\np2\n0g1\ng2\n".utf8) + [0x93] + Array("(S'id'\ntR.".utf8)
    let scan = walk(pickle)
    #expect(scan.globals.map(\.name) == ["os.system"])
    #expect(scan.globals.first?.calls == 1)
    #expect(!scan.isSafe)
  }

  @Test func believesNoNameBeyondTheLimits() {
    var limits = ReadingLimits()
    limits.pickleStack = 1
    // The third value is forgotten, so what STACK_GLOBAL takes is not what Python would take.
    let names = short("collections") + short("OrderedDict") + short("system")
    let scan = walk([0x80, 4] + names + [0x93, 0x2e], limits: limits)
    #expect(scan.hasForbiddenGlobal)
    #expect(scan.isBeyondLimits)
    limits = ReadingLimits()
    limits.pickleMemo = 1
    let memo = short("a") + [0x94] + short("b") + [0x94]
    #expect(walk([0x80, 4] + memo + [0x2e], limits: limits).isBeyondLimits)
  }

  @Test func saysWhereItStopped() {
    #expect(walk([0x80, 2, 0x4e, 0x2e, 0x4e]).stop == .init(offset: 4, reason: .stop))
    #expect(walk([0x80, 2, 0x4e]).stop == .init(offset: 3, reason: .end))
    #expect(walk([0x80, 2, 0x4a, 1]).stop == .init(offset: 2, reason: .cut("BININT")))
    #expect(walk([0x80, 2, 0xff]).stop == .init(offset: 2, reason: .unknownOpcode(0xff)))
    #expect(walk([0x80, 2, 0x58, 0xff, 0xff, 0xff, 0xff]).stop == .init(offset: 2, reason: .cut("BINUNICODE")))
    #expect(walk([0x80, 2] + Array("cos\nsys".utf8)).stop == .init(offset: 2, reason: .cut("GLOBAL")))
    #expect(walk([]).stop == .init(offset: 0, reason: .end))
  }

  /// Every byte of a genuine pickle replaced by every other: whatever the machine reads, the walk calls safe.
  @Test func agreesWithTheMachine() {
    // {'a': (1, 2.5, None)} and set and OrderedDict, of protocol 4.
    let genuine: [UInt8] =
      [0x80, 4, 0x5d, 0x94, 0x28, 0x7d, 0x94, 0x8c, 1, 0x61, 0x94, 0x4b, 1, 0x47, 0x40, 4, 0, 0, 0, 0, 0, 0]
      + [0x4e, 0x87, 0x94, 0x73, 0x8f, 0x94, 0x28, 0x4b, 1, 0x90] + Array("ccollections\nOrderedDict\n".utf8)
      + [0x29, 0x52, 0x94] + short("torch") + short("Size") + [0x93, 0x4b, 1, 0x85, 0x85, 0x52, 0x65, 0x2e]
    #expect((try? PickleMachine.read(genuine, limits: ReadingLimits())) != nil)
    var accepted = 0
    for index in genuine.indices {
      for byte in UInt8.min ... .max {
        var changed = genuine
        changed[index] = byte
        guard (try? PickleMachine.read(changed, limits: ReadingLimits())) != nil else { continue }
        accepted += 1
        #expect(walk(changed).isSafe, "byte \(index) as \(byte)")
      }
    }
    #expect(accepted > genuine.count)
  }

  /// What a search may cost grows with what there is to search.
  @Test func findsAPickleHiddenBehindManyBytes() {
    let pickle = [UInt8]([0x80, 2]) + Array("cos\nsystem\n.".utf8)
    let whole = [UInt8](repeating: 0, count: 100_000) + pickle
    let found = whole.withUnsafeBytes { bytes in
      PickleRun(view: ByteView(bytes: bytes), place: "test", limits: ReadingLimits())
        .hidden(in: 0..<bytes.count)
    }
    #expect(found.map(\.start) == [100_000])
    #expect(found.flatMap(\.globals).map(\.name) == ["os.system"])
  }

  /// Walks that begin at every byte of a file end, whatever they meet.
  @Test func survivesEveryStart() throws {
    let bytes = try Array(Data(contentsOf: URL(filePath: Fixtures.path("genuine/dtypes.pt"))))
    bytes.withUnsafeBytes { bytes in
      for start in bytes.indices {
        let scan = PickleWalk.scan(ByteView(bytes: bytes), from: start, place: "test", limits: ReadingLimits())
        #expect(scan.stop.offset <= bytes.count - start)
      }
    }
  }
}
