import Archive
import Bytes
import Testing

@testable import Simulation

@Suite struct SimulationTests {
    @Test func `the same seed does the same again`() {
        let first = Simulation(SimulationOptions(seed: 12), crc: .portable).run(isTracing: true)
        let second = Simulation(SimulationOptions(seed: 12), crc: .portable).run(isTracing: true)
        #expect(first.violations.isEmpty && first.trace == second.trace)
        #expect(first.trace != Simulation(SimulationOptions(seed: 13), crc: .portable).run(isTracing: true).trace)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `a schedule keeps every promise`(_ seed: UInt64) {
        let outcome = Simulation(SimulationOptions(seed: seed), crc: .portable).run()
        #expect(outcome.violations.isEmpty)
        #expect(outcome.events >= 200 && outcome.faults >= 20)
    }
}

@Suite struct SimulatedDiskTests {
    private func bytes(_ disk: SimulatedDisk, _ path: String) -> [UInt8]? { disk.names[path]?.visible }

    private func write(_ file: any DiskFile, _ text: String, at offset: Int = 0) throws {
        let bytes = Array(text.utf8)
        try bytes.withUnsafeBytes { try file.write($0, at: offset) }
    }

    @Test func `a power cut keeps what is synced, and of the rest only what chance keeps`() throws {
        var dice = Dice(seed: 1)
        var outcomes: Set<String> = []
        for _ in 0..<100 {
            let disk = SimulatedDisk()
            let file = try disk.open("/a", .update)
            try write(file, "safe")
            try file.sync()
            try disk.syncDirectory("")
            try write(file, "lost", at: 4)
            _ = try disk.open("/b", .update)
            #expect(bytes(disk, "/a") == Array("safelost".utf8))
            disk.cutPower(&dice)
            let kept = String(decoding: try #require(bytes(disk, "/a")), as: UTF8.self)
            #expect(kept.hasPrefix("safe") && "safelost".hasPrefix(kept))
            outcomes.insert(kept + (bytes(disk, "/b") == nil ? "" : "+b"))
        }
        // Nothing, all, and torn; with and without the new name.
        #expect(outcomes.count >= 5 && outcomes.contains("safe") && outcomes.contains("safelost+b"))
    }

    @Test func `a name is durable once its directory is synced`() throws {
        var dice = Dice(seed: 2)
        for _ in 0..<50 {
            let disk = SimulatedDisk()
            let file = try disk.open("/new.tmp", .replace)
            try write(file, "x")
            try file.sync()
            try disk.rename("/new.tmp", to: "/new")
            try disk.syncDirectory("")
            disk.cutPower(&dice)
            #expect(bytes(disk, "/new") == Array("x".utf8) && bytes(disk, "/new.tmp") == nil)
        }
    }

    @Test func `after a sync that failed what is visible never becomes durable`() throws {
        var dice = Dice(seed: 3)
        let disk = SimulatedDisk()
        let file = try disk.open("/a", .update)
        try disk.syncDirectory("")
        try write(file, "gone")
        disk.failsNextSync = true
        #expect(throws: ArchiveError.self) { try file.sync() }
        try file.sync()
        #expect(bytes(disk, "/a") == Array("gone".utf8))
        disk.cutPower(&dice)
        #expect(bytes(disk, "/a") == [])
    }

    @Test func `a full disk takes what fits and half of what does not`() throws {
        let disk = SimulatedDisk()
        let file = try disk.open("/a", .update)
        disk.room_bytes = 6
        try write(file, "1234")
        #expect(throws: ArchiveError.self) { try write(file, "5678", at: 4) }
        #expect(bytes(disk, "/a") == Array("123456".utf8))
        disk.isFull = false
        try write(file, "5678", at: 4)
        #expect(bytes(disk, "/a") == Array("12345678".utf8))
    }
}
