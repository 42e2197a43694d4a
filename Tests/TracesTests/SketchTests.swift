// What is kept of an array.
import Foundation
import HDF5
import Tensors
import Testing
import TestSupport

import Taps
@testable import Traces

/// A few thousand numbers without a pattern that an error could share.
private func noise(_ shape: Shape) -> Tensor {
  let hash = CounterHash(seed: 9, name: "noise")
  return Tensor(shape, (0..<shape.count).map { Float(Int32(truncatingIfNeeded: hash[$0])) / 1e9 })
}

@Test func smallArraysAreKeptWhole() {
  let sketch = Sketch(of: Tensor([2, 2], [1, -3, 2, 4]))
  #expect(sketch.count == 4 && sketch.nan == 0 && sketch.infinite == 0)
  #expect(sketch.least == -3 && sketch.largest == 4 && sketch.magnitude == 4)
  // Mean 1; squares 30, so the variance is 30 / 4 - 1.
  #expect(sketch.mean == 1 && sketch.deviation == 6.5.squareRoot() && sketch.norm == 30.0.squareRoot())
  #expect(Array(sketch.samples.prefix(5)) == [1, -3, 2, 4, 0] && sketch.samples.count == 256)
}

@Test func positionsAndSignsAreThoseOfTheDescription() {
  // From tools/sketch.py: sketch.Sketch(numpy.arange(1000, dtype="f4")).
  let sketch = Sketch(of: Tensor([1000], (0..<1000).map { Float($0) }))
  #expect(Array(sketch.samples.prefix(4)) == [781, 369, 357, 678])
  #expect(sketch.projections == [28532, 8416, 4950, -1430, 15378, 4146, -2882, -4640])
  #expect(sketch.positions(seed: 1).map { Float($0) } == sketch.samples)
}

@Test func piecesMakeTheSameSketchAsTheWhole() {
  let tensor = noise([3013])
  var sketcher = Sketcher(count: tensor.count)
  tensor.withElements { elements in
    for range in [0..<1024, 1024..<2048, 2048..<3013] {
      sketcher.add(UnsafeBufferPointer(rebasing: elements[range]))
    }
  }
  let (pieces, whole) = (sketcher.sketch, Sketch(of: tensor))
  #expect(pieces == whole)
}

@Test func numbersThatAreNoneAreCountedAndLeftOut() {
  let sketch = Sketch(of: Tensor([5], [.nan, 3, .infinity, -.infinity, -1]))
  #expect(sketch.nan == 1 && sketch.infinite == 2)
  #expect(sketch.least == -1 && sketch.largest == 3 && sketch.mean == 1 && sketch.norm == 10.0.squareRoot())
  #expect(sketch.samples[0].isNaN && sketch.samples[2] == .infinity)
  let nothing = Sketch(of: Tensor([2], [.nan, .nan]))
  #expect(nothing.least == 0 && nothing.largest == 0 && nothing.mean == 0 && nothing.norm == 0)
  #expect(Sketch(of: Tensor([0, 3], [])).count == 0)
}

@Test func aWrittenSketchComesBackInTheOrderOfExecution() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/x.h5"
    let (a, b) = (noise([3, 100]), noise([2, 2]))
    let writer = try SketchWriter(path: path, provenance: sample)
    let members = (0..<11).map { Tensor([1], [Float($0)]) }
    try writer.write(.iou, b)
    try writer.write(ModulePath("z"), call: 0, sequence: 3, inputs: [("x", a)], output: members)
    try writer.write(
      ModulePath("a.b"), call: 1, sequence: 5, inputs: [("y", b), ("x", Tensor([300], a.elements))], output: b)
    try writer.finish()
    let reader = try SketchReader(path: path)
    #expect(
      reader.taps.map(\.name) == ["z/0/input/x"] + (0..<11).map { "z/0/output/\($0)" }
        + ["a.b/1/input/x", "a.b/1/input/y", "a.b/1/output", "prediction/iou"])
    #expect(reader.provenance == sample)
    #expect(reader.taps[0].module == ModulePath("z") && reader.taps.last?.module == nil)
    #expect(reader.taps[0].shape == [3, 100])
    #expect(try reader.sketch(of: "z/0/input/x") == Sketch(of: a))
    #expect(try reader.sketch(of: "prediction/iou") == Sketch(of: b))
    // Equal elements share a row, whatever their shape: two arrays and eleven members.
    let rows = try HDF5File.open(path).root().dataset("counts").shape[0]
    #expect(rows == 13)
    #expect(throws: TraceError.noSuchTap(file: path, name: "q")) { try reader.sketch(of: "q") }
  }
}

