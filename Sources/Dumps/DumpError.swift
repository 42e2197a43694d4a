public import Checkpoints
import Tensors

/// Why what a program dumped can't be read, or can't be told which taps it holds.
public enum DumpError: Error, Equatable, CustomStringConvertible {
  /// A `.npy` file, or a member of an `.npz`, is broken.
  case numpy(path: String, NumPyError)
  /// An `.npz` archive is broken.
  case zip(path: String, ZipError)
  /// Nothing to compare: a folder without `.npy` files, an archive without members.
  case empty(path: String, expected: String)
  /// Two arrays of one name, such as `x` and `x.npy` of an archive.
  case duplicate(path: String, name: String)
  /// Groups of an HDF5 file nest deeper, or hold more, than is read here.
  case hdf5Limit(path: String, object: String, expected: String)
  /// A sketch has no arrays to be renamed or laid out anew.
  case sketch(path: String)
  /// The map is no JSON of its form.
  case badMap(path: String, place: String, expected: String, found: String)
  /// Two rules for one array.
  case ambiguous(path: String, name: String, rules: [String])
  /// Two arrays that would be one tap.
  case collision(path: String, tap: String, names: [String])
  /// A rule that no array fits.
  case unmatchedRule(path: String, rule: String, names: [String])
  /// A rule leads to a tap that the reference doesn't have.
  case unknownTap(path: String, name: String, tap: String, nearest: [String])
  /// No array bears the name of a tap.
  case nothingInCommon(path: String, names: [String])
  /// An array's elements are of another type than the map declares, or of one that can't be read.
  case elementType(path: String, name: String, expected: String, found: String)
  /// A map's scales or zero points that an array can't have.
  case scales(path: String, name: String, expected: String, found: String)
  /// A layout that an array of such a shape can't have.
  case layout(path: String, name: String, layout: String, found: String)
  /// A layout that leaves open which axis is which.
  case ambiguousLayout(path: String, name: String, layout: String, shape: String)

  /// One sentence: the file, the thing, what was expected, what was found.
  public var description: String {
    switch self {
    case .numpy(let path, let error): "\(path): \(error)"
    case .zip(let path, let error): "\(path): \(error)"
    case .empty(let path, let expected): "\(path): expected \(expected), found none"
    case .duplicate(let path, let name): "\(path): expected one array '\(name)', found two"
    case .hdf5Limit(let path, let object, let expected): "\(path): \(object): expected \(expected), found more"
    case .sketch(let path):
      "\(path): expected arrays to rename or lay out, found a sketch, which has none: leave the map and layout away"
    case .badMap(let path, let place, let expected, let found):
      "\(path): \(place): expected \(expected), found \(found)"
    case .ambiguous(let path, let name, let rules):
      "\(path): expected one rule of the map for '\(name)', found \(Self.list(rules))"
    case .collision(let path, let tap, let names):
      "\(path): expected one array for the tap \(tap), found \(Self.list(names))"
    case .unmatchedRule(let path, let rule, let names):
      "\(path): expected the map's rule '\(rule)' to fit an array, found none among \(Self.list(names)); "
        + "\"optional\": true lets that be"
    case .unknownTap(let path, let name, let tap, let nearest):
      "\(path): expected the map to lead '\(name)' to a tap of the reference, found \(tap)"
        + (nearest.isEmpty ? "" : "; near it there are \(Self.list(nearest))")
    case .nothingInCommon(let path, let names):
      "\(path): expected arrays that bear names of the reference's taps, or a map that leads to them (--map FILE), "
        + "found \(Self.list(names))"
    case .elementType(let path, let name, let expected, let found):
      "\(path): expected '\(name)' to hold \(expected), found \(found)"
    case .scales(let path, let name, let expected, let found):
      "\(path): '\(name)': expected \(expected), found \(found)"
    case .layout(let path, let name, let layout, let found):
      "\(path): expected '\(name)' to have as many axes as the layout \(layout), found shape \(found)"
    case .ambiguousLayout(let path, let name, let layout, let shape):
      "\(path): expected '\(name)' to tell its layout by its shape, found \(shape), which fits the reference with and "
        + "without a permutation of \(layout): write which it is, such as \"NHWC->NCHW\" or \"NHWC->NHWC\""
    }
  }

  /// The first few of many names.
  private static func list(_ names: [String]) -> String {
    names.isEmpty ? "none" : names.map { "'\($0)'" }.listed(5)
  }
}
