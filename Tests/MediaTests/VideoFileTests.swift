// Clips of tools/fixtures/make_videos.py: every frame carries its number as five light or dark stripes.
import Foundation
@testable import Media
import Tensors
import Testing

@Suite struct VideoFileTests {
  private func open(_ name: String) throws -> any FrameSource { try openFrameSource(path: videoFixture(name)) }

  @Test(arguments: [
    ("bframes.mp4", 25), ("opengop.mkv", 25), ("plain.mp4", 8), ("odd.webm", 4), ("variable.mp4", 6),
    ("raw.h264", 12),
  ])
  func framesComeInOrderHoweverTheyAreAskedFor(name: String, count: Int) throws {
    let forwards = try open(name)
    for index in 0..<count {
      #expect(stripes(try #require(try forwards.frame(at: index)).stored()) == index)
    }
    #expect(try forwards.frame(at: count) == nil)
    #expect(forwards.count == count)
    let (backwards, anyOrder) = (try open(name), try open(name))
    for index in (0..<count).reversed() {
      #expect(stripes(try #require(try backwards.frame(at: index)).stored()) == index)
    }
    for step in 0..<count {
      let index = step * 7 % count
      #expect(stripes(try #require(try anyOrder.frame(at: index)).stored()) == index)
    }
    #expect(forwards.damage.isEmpty && backwards.damage.isEmpty && anyOrder.damage.isEmpty)
  }

  /// The red corner at the top left moves with the picture.
  @Test(arguments: [(90, 47, 0), (180, 79, 47), (270, 0, 79)])
  func rotationIsApplied(angle: Int, x: Int, y: Int) throws {
    let source = try open("rotated\(angle).mp4")
    #expect((source.width, source.height) == (angle == 180 ? (80, 48) : (48, 80)))
    let picture = try #require(try source.frame(at: 0)).stored()
    let red = 3 * (y * picture.width + x)
    #expect(picture.pixels[red] > 150 && picture.pixels[red + 1] < 90)
    let prepared = try #require(try source.frame(at: 0)).prepared(size: 32)
    #expect(prepared.shape == [3, 32, 32])
  }