@Test func traceAndSketchOfOneRunAreWrittenTogether() throws {
  try TestFiles.withTemporaryFolder { folder in
    let taps = Taps(writers: [
      try TraceWriter(path: "\(folder)/t.h5", provenance: sample),
      try SketchWriter(path: "\(folder)/s.h5", provenance: sample),
    ])
    taps.record(path: ModulePath("m"), inputs: [("x", noise([270]))], output: noise([17, 31]))
    try taps.record(.objectScore, Tensor([1, 1], [5]))
    try taps.finish()
    let (trace, sketch) = (
      try Recording.open(path: "\(folder)/t.h5"), try Recording.open(path: "\(folder)/s.h5")
    )
    #expect(trace.taps.map(\.name) == sketch.taps.map(\.name))
    for (first, second) in zip(trace.taps, sketch.taps) {
      #expect(
        try trace.sketch(of: first, Sketching()) == sketch.sketch(of: second, Sketching()))
    }
    #expect(throws: TraceError.self) { try sketch.sketch(of: sketch.taps[0], Sketching(seed: 2, samples: 256)) }
  }
}

@Test func anEmptySketchCanBeRead() throws {
  try TestFiles.withTemporaryFolder { folder in
    try SketchWriter(path: "\(folder)/x.h5", provenance: sample).finish()
    #expect(try SketchReader(path: "\(folder)/x.h5").taps.isEmpty)
  }
}

@Test func readsWhatTheRecorderWrote() throws {
  let reader = try SketchReader(path: TestFiles.package("Reference/sketches/sam2.1_hiera_tiny.image.h5"))
  #expect(reader.provenance.backend == "pytorch" && reader.kind == Sketching(seed: 1, samples: 256))
  #expect(reader.taps.first?.name == "image_encoder.trunk.patch_embed.proj/0/input/input")
  #expect(try reader.sketch(of: "image_encoder/0/input/sample").count == 3 * 1024 * 1024)
  #expect(reader.taps.last?.name == "prediction/object_score")
}

/// A file with a sketch's head, and what else is written into it.
private func writeSketch(_ path: String, _ fill: (borrowing HDF5NewGroup) throws -> Void) throws {
  let file = try HDF5NewFile(path)
  do {
    let root = try file.root()
    try sample.write(to: root, format: SketchSchema.format, version: 1)
    try root.setAttribute(SketchSchema.seedAttribute, .integer(1))
    try fill(root)
  }
  try file.commit()
}

/// A sketch of one tap of two elements as a file, with such counts and such a listing.
private func forged(
  _ path: String, counts: [[Int64]] = [[2, 0, 0]],
  listing: String = #"[{"name":"m/0/output","row":0,"sequence":0,"shape":[2]}]"#
) throws {
  try writeSketch(path) { root in
    try counts.flatMap(\.self).withUnsafeBytes {
      try root.write("counts", $0, as: .int64, [counts.count, 3])
    }
    for (name, type, columns) in [
      ("statistics", ElementType.float64, 5), ("projections", .float64, 8), ("samples", .float32, 256),
    ] {
      let zeros = [UInt8](repeating: 0, count: counts.count * columns * type.byteCount)
      try zeros.withUnsafeBytes { try root.write(name, $0, as: type, [counts.count, columns]) }
    }
    try Array(listing.utf8).withUnsafeBytes { try root.write("taps", $0, as: .uint8, [$0.count]) }
  }
}

