import Architecture
import ArgumentParser
import Checkpoints
import Downloads
import Files
import Foundation

struct Fetch: Command {
  static let configuration = CommandConfiguration(
    commandName: "fetch",
    abstract: "Download a released checkpoint and verify it.",
    discussion: """
      Variants: \(Variant.allCases.map(\.rawValue).joined(separator: ", ")). Their addresses, lengths and SHA-256 are \
      built in; --list shows them. What has come of a file stays beside it as FILE.part when the program ends early, \
      and the same command goes on from there. The file is in place when its length, its SHA-256 and the model in it \
      are right. Needs curl, which takes a proxy from the environment (https_proxy).

      Without --output it is stored in $XDG_CACHE_HOME/sam2kit, or ~/.cache/sam2kit. Every command takes the model's name \
      for what is there, or in the working folder: --model sam2.1_hiera_tiny.

      With --manifest FILE, of the form of Weights/manifest.json, addresses are taken from there; lengths and SHA-256 \
      that it lacks are recorded in it after the download, so that the next one is held to them.
      """)

  @Argument(help: "Which model.")
  var variant: String?
  @Option(name: .long, help: "The file to write, or a folder for it; by default the user's cache.")
  var output: String?
  @Option(name: .long, help: "Another list of checkpoints.")
  var manifest: String?
  @Flag(name: .long, help: "Download it even if the file is there.")
  var force = false
  @Flag(name: .long, help: "Show what can be downloaded.")
  var list = false
  @Flag(name: .long, help: "Print JSON.")
  var json = false

  func validate() throws {
    guard list != (variant != nil) else { throw ValidationError("expected either a VARIANT or --list") }
  }

  var files: CommandFiles {
    CommandFiles(read: [manifest], written: [variant.map(target)])
  }

  func execute() throws {
    var known = try manifest.map(CheckpointManifest.init(path:)) ?? .official()
    guard let variant else { return try show(known) }
    guard let item = known[variant] else { throw UnknownDownload(variant: variant, known: known) }
    if output == nil { try CheckpointName.store.makeFolder() }
    let started = ContinuousClock.now
    let result = try Download(item, to: target(variant)).run(
      replaces: force, check: { try Self.check($0, is: variant) },
      progress: { Console.line(FetchReport.line($0, variant, since: started)) })
    Console.endLine()
    if let manifest, result.item != item {
      known.record(result.item)
      try known.write(to: manifest)
    }
    let report = FetchReport(result)
    if json { try Console.json(report) } else { print(report.text) }
  }

  private func target(_ variant: String) -> String {
    guard let output else { return CheckpointName.store.path(of: variant) }
    guard output.hasSuffix("/") || FilePath.isFolder(output) else { return output }
    return output.hasSuffix("/") ? "\(output)\(variant).pt" : "\(output)/\(variant).pt"
  }

  /// Nothing but the model that was asked for is put in place, whatever its digest.
  private static func check(_ path: String, is variant: String) throws {
    // Other names are those of a manifest of one's own, of which nothing is known.
    guard let expected = Variant(rawValue: variant) else { return }
    let recognition = Recognition(try Checkpoint.open(path: path).shapes)
    guard recognition.variant == expected else {
      throw WrongModel(path: path, expected: variant, found: recognition.summary)
    }
  }

  private func show(_ known: CheckpointManifest) throws {
    if json { return try Console.json(known) }
    let rows = known.checkpoints.map { [$0.variant, $0.url, $0.bytes?.bytes ?? "–"] }
    print(TextTable.aligned(rows))
  }
}
