import Bytes
@testable import Platform
import Testing
import Wire

@Suite("The run directory")
struct RunDirectoryTests {
    let temporary = TemporaryDirectory()
    let nogales = StationName("nogales")!
    let puerto = StationName("puerto-penasco")!

    @Test func `endpoints have the names that other processes look for`() throws {
        let run = RunDirectory(path: "/run/enlace//")
        #expect(
            try run.endpoint(.producerGateways(nogales, "main")) == "ipc:///run/enlace/producer.nogales.main.gateways"
        )
        #expect(
            try run.endpoint(.producerWorkers(puerto, "b2")) == "ipc:///run/enlace/producer.puerto-penasco.b2.workers"
        )
        #expect(try run.endpoint(.sinkIntake) == "ipc:///run/enlace/sink.intake")
        #expect(try run.endpoint(.sinkControl) == "ipc:///run/enlace/sink.control")
        #expect(try run.endpoint(.sinkReplay) == "ipc:///run/enlace/sink.replay")
        #expect(try run.endpoint(.sinkLive) == "ipc:///run/enlace/sink.live")
        #expect(run.statusPath == "/run/enlace/status")
    }

    @Test func `a path too long for ipc is refused with its length and what to do`() throws {
        let run = RunDirectory(path: "/tmp/" + String(repeating: "é", count: 50))
        let error = #expect(throws: PlatformError.self) { try run.endpoint(.sinkIntake) }
        #expect(error?.code == .nameTooLong)
        #expect(error?.description.contains("117 bytes and may have \(Limits.ipcPathBytes)") == true)
        #expect(error?.description.contains("--run-dir") == true)
        let longest = RunDirectory(path: "/" + String(repeating: "x", count: Limits.ipcPathBytes - 1 - 12))
        #expect(try longest.endpoint(.sinkIntake).utf8.count == Limits.ipcPathBytes + 6)
    }

    @Test(arguments: ["", "Main", "a.b", "a/b", "-a", String(repeating: "n", count: 33)])
    func `a producer name that would not be found again is refused`(name: String) {
        let error = #expect(throws: PlatformError.self) {
            try RunDirectory(path: "/tmp").endpoint(.producerWorkers(nogales, name))
        }
        #expect(error?.code == .invalidName)
    }

    @Test func `producers are found by their endpoints, by station`() throws {
        let run = RunDirectory(path: temporary.path + "/run")
        #expect(run.discoverProducers().isEmpty)
        try run.create()
        for name in [
            "producer.nogales.main.workers", "producer.nogales.main.workers.lock", "producer.nogales.main.gateways",
            "producer.nogales.second.workers", "producer.puerto-penasco.main.workers", "producer.Bad.main.workers",
            "producer.nogales.workers", "sink.intake",
        ] {
            try Files.writeAtomically(run.path + "/" + name, [], durable: false)
        }
        #expect(run.discoverProducers(station: nogales).map(\.name) == ["main", "second"])
        #expect(
            run.discoverProducers().map { "\($0.station).\($0.name)" }
                == ["nogales.main", "nogales.second", "puerto-penasco.main"]
        )
    }

    @Test func `defaults follow XDG for a user and the system for root`() {
        #expect(DefaultDirectories.run(runtimeDirectory: "/run/user/7", user: 0) == "/run/enlace")
        #expect(DefaultDirectories.run(runtimeDirectory: "/run/user/7", user: 7) == "/run/user/7/enlace")
        #expect(DefaultDirectories.run(runtimeDirectory: nil, user: 7) == "/tmp/enlace-7")
        #expect(DefaultDirectories.state(stateHome: "/s", home: "/h", user: 0) == "/var/lib/enlace")
        #expect(DefaultDirectories.state(stateHome: "/s", home: "/h", user: 7) == "/s/enlace")
        #expect(DefaultDirectories.state(stateHome: nil, home: "/h", user: 7) == "/h/.local/state/enlace")
        #expect(DefaultDirectories.state(stateHome: nil, home: nil, user: 7) == "/tmp/enlace-7/state")
    }
}
