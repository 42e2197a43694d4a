import Files
import HDF5

/// Scans formats that hold data only. What is left to check is that the file is what it claims to be, and that it names
/// nothing outside itself and no program of another's.
struct DataScan {
  let file: MappedFile
  let limits: ReadingLimits

  private static let noCode = "no code can be in this format: names, shapes, words and numbers"

  func scanSafetensors(into report: inout SecurityReport) {
    report.checked += [Self.noCode, "the header's fields; tensors fill the buffer without holes or overlaps"]
    scanMetadata(into: &report)
  }

  func scanGGUF(into report: inout SecurityReport) {
    report.checked += [Self.noCode, "the header's keys; tensors and padding fill the data; no chat template"]
    scanMetadata(into: &report)
  }

  /// Filters that the HDF5 library has built in. Any other is a shared library that it would look for and load.
  /// Source: H5Zpublic.h.
  private static let filters: [Int: String] = [
    1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset",
  ]

  func scanHDF5(into report: inout SecurityReport) {
    report.checked += [
      Self.noCode, "links and data in other files; filters that would be loaded as plugins",
      "the structure as far as the HDF5 library does, which is not made for hostile files",
    ]
    do {
      scan(try HDF5File.open(file.path).root(), depth: 0, into: &report)
      let root = try HDF5File.open(file.path).root()
      var metadata: [String: String] = [:]
      for name in try root.attributeNames() {
        if case .string(let text)? = try root.attribute(name) { metadata[name] = text }
      }
      findTargets(metadata, into: &report)
    } catch {
      report.find("\(CheckpointError(hdf5: error, path: file.path))", in: "the file")
    }
  }

  private func scan(_ group: borrowing HDF5Group, depth: Int, into report: inout SecurityReport) {
    guard depth < limits.pickleNesting else {
      report.find("groups nested deeper than \(limits.pickleNesting)", in: group.path)
      return
    }
    do {
      for name in try group.children() {
        let place = group.path == "/" ? "/\(name)" : "\(group.path)/\(name)"
        do {
          switch try group.kind(of: name) {
          case .dataset:
            for filter in try group.dataset(name).filters() where Self.filters[filter] == nil {
              report.find("filter \(filter), which HDF5 would load as a plugin", in: place)
            }
          case .group: scan(try group.group(name), depth: depth + 1, into: &report)
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

  private func scanMetadata(into report: inout SecurityReport) {
    do throws(CheckpointError) {
      findTargets(try Checkpoint.open(path: file.path, limits: limits).metadata, into: &report)
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
  private func findTargets(_ metadata: [String: String], into report: inout SecurityReport) {
    for (key, text) in metadata.sorted(by: { $0.key < $1.key }) {
      if key.hasPrefix("tokenizer.chat_template") {
        report.find("a chat template, which other programs carry out", in: "the word \(key)")
      }
      var rest = text[...]
      while let found = rest.firstRange(of: "_target_") {
        rest = rest[found.upperBound...]
        let target = rest.drop { !$0.isLetter && $0 != "_" }.prefix {
          $0.isLetter || $0.isNumber || "._".contains($0)
        }
        guard !["sam2.", "training."].contains(where: target.hasPrefix) else { continue }
        report.find("_target_ '\(target.prefix(80))', which Hydra would call", in: "the word \(key)")
      }
    }
  }
}
