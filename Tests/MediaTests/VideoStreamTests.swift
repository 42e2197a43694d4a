// Files of several videos, of tools/fixtures/make_streams.py, and parts of videos.
import Foundation
@testable import Media
import Testing

/// Fixtures/streams.json: files of three videos, and which of them decord takes.
private struct StreamFixtures: Decodable {
  struct Video: Decodable {
    let width: Int
    let height: Int
    let frames: Int
    let colour: [UInt8]
  }
  struct File: Decodable, CustomTestStringConvertible {
    let name: String
    let order: [Int]
    let best: Int
    let file: Data
    var testDescription: String { name }
  }
  let videos: [Video]
  let files: [File]

  static let recorded: StreamFixtures? = fixture("streams")
}

@Suite struct VideoStreamTests {
  private func agree(_ source: any FrameSource, _ expected: StreamFixtures.Video) throws -> Bool {
    let frame = try #require(try source.frame(at: expected.frames - 1)).stored()
    let isColour = (0..<3).allSatisfy { abs(Int(frame.pixels[$0]) - Int(expected.colour[$0])) <= 2 }
    return (source.width, source.height) == (expected.width, expected.height)
      && source.count == expected.frames && isColour
  }

  @Test(arguments: StreamFixtures.recorded?.files ?? [])
  fileprivate func theVideoIsDecordsUnlessOneIsNamed(file: StreamFixtures.File) throws {
    let videos = try #require(StreamFixtures.recorded).videos
    let folder = try TemporaryFolder()
    let path = try folder.write(file.file, file.name)
    let taken = try openFrameSource(path: path)
    #expect(try agree(taken, videos[file.order[file.best]]))
    #expect(taken.notes.count == 1)
    #expect(taken.notes.first?.hasPrefix("took video stream \(file.best) of 3, counted from 0") == true)
    for (stream, video) in file.order.enumerated() {
      var options = FrameOptions()
      options.stream = stream
      let source = try openFrameSource(path: path, options)
      #expect(try agree(source, videos[video]), "stream \(stream)")
      #expect(source.notes.isEmpty)
    }
    var options = FrameOptions()
    options.stream = 3
    #expect(throws: MediaError.noSuchStream(path: path, asked: 3, count: 3)) {
      try openFrameSource(path: path, options)
    }
  }

  @Test func foldersHaveNoStreams() throws {
    let folder = try TemporaryFolder()
    try Picture(width: 1, height: 1, pixels: [1, 2, 3]).write(path: folder.path("0.png"))
    var options = FrameOptions()
    options.stream = 0
    #expect(throws: MediaError.noSuchStream(path: folder.path(""), asked: 0, count: 0)) {
      try openFrameSource(path: folder.path(""), options)
    }
  }

  /// Frames 3, 5 … of 25, each showing its number.
  @Test(
    arguments: [
      (0, nil, 1, Array(0..<25)), (3, 12, 2, [3, 5, 7, 9, 11]), (3, 11, 2, [3, 5, 7, 9, 11]),
      (24, nil, 9, [24]),
      (0, 24, 24, [0, 24]), (20, 99, 3, [20, 23]),
    ] as [(Int, Int?, Int, [Int])])
  func partsKeepTheirNumbers(from: Int, to: Int?, every: Int, expected: [Int]) throws {
    var options = FrameOptions()
    (options.from, options.to, options.every) = (from, to, every)
    let source = try openFrameSource(path: videoFixture("bframes.mp4"), options)
    #expect(source.count == expected.count)
    for (index, number) in expected.enumerated() {
      let frame = try #require(try source.frame(at: index))
      #expect(stripes(frame.stored()) == number)
      #expect(source.numbering.number(of: index) == number && source.numbering.index(of: number) == index)
      #expect(abs((frame.timestamp ?? -1) - Double(number) / 10) < 1e-6)
      if every > 1 { #expect(source.numbering.index(of: number + 1) == nil) }
    }
    #expect(try source.frame(at: expected.count) == nil && source.frame(at: -1) == nil)
  }

  @Test func framesThatAreNotThereAreRefused() throws {
    for (from, to) in [(25, nil), (9, 8)] as [(Int, Int?)] {
      var options = FrameOptions()
      (options.from, options.to) = (from, to)
      #expect(throws: MediaError.self) { try openFrameSource(path: videoFixture("bframes.mp4"), options) }
    }
  }
}
