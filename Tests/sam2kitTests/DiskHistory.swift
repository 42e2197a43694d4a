import Foundation
import TestSupport

#if os(Linux)
  /// All that a program did to a folder, call by call as `Programs/disk_calls.c` notes them: what the folder holds after any of
  /// them, and what is left of that where the power goes.
  struct DiskHistory {
    private enum Call {
      case write(String, offset: Int, Data)
      case rename(String, String)
      case unlink(String)
      case sync(String)
    }

    private struct File: Equatable {
      var bytes = Data()
      /// What is on the disk for certain.
      var kept = Data()
    }

    /// What a folder may hold after a call.
    struct Moment {
      /// After a kill: all that was done.
      let all: [String: Data]
      /// After a loss of power, the names on the disk with the bytes on the disk, which is the least…
      let least: [String: Data]
      /// … and all names with the bytes on the disk.
      let named: [String: Data]
    }

    private let start: [String: Data]
    private let calls: [Call]

    /// Runs a process to its end and notes what it does to a folder.
    ///
    /// - Parameter held: Where the process is to wait for `body`, see `HeldProgram`.
    init(
      of process: Process, in folder: String, log: String, heldAt held: String? = nil, _ body: () -> Void = {}
    ) throws {
      start = (try? files(below: folder)) ?? [:]
      let bytes = "\(log).bytes"
      for path in [log, bytes] { try Data().write(to: URL(fileURLWithPath: path)) }
      process.environment = ProcessInfo.processInfo.environment.merging(
        ["LD_PRELOAD": try HeldProgram.library.get(), "DISK_CALLS": log, "DISK_BYTES": bytes]) { $1 }
      (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
      if let held {
        try HeldProgram.run(process, at: "\(folder)/\(held)", body)
      } else {
        try process.run()
        process.waitUntilExit()
      }
      let written = try Data(contentsOf: URL(fileURLWithPath: bytes))
      var place = 0
      var calls: [Call] = []
      func name(_ path: Substring) -> String? {
        path.hasPrefix(folder) ? String(path.dropFirst(folder.count).drop { $0 == "/" }) : nil
      }
      for line in try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n") {
        let parts = line.split(separator: "\t")
        if parts[0] == "write", parts.count == 4, let offset = Int(parts[2]), let count = Int(parts[3]) {
          let part = written.subdata(in: place..<place + count)
          place += count
          if let name = name(parts[1]) { calls.append(.write(name, offset: offset, part)) }
        } else if let first = name(parts[1]) {
          switch parts[0] {
          case "rename": if let second = name(parts[2]) { calls.append(.rename(first, second)) }
          case "unlink": calls.append(.unlink(first))
          default: calls.append(.sync(first))
          }
        }
      }
      self.calls = calls
    }

    /// The folder before the first call and after each.
    var moments: [Moment] {
      var files = start.map { File(bytes: $0.value, kept: $0.value) }
      var names = Dictionary(uniqueKeysWithValues: zip(start.keys, files.indices))
      var keptNames = names
      func moment() -> Moment {
        Moment(
          all: names.mapValues { files[$0].bytes }, least: keptNames.mapValues { files[$0].kept },
          named: names.mapValues { files[$0].kept })
      }
      var moments = [moment()]
      for call in calls {
        switch call {
        case .write(let name, let offset, let bytes):
          let file = names[name] ?? files.count
          if file == files.count { files.append(File()) }
          names[name] = file
          let gap = max(0, offset - files[file].bytes.count)
          files[file].bytes += Data(count: gap)
          let end = min(files[file].bytes.count, offset + bytes.count)
          files[file].bytes.replaceSubrange(offset..<end, with: bytes)
        case .rename(let from, let to):
          // A folder takes its files with it.
          for (name, file) in names where name == from || name.hasPrefix("\(from)/") {
            names[name] = nil
            names[to + name.dropFirst(from.count)] = file
          }
        case .unlink(let name): names[name] = nil
        case .sync(let name):
          if let file = names[name] {
            files[file].kept = files[file].bytes
          } else {
            let isInside = { (file: String) in (file as NSString).deletingLastPathComponent == name }
            keptNames = keptNames.filter { !isInside($0.key) }
            for (file, number) in names where isInside(file) { keptNames[file] = number }
          }
        }
        moments.append(moment())
      }
      return moments
    }
  }
#endif

/// Every file below a folder by its path there.
func files(below folder: String) throws -> [String: Data] {
  var found: [String: Data] = [:]
  for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
    var isFolder: ObjCBool = false
    let path = "\(folder)/\(name)"
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue else {
      continue
    }
    found[name] = try Data(contentsOf: URL(fileURLWithPath: path))
  }
  return found
}

/// Makes a folder that holds such files.
func write(_ files: [String: Data], below folder: String) throws {
  for (name, bytes) in files {
    let url = URL(fileURLWithPath: "\(folder)/\(name)")
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try bytes.write(to: url)
  }
}

extension [String: Data] {
  /// Without hidden files and what lies in hidden folders.
  var visible: Self { filter { !$0.key.split(separator: "/").contains { $0.hasPrefix(".") } } }
}
