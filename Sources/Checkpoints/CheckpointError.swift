public import Files
public import HDF5
public import Tensors

/// Why a weight file can't be read or written.
public enum CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file can't be opened or written.
  case file(FileError)
  /// Content of none of the formats.
  case unknownFormat(path: String, found: String)
  /// A broken or hostile zip archive.
  case zip(path: String, ZipError)
  /// A broken or hostile pickle.
  case pickle(path: String, PickleError)
  /// A zip archive that is no usable torch checkpoint.
  case torch(path: String, TorchError)
  /// A broken or hostile safetensors file, or tensors that the format can't hold.
  case safetensors(path: String, SafetensorsError)
  /// A broken or hostile GGUF file, or tensors that the format can't hold.
  case gguf(path: String, GGUFError)
  /// Weights of whole numbers whose scales are missing or don't fit.
  case wholeNumbers(path: String, WholeNumberError)
  /// A broken HDF5 file, or one that holds more than tensors.
  case hdf5(HDF5Error)
  /// The recording of a run: a trace or a sketch, as `found` says.
  case recording(path: String, found: String)
  /// Tensors that can't be found where they were said to be, or can't be called as asked.
  case naming(path: String, NamingError)
  /// A model in several files that don't belong together.
  case sharded(path: String, ShardError)
  /// An archive of files, not of tensors.
  case archive(path: String, found: String)
  /// A folder that holds no model.
  case folder(path: String, found: String)
  /// No tensor of that name.
  case missingTensor(path: String, name: String)
  /// Finite numbers that a narrower type can't hold: how many of a tensor, and the first.
  case overflow(path: String, name: String, index: [Int], value: Double, count: Int, type: ElementType)

  /// One sentence: the file, what was expected, what was found.
  public var description: String {
    switch self {
    case .file(let error): error.description
    case .unknownFormat(let path, let found):
      "\(path): expected a torch checkpoint, safetensors, HDF5 or GGUF, found \(found)"
    case .zip(let path, let error): "\(path): \(error)"
    case .pickle(let path, let error): "\(path): data.pkl: \(error)"
    case .torch(let path, let error): "\(path): \(error)"
    case .safetensors(let path, let error): "\(path): \(error)"
    case .gguf(let path, let error): "\(path): \(error)"
    case .wholeNumbers(let path, let error): "\(path): \(error)"
    case .hdf5(let error): error.description
    case .recording(let path, let found): "\(path): expected a model's weights, found \(found)"
    case .naming(let path, let error): "\(path): \(error)"
    case .sharded(let path, let error): "\(path): \(error)"
    case .archive(let path, let found): "\(path): expected a checkpoint, found \(found)"
    case .folder(let path, let found): "\(path): expected a folder with model.safetensors, found \(found)"
    case .missingTensor(let path, let name): "\(path): expected a tensor '\(name)', found none"
    case .overflow(let path, let name, let index, let value, let count, let type):
      "\(path): expected '\(name)' to fit \(type.rawValue), found \(value) at \(index)"
        + (count > 1 ? " and \(count - 1) more such numbers" : "")
    }
  }
}

/// Runs `body` and puts the file's path to what it throws.
func naming<Result, Failure: Error>(
  _ path: String, _ wrap: (String, Failure) -> CheckpointError, _ body: () throws(Failure) -> Result
) throws(CheckpointError) -> Result {
  do {
    return try body()
  } catch {
    throw wrap(path, error)
  }
}

/// Runs `body` and wraps what the file system throws.
func filing<Result: ~Copyable>(
  _ body: () throws(FileError) -> Result
) throws(CheckpointError) -> Result {
  do {
    return try body()
  } catch {
    throw .file(error)
  }
}
