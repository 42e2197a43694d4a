// Files that call themselves videos and lead elsewhere, and videos that are two.
import Files
import Foundation
import Masks
@testable import Media
import Testing
import TestSupport

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Fixtures/joined.json, of tools/fixtures/make_joined.py.
struct JoinedFixtures: Decodable {
  struct Video: Decodable {
    let name: String
    let file: Data
    let width: Int
    let height: Int
    let side: Int
    let frames: [Data]
  }
  let videos: [Video]

  static func named(_ name: String) throws -> Video {
    let fixtures: JoinedFixtures = try #require(fixture("joined"))
    return try #require(fixtures.videos.first { $0.name == name })
  }
}

@Suite struct VideoTrustTests {
  @Test(arguments: [
    ("#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\nfile:secret.mp4\n#EXT-X-ENDLIST\n", "an HLS playlist"),
    ("\u{FEFF}  #EXTM3U\n#EXTINF:1,\nsecret.mp4\n", "an HLS playlist"),
    ("ffconcat version 1.0\nfile secret.mp4\n", "an ffconcat script"),
    ("<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"></MPD>", "a DASH manifest"),
    ("<SmoothStreamingMedia MajorVersion=\"2\"/>", "a Smooth Streaming manifest"),
    ("[playlist]\nFile1=secret.mp4\n", "a playlist"),
    ("v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n", "the description of a stream (SDP)"),
  ])
  func whatLeadsToOtherFilesIsRefusedByName(text: String, kind: String) throws {
    let folder = try TemporaryFolder()
    let video = try Data(contentsOf: URL(filePath: videoFixture("plain.mp4")))
    _ = try folder.write(video, "secret.mp4")
    for name in ["clip.mp4", "clip.m3u8", "clip.mpd", "clip.ffconcat", "clip.sdp", "clip"] {
      let path = try folder.write(Data(text.utf8), name)
      let found = "\(kind), which leads to other files; give the video itself"
      #expect(throws: MediaError.noVideoStream(path: path, found: found)) { try openFrameSource(path: path) }
    }
  }

  /// Nothing but the demuxers that are listed, whatever words there are for it: none reads a file but the one that is named.
  @Test func onlyListedFormatsAreOpened() throws {
    let folder = try TemporaryFolder()
    let lists = [
      "concat.mp4": "# a comment before\nffconcat version 1.0\nfile 'secret.mp4'\n",
      "x.txt": "Nothing but text.\n", "a.nfo": "text that FFmpeg would draw\n", "s.avs": "Version()\n",
      "t.srt": "1\n00:00:00,000 --> 00:00:01,000\nword\n", "i.imf": "<AssetMap/>",
    ]
    for (name, text) in lists {
      let path = try folder.write(Data(text.utf8), name)
      #expect(throws: MediaError.self, "\(name)") { try openFrameSource(path: path) }
    }
    // Names are names and no addresses or patterns.
    let picture = Picture(width: 64, height: 48, pixels: [UInt8](repeating: 90, count: 3 * 64 * 48))
    try picture.write(path: folder.path("p1.png"))
    let real = videoFixture("plain.mp4")
    for name in [
      "concat:\(real)", "subfile,,start,0,end,0,,:\(real)", "http://127.0.0.1:1/x.mp4",
      "data:video/mp4;base64,AA",
      "file:\(real)", "async:\(real)", "pipe:0", "crypto:\(real)", folder.path("p%d.png"),
      folder.path("p*.png"),
    ] {
      #expect {
        try openFrameSource(path: name)
      } throws: {
        if case MediaError.file(.unreadable) = $0 { true } else { false }
      }
    }
    let path = folder.path("p1.png")
    let found = "a PNG picture; segment takes it, and track a folder of such"
    #expect(throws: MediaError.noVideoStream(path: path, found: found)) { try openFrameSource(path: path) }
    // One that is called like an address is a file.
    let odd = try folder.write(Data(contentsOf: URL(filePath: real)), "concat:%d*.mp4")
    #expect(try openFrameSource(path: odd).count == 8)
  }

