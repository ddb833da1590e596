// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target of ours is compiled with.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// A pure library: no I/O, no clock, no randomness, no Foundation.
func core(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/Core/\(name)", swiftSettings: house)
}

/// A library over one outside library or one face of the operating system.
func adapter(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/Adapters/\(name)", swiftSettings: house)
}

/// The shell of a machine: its threads, sockets and files.
func stage(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/Stages/\(name)", swiftSettings: house)
}

func executable(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: "Sources/Executables/\(name)", swiftSettings: house)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: house)
}

let package = Package(
    name: "enlace",
    targets: [
        // System: headers and shims.
        .systemLibrary(name: "CZeroMQ", path: "Sources/System/CZeroMQ"),
        .target(name: "CPlatform", path: "Sources/System/CPlatform"),
        .target(
            name: "CSimdJSON", path: "Sources/System/CSimdJSON",
            linkerSettings: [.linkedLibrary("simdjson")]),

        // Core: pure.
        core("Bytes"),
        core("Incident", ["Bytes"]),
        core("Wire", ["Bytes"]),
        core("Delivery", ["Bytes", "Wire"]),
        core("Generator", ["Bytes"]),

        // Adapters: each over one library.
        adapter("Platform", ["Bytes", "Wire", "CPlatform"]),
        adapter("ZeroMQ", ["CZeroMQ", "CPlatform"]),
        adapter("EventJSON", ["Bytes", "Incident", "CSimdJSON"]),

        // Tests.
        tests("DeliveryTests", ["Bytes", "Delivery", "Wire"]),
        tests("EventJSONTests", ["Bytes", "Incident", "EventJSON", "CSimdJSON"]),
        tests("GeneratorTests", ["Generator", "Bytes"]),
        tests("PlatformTests", ["Platform", "Bytes", "Wire"]),
        tests("WireTests", ["Bytes", "Wire"]),
    ],
    cxxLanguageStandard: .cxx17
)
