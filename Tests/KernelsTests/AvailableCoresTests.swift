// What Linux writes about processors, as text, to how many threads start.
import Foundation
import Testing

@testable import Kernels

@Suite struct AvailableCoresTests {
  struct Machine: Sendable, CustomTestStringConvertible {
    let name: String
    let cores: Int?
    var allowed: String?
    /// Processors that share a core.
    var siblings: [[Int]] = []
    var files: [String: String] = [:]

    var testDescription: String { name }

    func read(_ path: String) -> String? {
      if path == "/proc/self/status" {
        return allowed.map {
          "Name:\tsam2kit\nCpus_allowed:\tff\nCpus_allowed_list:\t\($0)\nMems_allowed:\t1\n"
        }
      }
      for group in siblings {
        for processor in group
        where path == "/sys/devices/system/cpu/cpu\(processor)/topology/thread_siblings_list" {
          return group.map { "\($0)" }.joined(separator: ",") + "\n"
        }
      }
      return files[path]
    }
  }

  @Test(arguments: [
    Machine(name: "without siblings", cores: 4, allowed: "0-3"),
    Machine(
      name: "two threads a core", cores: 4, allowed: "0-7", siblings: [[0, 4], [1, 5], [2, 6], [3, 7]]),
    Machine(name: "siblings next to each other", cores: 2, allowed: "0-3", siblings: [[0, 1], [2, 3]]),
    Machine(
      name: "second threads alone", cores: 2, allowed: "4,6", siblings: [[0, 4], [1, 5], [2, 6], [3, 7]]),
    Machine(name: "both threads of one core", cores: 1, allowed: "1,5", siblings: [[0, 4], [1, 5]]),
    Machine(name: "a list of ranges", cores: 7, allowed: "0-2,8,64-66"),
    Machine(
      name: "fast cores with two threads, slow ones with one", cores: 3, allowed: "0-3",
      siblings: [[0, 1], [2], [3]]),
    Machine(name: "no status", cores: nil),
    Machine(name: "a status that is no list", cores: nil, allowed: "all"),
    Machine(name: "a range with three ends", cores: nil, allowed: "0-3-5"),
    Machine(name: "more processors than there can be", cores: nil, allowed: "0-65536"),
    Machine(
      name: "version 2, a quota", cores: 2, allowed: "0-7",
      files: ["/proc/self/cgroup": "0::/job\n", "/sys/fs/cgroup/job/cpu.max": "200000 100000\n"]),
    Machine(
      name: "version 2, a part of a processor", cores: 2, allowed: "0-7",
      files: ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "110000 100000\n"]),
    Machine(
      name: "version 2, less than a processor", cores: 1, allowed: "0-7",
      files: ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "20000 100000\n"]),
    Machine(
      name: "version 2, no limit", cores: 8, allowed: "0-7",
      files: ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n"]),
    Machine(
      name: "version 2, a quota above", cores: 3, allowed: "0-7",
      files: [
        "/proc/self/cgroup": "0::/pod/job\n", "/sys/fs/cgroup/pod/job/cpu.max": "max 100000\n",
        "/sys/fs/cgroup/pod/cpu.max": "300000 100000\n",
      ]),
    Machine(
      name: "version 2, a group of another namespace", cores: 2, allowed: "0-7",
      files: ["/proc/self/cgroup": "0::/machine/unseen\n", "/sys/fs/cgroup/cpu.max": "100000 50000\n"]),
    Machine(
      name: "version 1", cores: 3, allowed: "0-7",
      files: [
        "/proc/self/cgroup": "5:memory:/job\n4:cpu,cpuacct:/job\n",
        "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "250000\n",
        "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
      ]),
    Machine(
      name: "version 1 by its short name, at the root", cores: 1, allowed: "0-7",
      files: [
        "/proc/self/cgroup": "1:cpu:/docker/job\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
        "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
      ]),
    Machine(
      name: "version 1, no limit", cores: 8, allowed: "0-7",
      files: [
        "/proc/self/cgroup": "1:cpu:/\n2:cpuset:/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
      ]),
    Machine(
      name: "more quota than cores", cores: 2, allowed: "0-3", siblings: [[0, 1], [2, 3]],
      files: ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "400000 100000\n"]),
    Machine(
      name: "another controller's group", cores: 8, allowed: "0-7",
      files: [
        "/proc/self/cgroup": "1:cpuset:/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000\n",
        "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
      ]),
  ])
  func coresAreThoseThatTheProcessMayUse(machine: Machine) {
    #expect(AvailableCores.onLinux(read: machine.read) == machine.cores)
  }

  /// What this machine's own files say fits what Foundation counts, which knows no siblings and no quota.
  @Test func thereAreCoresAndNoMoreThanProcessors() {
    #expect((1...ProcessInfo.processInfo.activeProcessorCount).contains(AvailableCores.count))
    #expect(Parallelism.defaultThreads == AvailableCores.count)
    #if os(Linux)
      let read = AvailableCores.onLinux { try? String(contentsOfFile: $0, encoding: .utf8) }
      #expect(read == AvailableCores.count)
    #endif
  }
}
