import Kernels
public import Taps
import Tensors

/// What accompanies one pass through the model.
public struct Run: Sendable {
  /// Where the arguments and results of every module go; nil when nothing is recorded.
  public let taps: Taps?
  /// What decides which modules are computed by their parts. The same as `taps`, but also where this part of the pass is
  /// not recorded, so that a module is computed one way throughout.
  private let watching: Taps?
  /// Who is told when modules begin and end.
  let observer: (any CallObserver)?
  /// What of a video the pass is about.
  private(set) var place = TapPlace()
  /// What the modules inside one that is being isolated return.
  private(set) var standIns: StandIns?

  /// A pass that records into `taps`, if given, and whose modules tell an observer when they begin and end.
  public init(taps: Taps? = nil, observer: (any CallObserver)? = nil) {
    self.init(taps, watching: taps, observer)
  }

  private init(_ taps: Taps?, watching: Taps?, _ observer: (any CallObserver)?) {
    self.taps = taps
    self.watching = watching
    self.observer = observer
  }

  /// The same without recording, to the same bits.
  var unrecorded: Run { Run(nil, watching: watching, observer) }

  /// The same, about one frame of a video, and about one object on it.
  func on(frame: Int, object: Int? = nil) -> Run {
    var run = self
    run.place = TapPlace(frame: frame, object: object)
    return run
  }

  /// The same, within a module that is being isolated.
  func standing(in standIns: StandIns) -> Run {
    var run = self
    run.standIns = standIns
    return run
  }

  /// What computes a module at once; nil where it is computed by its parts, because the backend has nothing for it or
  /// somebody looks at a module inside.
  func kernel<Input, Output>(of whole: Whole<Input, Output>?) -> (any Kernel<Input, Output>)? {
    guard let whole, watching?.looksInside(whole.path, whole.inside) != true else { return nil }
    return whole.kernel
  }

  /// Whether anybody looks at any module.
  var isWatched: Bool { watching != nil }

  /// Whether nobody looks at any of these modules.
  func hides(_ modules: [ModulePath]) -> Bool { watching?.looksAt(modules) != true }
}
