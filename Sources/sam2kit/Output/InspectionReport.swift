import Architecture
import Checkpoints
import Configurations
import Files
import Pipelines
import Tensors

/// What `inspect` says: the file, the model, every tensor.
struct InspectionReport: Encodable {
  /// Which released model it is, or the nearest and why not.
  struct Model: Encodable {
    let variant: String?
    let nearest: String
    let summary: String
    let missing: [String]
    let unexpected: [String]
    let misshaped: [String]
  }

  /// One tensor; without statistics where none were asked for, or its numbers have no order.
  struct Row: Encodable {
    let name: String
    let shape: Shape
    let type: String
    let bytes: Int
    var min: Double?
    var max: Double?
    var mean: Double?
    var std: Double?
    var nan: Int?
    var inf: Int?
  }

  let file: String
  let format: String
  /// The format in words, with how old it is, or in how many files.
  let layout: String
  let bytes: Int
  let metadata: [String: String]
  /// How the file names its tensors: as Meta or as transformers does.
  let naming: String
  /// Where in the file they stand, `.` for its root.
  let key: String
  /// The keys of other models in the file.
  let otherKeys: [String]
  /// Parts of names that wrappers had put in.
  let wrappers: [String]
  /// What stands beside the tensors.
  let leftOut: [String]
  /// Classes and functions off the allow-list that the file names, which nobody imported.
  let foreign: [String]
  let model: Model
  let parameters: Int
  let tensors: [Row]

  enum CodingKeys: String, CodingKey {
    case file, format, layout, bytes, metadata, naming, key, wrappers, foreign, model, parameters, tensors
    case otherKeys = "other_keys"
    case leftOut = "left_out"
  }

  init(_ checkpoint: Checkpoint, statistics: Bool) throws {
    file = checkpoint.path
    format = checkpoint.format.rawValue
    layout = Self.words(for: checkpoint)
    bytes = checkpoint.fileByteCount
    metadata = checkpoint.metadata
    let selection = checkpoint.selection
    naming = selection.naming.rawValue
    (key, otherKeys) = (selection.key, selection.others)
    (wrappers, leftOut, foreign) = (selection.wrappers, selection.leftOut, selection.foreign)
    model = Model(checkpoint)
    parameters = checkpoint.entries.reduce(0) { $0 + $1.shape.count }
    let found = statistics ? try checkpoint.statistics() : []
    tensors = checkpoint.entries.enumerated().map { index, entry in
      var row = Row(
        name: entry.name, shape: entry.shape, type: entry.encoding?.name ?? entry.elementType.rawValue,
        bytes: entry.encoding?.byteCount ?? entry.byteCount)
      if statistics, let found = found[index] { row.add(found) }
      return row
    }
  }

  /// The same for people.
  var text: [String] {
    var lines = [
      "\(file): \(layout), \(bytes.bytes)",
      "model: \(model.summary)",
      "\(tensors.count) tensors, \(parameters.grouped) numbers",
    ]
    if naming != Naming.meta.rawValue { lines.append("naming: \(naming); names below are the official ones") }
    if key != Selection.root { lines.append("taken from: \(key)") }
    if !otherKeys.isEmpty {
      lines.append("other models, for --key: \(otherKeys.joined(separator: ", "))")
    }
    if !wrappers.isEmpty { lines.append("taken off names: \(wrappers.joined(separator: ", "))") }
    if !leftOut.isEmpty { lines.append("left out: \(leftOut.joined(separator: ", "))") }
    if !foreign.isEmpty {
      lines.append("named and not run: \(foreign.listed(20)); --security says more")
    }
    lines += metadata.sorted { $0.key < $1.key }.map { key, value in
      "metadata \(key.shown(atMost: 80)): \(value.shown(atMost: 80))"
    }
    let headings = ["name", "shape", "type", "bytes", "min", "max", "mean", "std", "NaN", "Inf"]
    return lines.map(\.shownWords) + [""] + TextTable.aligned([headings] + tensors.map(\.cells))
  }

  private static func words(for checkpoint: Checkpoint) -> String {
    let format =
      switch (checkpoint.format, checkpoint.layout) {
      case (.torch, .stackedPickles): "a PyTorch checkpoint (pickles and storages, before 1.6)"
      case (.torch, .tar): "a PyTorch checkpoint (tar, before 0.1.10)"
      case (.torch, _): "a PyTorch checkpoint (zip)"
      case (.safetensors, _): "safetensors"
      case (.gguf, _): "GGUF"
      case (.hdf5, _): "HDF5 weights"
      }
    guard case .shards(let count) = checkpoint.layout else { return format }
    return "\(format) in \(count) files"
  }
}

extension InspectionReport.Model {
  init(_ checkpoint: Checkpoint) {
    let recognition = Recognition(checkpoint.shapes)
    variant = recognition.variant?.rawValue
    nearest = recognition.nearest.rawValue
    let stated = variant == nil ? Self.differenceFromStated(checkpoint) : nil
    summary =
      stated?.isEmpty == true
      ? "no released SAM 2 model; exactly the one that its configuration describes"
      : stated?.isOfPictureModel == true
        ? "the picture model of what its configuration describes, without what tracking needs"
        : recognition.difference.isOfPictureModel
          ? "the picture model of \(recognition.nearest), without what tracking needs" : recognition.summary
    missing = recognition.difference.missing
    unexpected = recognition.difference.unexpected
    misshaped = recognition.difference.misshaped.map {
      "\($0.name): expected \($0.expected), found \($0.found)"
    }
  }

  /// How the tensors differ from the configuration that a converted file or a folder of transformers carries, if it does.
  private static func differenceFromStated(_ checkpoint: Checkpoint) -> LayoutDifference? {
    let stated = checkpoint.metadata[MetadataKey.configuration]
    guard
      let configuration = stated.map({ try? ModelConfiguration(yaml: $0, origin: checkpoint.path) })
        ?? (try? checkpoint.transformersConfiguration?.configuration)
    else { return nil }
    return LayoutDifference(checkpoint.shapes, against: StateDictLayout(configuration))
  }
}

extension InspectionReport.Row {
  fileprivate mutating func add(_ statistics: TensorStatistics) {
    nan = statistics.nanCount
    inf = statistics.infinityCount
    guard statistics.finiteCount > 0 else { return }
    min = statistics.minimum
    max = statistics.maximum
    mean = statistics.mean
    std = statistics.standardDeviation
  }

  fileprivate var cells: [String] {
    [name, "\(shape)", type, "\(bytes)"]
      + [min, max, mean, std].map { $0?.significant ?? "–" } + [nan, inf].map { $0.map(String.init) ?? "–" }
  }
}
