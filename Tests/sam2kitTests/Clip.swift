import Foundation
import Masks
import Media
import TestSupport

/// The clip of `Reference/`, tracked by the built program with the embedded model.
enum Clip {
  static let micro = TestFiles.package("Weights/sam2.1_micro.pt")
  static let microYAML = TestFiles.package("Reference/micro.yaml")
  static let frames = TestFiles.package("Reference/clips/shapes")
  static let (width, height, frameCount) = (160, 120, 24)

  static func prompts(_ name: String) -> String {
    TestFiles.package("Reference/video/\(name).prompts.json")
  }

  static func video(_ name: String) -> String { TestFiles.package("Tests/MediaTests/Fixtures/videos/\(name)") }

  /// The arguments that track a video, `more` behind them.
  static func arguments(_ more: [String], video: String = frames, into output: String) -> [String] {
    ["track", "--model", micro, "--config", microYAML, "--video", video, "--output", output] + more
  }

  static func track(_ more: [String], video: String = frames, into output: String) throws -> Program.Outcome {
    try Program.run(arguments(more, video: video, into: output))
  }

  static func track(_ more: String..., video: String = frames, into output: String) throws -> Program.Outcome {
    try track(more, video: video, into: output)
  }

  /// Writes the clip's first frames as a video file of 12.5 frames per second.
  static func write(_ path: String, frames count: Int) throws {
    let source = try openFrameSource(path: frames)
    let writer = try VideoWriter(path: path, width: width, height: height, frameRate: 12.5)
    for index in 0..<count {
      if let frame = try source.frame(at: index) { try writer.append(try frame.picture) }
    }
    try writer.finish()
  }
}

/// The part of `tracks.json` that the tests look at.
struct TracksReport: Decodable {
  struct Video: Decodable {
    let path: String
    let width: Int
    let height: Int
    let frames: Int?
    let frame_rate: Double?
    let damage: [String]
  }
  struct Frame: Decodable {
    let frame: Int
    let time: Double?
    let mask: String
    let objects: [Object]
  }
  struct Object: Decodable {
    struct Encoding: Decodable {
      let size: [Int]
      let counts: String
    }
    let object: Int
    let segmentation: Encoding
    let bbox: [Int]
    let area: Int
    let score: Float
    let object_score: Float

    var mask: BinaryMask {
      get throws {
        BinaryMask(
          try RunLengthEncoding(
            width: segmentation.size[1], height: segmentation.size[0], compressed: segmentation.counts))
      }
    }
  }
  let format: String
  let format_version: Int
  let video: Video
  let complete: Bool
  let frames: [Frame]

  init(folder: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/tracks.json"))
    self = try JSONDecoder().decode(TracksReport.self, from: data)
  }

  /// The numbers of the objects of a frame.
  func objects(on frame: Int) -> [Int]? { frames.first { $0.frame == frame }?.objects.map(\.object) }
}

/// The bytes of every file of a folder by name.
func contents(of folder: String) throws -> [String: Data] {
  let names = try FileManager.default.contentsOfDirectory(atPath: folder)
  return try Dictionary(
    uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)"))) })
}

/// The names in a folder in ascending order; none where there is no such folder.
func names(in folder: String) -> [String] {
  ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
}
