import Archive
import Bytes
import Foundation
import Testing
import Wire

@testable import Simulation

/// What one call added to a station: lines, or the record of a gap.
private struct Entry {
    var producer: Identifier128
    var line: UInt8
    var bytes: [UInt8]
    var last: UInt64
}

/// An archive, and beside it what was acknowledged and what was only appended.
private final class CrashDriver {
    let disk: any CrashingDisk
    let root: String
    var dice: Dice
    private var options = ArchiveOptions()
    private var writer: ArchiveWriter?
    private var closes: [SegmentClose] = []
    private var acknowledged: [String: [Entry]] = [:]
    private var pending: [String: [Entry]] = [:]
    private var clock = start
    private let names = ["nogales", "douglas"]
    let comment: Comment

    init(_ disk: any CrashingDisk, root: String, seed: UInt64, comment: Comment) {
        (self.disk, self.root, dice, self.comment) = (disk, root, Dice(seed: seed), comment)
        options.segmentBytes = 4_000
        options.segmentSeconds = 300
        options.syncWorkers = 0
    }

    /// Opens it, and again when it dies at that, and compares.
    func restart() throws {
        (writer, closes) = (nil, [])
        var died = 0
        while true {
            (disk as? SimulatedDisk)?.isFull = false
            if disk.hasCrashed, let simulated = disk as? SimulatedDisk, dice.chance(perMille: 500) {
                simulated.cutPower(&dice)
            }
            disk.revive()
            if died < 3, dice.chance(perMille: 300) { disk.operationsUntilCrash = dice.roll(90) }
            do {
                let opened = try ArchiveWriter(
                    directory: root,
                    options: options,
                    disk: disk,
                    now: clock,
                    newIdentifier: { Identifier128(high: 7, low: 7) },
                    crc: crc
                )
                disk.operationsUntilCrash = nil
                (writer, closes) = (opened, opened.takeCloseWork())
                return try compare()
            } catch {
                guard disk.hasCrashed else { throw error }
                died += 1
            }
        }
    }

    private func watermarks(_ entries: [Entry]) -> [Identifier128: [UInt8: UInt64]] {
        entries.reduce(into: [:]) { $0[$1.producer, default: [:]][$1.line] = $1.last }
    }

    /// What is there is what was acknowledged, and behind it, in their order, some of what was not.
    private func compare() throws {
        let writer = try #require(writer)
        for name in names {
            let found = try readAll(root, disk: disk, name, limit: 3_000)
            #expect(found.damaged.isEmpty, comment)
            let reached = writer.producers.filter { $0.station.description == name }.reduce(
                into: [Identifier128: [UInt8: UInt64]]()
            ) { result, entry in
                result[entry.id] = Dictionary(uniqueKeysWithValues: entry.lines.map { ($0.number, $0.committed) })
            }
            let safe = acknowledged[name] ?? []
            let more = pending[name] ?? []
            let kept = (0...more.count).first { count in
                let entries = safe + more[..<count]
                return entries.flatMap(\.bytes) == found.bytes && watermarks(entries) == reached
            }
            #expect(kept != nil, "\(comment): \(name) holds \(found.bytes.count) bytes, \(reached)")
            acknowledged[name] = safe + more[..<(kept ?? 0)]
        }
        pending = [:]
        let report = try ArchiveVerifier.verify(directory: root, disk: disk, crc: crc)
        #expect(report.isSound, "\(comment): \(report.text)")
    }

    /// One random operation; restarts when the process dies at it.
    func step() throws {
        clock = Timestamp(microseconds: clock.microseconds + Int64(dice.roll(100_000_000)))
        if dice.chance(perMille: 30) { return try restart() }
        do { try operation() } catch let error as ArchiveError {
            if error.isTemporary {
                // Everything since the last sync is forgotten, and the producers send it again.
                pending = [:]
                return
            }
            guard disk.hasCrashed else { throw error }
            try restart()
        }
    }

    private func operation() throws {
        let writer = try #require(writer)
        switch dice.roll(12) {
        case 0...4: try add(writer)
        case 5...7:
            try writer.sync()
            acknowledge()
        case 8:
            if pending.values.allSatisfy(\.isEmpty) { try writer.rotateIfDue(now: clock) }
            closes += writer.takeCloseWork()
            while let next = closes.first {
                do throws(ArchiveError) { try next.run() } catch {
                    // Without room a manifest waits; what is appended does not mind.
                    if error.isTemporary { return }
                    throw error
                }
                closes.removeFirst()
            }
        case 9: try gap(writer)
        case 10:
            guard let simulated = disk as? SimulatedDisk else { return }
            simulated.room_bytes = dice.chance(perMille: 400) ? dice.roll(1_500) : nil
        default: break
        }
    }

