// Comparisons made up of a few arrays, some of which fail.
import Foundation
import Taps
import Tensors
import Verification

@testable import Reports

#if canImport(FoundationXML)
  import FoundationXML
#endif

enum ReportFixtures {
  /// Tensors by their names, as if they came from a file.
  static func held(_ tensors: [(String, Tensor)], _ path: String) -> HeldTensors {
    HeldTensors(tensors.map { (TapID($0), $1) }, side: .init(path: path, provenance: nil))
  }

  /// A grid of numbers that no two cells share.
  static func grid(_ shape: Shape, scale: Float = 1) -> Tensor {
    Tensor(shape, (0..<shape.count).map { scale * (sin(Float($0)) + 0.1) })
  }

  static let hostile = "neck.<script>alert(1)</script>&\"'\u{1}/0/output"

  /// A module that is fine, one that is off in a corner, one that inherits, one that is missing and one misshaped.
  static func comparison(
    breaks: Bool = true, wholes: Set<ModulePath> = []
  ) throws -> (Verdict, HeldTensors, HeldTensors) {
    let names = [
      "trunk.patch_embed/0/input/x", "trunk.patch_embed/0/output", "trunk.blocks.0.norm1/0/output",
      "trunk.blocks.0/0/output", hostile, "trunk/0/output/0", "trunk/0/output/1",
    ]
    let reference =
      names.map { ($0, grid([1, 4, 8, 8])) } + [("prediction/low_res_logits", grid([1, 2, 16, 16]))]
    var candidate = reference
    if breaks {
      func off(_ tensor: Tensor, by error: Float, at position: Int) -> Tensor {
        var elements = tensor.elements
        elements[position] += error
        return Tensor(tensor.shape, elements)
      }
      candidate[1].1 = off(reference[1].1, by: 1e-6, at: 9)
      candidate[3].1 = off(reference[3].1, by: 0.5, at: 63)
      candidate[4].1 = off(reference[4].1, by: .nan, at: 3)
      candidate[5].1 = grid([1, 4, 64])
      candidate[7].1 = Tensor([1, 2, 16, 16], reference[7].1.elements.map { $0 - 0.2 })
      candidate.remove(at: 6)
      candidate.append(("extra", grid([1])))
    }
    let (expected, found) = (held(reference, "reference.h5"), held(candidate, "port <1>.npz"))
    let result = try Verdict(
      reference: expected, candidate: found, policy: .f32, heatMaps: true, wholes: wholes)
    return (result, expected, found)
  }

  /// The elements of well-formed XML; nil where it isn't.
  static func elements(_ text: String) -> [XMLElementSeen]? {
    let reader = XMLReader()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = reader
    return parser.parse() ? reader.elements : nil
  }
}

/// An element as a parser sees it.
struct XMLElementSeen {
  let name: String
  let attributes: [String: String]
  let parent: String?
  var text = ""
}

private final class XMLReader: NSObject, XMLParserDelegate {
  private(set) var elements: [XMLElementSeen] = []
  private var open: [Int] = []

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    open.append(elements.count)
    let parent = open.dropLast().last.map { elements[$0].name }
    elements.append(XMLElementSeen(name: name, attributes: attributes, parent: parent))
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    if let last = open.last { elements[last].text += text }
  }

  func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
    open.removeLast()
  }
}
