import Archive
import Bytes
import Foundation
import Testing
import Wire

/// xorshift64*, so that a failing seed can be run again.
private struct Dice {
    var state: UInt64
    mutating func roll(_ sides: Int) -> Int {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return Int((state &* 2_685_821_657_736_338_717) >> 33) % sides
    }
}

@Suite struct ModelTests {
    @Test(arguments: 1...12) func `the archive is what was committed, whatever happens between`(_ seed: Int) throws {
        let scratch = try Scratch()
        var dice = Dice(state: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15)
        var options = ArchiveOptions()
        options.segmentBytes = 6_000
        options.syncWorkers = dice.roll(4)
        let names = ["nogales", "douglas"]
        let producers = [alpha, beta]
        var committed: [String: [UInt8]] = [:]
        var pending = committed
        var sequences: [String: UInt64] = [:]
        var kept = sequences
        var now = start
        var writer: ArchiveWriter? = try open(scratch, options, at: now)
        for _ in 0..<120 {
            now = Timestamp(microseconds: now.microseconds + Int64(dice.roll(400_000_000)))
            let choice = dice.roll(10)
            if choice == 9 {
                // The process dies: what was not synced is written but not known.
                writer = nil
                (pending, sequences) = (committed, kept)
                writer = try open(scratch, options, at: now)
                if dice.roll(2) == 0, let writer { try closeSegments(writer) }
            }
            let current = try #require(writer)
            switch choice {
            case 0...4:
                let (name, producer) = (names[dice.roll(2)], producers[dice.roll(2)])
                let key = name + "\(producer)"
                let (first, count) = ((sequences[key] ?? 0) + 1, dice.roll(12) + 1)
                try append(current, name, producer, first, count, at: now)
                pending[name, default: []] += lines(producer, first, count)
                sequences[key] = first + UInt64(count) - 1
            case 5...7:
                try current.sync()
                (committed, kept) = (pending, sequences)
            case 8:
                if current.unsyncedBytes == 0 { try current.rotateIfDue(now: now) }
                if dice.roll(2) == 0 { try closeSegments(current) }
            default: break
            }
            for name in names { #expect(try readAll(scratch, name).bytes == committed[name] ?? []) }
        }
        #expect(try verify(scratch).isSound)
        for entry in writer?.producers ?? [] {
            #expect(entry.lines.first?.committed == kept["\(entry.station)\(entry.id)"])
        }
    }
}
