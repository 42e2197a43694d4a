// Cutting, sketching and merging, mostly of recordings from PyTorch.
import Files
import Foundation
import HDF5
import Tensors
import Testing
import TestSupport

import Taps
@testable import Traces

private let micro = TestFiles.package("Reference/micro.h5")
private let video = TestFiles.package("Reference/video/refined.h5")

private func difference(_ first: String, _ second: String) throws -> TraceDifference {
  try TraceDifference(.open(path: first), .open(path: second))
}

@Test func aCutOfEverythingIsTheSame() throws {
  try TestFiles.withTemporaryFolder { folder in
    let (once, twice) = ("\(folder)/once.h5", "\(folder)/twice.h5")
    let run = try Recording.open(path: micro)
    #expect(try run.cut(to: once, keeping: TapSelection()) == run.taps.count)
    #expect(try difference(micro, once).isEmpty)
    try Recording.open(path: once).cut(to: twice, keeping: TapSelection())
    #expect(try MappedFile.contents(of: once) == MappedFile.contents(of: twice))
    // What is stored once stays so, and what is compressed.
    #expect(try MappedFile.contents(of: once).count < MappedFile.contents(of: micro).count * 11 / 10)
  }
}

@Test func aCutKeepsWhatFits() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/cut.h5"
    let run = try Recording.open(path: micro)
    try run.cut(to: path, keeping: TapSelection(patterns: [TapPattern("image_encoder.neck")]))
    let cut = try TraceReader(path: path)
    #expect(Set(cut.taps.compactMap(\.module?.name)) == ["image_encoder.neck"])
    #expect(cut.taps.contains { $0.name == "prediction/iou" })
    #expect(cut.provenance == run.provenance)
    try run.cut(
      to: path,
      keeping: TapSelection(patterns: [TapPattern("*/output")], keepsPredictions: false), storage: .compressed)
    let outputs = try TraceReader(path: path)
    #expect(!outputs.taps.isEmpty && outputs.taps.allSatisfy { $0.name.hasSuffix("/output") })
    #expect(throws: TraceError.nothingLeft(file: micro)) {
      try run.cut(
        to: path, keeping: TapSelection(patterns: [TapPattern("prediction/*")], keepsPredictions: false))
    }
    for (asked, words) in [
      (TapSelection(patterns: [TapPattern("*"), TapPattern("nobody")]), "a module or name that fits nobody"),
      (TapSelection(frames: [3]), "frame 3"), (TapSelection(objects: [1]), "object 1"),
    ] {
      #expect(throws: TraceError.unmatched(file: micro, asked: words)) { try run.cut(to: path, keeping: asked) }
      #expect(throws: TraceError.unmatched(file: micro, asked: words)) {
        try run.sketch(to: path, keeping: asked)
      }
    }
    #expect(try TraceReader(path: path).taps == outputs.taps)
  }
}

@Test func aCutKeepsFramesAndObjects() throws {
  try TestFiles.withTemporaryFolder { folder in
    let run = try Recording.open(path: video)
    let path = "\(folder)/cut.h5"
    try run.cut(to: path, keeping: TapSelection(frames: [6], objects: [2]))
    let places = try Recording.open(path: path).listing().map(\.place)
    #expect(!places.isEmpty && places.allSatisfy { $0.frame == 6 && ($0.object ?? 2) == 2 })
    let predictions = try Recording.open(path: path).taps.compactMap { $0.id.predictionPlace }
    #expect(!predictions.isEmpty && predictions.allSatisfy { $0.frame == 6 && $0.object == 2 })
    #expect(try !TraceDifference(run, .open(path: path)).onlyInFirst.isEmpty)
  }
}

@Test func whatBelongsToNoFrameOrNoObjectIsKept() throws {
  try TestFiles.withTemporaryFolder { folder in
    let (whole, part) = ("\(folder)/whole.h5", "\(folder)/part.h5")
    let writer = try TraceWriter(path: whole, provenance: sample)
    let places = [
      TapPlace(), TapPlace(frame: 3), TapPlace(frame: 3, object: 2), TapPlace(frame: 4, object: 1),
    ]
    for (call, place) in places.enumerated() {
      try writer.write(
        ModulePath("m"), call: call, sequence: call, at: place, inputs: [], output: Tensor([1], [1]))
    }
    try writer.finish()
    let run = try Recording.open(path: whole)
    func kept(_ selection: TapSelection) throws -> [String] {
      try run.cut(to: part, keeping: selection)
      return try Recording.open(path: part).taps.map(\.name)
    }
    #expect(try kept(TapSelection(objects: [2])) == ["m/0/output", "m/1/output", "m/2/output"])
    #expect(try kept(TapSelection(frames: [4])) == ["m/0/output", "m/3/output"])
  }
}

