import Foundation
import Media
import Testing

@Suite struct FrameFolderTests {
  private func picture(_ level: UInt8, width: Int = 2, height: Int = 1) -> Picture {
    Picture(width: width, height: height, pixels: [UInt8](repeating: level, count: 3 * width * height))
  }

  @Test func numbersCompareAsNumbers() throws {
    let folder = try TemporaryFolder()
    let names = ["2.png", "11.PNG", "010.png", "frame_2.png", "frame_10.png", "frame_10b.png"]
    // In natural order: 2, 010, 11, frame_2, frame_10, frame_10b.
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
    #expect(source.notes.first == "took the 6 PNG file(s) as frames, left aside: 1 .txt")
  }

  /// As the official loader sorts, by `int`.
  @Test func negativeNumbersComeBeforeOthers() throws {
    let folder = try TemporaryFolder()
    for name in ["10", "-1", "0", "-10", "+1", "-2"] { try picture(0).write(path: folder.path("\(name).png")) }
    let source = try openFrameSource(path: folder.path(""))
    #expect(source.frameNames == ["-10.png", "-2.png", "-1.png", "0.png", "+1.png", "10.png"])
  }

  @Test(arguments: [
    ["1.png", "01.png"], ["-0.png", "0.png"], ["frame_1.png", "frame_001.png"], ["7.png", "7.PNG"],
    ["+3.png", "3.png"],
  ])
  func twoFramesOfOneNumberAreRefused(names: [String]) throws {
    let folder = try TemporaryFolder()
    for name in names { try picture(0).write(path: folder.path(name)) }
    let path = folder.path("")
    #expect {
      try openFrameSource(path: path)
    } throws: {
      if case MediaError.sameNumber(path, let found) = $0 { Set(found) == Set(names) } else { false }
    }
  }

  /// Masks beside frames, a stray thumbnail, other kinds: one kind is taken, and the rest said.
  @Test func oneKindOfPictureMakesTheFrames() throws {
    let folder = try TemporaryFolder()
    let jpeg = try PictureFixtures.named("420.jpg").file
    for name in ["0.jpg", "1.JPEG"] { _ = try folder.write(jpeg, name) }
    for name in ["0.png", "1_mask.png", "notes.txt", "3.webp", "nothing"] {
      _ = try folder.write(Data("masks".utf8), name)
    }
    try FileManager.default.createDirectory(atPath: folder.path("2.jpg"), withIntermediateDirectories: false)
    let source = try openFrameSource(path: folder.path(""))
    #expect(source.frameNames == ["0.jpg", "1.JPEG"])
    #expect(
      source.notes == [
        "took the 2 JPEG file(s) as frames, left aside: 1 without extension, 2 .png, 1 .txt, 1 .webp"
      ])
  }

  @Test func whatReadingDecidesIsSaidOnceAKind() throws {
    let folder = try TemporaryFolder()
    let alpha = try PictureFixtures.named("rgb8-alpha.png").file
    for index in 0..<3 { _ = try folder.write(alpha, "\(index).png") }
    let source = try openFrameSource(path: folder.path(""))
    for index in [2, 1] { _ = try source.frame(at: index) }
    #expect(source.notes == ["0.png: alpha dropped"])
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
    _ = try folder.write(Data("text".utf8), "readme.md")
    #expect(throws: MediaError.noFrames(path: path, found: "1 .md")) { try openFrameSource(path: path) }
  }
}
