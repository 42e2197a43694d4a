import Foundation
import Media
import Testing

@Suite struct VideoWriterTests {
  /// Five stripes, as the clips have them.
  private func picture(_ number: Int, width: Int, height: Int) -> Picture {
    let row = (0..<width).flatMap { x in
      [UInt8](repeating: number >> (5 * x / width) & 1 == 1 ? 200 : 30, count: 3)
    }
    return Picture(width: width, height: height, pixels: (0..<height).flatMap { _ in row })
  }

  @Test(arguments: [(80, 48, 80, 48), (75, 45, 76, 46)])
  func whatIsWrittenIsReadAgain(width: Int, height: Int, codedWidth: Int, codedHeight: Int) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("out.mp4")
    let writer = try VideoWriter(path: path, width: width, height: height, frameRate: 10)
    let times = [0, 0.1, 0.35, 0.4, 1.7]
    for (index, time) in times.enumerated() {
      try writer.append(picture(index, width: width, height: height), at: time)
    }
    try writer.append(picture(5, width: width, height: height))
    #expect(!folder.names.contains("out.mp4"))
    try writer.finish()
    try writer.finish()
    #expect(folder.names == ["out.mp4"])
    let source = try openFrameSource(path: path)
    #expect((source.width, source.height, source.count) == (codedWidth, codedHeight, 6))
    for (index, time) in (times + [1.8]).enumerated() {
      let frame = try #require(try source.frame(at: index))
      #expect(stripes(frame.stored()) == index)
      #expect(abs(try #require(frame.timestamp) - time) < 1e-4)
    }
  }

  @Test func anUnfinishedVideoLeavesNothing() throws {
    let folder = try TemporaryFolder()
    do {
      let writer = try VideoWriter(path: folder.path("out.mp4"), width: 16, height: 16, frameRate: 10)
      try writer.append(picture(1, width: 16, height: 16))
    }
    #expect(folder.names.isEmpty)
  }

  @Test func whatNoVideoCanHoldIsRefused() throws {
    let folder = try TemporaryFolder()
    #expect(throws: MediaError.self) {
      try VideoWriter(path: folder.path("missing/out.mp4"), width: 16, height: 16, frameRate: 10)
    }
    #expect(throws: MediaError.self) {
      try VideoWriter(path: folder.path("out.mp4"), width: 0, height: 16, frameRate: 10)
    }
    let writer = try VideoWriter(path: folder.path("out.mp4"), width: 16, height: 16, frameRate: 10)
    #expect(throws: MediaError.self) { try writer.finish() }
    #expect(throws: MediaError.self) { try writer.append(picture(0, width: 17, height: 16)) }
    try writer.append(picture(0, width: 16, height: 16), at: 1)
    #expect(throws: MediaError.self) { try writer.append(picture(0, width: 16, height: 16), at: 1) }
  }
}
