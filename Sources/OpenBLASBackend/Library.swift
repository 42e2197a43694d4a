// OpenBLAS, loaded once for the whole process, with kernels that suit the processor and multiply.
import COpenBLAS
import Kernels

/// What is wrong with OpenBLAS on this machine.
public enum OpenBLASError: Error, CustomStringConvertible {
  /// There is none to be loaded; with the dynamic linker's words.
  case missing(reason: String)
  /// There are not enough addresses for its buffers, for which it would ask for ever.
  case noRoom(needed: Int, found: Int)
  /// Its kernels compute wrong products, and no others that the processor runs are right.
  case wrongProducts(kernels: String, version: String, found: String)

  /// One sentence.
  public var description: String {
    switch self {
    case .missing(let reason): "OpenBLAS can't be loaded: \(reason)"
    case .noRoom(let needed, let found):
      "OpenBLAS needs \(needed >> 20) MB of addresses for its buffers, found \(found >> 20) MB left: raise the limit "
        + "(ulimit -v), or use fewer threads or another backend (--threads 1, --backend onednn)"
    case .wrongProducts(let kernels, let version, let found):
      "OpenBLAS \(version) multiplies wrongly on this processor with its kernels \(kernels) (\(found)): "
        + "set OPENBLAS_CORETYPE to others, such as Haswell or Prescott, or install another version"
    }
  }
}

/// OpenBLAS as it was loaded.
struct Library {
  /// Such as `0.3.21`.
  let version: String
  /// The core type that its kernels are for, such as `SkylakeX`.
  let kernels: String

  /// The process's own.
  static let loaded = Result { () throws(OpenBLASError) in
    try Library.requireRoom()
    return try Library(SystemLibrary(), processor: copenblas_is_core_type_set() == 0 ? .own : .any)
  }

  /// Sees that every thread can have its buffer, for which OpenBLAS would ask for ever.
  ///
  /// Source: OpenBLAS, driver/others/memory.c, blas_memory_alloc (a buffer for each thread that multiplies at a time, never
  /// given back); common_x86_64.h and common_arm64.h, BUFFER_SIZE.
  private static func requireRoom() throws(OpenBLASError) {
    let needed = Parallelism.threads * 128 << 20 + AddressSpace.least
    if let left = AddressSpace.shortage(of: needed) { throw .noRoom(needed: needed, found: left) }
  }

  /// Loads it with its own choice of kernels, or with better ones where that is below what the processor can do; with weaker
  /// ones where they multiply wrongly.
  ///
  /// - Parameter processor: What kernels may be chosen for; `any` for none, so that all is left to OpenBLAS.
  init(_ library: some LoadableLibrary, processor: Processor) throws(OpenBLASError) {
    var core = try library.load(nil)
    if let better = core.better(on: processor) { core = try library.load(better) }
    if let found = library.firstWrongProduct() {
      let (wrong, version) = (core, library.version)
      var isRight = false
      for weaker in core.weaker(on: processor) where !isRight {
        core = try library.load(weaker)
        isRight = library.firstWrongProduct() == nil
      }
      guard isRight else { throw .wrongProducts(kernels: wrong.name, version: version, found: found) }
    }
    (version, kernels) = (library.version, core.name)
  }
}

/// A library whose kernels are chosen as it is loaded.
protocol LoadableLibrary {
  /// Loads it, anew if need be, with such kernels, or with its own choice: those that it has then.
  func load(_ core: CoreType?) throws(OpenBLASError) -> CoreType
  /// The first wrong one of a few small products, in words; nil where all are right.
  func firstWrongProduct() -> String?
  /// Its version.
  var version: String { get }
}

private struct SystemLibrary: LoadableLibrary {
  func load(_ core: CoreType?) throws(OpenBLASError) -> CoreType {
    let problem = if let core { copenblas_reload(core.name) } else { copenblas_load_alone() }
    if let problem { throw .missing(reason: String(cString: problem)) }
    // OpenBLAS's own threads would cut the check's products.
    copenblas_openblas_set_num_threads(1)
    return CoreType(name: String(cString: copenblas_openblas_get_corename()))
  }

  func firstWrongProduct() -> String? {
    ProductCheck.firstWrong { a, b, rows, columns, inner, scale, accumulating, out, stride in
      multiply(
        a, b, rows: rows, columns: columns, inner: inner, scale: scale, accumulating: accumulating, into: out,
        stride: stride)
    }
  }

  /// The configuration reads "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...".
  var version: String {
    let words = String(cString: copenblas_openblas_get_config()).split(separator: " ")
    return words.count > 1 ? String(words[1]) : "unknown"
  }
}
