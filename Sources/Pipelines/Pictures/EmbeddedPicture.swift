import Architecture
import Files
import Kernels
import Masks
public import Media
import Prompts
public import SAM2
import Tensors
import Traces

/// A picture to segment: pixels, or what was prepared of them.
public struct PictureInput: Sendable {
  private enum Content: Sendable {
    case picture(Picture)
    case prepared(Tensor)
    /// What was stored, and the picture where it is there too.
    case stored(StoredEmbedding, Picture?)
  }

  /// Its file, or what it is called.
  public let path: String
  /// Pixels per row of the picture, in which prompts are given.
  public let width: Int
  /// Rows of the picture.
  public let height: Int
  private let content: Content
  /// Pixels of the longer side at most, before the model's own size; nil for any.
  private let longestSide: Int?

  /// Reads a picture as Pillow's `convert("RGB")` reads it.
  ///
  /// - Parameters:
  ///   - range: Which samples of a picture of more than eight bits are black and white, if not Pillow's.
  ///   - longestSide: See `init(_:path:longestSide:)`.
  /// - Throws: `MediaError`.
  public init(path: String, range: SampleRange = .pillow, longestSide: Int? = nil) throws(MediaError) {
    self.init(try Picture.read(path: path, range: range), path: path, longestSide: longestSide)
  }

  /// A picture in memory.
  ///
  /// - Parameters:
  ///   - path: What to call it in reports.
  ///   - longestSide: Make it smaller for the model, by Pillow's bicubic resampling, until neither side has more pixels.
  ///     Prompts are given, and masks made, in pixels of the whole picture all the same.
  public init(_ picture: Picture, path: String = "picture", longestSide: Int? = nil) {
    self.path = path
    self.longestSide = longestSide
    (width, height) = (picture.width, picture.height)
    content = .picture(picture)
  }

  /// A picture that was embedded earlier.
  ///
  /// - Parameter path: The picture's file, if it is to be drawn on.
  /// - Throws: `EmbeddingError.otherPicture`, `MediaError`, `FileError`.
  public init(_ embedding: StoredEmbedding, path: String? = nil) throws {
    try path.map { try embedding.check(isOf: $0) }
    self.path = path ?? embedding.picture
    longestSide = nil
    (width, height) = (embedding.width, embedding.height)
    content = .stored(embedding, try path.map { try Picture.read(path: $0) })
  }

  /// What went into an image encoder, `[3, S, S]`, of a picture of some size.
  init(prepared: Tensor, width: Int, height: Int) {
    path = ""
    longestSide = nil
    (self.width, self.height) = (width, height)
    content = .prepared(prepared)
  }

  /// Its pixels; nil where only what was prepared of them is known.
  public var picture: Picture? {
    switch content {
    case .picture(let picture), .stored(_, .some(let picture)): picture
    case .prepared, .stored(_, .none): nil
    }
  }

  /// What was stored of it, if that is what it comes from.
  var stored: StoredEmbedding? {
    guard case .stored(let embedding, _) = content else { return nil }
    return embedding
  }

  /// What reading it decided about alpha, 16 bits, CMYK or orientation, a sentence each.
  public var notes: [String] { picture?.notes ?? [] }

  /// The SHA-256 of its file.
  var digest: String { get throws { try stored?.provenance.pictureSHA256 ?? SHA256.hex(ofFile: path) } }

  /// How it is prepared for the model.
  var preprocessing: String {
    stored?.provenance.preprocessing
      ?? longestSide.map { "\(Preparation.picture) after \($0)" } ?? Preparation.picture
  }

  /// What a trace says of it.
  var traceInput: TraceInput {
    TraceInput(width: width, height: height, preprocessing: preprocessing)
  }

  /// `[3, size, size]`, resized and normalised.
  ///
  /// - Parameter box: A part of it; nil for the whole, which it has to be where only what was prepared is known.
  func tensor(of box: PixelBox? = nil, size: Int) -> Tensor {
    switch content {
    case .picture(let picture):
      let seen = box.map { picture.cropped(to: $0) } ?? picture
      return (longestSide.map(seen.shrunk) ?? seen).imageTensor(size: size)
    case .prepared(let tensor): return tensor
    case .stored: preconditionFailure("a picture that is embedded already")
    }
  }
}

