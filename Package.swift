// swift-tools-version: 6.2
import PackageDescription

/// Programs that fuzz link only with libFuzzer, which brings their `main`: they are there when scripts/fuzz asks.
let isFuzzing = Context.environment["ENLACE_FUZZ"] != nil

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
        name: name,
        dependencies: dependencies,
        path: "Sources/Executables/\(name)",
        swiftSettings: house
    )
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: house)
}

/// All bodies in one program: the target is chosen when it runs.
let fuzzing: [Target] = [
    .executableTarget(
        name: "enlace-fuzz",
        dependencies: ["FuzzBodies"],
        path: "Tests/Fuzz/Driver",
        swiftSettings: house + [.unsafeFlags(["-parse-as-library"])]
    )
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")
let realModule: Target.Dependency = .product(name: "RealModule", package: "swift-numerics")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "enlace",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1"),
        .package(url: "https://github.com/apple/swift-system", from: "1.6.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // System: headers and shims.
        .systemLibrary(name: "CLMDB", path: "Sources/System/CLMDB"),
        .systemLibrary(name: "CZeroMQ", path: "Sources/System/CZeroMQ"),
        .target(name: "CPlatform", path: "Sources/System/CPlatform"),
        .target(name: "CMeasure", path: "Sources/System/CMeasure"),
        .target(name: "CSupervisor", path: "Sources/System/CSupervisor"),
        .target(
            name: "CSimdJSON",
            path: "Sources/System/CSimdJSON",
            linkerSettings: [.linkedLibrary("simdjson")]
        ),

        // Core: pure.
        core("Audit", ["Bytes", "Wire"]),
        core("Bytes"),
        .target(
            name: "Mutation",
            path: "Sources/Core/Mutation",
            swiftSettings: house + [.define("ENLACE_MUTANTS", .when(configuration: .debug))]
        ),
        core("Expression", ["Bytes"]),
        core("Incident", ["Bytes"]),
        core("Wire", ["Bytes"]),
        core("Delivery", ["Bytes", "Mutation", "Wire"]),
        core("Border", ["Incident", realModule]),
        core("Generator", ["Bytes"]),
        core("Relevance", ["Border", "Bytes", "Incident"]),

        // Adapters: each over one library.
        adapter("Measurement", ["CMeasure"]),
        adapter("Platform", ["Bytes", "Wire", "CPlatform"]),
        adapter("ZeroMQ", ["CZeroMQ", "CPlatform"]),
        adapter("Archive", ["Bytes", "Mutation", "Wire", "CPlatform", crypto]),
        adapter("EventJSON", ["Bytes", "Expression", "Incident", "CSimdJSON"]),
        adapter("Outbox", ["Bytes", "Wire", "CLMDB", "CPlatform"]),
        adapter("Processes", ["CSupervisor"]),
        adapter("ReferenceData", ["Border", "Bytes", "Incident", "Relevance", crypto, yams]),
        adapter(
            "Settings",
            ["Bytes", "Wire", argumentParser, configuration, yams, systemPackage]
        ),
        adapter("Telemetry", ["Bytes", logging]),

        // Stages: the machines' shells.
        stage("Daemon", ["Bytes", "Platform", "Settings", "Telemetry", argumentParser, logging, signals]),
        stage(
            "ProducerStage",
            [
                "Daemon", "Bytes", "Wire", "Incident", "Delivery", "Platform", "ZeroMQ", "Outbox", "EventJSON", logging,
                crypto,
            ]
        ),
        stage(
            "EnricherStage",
            [
                "Daemon", "Bytes", "Wire", "Incident", "Delivery", "EventJSON", "Platform", "Relevance", "ZeroMQ",
                logging,
            ]
        ),
        stage(
            "SinkStage",
            ["Daemon", "Bytes", "Wire", "Delivery", "Platform", "ZeroMQ", "Archive", "EventJSON", logging]
        ),

        stage(
            "AuditStage",
            [
                "Archive", "Audit", "Bytes", "EventJSON", "Expression", "Incident", "Outbox", "Platform", "Wire",
                logging,
            ]
        ),
        stage("GatewayClient", ["Bytes", "Wire", "Platform", "ZeroMQ", "EventJSON", logging]),
        stage("Supervisor", ["Bytes", "EventJSON", "Platform", "Processes", logging]),
        stage("TailStage", ["Bytes", "Wire", "Delivery", "Platform", "ZeroMQ", "EventJSON"]),

        // Simulation: the shipped machines under faults.
        .target(
            name: "Simulation",
            dependencies: ["Archive", "Bytes", "Delivery", "Incident", "Mutation", "Wire"],
            path: "Sources/Simulation",
            swiftSettings: house
        ),

        // Executables: parse, wire, run.
        executable(
            "enlace",
            [
                "Archive", "Audit", "AuditStage", "Border", "Bytes", "Daemon", "EventJSON", "Expression",
                "GatewayClient", "Generator", "Incident", "Outbox", "Platform",
                "ReferenceData", "Relevance", "Settings", "Supervisor", "TailStage", "Wire", argumentParser, logging,
                signals,
            ]
        ),
        executable(
            "enlace-producer",
            ["Bytes", "Daemon", "Platform", "ProducerStage", "ReferenceData", "Settings", argumentParser, signals]
        ),
        executable(
            "enlace-enricher",
            ["Bytes", "Daemon", "EnricherStage", "Incident", "Platform", "ReferenceData", "Settings", argumentParser]
        ),
        executable(
            "enlace-measure",
            [
                "Bytes", "Daemon", "EventJSON", "Measurement", "Incident", "Platform", "ReferenceData", "Relevance",
                "Settings",
                argumentParser,
            ]
        ),
        executable("enlace-sim", ["Bytes", "Daemon", "Mutation", "Platform", "Simulation", argumentParser]),
        executable("enlace-sink", ["Daemon", "Platform", "Settings", "SinkStage", argumentParser]),

        // Tests.
        .target(
            name: "FuzzBodies",
            dependencies: [
                "Archive", "Bytes", "EventJSON", "Expression", "Incident", "Platform", "ProducerStage",
                "ReferenceData", "Relevance", "Settings", "SinkStage", "TailStage", "Wire", "CSimdJSON",
            ],
            path: "Tests/Fuzz/Bodies",
            swiftSettings: house
        ),
        .testTarget(
            name: "FuzzTests",
            dependencies: ["FuzzBodies"],
            path: "Tests/Fuzz/Corpora",
            swiftSettings: house
        ),
        tests("ArchiveTests", ["Archive", "Bytes", "Simulation", "Wire", "CPlatform"]),
        tests(
            "AuditStageTests",
            ["Archive", "Audit", "AuditStage", "Bytes", "EventJSON", "Expression", "Outbox", "Platform", "Wire"]
        ),
        tests("AuditTests", ["Audit", "Bytes", "Wire"]),
        tests("BorderTests", ["Border", "Incident"]),
        tests("DeliveryTests", ["Bytes", "Delivery", "Wire"]),
        tests("EventJSONTests", ["Bytes", "Expression", "Incident", "EventJSON", "CSimdJSON"]),
        tests("ExpressionTests", ["Expression"]),
        tests("GeneratorTests", ["Generator", "Bytes"]),
        tests("OutboxTests", ["Simulation", "Outbox", "Bytes", "Wire"]),
        tests("PlatformTests", ["Platform", "Bytes", "Wire"]),
        tests("RelevanceTests", ["Bytes", "EventJSON", "Incident", "ReferenceData", "Relevance"]),
        tests("SettingsTests", ["Bytes", "Settings", "Wire", argumentParser]),
        tests("SimulationTests", ["Archive", "Bytes", "Simulation"]),
        tests("SupervisorTests", ["Processes", "Supervisor"]),
        tests("TelemetryTests", ["Telemetry"]),
        tests("WireTests", ["Bytes", "Wire"]),
        tests("ZeroMQTests", ["ZeroMQ"]),
    ] + (isFuzzing ? fuzzing : []),
    cxxLanguageStandard: .cxx17
)
