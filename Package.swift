// swift-tools-version: 6.1
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A C library of the system, found through pkg-config.
func system(_ name: String, pkgConfig: String, apt: String, brew: String) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt]), .brew([brew])])
}

/// A Swift target and what it may import: layers point one way, see README.
func layer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, exclude: ["README.md"], swiftSettings: settings)
}

/// The tests of one target, plus what they need beside it.
func tests(_ name: String, _ dependencies: [Target.Dependency] = [], fixtures: Bool = false) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.target(name: name), "TestSupport"] + dependencies,
    exclude: fixtures ? ["Fixtures"] : [], swiftSettings: settings)
}

// On Linux some libraries are loaded when they are first needed, see Sources/CLoader.
#if os(Linux)
  func loaded(_ name: String, pkgConfig: String, apt: String, brew: String) -> Target {
    .target(name: name, dependencies: ["CLoader"], exclude: ["README.md"], publicHeadersPath: ".")
  }
  let loaderTests: [Target] = [
    // Compiles the C targets once more, to look at their symbols.
    .testTarget(
      name: "CLoaderTests", dependencies: ["CLoader", "TestSupport"], exclude: ["Programs"],
      swiftSettings: settings)
  ]
#else
  func loaded(_ name: String, pkgConfig: String, apt: String, brew: String) -> Target {
    system(name, pkgConfig: pkgConfig, apt: apt, brew: brew)
  }
  let loaderTests: [Target] = []
#endif

