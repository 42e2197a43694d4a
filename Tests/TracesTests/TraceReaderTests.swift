// Reading traces, also those that others wrote and those that are broken.
import Files
import Foundation
import HDF5
import Prompts
import Taps
import Tensors
import Testing
import TestSupport

@testable import Traces

/// Written with h5py by tools/fixtures/make_trace.py.
private let fixture = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appending(path: "Fixtures/trace.h5").path

@Test func listsTapsInTheOrderOfExecution() throws {
  let reader = try TraceReader(path: fixture)
  #expect(
    reader.taps.map(\.name)
      == ["encoder.child/0/input/x", "encoder.child/0/output", "encoder/0/input/x"]
      + (0...10).map { "encoder/0/output/levels/\($0)" } + [
        "encoder/0/output/mean", "prediction/iou", "prediction/low_res_logits", "prediction/object_score",
      ])
  #expect(reader.taps[0].module == ModulePath("encoder.child"))
  #expect(reader.taps[0].shape == [2, 3])
  #expect(try reader.tap("prediction/iou").module == nil)
  #expect(throws: TraceError.noSuchTap(file: fixture, name: "decoder/0/output")) {
    try reader.tap("decoder/0/output")
  }
}

@Test func readsWhatH5pyWrote() throws {
  let reader = try TraceReader(path: fixture)
  #expect(reader.provenance.producer == "make_trace.py")
  #expect(reader.provenance.threads == 1)
  #expect(
    reader.provenance.input == TraceInput(width: 4, height: 3, preprocessing: "SAM2Transforms"))
  #expect(
    reader.provenance.prompts
      == PromptScript(multimask: true, objects: [.init(object: 1, points: [Click(x: 1, y: 2.5)])]))
  #expect(try reader.tensor(reader.tap("encoder.child/0/output")).elements == [0, 2, 4, 6, 8, 10])
  #expect(try reader.tensor(reader.tap("encoder/0/output/levels/10")).elements == [10, 10])
  #expect(try reader.tensor(reader.tap("encoder/0/output/mean")).elements == [2.5])
}

@Test func readsRangesOfTapsInTurn() throws {
  let reader = try TraceReader(path: fixture)
  let output = try reader.tap("encoder.child/0/output")
  let iou = try reader.tap("prediction/iou")
  #expect(try Tensor([2]) { try reader.read(output, from: 3, into: $0) }.elements == [6, 8])
  #expect(try Tensor([1]) { try reader.read(iou, from: 2, into: $0) }.elements == [0.125])
  #expect(try Tensor([1]) { try reader.read(output, from: 5, into: $0) }.elements == [10])
  #expect(throws: HDF5Error.self) { try Tensor([2]) { try reader.read(output, from: 5, into: $0) } }
}

@Test func refusesWhatIsNoTrace() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = folder + "/x.h5"
    #expect(throws: FileError.self) { _ = try TraceReader(path: path) }

    let plain = try HDF5NewFile(path)
    try plain.commit()
    #expect(throws: TraceError.notATrace(file: path, found: "none")) { _ = try TraceReader(path: path) }

    let newer = try HDF5NewFile(path)
    try newer.root().setAttribute("format", .string("sam2kit.trace"))
    try newer.root().setAttribute("format_version", .integer(2))
    try newer.commit()
    #expect(throws: TraceError.unsupportedVersion(file: path, expected: 1, found: 2)) {
      _ = try TraceReader(path: path)
    }

    let bare = try HDF5NewFile(path)
    try bare.root().setAttribute("format", .string("sam2kit.trace"))
    try bare.root().setAttribute("format_version", .integer(1))
    try bare.commit()
    #expect(
      throws: TraceError.badAttribute(file: path, attribute: "producer", expected: "text", found: "nothing")
    ) { _ = try TraceReader(path: path) }
  }
}

@Test func refusesATruncatedTrace() throws {
  try TestFiles.withTemporaryFolder { folder in
    let bytes = try #require(FileManager.default.contents(atPath: fixture))
    let path = folder + "/cut.h5"
    try bytes.prefix(bytes.count / 2).write(to: URL(filePath: path))
    let error = #expect(throws: HDF5Error.self) { _ = try TraceReader(path: path) }
    #expect(
      error?.description
        == "\(path): expected an HDF5 file of \(bytes.count) bytes, found \(bytes.count / 2): it is cut short, fetch it again"
    )
  }
}

