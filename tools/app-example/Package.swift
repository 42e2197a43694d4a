// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "app-example",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "sam2kit", path: "../..")],
  targets: [
    .executableTarget(
      name: "AppExample", dependencies: [.product(name: "Pipelines", package: "sam2kit")])
  ])
