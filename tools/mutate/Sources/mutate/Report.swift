import ArgumentParser

struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what share was noticed, and which slips weren't; exit code 1 if it is too small.")

  @OptionGroup var folders: Folders
  @Option(name: .long, help: "The share, in percent, of those that change anything that is to be noticed.")
  var atLeast = 100

  func run() throws {
    let ledger = try Ledger(path: folders.ledger)
    let open = try Equivalents(package: folders.package)
      .removed(from: ledger.entries.filter { !$0.isNoticed }.map(\.slip))
    print(ledger.report(open: Set(open)))
    let noticed = ledger.entries.count { $0.isNoticed }
    if 100 * noticed < atLeast * (noticed + open.count) { throw ExitCode(1) }
  }
}
