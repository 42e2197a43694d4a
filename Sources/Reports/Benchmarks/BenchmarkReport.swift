public import Foundation

/// What a benchmark found: how long a model took on a machine, stage by stage, what there was to multiply, and what the
/// machine can do.
///
/// Operations are those of matrix products alone, as PyTorch computes them, two for each multiplication with its addition.
/// Positions, which PyTorch makes by products with two columns, are not among them.
public struct BenchmarkReport: Codable, Hashable, Sendable {
  /// What tells these reports from other JSON.
  public private(set) var format = "sam2kit.benchmark"
  /// Counts changes that break readers.
  public private(set) var formatVersion = 1
  /// Seconds of embedding the picture in each round, without decoding and resizing; none without a picture.
  public var imageEncoderSeconds: [Double] = []
  /// Seconds of the one call of prompt encoder and mask decoder in each round; none without a picture.
  public var promptSeconds: [Double] = []
  /// What was run.
  public var model: Model
  /// What computed it.
  public var backend: Backend
  /// On what.
  public var processor: Processor
  /// What that gives at most.
  public var peaks: Peaks
  /// Seconds of opening the model; nil where it was open before.
  public var loadSeconds: Double?
  /// The most memory that the process held while the model ran, in bytes.
  public var peakMemoryBytes: Int
  /// A picture's rounds.
  public var picture: Picture?
  /// A clip's frames.
  public var clip: Clip?

  /// A report without measurements yet.
  public init(model: Model, backend: Backend, processor: Processor, peaks: Peaks, peakMemoryBytes: Int) {
    self.model = model
    self.backend = backend
    self.processor = processor
    self.peaks = peaks
    self.peakMemoryBytes = peakMemoryBytes
  }

  /// The report as JSON: names in snake case, sorted keys.
  public func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self)
  }
}

extension BenchmarkReport {
  /// What was run.
  public struct Model: Codable, Hashable, Sendable {
    /// Its file.
    public var path: String
    /// What its layers are computed in, such as `f32`; several in a row, such as `bf16+f32`.
    public var precision: String
    /// The side of the prepared picture, in pixels.
    public var imageSize: Int

    /// A model.
    public init(path: String, precision: String, imageSize: Int) {
      (self.path, self.precision, self.imageSize) = (path, precision, imageSize)
    }
  }

  /// What computed.
  public struct Backend: Codable, Hashable, Sendable {
    /// Its name, such as `openblas`.
    public var name: String
    /// Its library's version.
    public var version: String
    /// Which of its kernels ran, such as `SkylakeX`; nil where there is no choice of them.
    public var kernels: String?
    /// The modules that ran as one.
    public var wholes: [String]
    /// How many products it prepared, by what its library runs for them.
    public var products: [String: Int]

    /// A backend.
    public init(
      name: String, version: String, kernels: String?, wholes: [String], products: [String: Int] = [:]
    ) {
      (self.name, self.version, self.kernels, self.wholes) = (name, version, kernels, wholes)
      self.products = products
    }
  }

  /// The machine.
  public struct Processor: Codable, Hashable, Sendable {
    /// What its maker calls it.
    public var model: String
    /// Cores that the process may use.
    public var cores: Int
    /// Threads that computed.
    public var threads: Int
    /// Its instruction sets, as far as they matter here.
    public var features: [String]

    /// A processor.
    public init(model: String, cores: Int, threads: Int, features: [String]) {
      (self.model, self.cores, self.threads, self.features) = (model, cores, threads, features)
    }
  }

  /// What the threads together give at most, measured.
  public struct Peaks: Codable, Hashable, Sendable {
    /// Multiplying out of registers.
    public struct Rate: Codable, Hashable, Sendable {
      /// Two for each multiplication with its addition.
      public var operationsPerSecond: Double
      /// What multiplied, such as `AMX`.
      public var instructions: String

      /// A rate.
      public init(operationsPerSecond: Double, instructions: String) {
        (self.operationsPerSecond, self.instructions) = (operationsPerSecond, instructions)
      }
    }

    /// Of Float32.
    public var f32: Rate
    /// Of bfloat16 into Float32; nil where the processor doesn't multiply it.
    public var bf16: Rate?
    /// Of 8-bit integers into 32 bits; nil where the processor doesn't multiply them.
    public var int8: Rate?
    /// Of reading memory that no cache holds.
    public var readBytesPerSecond: Double

    /// What was measured.
    public init(f32: Rate, bf16: Rate?, int8: Rate?, readBytesPerSecond: Double) {
      (self.f32, self.bf16, self.int8) = (f32, bf16, int8)
      self.readBytesPerSecond = readBytesPerSecond
    }
  }