@Test func aTraceSketchedLaterIsTheSketchThatWasRecorded() throws {
  try TestFiles.withTemporaryFolder { folder in
    let (trace, recorded, made) = ("\(folder)/t.h5", "\(folder)/r.h5", "\(folder)/m.h5")
    let x = Tensor([2, 3], [1, -2, 3, .nan, 5, 6])
    let y = Tensor([3000], (0..<3000).map { Float($0 % 7) })
    for writer in [
      try TraceWriter(path: trace, provenance: sample), try SketchWriter(path: recorded, provenance: sample),
    ] as [any TapWriter] {
      try writer.write(ModulePath("a"), call: 0, sequence: 0, inputs: [("x", x)], output: [x, y])
      try writer.write(
        ModulePath("b"), call: 0, sequence: 1, at: TapPlace(frame: 3, object: 2), inputs: [("x", y)], output: y)
      try writer.write(.iou, x)
      try writer.finish()
    }
    #expect(try Recording.open(path: trace).sketch(to: made) == 6)
    #expect(try MappedFile.contents(of: made) == MappedFile.contents(of: recorded))
    // A cut of a sketch is the sketch of a cut.
    let (cut, sketched) = ("\(folder)/c.h5", "\(folder)/s.h5")
    let selection = TapSelection(patterns: [TapPattern("b")])
    try Recording.open(path: recorded).cut(to: cut, keeping: selection)
    try Recording.open(path: trace).sketch(to: sketched, keeping: selection)
    #expect(try MappedFile.contents(of: cut) == MappedFile.contents(of: sketched))
    #expect(throws: TraceError.notATrace(file: recorded, found: "sam2kit.sketch")) {
      try Recording.open(path: recorded).sketch(to: made)
    }
  }
}

@Test func partsMergeToTheWhole() throws {
  try TestFiles.withTemporaryFolder { folder in
    let parts = try ["image_encoder*", "sam_prompt_encoder*", "sam_mask_decoder*"].enumerated().map {
      index, glob in
      let path = "\(folder)/\(index).h5"
      try Recording.open(path: micro).cut(to: path, keeping: TapSelection(patterns: [TapPattern(glob)]))
      return path
    }
    let merged = "\(folder)/merged.h5"
    let whole = try Recording.open(path: micro)
    // In another order than the model's.
    #expect(try Recording.merge(parts.reversed().map { try .open(path: $0) }, to: merged) == whole.taps.count)
    #expect(try difference(micro, merged).isEmpty)
    let sketches = try parts.map { path in
      try Recording.open(path: path).sketch(to: "\(path).sketch")
      return "\(path).sketch"
    }
    try Recording.merge(sketches.map { try .open(path: $0) }, to: "\(folder)/merged.sketch")
    #expect(
      try difference("\(folder)/merged.sketch", micro).attributes.map(\.attribute) == [
        "format", "sketch_seed", "samples",
      ])
    #expect(try difference("\(folder)/merged.sketch", micro).taps.isEmpty)
  }
}

@Test func conflictsAreRefusedByName() throws {
  try TestFiles.withTemporaryFolder { folder in
    func write(_ name: String, _ value: Float, sequence: Int = 0, module: String = "a", threads: Int = 2) throws
      -> Recording
    {
      var provenance = sample
      provenance.threads = threads
      let writer = try TraceWriter(path: "\(folder)/\(name).h5", provenance: provenance)
      try writer.write(
        ModulePath(module), call: 0, sequence: sequence, inputs: [], output: Tensor([2], [1, value]))
      try writer.finish()
      return try .open(path: "\(folder)/\(name).h5")
    }
    let first = try write("first", 2)
    let target = "\(folder)/merged.h5"
    func refusal(_ other: Recording) -> String {
      do {
        try Recording.merge([first, other], to: target)
        return "none"
      } catch { return "\(error)" }
    }
    #expect(refusal(try write("same", 2)) == "none")
    try FileManager.default.removeItem(atPath: target)
    #expect(
      refusal(try write("other", 3)).contains("a/0/output: expected the same elements as in \(folder)/first.h5")
    )
    #expect(refusal(try write("later", 2, sequence: 5)).contains("expected position 0 in the run"))
    #expect(
      refusal(try write("place", 2, module: "b")).contains("b/0: expected a position of its own in the run"))
    #expect(refusal(try write("run", 2, threads: 4)).contains("with threads = 2, found 4"))
    #expect(!FileManager.default.fileExists(atPath: target))
  }
}