@Test func refusesCallsWithoutSequenceAndCirclesOfGroups() throws {
  try TestFiles.withTemporaryFolder { folder in
    let path = folder + "/x.h5"
    let unordered = try HDF5NewFile(path)
    try sample.write(to: try unordered.root())
    try unordered.root().write("taps/a/0/output", Tensor([1], [1]))
    try unordered.commit()
    #expect(throws: TraceError.self) { _ = try TraceReader(path: path) }

    let named = try HDF5NewFile(path)
    try sample.write(to: try named.root())
    try named.root().createGroup("taps/a/first").setAttribute("sequence", .integer(0))
    try named.root().write("taps/a/first/output", Tensor([1], [1]))
    try named.commit()
    let error = try #require(throws: TraceError.self) { _ = try TraceReader(path: path) }
    #expect("\(error)".contains("/taps/a/first: expected a call's number"), "\(error)")

    let circular = try HDF5NewFile(path)
    let root = try circular.root()
    try sample.write(to: root)
    try root.createGroup("taps/a/0").setAttribute("sequence", .integer(0))
    _ = try root.createGroup("taps/a/0/output")
    try root.link("taps/a/0/output/again", to: "taps/a/0/output")
    try circular.commit()
    #expect(throws: TraceError.self) { _ = try TraceReader(path: path) }
  }
}

/// Groups that are each twice in the one before, which would be 256 arrays at the deepest that values go, and many more
/// where there are more links.
@Test func aGroupHasOneName() throws {
  try TestFiles.withTemporaryFolder { folder in
    func trace(_ name: String, _ link: (borrowing HDF5NewGroup) throws -> Void) throws -> String {
      let path = "\(folder)/\(name).h5"
      let file = try HDF5NewFile(path)
      do {
        let root = try file.root()
        let source = try TraceReader(path: fixture)
        try source.provenance.write(to: root)
        try root.createGroup("taps/m/0").setAttribute("sequence", .integer(0))
        try root.write("taps/m/0/output/a/b", Tensor([1], [1]))
        try link(root)
      }
      try file.commit()
      return path
    }
    #expect(try TraceReader(path: trace("whole") { _ in }).taps.map(\.name) == ["m/0/output/a/b"])
    let links = [
      ("value", "taps/m/0/output/c", "/taps/m/0/output/a"), ("call", "taps/m/1", "/taps/m/0"),
      ("module", "taps/n", "/taps/m"),
    ]
    for (name, link, existing) in links {
      let path = try trace(name) { try $0.link(link, to: existing) }
      #expect(
        throws: TraceError.malformed(
          file: path, object: "/\(link)", expected: "a group of its own",
          found: "one that has another name, too")
      ) { _ = try TraceReader(path: path) }
    }
  }
}

/// One array of 4 MB, deflated to a few kilobytes, under 300 names: 1.2 GB to go through.
@Test func arraysCountAsOftenAsTheyHaveNames() throws {
  try TestFiles.withTemporaryFolder { folder in
    func trace(_ names: Int) throws -> String {
      let path = "\(folder)/\(names).h5"
      let file = try HDF5NewFile(path)
      do {
        let root = try file.root()
        try TraceReader(path: fixture).provenance.write(to: root)
        try root.createGroup("taps/m/0").setAttribute("sequence", .integer(0))
        try root.write("taps/m/0/output/0", Tensor(repeating: 0, [1 << 20]), storage: .compressed)
        for name in 1..<names { try root.link("taps/m/0/output/\(name)", to: "/taps/m/0/output/0") }
      }
      try file.commit()
      return path
    }
    #expect(try TraceReader(path: trace(256)).taps.count == 256)
    let error = try #require(throws: TraceError.self) { _ = try TraceReader(path: trace(300)) }
    #expect("\(error)".contains("m/0/output/256: expected at most 1073741824 bytes of arrays"), "\(error)")
  }
}
