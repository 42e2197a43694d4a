// The numbers that options take, each with its range: what lies outside is wrong usage, and help and errors say the range.

import ArgumentParser
import Kernels
import Masks
import Pipelines
import Prompts
import SAM2

/// The numbers that an option takes.
protocol NumberRange: Sendable {
  associatedtype Number: Comparable & LosslessStringConvertible & Sendable
  static var range: ClosedRange<Number> { get }
}

/// A number within a range, as an argument.
struct Ranged<Bounds: NumberRange>: ExpressibleByArgument, Sendable {
  let value: Bounds.Number

  /// What stands without an argument.
  init(_ value: Bounds.Number) { self.value = value }

  init?(argument: String) {
    // NaN lies in no range.
    guard let value = Bounds.Number(argument), Bounds.range.contains(value) else { return nil }
    self.value = value
  }

  var defaultValueDescription: String { Self.text(value) }

  static var allValueStrings: [String] { [text(Bounds.range.lowerBound) + "…" + text(Bounds.range.upperBound)] }

  private static func text(_ number: Bounds.Number) -> String {
    let text = "\(number)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

/// Threads that compute.
enum ThreadCount: NumberRange { static let range = Parallelism.counts }

/// A frame's number in its video, from 0.
enum FrameNumber: NumberRange { static let range = PromptScript.frames }

/// How many frames lie between two that are taken.
enum FrameStep: NumberRange { static let range = 1...PromptScript.frames.upperBound }

/// An object's number.
enum ObjectNumber: NumberRange { static let range = PromptScript.objects }

/// One of a file's videos.
enum StreamNumber: NumberRange { static let range = 0...1023 }

/// Pixels along the longer side of a picture.
enum PictureSide: NumberRange { static let range = 1...1 << 20 }

/// Pixels of a region of a mask.
enum RegionArea: NumberRange { static let range = 0...Int(Int32.max) }

/// Pixels of a mask at most.
enum LargestArea: NumberRange { static let range = 1...Int(Int32.max) }

/// Pixels along a tile's sides.
enum TileSide: NumberRange { static let range = Tiling.sides }

/// Pixels around a tile.
enum HaloWidth: NumberRange { static let range = 0...Tiling.sides.upperBound }

/// Pixels by which outlines are smoothed.
enum SmoothingRadius: NumberRange { static let range = CleanUp.radii }

/// Pixels that corners may lie off an outline.
enum OutlineTolerance: NumberRange { static let range = 0.0...1e6 }

/// What detections' scores may be held against.
enum DetectionScore: NumberRange { static let range = -1e6...1e6 }

/// Relative errors.
enum RelativeError: NumberRange { static let range = 0.0...1e6 }

/// By how much errors may exceed the largest seen.
enum ErrorMargin: NumberRange { static let range = 1.0...1e6 }

/// Points of mIoU and J&F.
enum LostPoints: NumberRange { static let range = 0.0...100.0 }

/// How often something is measured.
enum RoundCount: NumberRange { static let range = 1...100_000 }

/// Clicks in one call, or objects of a video.
enum ClickCount: NumberRange { static let range = 1...4096 }

/// Frames of a video to measure.
enum MeasuredFrames: NumberRange { static let range = 1...1_000_000 }

/// What random numbers depend on.
enum Seed: NumberRange { static let range = 0...UInt64.max }
