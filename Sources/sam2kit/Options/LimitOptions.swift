import ArgumentParser
import Checkpoints

/// What a file may make its reader do.
struct LimitOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Raise or lower a bound on what a file may make its reader do, such as pickle-bytes=64M; may be repeated. "
        + "`inspect --help` lists them.", valueName: "name=number"))
  var limit: [LimitArgument] = []

  /// The standard limits, changed as asked.
  var limits: ReadingLimits {
    limit.reduce(into: ReadingLimits()) { limits, argument in
      limits[keyPath: argument.setting.path] = argument.value
    }
  }

  /// Opens a checkpoint within the limits and says what was chosen of it or left out, if anything.
  func open(_ name: String, key: String?) throws -> Checkpoint {
    let path = try CheckpointName.path(name)
    let checkpoint = try Checkpoint.open(path: path, key: key, limits: limits)
    for remark in checkpoint.selection.remarks { Console.remark("note: \(path): \(remark)") }
    return checkpoint
  }

  /// All limits with what they are unless set, for a command's help.
  static let table = TextTable.aligned(
    LimitSetting.all.map { ["  " + $0.name, $0.meaning, LimitArgument.text($0.standard)] }
  ).joined(separator: "\n")
}

/// `NAME=NUMBER`, where the number may end in K, M or G: powers of 1024.
struct LimitArgument: ExpressibleByArgument {
  let setting: LimitSetting
  let value: Int

  private static let units: [(letter: Character, shift: Int)] = [("G", 30), ("M", 20), ("K", 10)]

  init?(argument: String) {
    let parts = argument.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, let setting = LimitSetting.named(String(parts[0])) else { return nil }
    let unit = Self.units.first { parts[1].hasSuffix(String($0.letter)) }
    guard let number = Int(unit == nil ? parts[1] : parts[1].dropLast()), number > 0 else { return nil }
    let (value, overflow) = number.multipliedReportingOverflow(by: 1 << (unit?.shift ?? 0))
    guard !overflow else { return nil }
    (self.setting, self.value) = (setting, value)
  }

  /// A number as it may be written here.
  static func text(_ number: Int) -> String {
    let unit = units.first { number.isMultiple(of: 1 << $0.shift) }
    return unit.map { "\(number >> $0.shift)\($0.letter)" } ?? "\(number)"
  }
}