/// How this program prepares what it reads, by the names that recordings have for it.
enum Preparation {
  static let picture = "SAM2Transforms"
  static let video = "load_video_frames"
}

/// A picture embedded once, to be asked about as often as one likes.
public struct EmbeddedPicture: Sendable {
  private let predictor: ImagePredictor
  let embedding: ImageEmbedding
  private let run: Run

  /// Prepares and embeds a picture, or takes what was stored of it.
  ///
  /// - Throws: `SAM2Error.wrongPicture` for a prepared picture of another size than the model takes, `EmbeddingError` for
  ///   a stored embedding of another model.
  public init(_ picture: PictureInput, model: Model, _ run: Run = Run()) throws {
    predictor = ImagePredictor(model.base)
    self.run = run
    if let stored = picture.stored {
      embedding = try stored.embedding(for: model)
      return
    }
    embedding = try predictor.embed(
      picture.tensor(size: model.configuration.imageSize), width: picture.width, height: picture.height, run)
  }

  /// The masks of one object.
  ///
  /// - Parameter multimask: Whether to return three alternatives rather than one mask.
  /// - Throws: `SAM2Error` for a prompt that can't be meant.
  public func predict(_ prompt: Prompt, multimask: Bool = false) throws(SAM2Error) -> Prediction {
    try predictor.predict([prompt], in: embedding, multimask: multimask, run)
  }
}

/// Prompts on a picture, checked, with their masks read, before anything is computed.
struct ReadyPrompts {
  let script: PromptScript
  /// What reading masks decided, a sentence each.
  let notes: [String]
  private let prompts: [Prompt]

  /// - Parameter folder: What the paths of masks are relative to.
  init(_ script: PromptScript, folder: String, for picture: PictureInput, model: Model) throws {
    try script.check(width: picture.width, height: picture.height)
    let clamped = script.clamped(width: picture.width, height: picture.height)
    self.script = clamped.script
    var notes = clamped.notes
    prompts = try clamped.script.objects.map {
      try $0.prompt(
        width: picture.width, height: picture.height, folder: folder,
        maskSide: model.configuration.imageEmbeddingSize * 4, &notes)
    }
    self.notes = notes
    try ImagePredictor(model.base).check(prompts, width: picture.width, height: picture.height)
  }

  /// The predictions of all objects, one after the other.
  func predict(
    _ picture: PictureInput, model: Model, _ run: Run, _ watch: PipelineWatcher,
    isCancelled: () -> Bool = { false }
  ) throws -> [Prediction] {
    if picture.stored == nil { watch(.step("embedding \(picture.width) × \(picture.height) pixels")) }
    return try predict(in: EmbeddedPicture(picture, model: model, run), watch, isCancelled: isCancelled)
  }

  /// The predictions of all objects in a picture that is embedded.
  func predict(
    in embedded: EmbeddedPicture, _ watch: PipelineWatcher = { _ in }, isCancelled: () -> Bool = { false }
  ) throws -> [Prediction] {
    try zip(script.objects, prompts).map { object, prompt in
      if isCancelled() || Task.isCancelled { throw CancellationError() }
      watch(.step("predicting object \(object.object)"))
      return try embedded.predict(prompt, multimask: script.multimask)
    }
  }
}

extension ObjectPrompt {
  /// The prompt, its mask read and brought to `maskSide` × `maskSide` logits.
  func prompt(
    width: Int, height: Int, folder: String, maskSide: Int, _ notes: inout [String]
  ) throws -> Prompt {
    var logits: Tensor?
    if let mask {
      let read = try ReadMask(mask, of: .picture, in: folder, object: object, width: width, height: height)
      notes += read.notes
      switch read.content {
      case .pixels(let mask): logits = Self.logits(mask, side: maskSide)
      case .logits(let given): logits = given
      }
    }
    return Prompt(points: points, box: box, maskLogits: logits)
  }

  /// A mask as the logits that the prompt encoder takes, `[1, side, side]`: 10 inside, −10 outside, as SAM 2
  /// itself turns a mask into logits (sam2/modeling/sam2_base.py, `_use_mask_as_output`).
  private static func logits(_ mask: BinaryMask, side: Int) -> Tensor {
    let inside = mask.tensor.reshaped([1, mask.height, mask.width])
    return inside.resizedBilinearAntialiased(height: side, width: side) * 20 + -10
  }
}
