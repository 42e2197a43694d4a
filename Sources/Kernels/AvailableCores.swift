// How many threads are worth their while: one for each core that this process may use.
import Foundation

#if canImport(Darwin)
  import Darwin
#endif

/// The cores that the system lets this process use.
package enum AvailableCores {
  /// Physical cores, or on macOS the fast ones, found out once; at least 1.
  package static let count: Int = {
    #if canImport(Darwin)
      for name in ["hw.perflevel0.physicalcpu", "hw.physicalcpu"] {
        var (cores, size) = (Int32(0), MemoryLayout<Int32>.size)
        if sysctlbyname(name, &cores, &size, nil, 0) == 0, cores > 0 { return Int(cores) }
      }
      return max(1, ProcessInfo.processInfo.activeProcessorCount)
    #else
      return onLinux { try? String(contentsOfFile: $0, encoding: .utf8) }
        ?? max(1, ProcessInfo.processInfo.activeProcessorCount)
    #endif
  }()

  /// The cores of which a processor is allowed to the process, as many as its CPU quota lets run at a time; a part of one
  /// counts as one. Nil where Linux doesn't say which processors are allowed.
  ///
  /// - Parameter read: gives a file's text, nil where there is none.
  package static func onLinux(read: (_ path: String) -> String?) -> Int? {
    guard
      let allowed = read("/proc/self/status")?.split(separator: "\n")
        .first(where: { $0.hasPrefix("Cpus_allowed_list:") }).flatMap({ processors($0.dropFirst(18)) }),
      !allowed.isEmpty
    else { return nil }
    // Processors of one core name the same siblings, also those that aren't allowed.
    let cores = Set(
      allowed.map { processor in
        let folder = "/sys/devices/system/cpu/cpu\(processor)/topology/"
        let siblings = read(folder + "core_cpus_list") ?? read(folder + "thread_siblings_list")
        return siblings.flatMap { processors($0) }?.min() ?? processor
      })
    return quotas(read).reduce(cores.count) { min($0, max(1, Int($1.rounded(.up)))) }
  }

  /// Numbers of processors out of a list such as `0-3,8`; nil where it is none.
  private static func processors(_ list: some StringProtocol) -> [Int]? {
    var numbers: [Int] = []
    for part in list.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: ",") {
      let ends = part.split(separator: "-", maxSplits: 1).map { Int($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, first >= 0, last >= first,
        last < 1 << 16
      else { return nil }
      numbers += first...last
    }
    return numbers
  }

  /// How many processors' time the process's control groups may take, those above it included.
  /// Source: Linux, Documentation/admin-guide/cgroup-v2.rst (`cpu.max`) and scheduler/sched-bwc.rst (`cpu.cfs_quota_us`).
  private static func quotas(_ read: (String) -> String?) -> [Double] {
    var quotas: [Double] = []
    for line in (read("/proc/self/cgroup") ?? "").split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let controllers = fields[1].split(separator: ",")
      // Of version 2 where there are none. A container may see its own group as the root of the tree.
      for folder in folders(above: fields[2]) {
        if controllers.isEmpty {
          quotas += quota(read("/sys/fs/cgroup" + folder + "/cpu.max")).map { [$0] } ?? []
        } else if controllers.contains("cpu") {
          let group = "/sys/fs/cgroup/\(fields[1])" + folder
          let plain = "/sys/fs/cgroup/cpu" + folder
          for place in Set([group, plain]) {
            guard let time = read(place + "/cpu.cfs_quota_us"), let period = read(place + "/cpu.cfs_period_us")
            else { continue }
            quotas += quota("\(time) \(period)").map { [$0] } ?? []
          }
        }
      }
    }
    return quotas
  }

  /// A group and all above it: for `/a/b` these are `/a/b`, `/a` and the root, which is empty.
  private static func folders(above group: Substring) -> [String] {
    let names = group.split(separator: "/")
    return (0...names.count).reversed().map { names.prefix($0).map { "/" + $0 }.joined() }
  }

  /// Time over period; nil where there is no limit.
  private static func quota(_ text: String?) -> Double? {
    let numbers = (text ?? "").split(whereSeparator: \.isWhitespace).map { Double($0) }
    guard numbers.count == 2, let time = numbers[0], let period = numbers[1], time > 0, period > 0 else {
      return nil
    }
    return time / period
  }
}