    private func acknowledge() {
        for (name, entries) in pending { acknowledged[name, default: []] += entries }
        pending = [:]
    }

    private func last(_ name: String, _ producer: Identifier128, _ line: UInt8) -> UInt64? {
        watermarks((acknowledged[name] ?? []) + (pending[name] ?? []))[producer]?[line]
    }

    private func add(_ writer: ArchiveWriter) throws {
        let (name, producer) = (names[dice.roll(2)], [alpha, beta][dice.roll(2)])
        let main = last(name, producer, 0)
        let isFork = (main ?? 0) > 3 && dice.chance(perMille: 200)
        // A fork goes on from a place behind which the main line already is.
        let before = isFork ? last(name, producer, 1) ?? (main ?? 0) - 2 : main ?? 0
        let (count, skip) = (dice.pick(1...9), dice.chance(perMille: 150) ? 1 : 0)
        guard skip == 0 || before > 0 else { return }
        let (first, epoch) = (before + 1 - UInt64(skip), UInt64(isFork ? 2 : 1))
        try append(
            writer,
            name,
            producer,
            first,
            count + skip,
            epoch: epoch,
            fork: isFork,
            skip: UInt32(skip),
            at: clock
        )
        let kept = lines(producer, before + 1, count, epoch: epoch)
        pending[name, default: []].append(
            Entry(producer: producer, line: isFork ? 1 : 0, bytes: kept, last: before + UInt64(count))
        )
    }

    private func gap(_ writer: ArchiveWriter) throws {
        guard dice.chance(perMille: 300) else { return }
        let (name, producer) = (names[dice.roll(2)], [alpha, beta][dice.roll(2)])
        guard let before = last(name, producer, 0) else { return }
        let through = before + UInt64(dice.pick(1...20))
        pending[name, default: []].append(Entry(producer: producer, line: 0, bytes: [], last: through))
        _ = try writer.recordGap(
            station: try station(name),
            producer: producer,
            parts: [(epoch: 1, from: before + 1, through: through)],
            now: clock
        )
        acknowledge()
    }
}

/// Nothing that was acknowledged is missing, doubled or out of order, wherever the process dies.
@Suite struct CrashModelTests {
    private func run(_ driver: CrashDriver, steps: Int, crashPerMille: Int) throws {
        try driver.restart()
        for _ in 0..<steps {
            if driver.disk.operationsUntilCrash == nil, driver.dice.chance(perMille: crashPerMille) {
                driver.disk.operationsUntilCrash = driver.dice.roll(40)
            }
            try driver.step()
        }
        try driver.restart()
    }

    @Test(arguments: UInt64(1)...40) func `kills, power cuts and full disks, anywhere`(_ seed: UInt64) throws {
        let driver = CrashDriver(SimulatedDisk(), root: "/archive", seed: seed, comment: "seed \(seed)")
        try run(driver, steps: 100, crashPerMille: 150)
    }

    @Test(arguments: UInt64(1)...12) func `kills on real files, anywhere`(_ seed: UInt64) throws {
        let scratch = try Scratch()
        let driver = CrashDriver(CrashingSystemDisk(), root: scratch.path + "/a", seed: seed, comment: "seed \(seed)")
        try run(driver, steps: 60, crashPerMille: 200)
    }

    @Test(arguments: UInt64(1)...2) func `a crash at every single operation`(_ seed: UInt64) throws {
        var crashAt = 0
        var hasCrashed = true
        while hasCrashed {
            let comment: Comment = "seed \(seed), crash at operation \(crashAt)"
            let driver = CrashDriver(SimulatedDisk(), root: "/archive", seed: seed, comment: comment)
            try driver.restart()
            driver.disk.operationsUntilCrash = crashAt
            for _ in 0..<16 {
                let isArmed = driver.disk.operationsUntilCrash != nil
                try driver.step()
                hasCrashed = isArmed && driver.disk.operationsUntilCrash == nil
                if hasCrashed { break }
            }
            for _ in 0..<3 { try driver.step() }
            try driver.restart()
            crashAt += 1
        }
        #expect(crashAt > 30)
    }
}
