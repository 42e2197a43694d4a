import Files
public import Masks
public import Media
public import Prompts

/// What to track through a video, and where results go.
public struct TrackRequest: Sendable {
  /// A video file, a folder of pictures, or a TIFF or AVIF of several pages.
  public var video: String
  /// What is pointed at, and when.
  public var prompts: PromptScript
  /// Where the prompts come from, for errors.
  public var promptsPlace = "the prompts"
  /// What the paths of the prompts' masks are relative to.
  public var maskFolder: String
  /// Which way to track; `steps` say it themselves.
  public var direction = TrackDirection.forward
  /// The folder for indexed PNGs and `tracks.json`, made if it isn't there.
  public var output: String
  /// The file of a video with every object drawn; nil for none.
  public var overlay: String?
  /// Which frames to take, and how pictures among them are read. Frames keep their numbers in the video, in prompts as well.
  public var frames = FrameOptions()
  /// Whether to go on where an interrupted run into the same folder stopped.
  public var resumes = false
  /// What is done to masks before they are handed out; the memory of objects is of masks as they were.
  public var cleanUp = CleanUp()
  /// Which files of outlines to write beside the masks.
  public var outlines: [OutlineFormat] = []
  /// How far corners of outlines that are left out may lie off what remains, in pixels; 0 keeps every pixel.
  public var tolerance = 0.0
  /// What to record; nothing of a run that is gone on with.
  public var recording = RecordingRequest()

  /// Prompts to track through a video.
  ///
  /// - Parameter maskFolder: What the paths of the prompts' masks are relative to; nil for the working folder.
  public init(video: String, prompts: PromptScript, output: String, maskFolder: String? = nil) {
    self.video = video
    self.prompts = prompts
    self.output = output
    self.maskFolder = maskFolder ?? FilePath.currentFolder
  }
}

/// What tracking left.
public struct TrackResult: Sendable {
  /// `tracks.json`.
  public let report: String
  /// The video with every object drawn, if it was asked for.
  public let overlay: String?
  /// How many frames have masks.
  public let frameCount: Int
  /// What was wrong with the video, a sentence each.
  public let damage: [String]
}
