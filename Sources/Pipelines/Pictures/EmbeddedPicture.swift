import Architecture
import Files
import Foundation
import Kernels
import Masks
public import Media
import Prompts
public import SAM2
import Tensors
import Traces

/// A picture to segment: pixels, or what was prepared of them.
public struct PictureInput: Sendable {
  private enum Content: Sendable { case picture(Picture), prepared(Tensor) }

  /// Its file, or what it is called.
  public let path: String
  /// Pixels per row of the picture, in which prompts are given.
  public let width: Int
  /// Rows of the picture.
  public let height: Int
  private let content: Content

  /// Reads a JPEG or PNG as Pillow's `convert("RGB")` reads it.
  ///
  /// - Parameter range: Which samples of a picture of more than eight bits are black and white, if not Pillow's.
  /// - Throws: `MediaError`.
  public init(path: String, range: SampleRange = .pillow) throws(MediaError) {
    self.init(try Picture.read(path: path, range: range), path: path)
  }

  /// A picture in memory.
  ///
  /// - Parameter path: What to call it in reports.
  public init(_ picture: Picture, path: String = "picture") {
    self.path = path
    (width, height) = (picture.width, picture.height)
    content = .picture(picture)
  }

  /// What went into an image encoder, `[3, S, S]`, of a picture of some size.
  init(prepared: Tensor, width: Int, height: Int) {
    path = ""
    (self.width, self.height) = (width, height)
    content = .prepared(prepared)
  }

  /// Its pixels; nil where only what was prepared of them is known.
  public var picture: Picture? {
    guard case .picture(let picture) = content else { return nil }
    return picture
  }

  /// What reading it decided about alpha, 16 bits, CMYK or orientation, a sentence each.
  public var notes: [String] { picture?.notes ?? [] }

  /// The SHA-256 of its file.
  var digest: String { get throws { try SHA256.hex(ofFile: path) } }

  /// What a trace says of it.
  var traceInput: TraceInput {
    TraceInput(width: width, height: height, preprocessing: Preparation.picture)
  }

  /// `[3, size, size]`, resized and normalised.
  func tensor(size: Int) -> Tensor {
    switch content {
    case .picture(let picture): picture.imageTensor(size: size)
    case .prepared(let tensor): tensor
    }
  }

  /// The same of a part of it, which has to be the whole where only what was prepared is known.
  func tensor(of box: PixelBox, size: Int) -> Tensor {
    switch content {
    case .picture(let picture): picture.cropped(to: box).imageTensor(size: size)
    case .prepared(let tensor): tensor
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
  private let embedding: ImageEmbedding
  private let run: Run

  /// Prepares and embeds a picture.
  ///
  /// - Throws: `SAM2Error.wrongPicture` for a prepared picture of another size than the model takes.
  public init(_ picture: PictureInput, model: Model, _ run: Run = Run()) throws(SAM2Error) {
    predictor = ImagePredictor(model.base)
    self.run = run
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
    self.script = script
    var notes: [String] = []
    prompts = try script.objects.map {
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
    watch(.step("embedding \(picture.width) × \(picture.height) pixels"))
    let embedded = try EmbeddedPicture(picture, model: model, run)
    return try zip(script.objects, prompts).map { object, prompt in
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
      let path = maskPath(mask, in: folder)
      let file = try MaskFile.read(path: path)
      notes += file.notes.map { "\(path): \($0)" }
      logits = try Self.logits(file.mask, path, width: width, height: height, side: maskSide)
    }
    return Prompt(points: points, box: box, maskLogits: logits)
  }

  /// A mask as the logits that the prompt encoder takes, `[1, side, side]`: 10 inside, −10 outside, as SAM 2
  /// itself turns a mask into logits (sam2/modeling/sam2_base.py, `_use_mask_as_output`).
  private static func logits(
    _ mask: BinaryMask, _ path: String, width: Int, height: Int, side: Int
  ) throws -> Tensor {
    guard mask.width == width, mask.height == height else {
      throw PromptError(
        place: path,
        problem: "expected a mask of the picture's size, \(width) × \(height), "
          + "found \(mask.width) × \(mask.height)")
    }
    let inside = mask.tensor.reshaped([1, mask.height, mask.width])
    return inside.resizedBilinearAntialiased(height: side, width: side) * 20 + -10
  }
}

/// Where a mask that prompts name lies.
func maskPath(_ name: String, in folder: String) -> String {
  URL(fileURLWithPath: name, relativeTo: URL(fileURLWithPath: folder, isDirectory: true)).path
}