let package = Package(
  name: "sam2kit",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "sam2kit", targets: ["sam2kit"]),
    .library(name: "Pipelines", targets: ["Pipelines", "Prompts"]),
    .library(
      name: "SAM2",
      targets: [
        "SAM2", "Tensors", "Prompts", "Masks", "Kernels", "Architecture", "OpenBLASBackend", "OneDNNBackend",
        "Taps",
      ]),
    .library(name: "Checkpoints", targets: ["Checkpoints"]),
    .library(name: "Verification", targets: ["Verification"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    system("CHDF5", pkgConfig: "hdf5", apt: "libhdf5-dev", brew: "hdf5"),
    system("CZip", pkgConfig: "libzip", apt: "libzip-dev", brew: "libzip"),
    system("CJPEG", pkgConfig: "libturbojpeg", apt: "libturbojpeg0-dev", brew: "jpeg-turbo"),
    system("CPNG", pkgConfig: "spng", apt: "libspng-dev", brew: "libspng"),
    system("CCrypto", pkgConfig: "libcrypto", apt: "libssl-dev", brew: "openssl@3"),
    system("CDeflate", pkgConfig: "libdeflate", apt: "libdeflate-dev", brew: "libdeflate"),
    loaded("COpenBLAS", pkgConfig: "openblas", apt: "libopenblas-dev", brew: "openblas"),
    loaded(
      "CFFmpeg", pkgConfig: "libavformat libavcodec libswscale libavutil", apt: "libavformat-dev",
      brew: "ffmpeg"),
    loaded("CTIFF", pkgConfig: "libtiff-4", apt: "libtiff-dev", brew: "libtiff"),
    loaded("CWebP", pkgConfig: "libwebpdemux libwebp", apt: "libwebp-dev", brew: "webp"),
    loaded("CAVIF", pkgConfig: "libavif", apt: "libavif-dev", brew: "libavif"),
    loaded("COpenJPEG", pkgConfig: "libopenjp2", apt: "libopenjp2-7-dev", brew: "openjpeg"),
    .target(
      name: "CLoader", exclude: ["README.md"],
      linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    // Everywhere loaded when it is first needed, since it may be missing.
    .target(name: "COneDNN", dependencies: ["CLoader"], exclude: ["README.md"], publicHeadersPath: "."),
    .target(name: "CVector", exclude: ["README.md"]),
    .target(name: "CHDF5Server", dependencies: ["CHDF5"], exclude: ["README.md"]),

    layer("Threads", []),
    layer("Files", ["Threads", .target(name: "CCrypto", condition: .when(platforms: [.linux])), "CDeflate"]),
    .target(
      name: "Downloads", dependencies: ["Files"], exclude: ["README.md"],
      resources: [.embedInCode("manifest.json")], swiftSettings: settings),
    layer("Tensors", ["CVector"]),
    layer("Prompts", []),
    layer("HDF5", ["Files", "Tensors", "CHDF5", "CHDF5Server"]),
    layer("Masks", ["Tensors", "CVector"]),
    layer("Architecture", ["Tensors"]),
    layer("Configurations", ["Architecture", "Yams"]),
    layer("Checkpoints", ["Threads", "Files", "Tensors", "HDF5", "CVector", "CZip"]),
    layer("Kernels", ["Threads", "Tensors", "CVector"]),
    layer("OpenBLASBackend", ["Tensors", "Kernels", "CVector", "COpenBLAS"]),
    layer("OneDNNBackend", ["Tensors", "Kernels", "CVector", "COneDNN"]),
    layer("Taps", ["Tensors"]),
    layer("Traces", ["Files", "Tensors", "HDF5", "Prompts", "Taps"]),
    layer("SAM2", ["Tensors", "Prompts", "Masks", "Architecture", "Kernels", "Taps"]),
    layer("Synthesis", ["Tensors", "Kernels", "Architecture"]),
    layer("Verification", ["Files", "Tensors", "Prompts", "Masks", "Kernels", "Taps", "Traces", "CVector"]),
    layer("Dumps", ["Files", "Tensors", "Prompts", "HDF5", "Checkpoints", "Taps", "Traces", "Verification"]),
    layer("Quantization", ["Tensors", "Architecture", "Kernels", "Taps", "SAM2"]),
    layer("Reports", ["Files", "Tensors", "Prompts", "Taps", "Traces", "Verification"]),
    layer(
      "Media",
      [
        "Files", "Tensors", "Prompts", "Masks", "Kernels", "CVector", "CJPEG", "CPNG", "CFFmpeg", "CTIFF",
        "CWebP", "CAVIF", "COpenJPEG",
      ]),
    layer("Evaluation", ["Files", "Prompts", "Masks", "Media"]),
    layer(
      "Pipelines",
      [
        "Files", "Tensors", "Prompts", "Masks", "HDF5", "Architecture", "Configurations", "Checkpoints",
        "Kernels", "OpenBLASBackend", "OneDNNBackend", "Taps", "Traces", "SAM2", "Verification", "Dumps",
        "Reports",
        "Media", "Evaluation", "Quantization", "CVector",
      ]),
    .executableTarget(
      name: "sam2kit",
      dependencies: [
        "Files", "Downloads", "Tensors", "Prompts", "Masks", "HDF5", "Architecture", "Configurations",
        "Checkpoints", "Kernels", "Taps", "Traces", "Synthesis", "Verification", "Dumps", "Reports", "Media",
        "Evaluation", "Quantization", "SAM2", "Pipelines",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["README.md"], swiftSettings: settings),

    .target(
      name: "TestSupport", dependencies: ["Tensors", "Kernels"], path: "Tests/TestSupport",
      swiftSettings: settings),
    tests("Threads"), tests("Files"), tests("Downloads", ["Files"]), tests("Tensors", ["CVector"]),
    tests("HDF5", ["Files", "Tensors", "CHDF5Server"]), tests("Masks", ["Tensors"], fixtures: true),
    tests("Architecture", ["Files", "Tensors"], fixtures: true),
    tests("Configurations", ["Architecture", "Files"], fixtures: true),
    tests("Checkpoints", ["Files", "Tensors", "HDF5", "Architecture", "CVector"], fixtures: true),
    tests("Kernels", ["Tensors", "CVector"]),
    tests("OpenBLASBackend", ["Tensors", "Kernels"]), tests("OneDNNBackend", ["Tensors", "Kernels"]),
    // All backends against double precision, at the sizes of all variants.
    .testTarget(
      name: "ConformanceTests",
      dependencies: [
        "Tensors", "Prompts", "Architecture", "Kernels", "OpenBLASBackend", "OneDNNBackend", "SAM2", "CVector",
        "TestSupport",
      ],
      swiftSettings: settings),
    tests("Prompts"), tests("Traces", ["Files", "Tensors", "HDF5", "Prompts", "Taps"]),
    tests(
      "SAM2",
      [
        "Tensors", "Prompts", "Masks", "Architecture", "Configurations", "Checkpoints", "Kernels",
        "OpenBLASBackend", "Taps", "Traces", "Media", "Verification", "Files",
      ], fixtures: true),
    tests(
      "Quantization",
      [
        "Tensors", "Prompts", "Architecture", "Configurations", "Checkpoints", "Kernels", "OpenBLASBackend",
        "Taps", "SAM2",
      ]),
    tests("Synthesis", ["Tensors", "Architecture", "Files"]),
    tests("Verification", ["Tensors", "Prompts", "Kernels", "Taps", "Traces"], fixtures: true),
    tests(
      "Dumps",
      ["Files", "Tensors", "Prompts", "HDF5", "Checkpoints", "Taps", "Traces", "Verification"],
      fixtures: true),
    tests("Reports", ["Files", "Tensors", "Taps", "Traces", "Verification", "Media"]),
    tests("Evaluation", ["Masks", "Prompts"]),
    tests(
      "Pipelines",
      [
        "Files", "Prompts", "Masks", "Tensors", "Architecture", "Configurations", "Checkpoints", "Media",
        "SAM2", "Quantization",
        "Evaluation", "Taps", "Traces", "Verification", "Kernels", "Reports",
      ], fixtures: true),
    tests("Media", ["Files", "Tensors", "Prompts", "Masks", "Kernels"], fixtures: true),
    // Runs the program itself, as a user would.
    .testTarget(
      name: "sam2kitTests",
      dependencies: [
        "sam2kit", "Files", "Downloads", "Tensors", "Prompts", "Architecture", "Checkpoints", "Masks", "Media",
        "TestSupport", "Taps", "Traces", "Verification", "Reports", "OneDNNBackend", "Pipelines",
      ],
      exclude: ["Programs"], swiftSettings: settings),
  ] + loaderTests
)