  /// One stage of a round or of a frame.
  public struct Stage: Codable, Hashable, Sendable {
    /// Such as `trunk_stage_3`.
    public var name: String
    /// The part of the work that it belongs to, such as `image_encoder`.
    public var part: String
    /// Seconds in each round, or on each frame.
    public var seconds: [Double]
    /// The shortest of them.
    public var leastSeconds: Double
    /// The middle one; of an even number the mean of two.
    public var medianSeconds: Double
    /// Operations of one round, or of a frame on average.
    public var operations: Double
    /// Bytes that they read and write if nothing stays in a cache between what is run one by one: layers, or modules that
    /// the backend runs as one.
    public var bytes: Double
    /// At the least time; nil where nothing is multiplied.
    public var operationsPerSecond: Double?
    /// The part of the least time that its multiplications would take at the machine's peak of their precision; nil where
    /// nothing is multiplied.
    public var shareOfPeak: Double?

    /// A stage.
    ///
    /// - Parameter secondsAtPeak: What its operations take at the machine's peaks.
    public init(
      name: String, part: String, seconds: [Double], operations: Double, bytes: Double, secondsAtPeak: Double
    ) {
      (self.name, self.part, self.seconds) = (name, part, seconds)
      (self.operations, self.bytes) = (operations, bytes)
      leastSeconds = seconds.min() ?? 0
      medianSeconds = seconds.median
      if operations > 0, leastSeconds > 0 {
        operationsPerSecond = operations / leastSeconds
        shareOfPeak = secondsAtPeak / leastSeconds
      }
    }

    /// Operations for each byte; nil where nothing is multiplied.
    public var intensity: Double? { operations > 0 && bytes > 0 ? operations / bytes : nil }
  }

  /// A picture's rounds, from its file to masks in files.
  public struct Picture: Codable, Hashable, Sendable {
    /// Its file; nil for one that was made up.
    public var path: String?
    /// Its pixels.
    public var width: Int, height: Int
    /// How many clicks the one call of the decoder was about.
    public var prompts: Int
    /// Seconds of every whole round.
    public var seconds: [Double]
    /// In the order in which they are run; their seconds add up to those of the round.
    public var stages: [Stage]

    /// Rounds.
    public init(
      path: String?, width: Int, height: Int, prompts: Int, seconds: [Double], stages: [Stage]
    ) {
      (self.path, self.width, self.height, self.prompts) = (path, width, height, prompts)
      (self.seconds, self.stages) = (seconds, stages)
    }
  }

  /// A clip, tracked once or several times.
  public struct Clip: Codable, Hashable, Sendable {
    /// One frame of one round.
    public struct Frame: Codable, Hashable, Sendable {
      /// Which round, from 0.
      public var round: Int
      /// Which frame, from 0.
      public var frame: Int
      /// How many frames it attended to, for each object.
      public var memories: Int
      /// From asking for its pixels to masks in files.
      public var seconds: Double
      /// What of it each stage took.
      public var stages: [String: Double]

      /// A frame.
      public init(round: Int, frame: Int, memories: Int, seconds: Double, stages: [String: Double]) {
        (self.round, self.frame, self.memories) = (round, frame, memories)
        (self.seconds, self.stages) = (seconds, stages)
      }
    }

    /// Frames of one kind.
    public struct Frames: Codable, Hashable, Sendable {
      /// How many, of all rounds.
      public var count: Int
      /// Seconds of each.
      public var seconds: [Double]
      /// At the median.
      public var framesPerSecond: Double
      /// In the order in which they are run.
      public var stages: [Stage]

      /// Frames.
      public init(seconds: [Double], stages: [Stage]) {
        (self.seconds, self.stages) = (seconds, stages)
        count = seconds.count
        let median = seconds.median
        framesPerSecond = median > 0 ? 1 / median : 0
      }
    }

    /// Its file or folder.
    public var path: String
    /// Its pixels.
    public var width: Int, height: Int
    /// How many objects were tracked.
    public var objects: Int
    /// Every frame of every round.
    public var frames: [Frame]
    /// The frames after the first while the memory bank fills; nil where there are none.
    public var filling: Frames?
    /// The frames with a full memory bank; nil where there are none.
    public var full: Frames?

    /// A clip.
    public init(
      path: String, width: Int, height: Int, objects: Int, frames: [Frame], filling: Frames?, full: Frames?
    ) {
      (self.path, self.width, self.height, self.objects) = (path, width, height, objects)
      (self.frames, self.filling, self.full) = (frames, filling, full)
    }
  }
}

extension [Double] {
  /// The middle one; of an even number the mean of two, of none 0.
  package var median: Double {
    guard !isEmpty else { return 0 }
    let sorted = sorted()
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
  }
}
