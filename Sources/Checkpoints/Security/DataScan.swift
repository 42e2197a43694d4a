import Files
import HDF5

/// Scans formats that hold data only. What is left to check is that the file is what it claims to be, and that it names
/// nothing outside itself and no program of another's.
struct DataScan {
  let file: MappedFile
  let limits: ReadingLimits

  private static let words = "words, for what Hydra would call and for chat templates"

  func scanSafetensors(into report: inout SecurityReport) {
    report.checked += [
      "the header's fields; tensors, which are numbers, fill the buffer without holes or overlaps", Self.words,
    ]
    scanMetadata(into: &report)
  }

  func scanGGUF(into report: inout SecurityReport) {
    report.checked += ["the header's keys; tensors, which are numbers, and padding fill the data", Self.words]
    scanMetadata(into: &report)
  }

  /// Filters that the HDF5 library has built in. Any other is a shared library that it would look for and load.
  /// Source: H5Zpublic.h.
  private static let filters: [Int: String] = [
    1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset",
  ]

  func scanHDF5(into report: inout SecurityReport) {
    report.checked += [
      "links and data in other files; filters that would be loaded as plugins",
      "attributes of groups and datasets, for code that Keras would run, what Hydra would call, and pickles; "
        + "elements of datasets were not looked at",
      "the structure as far as the HDF5 library does, which is not made for hostile files",
    ]
    do {
      let root = try HDF5File.open(file.path).root()
      scanAttributes(try root.attributeContents(limit: Self.mostAttributeBytes), of: root.path, into: &report)
      var seen: Set = [root.address]
      scan(root, depth: 0, &seen, into: &report)
    } catch {
      report.find("\(CheckpointError(hdf5: error, path: file.path))", in: "the file")
    }
  }

  /// Looks through what is in a group, each object once, by whichever of its names comes first.
  private func scan(
    _ group: HDF5Group, depth: Int, _ seen: inout Set<UInt64>, into report: inout SecurityReport
  ) {
    guard depth < limits.pickleNesting else {
      report.find(
        "groups nested deeper than \(limits.pickleNesting) (--limit pickle-nesting=NUMBER allows more)",
        in: group.path)
      return
    }
    do {
      for name in try group.children() {
        let place = group.path == "/" ? "/\(name)" : "\(group.path)/\(name)"
        do {
          switch try group.kind(of: name) {
          case .dataset:
            let dataset = try group.dataset(name)
            guard seen.insert(dataset.address).inserted else { continue }
            for filter in dataset.filters where Self.filters[filter] == nil {
              report.find("filter \(filter), which HDF5 would load as a plugin", in: place)
            }
            let attributes = try dataset.attributeContents(limit: Self.mostAttributeBytes)
            scanAttributes(attributes, of: place, into: &report)
          case .group:
            let inner = try group.group(name)
            guard seen.insert(inner.address).inserted else { continue }
            let attributes = try inner.attributeContents(limit: Self.mostAttributeBytes)
            scanAttributes(attributes, of: place, into: &report)
            scan(inner, depth: depth + 1, &seen, into: &report)
          case .other, nil: break
          }
        } catch {
          report.find("\(error)", in: place)
        }
      }
    } catch {
      report.find("\(error)", in: group.path)
    }
  }

  /// How many bytes of one attribute are looked at; a larger one is a finding.
  private static let mostAttributeBytes = 64 << 20

  /// Looks through what is attached to a group or dataset.
  private func scanAttributes(
    _ attributes: [HDF5AttributeContent], of object: String, into report: inout SecurityReport
  ) {
    for attribute in attributes {
      let place = "the attribute \(attribute.name) of \(object)"
      guard let pieces = attribute.pieces else {
        report.find("lists of varying length, or more bytes than are looked into", in: place)
        continue
      }
      for piece in pieces {
        let text = String(decoding: piece.prefix { $0 != 0 }, as: UTF8.self)
        for finding in KerasConfiguration.findings(in: text) { report.find(finding, in: place) }
        findTargets([attribute.name: text], into: &report, at: place)
        piece.withUnsafeBytes { bytes in
          let run = PickleRun(view: ByteView(bytes: bytes), place: place, limits: limits)
          for pickle in run.hidden(in: 0..<bytes.count) { report.add(pickle) }
        }
      }
    }
  }

  private func scanMetadata(into report: inout SecurityReport) {
    do throws(CheckpointError) {
      findTargets(
        try Checkpoint.open(path: file.path, limits: limits, foreign: .refused).metadata, into: &report)
    } catch {
      switch error {
      // Types that are not read do nothing.
      case .safetensors(_, .elementType), .gguf(_, .quantized), .gguf(_, .unknownType): break
      case .safetensors(_, let reason): report.find("\(reason)", in: "the header")
      case .gguf(_, let reason): report.find("\(reason)", in: "the header")
      default: report.find("\(error)", in: "the header")
      }
    }
  }

  /// Words that other programs carry out: Hydra calls what a configuration's `_target_` names, and language models'
  /// programs render chat templates.
  private func findTargets(
    _ metadata: [String: String], into report: inout SecurityReport, at place: String? = nil
  ) {
    for (key, text) in metadata.sorted(by: { $0.key < $1.key }) {
      if key.hasPrefix("tokenizer.chat_template") {
        report.find("a chat template, which other programs carry out", in: place ?? "the word \(key)")
      }
      var rest = text[...]
      while let found = rest.firstRange(of: "_target_") {
        rest = rest[found.upperBound...]
        let target = rest.drop { !$0.isLetter && $0 != "_" }.prefix {
          $0.isLetter || $0.isNumber || "._".contains($0)
        }
        guard !["sam2.", "training."].contains(where: target.hasPrefix) else { continue }
        report.find("_target_ '\(target.prefix(80))', which Hydra would call", in: place ?? "the word \(key)")
      }
    }
  }
}
