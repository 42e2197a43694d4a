import Foundation
import Media
import Testing

@Suite struct FrameFolderTests {
  private func picture(_ level: UInt8, width: Int = 2, height: Int = 1) -> Picture {
    Picture(width: width, height: height, pixels: [UInt8](repeating: level, count: 3 * width * height))
  }

  @Test func numbersCompareAsNumbers() throws {
    let folder = try TemporaryFolder()
    let names = ["2.png", "10.PNG", "010.png", "frame_2.png", "frame_10.png", "frame_10b.png"]
    // In natural order: 2, 010, 10, frame_2, frame_10, frame_10b.
    for (name, level) in zip(names, [0, 2, 1, 3, 4, 5] as [UInt8]) {
      try picture(level).write(path: folder.path(name))
    }
    _ = try folder.write(Data("not a frame".utf8), "notes.txt")
    _ = try folder.write(Data("hidden".utf8), ".1.png")
    let source = try openFrameSource(path: folder.path(""))
    #expect(source.count == 6)
    for index in [0, 3, 1, 5, 2, 4] {
      #expect(try source.frame(at: index)?.picture.pixels[0] == UInt8(index))
    }
    #expect(try source.frame(at: 6) == nil)
  }

  @Test func framesOfAnotherSizeAreRefused() throws {
    let folder = try TemporaryFolder()
    try picture(0).write(path: folder.path("0.png"))
    try picture(0, width: 3).write(path: folder.path("1.png"))
    let source = try openFrameSource(path: folder.path(""))
    #expect(throws: MediaError.self) { try source.frame(at: 1) }
    #expect(try source.frame(at: 0) != nil)
  }

  @Test func aFolderWithoutFramesIsRefused() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("")
    #expect(throws: MediaError.noFrames(path: path)) { try openFrameSource(path: path) }
  }
}