  /// A clip with one of QuickTime's references to other files: the box of an alias, or an address, without the
  /// flag that says "this file".
  private func clip(referringTo name: [UInt8], in kind: String) throws -> Data {
    var data = try Data(contentsOf: URL(filePath: videoFixture("plain.mp4")))
    // Size 12, kind, flags 1: becomes one that is longer by the name, as are all boxes around it.
    let box = try #require(data.range(of: Data([0, 0, 0, 12] + Array("url ".utf8) + [0, 0, 0, 1])))
    var other: [UInt8] = [0, 0, 0, UInt8(12 + name.count)]
    other += Array(kind.utf8) + [0, 0, 0, 0] + name
    for around in ["moov", "trak", "mdia", "minf", "dinf", "dref"] {
      let start = try #require(data.range(of: Data(around.utf8))).lowerBound - 4
      let size = data[start..<start + 4].reduce(0) { $0 << 8 | Int($1) } + name.count
      data.replaceSubrange(
        start..<start + 4, with: (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) })
    }
    data.replaceSubrange(box, with: other)
    return data
  }

  /// A name without a letter leads nowhere; FFmpeg reads the file itself.
  @Test(arguments: ["url ", "alis"], [0, 12]) func picturesOfNoNamedFileAreInThisOne(
    kind: String, length: Int
  ) throws {
    let folder = try TemporaryFolder()
    let data = try clip(referringTo: [UInt8](repeating: 0, count: length), in: kind)
    let source = try openFrameSource(path: folder.write(data, "here.mov"))
    #expect(source.count == 8)
    #expect(stripes(try #require(try source.frame(at: 7)).stored()) == 7)
  }

  @Test(arguments: ["url ", "alis"]) func picturesInOtherFilesAreRefused(kind: String) throws {
    let folder = try TemporaryFolder()
    let data = try clip(referringTo: Array("secret.mp4\0\0".utf8), in: kind)
    let path = try folder.write(data, "elsewhere.mov")
    let reason = "its pictures are in another file, which is not looked for; give that one"
    #expect(throws: MediaError.undecodableVideo(path: path, reason: reason)) { try openFrameSource(path: path) }
  }

  /// A pipe that nobody writes to would never open.
  @Test func pipesAndDevicesAreRefusedAtOnce() throws {
    let folder = try TemporaryFolder()
    let pipe = folder.path("0.png")
    try #require(mkfifo(pipe, 0o644) == 0)
    let refusal = MediaError.file(.notAFile(path: pipe))
    #expect("\(refusal)" == "\(pipe): expected a file, found a pipe; save what comes of it as a file")
    var options = FrameOptions()
    for stream in [nil, 0] {
      options.stream = stream
      #expect(throws: refusal) { try openFrameSource(path: pipe, options) }
      #expect(throws: MediaError.file(.notAFile(path: "/dev/zero"))) {
        try openFrameSource(path: "/dev/zero", options)
      }
    }
    #expect(throws: refusal) { try Picture.read(path: pipe) }
    #expect(throws: refusal) { try MaskFile.read(path: pipe) }
    #expect(throws: refusal) { try LabelRaster.read(path: pipe) }
    #expect(throws: refusal) { try openFrameSource(path: folder.url.path) }
  }

  /// decord scales whatever comes to one size.
  @Test func framesOfAnotherSizeAreScaledAsDecordDoes() throws {
    let video = try JoinedFixtures.named("resized.mp4")
    let folder = try TemporaryFolder()
    let source = try openFrameSource(path: folder.write(video.file, video.name))
    #expect((source.width, source.height) == (video.width, video.height))
    for (index, expected) in video.frames.enumerated() {
      let frame = try #require(try source.frame(at: index))
      guard case .decoded(let decoded) = frame.content else { throw CancellationError() }
      let scaled = try decoded.picture(width: video.side, height: video.side)
      #expect(largestDifference(scaled.pixels, expected) <= 1, "frame \(index)")
      #expect((frame.width, frame.height) == (video.width, video.height))
      #expect(try frame.picture.width == video.width)
    }
    #expect(source.damage == [.resized(first: 8, count: 6, width: 40, height: 56)])
  }

  /// Two streams one after the other: all frames in the file's order, at times that grow.
  @Test(arguments: ["joined.ts", "earlier.ts"]) func joinedVideosAreOneAfterTheOther(name: String) throws {
    let video = try JoinedFixtures.named(name)
    let folder = try TemporaryFolder()
    let source = try openFrameSource(path: folder.write(video.file, video.name))
    func check(_ index: Int) throws -> Double {
      let frame = try #require(try source.frame(at: index))
      guard case .decoded(let decoded) = frame.content else { throw CancellationError() }
      let scaled = try decoded.picture(width: video.side, height: video.side)
      #expect(largestDifference(scaled.pixels, video.frames[index]) <= 1, "frame \(index)")
      return try #require(frame.timestamp)
    }
    let times = try video.frames.indices.map(check)
    #expect(try source.frame(at: video.frames.count) == nil)
    #expect(source.count == 14)
    // Ten frames a second in both.
    for (index, time) in times.enumerated() { #expect(abs(time - Double(index) / 10) < 0.01, "\(times)") }
    #expect(source.damage == [.timesGoBack(at: 8)])
    // Also when one comes back.
    #expect(try check(3) == times[3])
    #expect(try check(9) == times[9])
  }

  @Test func aClockOnlyGoesForwards() {
    var clock = FrameClock(step: 10)
    let times: [Int64?] = [100, 110, 120, nil, 5, 15, 200, 190]
    for (frame, time) in times.enumerated() { clock.note(time, of: frame) }
    // What comes again changes nothing.
    clock.note(7, of: 2)
    #expect((0..<9).map { clock.time(of: $0) } == [100, 110, 120, nil, 130, 140, 325, 335, nil])
    #expect(clock.wentBack == 4)
  }
}