@Test(
  arguments: [
    [3, 0], [0, 3], [-1, 0], [0, -1], [2, 1], [.max, 0], [.max, .max], [.min, .max], [1, .max],
  ] as [[Int64]])
func countsWithinAnArrayAreNoMoreThanItsElements(_ counts: [Int64]) throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/x.h5"
    try forged(path, counts: [[2, 1, 1]])
    #expect(try SketchReader(path: path).sketch(of: "m/0/output").nan == 1)
    try forged(path, counts: [[2] + counts])
    #expect(
      throws: TraceError.malformed(
        file: path, object: "/counts", expected: "NaN and infinite elements among those of row 0",
        found: "\(counts[0]) and \(counts[1]) of 2")
    ) { _ = try SketchReader(path: path) }
  }
}

@Test func whatNoTapHasIsRefused() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/x.h5"
    try forged(path, counts: [[2, 0, 0], [2, 0, 0]])
    #expect(
      throws: TraceError.malformed(
        file: path, object: "/counts", expected: "at most a row for each of 1 taps", found: "2")
    ) { _ = try SketchReader(path: path) }
    for shape in [
      "[-1,-2]", "[4294967296,4294967296,4294967296]", "[0,9223372036854775807,9223372036854775807]",
    ] {
      try forged(path, listing: #"[{"name":"m/0/output","row":0,"sequence":0,"shape":\#(shape)}]"#)
      #expect(throws: TraceError.self, "\(shape)") { _ = try SketchReader(path: path) }
    }
  }
}

@Test func aSketchHasNoNameWithAnEmptyStep() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/x.h5"
    let writer = try SketchWriter(path: path, provenance: sample)
    #expect(throws: TraceError.badName(file: path, name: "m/0/input/")) {
      try writer.write(
        ModulePath("m"), call: 0, sequence: 0, inputs: [("", noise([2]))], output: noise([2]))
    }
  }
}

/// Fewer numbers than a listing may have letters, but of eight bytes each.
@Test func aTableIsBoundByItsBytes() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/x.h5"
    try writeSketch(path) { root in
      let zeros = [Int64](repeating: 0, count: 3 * 180_000)
      try zeros.withUnsafeBytes {
        try root.write("counts", $0, as: .int64, [180_000, 3], storage: .compressed)
      }
      let listing = Array("[]".utf8)
      try listing.withUnsafeBytes { try root.write("taps", $0, as: .uint8, [listing.count]) }
    }
    let error = try #require(throws: TraceError.self) { _ = try SketchReader(path: path) }
    #expect("\(error)".contains("/counts: expected at most 4194304 bytes"), "\(error)")
  }
}

/// A listing of spaces, which compresses a thousandfold.
@Test func aListingThatIsLargerThanAnyIsRefused() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/x.h5"
    try writeSketch(path) { root in
      let spaces = [UInt8](repeating: 0x20, count: 64 << 20)
      try spaces.withUnsafeBytes { try root.write("taps", $0, as: .uint8, [$0.count], storage: .compressed) }
    }
    let error = try #require(throws: TraceError.self) { _ = try SketchReader(path: path) }
    #expect("\(error)".contains("/taps: expected at most 4194304 bytes"), "\(error)")
  }
}

@Test func refusesWhatIsNoSketch() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = "\(folder)/x.h5"
    try TraceWriter(path: path, provenance: sample).finish()
    #expect(throws: TraceError.notASketch(file: path, found: "string(\"sam2kit.trace\")")) {
      _ = try SketchReader(path: path)
    }
    // A listing that names a row of another size.
    try forged(path, counts: [[0, 0, 0]])
    #expect(
      throws: TraceError.malformed(
        file: path, object: "m/0/output", expected: "the row of an array of shape [2]", found: "row 0")
    ) { _ = try SketchReader(path: path) }
  }
}
