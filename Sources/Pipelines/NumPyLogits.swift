import Dumps
import Files
import Prompts
import Tensors

/// Low-resolution logits as NumPy's files, out and in again, as the official predictor hands them out and takes them:
/// `[h, w]`, `[n, h, w]` or `[n, 1, h, w]`, in Float32.
struct NumPyLogits {
  private let path: String
  /// `[n, h, w]`.
  private let logits: Tensor

  /// Reads a `.npy` file of Float32.
  ///
  /// - Throws: `FileError`, `PromptError` for any other array.
  init(path: String) throws {
    self.path = path
    func problem(_ found: String) -> PromptError {
      PromptError(
        place: path,
        problem:
          "expected logits as --logits writes them, a .npy of float32 in rows of 2 or 3 axes, found \(found)")
    }
    let found: Tensor
    do { found = try NumPyFile.tensor(path: path) } catch let error as NumPyError {
      throw problem("another file: \(error)")
    }
    let extents = found.shape.extents
    guard (2...4).contains(extents.count), extents.allSatisfy({ $0 > 0 }), extents.count < 4 || extents[1] == 1
    else { throw problem("the shape \(extents)") }
    guard found.withElements({ $0.allSatisfy(\.isFinite) }) else { throw problem("NaN or infinities") }
    let (height, width) = (extents[extents.count - 2], extents[extents.count - 1])
    logits = found.reshaped([found.count / (height * width), height, width])
  }

  /// How many objects there are.
  var count: Int { logits.shape[0] }

  /// The logits in an object's place, counted from 1; of a single one whatever the object. `[1, h, w]`.
  ///
  /// - Parameter chosen: The place that was asked for; nil for the object's own.
  /// - Throws: `PromptError` where there is no such place.
  func logits(of object: Int, chosen: Int?) throws(PromptError) -> Tensor {
    if count == 1, chosen == nil { return logits }
    let place = chosen ?? object
    guard (1...count).contains(place) else {
      throw PromptError(
        place: path,
        problem: "expected logits of object \(place), found those of \(count); FILE.npy#N takes the N-th")
    }
    return logits[place - 1..<place]
  }

  /// Writes logits of every object, `[n, h, w]`.
  ///
  /// - Throws: `FileError`.
  static func write(_ logits: Tensor, to path: String) throws {
    try NumPyFile.write(logits, to: path)
  }
}