  /// All eight matrices that turn and mirror; hard edges tell turning before scaling from turning after it.
  @Test(arguments: TurnedFixtures.recorded)
  func framesAreTurnedAndThenScaledAsDecordDoes(clip: TurnedFixtures.Clip) throws {
    let folder = try TemporaryFolder()
    #expect(clip.matrices.count == 8)
    for expected in clip.matrices {
      let path = try folder.write(clip.shown(by: expected.matrix), "clip.mp4")
      let source = try openFrameSource(path: path)
      #expect((source.width, source.height) == (expected.width, expected.height), "\(expected.matrix)")
      let matrix = expected.matrix
      #expect(source.damage == (matrix[0] * matrix[3] - matrix[1] * matrix[2] < 0 ? [.mirrored] : []))
      let frame = try #require(try source.frame(at: 0))
      #expect(largestDifference(frame.stored().pixels, expected.shown) <= 1, "\(expected.matrix)")
      let scaled = try frame.prepared(size: clip.size)
      let shown = Picture(width: clip.size, height: clip.size, pixels: Array(expected.scaled))
      // A level of a channel is 1/58 to 1/57 in the tensor.
      #expect(
        largestDifference(scaled.elements, shown.normalizedTensor.elements) < 1.5 / 57, "\(expected.matrix)")
      // A frame that is no larger than asked is not made smaller, which would be by another scaler.
      let longest = max(expected.width, expected.height)
      #expect(try frame.prepared(size: clip.size, longestSide: longest).elements == scaled.elements)
    }
  }

  @Test func timesAreThoseOfTheFile() throws {
    let source = try open("variable.mp4")
    let expected = [0, 0.1, 0.4, 0.5, 0.8, 0.9]
    for (index, time) in expected.enumerated() {
      #expect(abs(try #require(try source.frame(at: index)?.timestamp) - time) < 1e-6)
    }
    #expect(try open("plain.mp4").frameRate == 10)
  }

  @Test func oddSizesKeepTheirLastColumn() throws {
    let source = try open("odd.webm")
    #expect((source.width, source.height) == (75, 45))
  }

  @Test func framesOutsideTheEditListAreNotShown() throws {
    let source = try open("edited.mp4")
    #expect(source.count == 5)
    #expect(stripes(try #require(try source.frame(at: 0)).stored()) == 3)
    #expect(stripes(try #require(try source.frame(at: 4)).stored()) == 7)
  }

  @Test func aTruncatedFileGivesWhatItHasAndSaysSo() throws {
    let source = try open("truncated.mp4")
    var frames = 0
    while try source.frame(at: frames) != nil { frames += 1 }
    #expect(frames == 14)
    #expect(
      source.damage.contains(.endedEarly(frames: 14, expected: 25, reason: "the file ends within a packet")))
    // Frame 12 needs frame 15, which is lost, so frame 11 stands in.
    #expect(source.damage.contains(.replaced(first: 12, count: 1)))
    #expect(stripes(try #require(try source.frame(at: 12)).stored()) == 11)
  }

  @Test func asManyFramesAreHeldAsTheLimitAllows() throws {
    let source = try open("plain.mp4")
    var frames: [DecodedFrame] = []
    for index in 0..<4 {
      guard case .decoded(let decoded) = try #require(try source.frame(at: index)).content else {
        throw CancellationError()
      }
      frames.append(decoded)
    }
    let size = frames[0].byteCount
    // 80 × 48 pixels of brightness, and a quarter as many of each difference.
    try #require(size >= 80 * 48 * 3 / 2 && frames.allSatisfy { $0.byteCount == size })
    var cache = FrameCache(byteLimit: 2 * size)
    for (index, frame) in frames.enumerated() { cache.insert(frame, at: index, time: Int64(index)) }
    #expect((0..<4).map { cache.frame(at: $0)?.time } == [nil, nil, 2, 3])
    // What comes again takes no more room, and is the newest.
    cache.insert(frames[2], at: 2, time: 7)
    #expect((0..<4).map { cache.frame(at: $0)?.time } == [nil, nil, 7, 3])
    cache.insert(frames[0], at: 0, time: 0)
    #expect((0..<4).map { cache.frame(at: $0)?.time } == [0, nil, 7, nil])
    // One is held, however large.
    var small = FrameCache(byteLimit: 1)
    for (index, frame) in frames.enumerated() { small.insert(frame, at: index, time: Int64(index)) }
    #expect((0..<4).map { small.frame(at: $0)?.time } == [nil, nil, nil, 3])
  }

  @Test func filesThatAreNoVideosAreRefused() throws {
    #expect(throws: MediaError.noVideoStream(path: videoFixture("audio.m4a"), found: "only audio")) {
      try open("audio.m4a")
    }
    let folder = try TemporaryFolder()
    let text = try folder.write(Data("no video".utf8), "text.mp4")
    #expect {
      try openFrameSource(path: text)
    } throws: {
      if case MediaError.undecodableVideo(text, _) = $0 { true } else { false }
    }
    #expect(throws: MediaError.self) { try openFrameSource(path: folder.path("missing.mp4")) }
  }
}

/// Fixtures/turned.json: clips of one frame, and what decord gives of them under each display matrix.
struct TurnedFixtures: Decodable {
  struct Clip: Decodable, CustomTestStringConvertible {
    struct Expected: Decodable {
      let matrix: [Int32]
      let width: Int
      let height: Int
      let shown: Data
      let scaled: Data
    }
    let name: String
    let file: Data
    let size: Int
    let matrices: [Expected]
    var testDescription: String { name }

    /// The clip with another matrix in its track header: elements a, b, c, d of ISO 14496-12, 8.3.2.
    func shown(by matrix: [Int32]) throws -> Data {
      let header = try #require(file.range(of: Data("tkhd".utf8)))
      let elements = [matrix[0], matrix[1], 0, matrix[2], matrix[3], 0, 0, 0].map { $0 << 16 } + [1 << 30]
      var data = file
      let place = header.upperBound + 40
      data.replaceSubrange(
        place..<place + 36,
        with: elements.flatMap { element in (0..<4).map { UInt8(truncatingIfNeeded: element >> (24 - 8 * $0)) }
        }
      )
      return data
    }
  }
  let clips: [Clip]

  static let recorded: [Clip] = {
    let fixtures: TurnedFixtures? = fixture("turned")
    return fixtures?.clips ?? []
  }()
}

/// The path of a clip.
func videoFixture(_ name: String) -> String {
  URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/videos/\(name)")
    .path(percentEncoded: false)
}

extension VideoFrame {
  /// The picture, or an empty one that no test expects.
  func stored() -> Picture { (try? picture) ?? Picture(width: 0, height: 0, pixels: []) }
}

/// The number that the stripes of a frame show.
func stripes(_ picture: Picture) -> Int {
  guard picture.width > 0 else { return -1 }
  return (0..<5).reduce(0) { number, bit in
    let x = (2 * bit + 1) * picture.width / 10
    let y = picture.height * 3 / 4
    return number | (picture.pixels[3 * (y * picture.width + x)] > 115 ? 1 << bit : 0)
  }
}
