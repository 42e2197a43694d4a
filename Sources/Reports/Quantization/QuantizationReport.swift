/// What quantizing a model did to its size, its modules, its masks and its speed.
public struct QuantizationReport: Codable, Hashable, Sendable {
  /// What the form is called.
  public var format = "sam2kit.quantization"
  /// Which version of it.
  public var formatVersion = 1
  /// The file that was quantized.
  public var source: String
  /// The file that was written; nil where none was.
  public var output: String?
  /// What computed, in both precisions.
  public var backend: String
  /// Bytes before and after.
  public var size: Size
  /// In the model's order.
  public var modules: [Module]
  /// What masks are worth; nil where that was not measured.
  public var masks: Masks?
  /// What pictures and frames take.
  public var time: Time
  /// The search for modules to keep in floating point; nil where there was none.
  public var search: Search?
  /// Pictures whose masks were compared, the most changed first.
  public var pictures: [Picture]

  /// A report.
  public init(
    source: String, output: String?, backend: String, size: Size, modules: [Module], masks: Masks?, time: Time,
    search: Search?, pictures: [Picture]
  ) {
    (self.source, self.output, self.backend, self.size) = (source, output, backend, size)
    (self.modules, self.masks, self.time) = (modules, masks, time)
    (self.search, self.pictures) = (search, pictures)
  }

  enum CodingKeys: String, CodingKey {
    case format, source, output, backend, size, modules, masks, time, search, pictures
    case formatVersion = "format_version"
  }

  /// Bytes.
  public struct Size: Codable, Hashable, Sendable {
    /// Of all tensors in Float32.
    public var float32: Int
    /// Of the file that was read.
    public var source: Int
    /// Of the file that was written; nil where none was.
    public var output: Int?

    /// Bytes.
    public init(float32: Int, source: Int, output: Int?) {
      (self.float32, self.source, self.output) = (float32, source, output)
    }

    enum CodingKeys: String, CodingKey {
      case float32 = "float32_bytes"
      case source = "source_bytes"
      case output = "output_bytes"
    }
  }

  /// How exact something is, in dB; nil where it isn't known or nothing is rounded, infinite where nothing is off.
  public struct Exactness: Codable, Hashable, Sendable {
    /// With rounded weights alone.
    public var weights: Double?
    /// With rounded inputs alone.
    public var inputs: Double?
    /// With both.
    public var both: Double?

    /// In dB.
    public init(weights: Double?, inputs: Double?, both: Double?) {
      (self.weights, self.inputs, self.both) = (weights, inputs, both)
    }
  }

  /// A module with layers that may be quantized.
  public struct Module: Codable, Hashable, Sendable {
    /// Its name.
    public var name: String
    /// How its layers are computed, such as `w8a8`; several in a row; `f32` where a search kept it.
    public var scheme: String
    /// How many numbers its layers' weights are.
    public var weights: Int
    /// Of its layers' results, to the first order.
    public var expected: Exactness
    /// Of its result on exact inputs.
    public var isolated: Exactness
    /// Of its result where it stands, in dB.
    public var accumulated: Double?
    /// Its quantized layers.
    public var layers: [Layer]

    /// A module.
    public init(
      name: String, scheme: String, weights: Int, expected: Exactness, isolated: Exactness,
      accumulated: Double?, layers: [Layer]
    ) {
      (self.name, self.scheme, self.weights, self.expected) = (name, scheme, weights, expected)
      (self.isolated, self.accumulated, self.layers) = (isolated, accumulated, layers)
    }

    enum CodingKeys: String, CodingKey {
      case name, scheme, weights, layers
      case expected = "expected_sqnr_db"
      case isolated = "isolated_sqnr_db"
      case accumulated = "accumulated_sqnr_db"
    }
  }

  /// A quantized layer.
  public struct Layer: Codable, Hashable, Sendable {
    /// An output channel.
    public struct Channel: Codable, Hashable, Sendable {
      /// Its number.
      public var channel: Int
      /// How exact its results are, in dB.
      public var sqnr: Double

      /// A channel.
      public init(channel: Int, sqnr: Double) { (self.channel, self.sqnr) = (channel, sqnr) }

      enum CodingKeys: String, CodingKey {
        case channel
        case sqnr = "sqnr_db"
      }
    }

    /// What its inputs were, and what is told apart of them.
    public struct Inputs: Codable, Hashable, Sendable {
      /// The least and the largest number.
      public var least: Float, largest: Float
      /// How many were in each of some bins of one width between them.
      public var bins: [Int]
      /// What the first and the last of 256 steps stand for; nil where inputs aren't rounded, or the range is found anew.
      public var low: Float?, high: Float?
      /// What found them.
      public var method: String?

      /// What was seen.
      public init(least: Float, largest: Float, bins: [Int], low: Float?, high: Float?, method: String?) {
        (self.least, self.largest, self.bins) = (least, largest, bins)
        (self.low, self.high, self.method) = (low, high, method)
      }
    }

    /// Its name.
    public var name: String
    /// How it is computed.
    public var scheme: String
    /// Its weight's shape.
    public var shape: String
    /// How exact its weight is, in dB.
    public var weightSQNR: Double
    /// How exact its result is on inputs that it was given.
    public var isolated: Exactness?
    /// The output channels that are off most.
    public var worstChannels: [Channel]
    /// Its inputs; nil where it was never called.
    public var inputs: Inputs?

    /// A layer.
    public init(
      name: String, scheme: String, shape: String, weightSQNR: Double, isolated: Exactness?,
      worstChannels: [Channel], inputs: Inputs?
    ) {
      (self.name, self.scheme, self.shape, self.weightSQNR) = (name, scheme, shape, weightSQNR)
      (self.isolated, self.worstChannels, self.inputs) = (isolated, worstChannels, inputs)
    }

    enum CodingKeys: String, CodingKey {
      case name, scheme, shape, inputs
      case weightSQNR = "weight_sqnr_db"
      case isolated = "isolated_sqnr_db"
      case worstChannels = "worst_channels"
    }
  }

  /// A search for modules to keep in floating point.
  public struct Search: Codable, Hashable, Sendable {
    /// How many points might be lost.
    public var limit: Double
    /// The modules that stay in floating point.
    public var floats: [String]
    /// How many plans were evaluated.
    public var evaluations: Int

    /// A search.
    public init(limit: Double, floats: [String], evaluations: Int) {
      (self.limit, self.floats, self.evaluations) = (limit, floats, evaluations)
    }

    enum CodingKeys: String, CodingKey {
      case evaluations
      case limit = "max_drop_points"
      case floats = "modules_in_float"
    }
  }

  /// Seconds at the median, of both models turn by turn.
  public struct Time: Codable, Hashable, Sendable {
    /// Before and after.
    public struct Pair: Codable, Hashable, Sendable {
      /// In floating point.
      public var before: Double
      /// Quantized.
      public var after: Double

      /// Seconds.
      public init(before: Double, after: Double) { (self.before, self.after) = (before, after) }
    }

    /// Embedding a picture and one click; nil without pictures.
    public var picture: Pair?
    /// Tracking one object over a frame; nil without clips.
    public var frame: Pair?

    /// What there was to time.
    public init(picture: Pair?, frame: Pair?) { (self.picture, self.frame) = (picture, frame) }

    enum CodingKeys: String, CodingKey {
      case picture = "picture_seconds"
      case frame = "frame_seconds"
    }
  }
}
