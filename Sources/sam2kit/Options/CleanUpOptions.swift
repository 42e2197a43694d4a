// What is done to masks before they are written, and how their outlines are, as arguments.

public import ArgumentParser
import Masks
import Pipelines

/// How masks are cleaned.
struct CleanUpOptions: ParsableArguments {
  @Option(name: .long, help: "Fill holes of fewer pixels.")
  var fillHoles = Ranged<RegionArea>(0)
  @Option(
    name: .long, help: "Remove islands of fewer pixels, but for those that are more than half of their mask.")
  var removeIslands = Ranged<RegionArea>(0)
  @Option(
    name: .customLong("open"),
    help: ArgumentHelp(
      "Remove what a square, cross or ellipse of so many pixels doesn't fit into.", valueName: "shape:size"))
  var opening: KernelArgument?
  @Option(
    name: .customLong("close"),
    help: ArgumentHelp("Close gaps that it doesn't fit into.", valueName: "shape:size"))
  var closing: KernelArgument?
  @Option(
    name: .customLong("smooth"), help: ArgumentHelp("Smooth outlines by so many pixels.", valueName: "radius"))
  var smoothing = Ranged<SmoothingRadius>(0)
  @Flag(name: .long, help: "Keep the largest component of each mask alone.")
  var largestComponent = false

  var cleanUp: CleanUp {
    var cleanUp = CleanUp()
    (cleanUp.holeArea, cleanUp.islandArea) = (fillHoles.value, removeIslands.value)
    (cleanUp.opening, cleanUp.closing) = (opening?.kernel, closing?.kernel)
    (cleanUp.smoothing, cleanUp.keepsLargest) = (smoothing.value, largestComponent)
    return cleanUp
  }
}

/// `SHAPE:SIZE`, such as `ellipse:5`.
struct KernelArgument: ExpressibleByArgument {
  let kernel: MorphologyKernel

  static var allValueStrings: [String] {
    let sizes = MorphologyKernel.sizes
    return MorphologyKernel.Shape.allCases.map { "\($0.rawValue):\(sizes.lowerBound)…\(sizes.upperBound)" }
  }

  init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let shape = MorphologyKernel.Shape(rawValue: String(parts[0])),
      let size = Int(parts[1]), MorphologyKernel.sizes.contains(size)
    else { return nil }
    kernel = MorphologyKernel(shape, size: size)
  }
}

/// Which files of outlines to write.
struct OutlineOptions: ParsableArguments {
  @Option(
    name: .customLong("outlines"),
    help: ArgumentHelp(
      "Also write masks as polygons: outlines.coco.json, outlines.geojson or outlines.svg; may be repeated.",
      valueName: "coco|geojson|svg"))
  var formats: [OutlineFormat] = []
  @Option(
    name: .long,
    help:
      "How far corners of polygons that are left out may lie off what remains, in pixels; 0 keeps every pixel.")
  var tolerance = Ranged<OutlineTolerance>(0)

  func validate() throws {
    guard tolerance.value == 0 || !formats.isEmpty else {
      throw ValidationError("--tolerance needs --outlines FORMAT")
    }
  }
}

extension OutlineFormat: ExpressibleByArgument {}

/// How much of a picture the model sees.
struct SizeOptions: ParsableArguments {
  @Option(
    name: .long,
    help:
      "Make pictures smaller for the model until neither side has more pixels; masks are of their own size all the same."
  )
  var maxSide: Ranged<PictureSide>?
}
