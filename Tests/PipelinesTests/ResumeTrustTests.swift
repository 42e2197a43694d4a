// What a run that goes on trusts: every byte of a small state and of a journal is altered in turn.
import Files
import Foundation
import SAM2
import Tensors
import Testing
import TestSupport

@testable import Pipelines

/// What is made of bytes: each bit pattern that damage is likely to leave.
private func alterations(of byte: UInt8) -> Set<UInt8> {
  Set([byte ^ 1, byte ^ 0x10, byte ^ 0x80, 0, 0xFF, UInt8(ascii: "0"), UInt8(ascii: "\n")]).subtracting([byte])
}

@Suite struct ResumeTrustTests {
  private static let state = TrackState(
    identity: "of this run", position: ScriptPosition(step: 1, frame: 3),
    journal: .init(length: 77, digest: "of the journal"))
  private static let snapshot = SessionSnapshot(
    description: "[]",
    tensors: [
      "1/points/0": Tensor([1, 2, 2], [3, 4, -0.5, 1e9]), "1/labels/0": Tensor([1, 2], [1, 0]),
      "1/tracked/2/memory": Tensor([1, 3], of: .bfloat16, [0x3F80, 0x4000, 0xC040] as [UInt16]),
    ])

  private static func isSame(_ found: (state: TrackState, memory: SessionSnapshot)) throws -> Bool {
    let tensors = snapshot.tensors.allSatisfy { name, tensor in
      guard let other = found.memory.tensors[name] else { return false }
      return other.shape == tensor.shape && other.elementType == tensor.elementType
        && tensor.withBytes { one in other.withBytes { one.elementsEqual($0) } }
    }
    return tensors && found.memory.tensors.count == snapshot.tensors.count
      && found.memory.description == snapshot.description && found.state.identity == state.identity
      && found.state.position == state.position && found.state.journal == state.journal
  }

  @Test func anAlteredStateIsTheSameOrRefused() throws {
    try TestFiles.withTemporaryFolder { folder in
      let path = "\(folder)/state"
      try Self.state.write(to: path, Self.snapshot)
      let read = try #require(try TrackState.read(path: path))
      #expect(try Self.isSame(read))
      let whole = try MappedFile.contents(of: path)
      var refused = 0
      func tryOut(_ bytes: [UInt8], _ what: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        do {
          let found = try #require(try TrackState.read(path: path))
          #expect(try Self.isSame(found), "\(what)")
        } catch is DamagedRun { refused += 1 }
      }
      for place in whole.indices {
        for byte in alterations(of: whole[place]) {
          var altered = whole
          altered[place] = byte
          try tryOut(altered, "byte \(place) \(byte)")
        }
        try tryOut(Array(whole[..<place]), "cut at \(place)")
      }
      // Blanks that fill the header up mean nothing, all else does.
      #expect(refused > 5 * whole.count)
    }
  }

  /// A frame of one object.
  private static func entry(_ frame: Int) throws -> TrackEntry {
    let line =
      #"{"frame":\#(frame),"mask":"0000\#(frame).png","objects":[{"area":2,"bbox":[0,0,1,2],"object":1,"#
      + #""object_score":1.5,"score":0.5,"segmentation":{"counts":"022","size":[2,2]}}]}"#
    return try TrackEntry.decoder.decode(TrackEntry.self, from: Data(line.utf8))
  }

  /// A journal of frames of one object, and what is known of it.
  private static func journal(_ path: String, frames: Range<Int>) throws -> TrackJournal.Mark {
    let journal = try TrackJournal(path: path)
    for frame in frames { try journal.append(entry(frame)) }
    return try journal.synchronize()
  }

  /// What a killed run had written behind the last line that its state speaks of, up to half a line: one that goes on writes
  /// in its place, and nothing of it remains behind.
  @Test func whatIsBehindTheLastKnownLineIsGone() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (path, known, next) = ("\(folder)/journal", "\(folder)/known", "\(folder)/next")
      let mark = try Self.journal(known, frames: 0..<2)
      _ = try Self.journal(next, frames: 0..<3)
      _ = try Self.journal(path, frames: 0..<6)
      let (before, after) = try (MappedFile.contents(of: known), MappedFile.contents(of: next))
      let written = try MappedFile.contents(of: path)
      let line = after.count - before.count
      #expect(written.count == before.count + 4 * line)
      // Two lines and a half, half a line, and a byte.
      for rest in [2 * line + line / 2, line / 2, 1] {
        try Data(written.prefix(before.count + rest)).write(to: URL(fileURLWithPath: path))
        let journal = try TrackJournal(path: path, upTo: mark)
        #expect(try MappedFile.contents(of: path) == before)
        try journal.append(Self.entry(2))
        _ = try journal.synchronize()
        #expect(try MappedFile.contents(of: path) == after)
      }
    }
  }

  @Test func anAlteredJournalIsRefused() throws {
    try TestFiles.withTemporaryFolder { folder in
      let (path, longer) = ("\(folder)/journal", "\(folder)/longer")
      let mark = try Self.journal(path, frames: 0..<4)
      #expect(try TrackJournal(path: path, upTo: mark).frames == [0, 1, 2, 3])
      let whole = try MappedFile.contents(of: path)
      #expect(mark.length == UInt64(whole.count))
      func expectRefusal(_ bytes: [UInt8], _ what: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        #expect(throws: DamagedRun.self, "\(what)") { try TrackJournal(path: path, upTo: mark) }
        // What is refused is left as it is.
        #expect(try MappedFile.contents(of: path) == bytes)
      }
      for place in whole.indices {
        for byte in alterations(of: whole[place]) {
          var altered = whole
          altered[place] = byte
          try expectRefusal(altered, "byte \(place) \(byte)")
        }
        try expectRefusal(Array(whole[..<place]), "cut at \(place)")
      }
      // Lines that were written after the state were not spoken of.
      _ = try Self.journal(longer, frames: 0..<7)
      #expect(try TrackJournal(path: longer, upTo: mark).frames == [0, 1, 2, 3])
      #expect(try MappedFile.contents(of: longer) == whole)
      #expect(throws: DamagedRun.self) { try TrackJournal(path: "\(folder)/none", upTo: mark) }
    }
  }
}
