// An app that embeds sam2kit: AppExample MODEL PICTURE VIDEO OUTPUT [--measure], or --measure alone for what the import
// costs.
import Foundation

/// Says on stderr how long something took and how much memory the program has had at most.
func measured(_ name: String, _ body: () throws -> Void) rethrows {
  let start = ContinuousClock.now
  try body()
  guard CommandLine.arguments.contains("--measure") else { return }
  var usage = rusage()
  #if os(Linux)
    getrusage(RUSAGE_SELF.rawValue, &usage)
    let unit = 1024  // kibibytes
  #else
    getrusage(RUSAGE_SELF, &usage)
    let unit = 1
  #endif
  let megabytes = Int(usage.ru_maxrss) * unit / 1_000_000
  let line = "\(name): \(start.duration(to: .now)), peak memory \(megabytes) MB\n"
  FileHandle.standardError.write(Data(line.utf8))
}

let arguments = CommandLine.arguments.dropFirst().filter { $0 != "--measure" }
measured("import") {}
do {
  if !arguments.isEmpty {
    guard arguments.count == 4 else {
      print("AppExample MODEL PICTURE VIDEO OUTPUT [--measure]")
      exit(64)
    }
    let (model, output) = (arguments[0], arguments[3])
    try measured("segment") {
      try segmentPicture(model: model, picture: arguments[1], output: "\(output)/picture")
    }
    try measured("track") { try trackClip(model: model, video: arguments[2], output: "\(output)/clip") }
  }
} catch {
  print("error: \(error)")
  exit(2)
}
