import Archive
import Bytes
import Wire

/// What must hold of an archive, whatever happened: exactly once, in order, nothing missing that is not told of.
struct FinalChecks {
    let world: World
    let oracle: ArchiveOracle
    let occasion: String

    init(_ world: World, _ disk: SimulatedDisk, _ occasion: String) {
        self.world = world
        self.occasion = occasion
        oracle = ArchiveOracle(disk, world.stations, world.book, world.crc)
    }

    private var book: Book { world.book }

    private func violate(_ words: String) { book.violate("\(occasion): \(words)") }

    /// Everything that was accepted, once.
    func run() {
        for words in oracle.complaints { violate(words) }
        var times: [Book.Place: Int] = [:]
        for entry in oracle.entries {
            times[entry.place, default: 0] += 1
            guard let event = book.accepted[entry.place] else {
                violate("\(entry.station)@\(entry.offset) was never accepted (sequence \(entry.place.sequence))")
                continue
            }
            if event != entry.event { violate("\(entry.station)@\(entry.offset) is another event than was accepted") }
            // One that killed only for a while may have been set aside or not.
            let known = book.events[event]
            if entry.isUnenriched ? !known.isPoison : known.deathsLeft == .max {
                violate("\(book.events[event].id) is archived \(entry.isUnenriched ? "without" : "with") tags")
            }
        }
        var missing = 0
        for (place, event) in book.accepted {
            switch times[place, default: 0] {
            case 1: break
            case 0: if !isExcused(place, &missing) { violate("\(book.events[event].id) is lost (\(place))") }
            default: violate("\(book.events[event].id) is archived \(times[place] ?? 0) times")
            }
        }
        // A purged segment may have held gaps as well; its manifest, which stays, has them.
        if missing > damagedOffsets, oracle.brokenRecords == 0, book.purged.isEmpty {
            violate("\(missing) events are missing, and only \(damagedOffsets) offsets are damaged")
        }
        checkOrder()
    }

    private var damagedOffsets: Int { oracle.damaged.values.reduce(0) { $0 + $1.reduce(0) { $0 + $1.count } } }

    /// Whether an event may be missing: its outbox was taken away before it was archived, or the archive says so.
    private func isExcused(_ place: Book.Place, _ missing: inout Int) -> Bool {
        if book.forgiven.contains(place) { return true }
        if oracle.gaps.contains(where: { $0.producer == place.producer && $0.sequences.contains(place.sequence) }) {
            return book.mayLoseArchived
        }
        // Whose outbox is gone too can tell nobody what an older archive lacks.
        if book.mayLoseArchived, book.gone.contains(place.producer) { return true }
        guard book.mayLoseArchived || !book.purged.isEmpty else { return false }
        missing += 1
        return true
    }

    /// Each producer's sequences rise along the offsets: on the main line, and in every epoch.
    private func checkOrder() {
        struct Stretch: Hashable {
            var producer: Identifier128
            var epoch: UInt64?
        }
        var last: [Stretch: UInt64] = [:]
        for entry in oracle.entries {
            var stretches = [Stretch(producer: entry.place.producer, epoch: entry.place.epoch)]
            if !entry.isFork { stretches.append(Stretch(producer: entry.place.producer)) }
            for stretch in stretches {
                if let before = last[stretch], before >= entry.place.sequence {
                    violate(
                        "sequence \(entry.place.sequence) stands behind \(before) at \(entry.station)@\(entry.offset)"
                    )
                }
                last[stretch] = entry.place.sequence
            }
        }
    }

    /// What the tails have shown is what is archived, all of it, once, in order.
    func checkTails() {
        var archived: [StationName: [UInt64: [UInt8]]] = [:]
        for entry in oracle.entries { archived[entry.station, default: [:]][entry.offset] = entry.line }
        for tail in world.tails {
            for station in world.stations { check(tail, station, archived[station] ?? [:]) }
        }
    }

    private func check(_ tail: TailNode, _ station: StationName, _ archived: [UInt64: [UInt8]]) {
        let shown = tail.durableShown[station] ?? []
        for (before, event) in zip(shown, shown.dropFirst()) where event.offset <= before.offset {
            violate("\(tail.id) shows \(station)@\(event.offset) behind @\(before.offset)")
        }
        let mayDiffer = book.mayLoseArchived || !book.purged.isEmpty
        for event in shown where archived[event.offset] != event.line && !mayDiffer {
            let what = archived[event.offset] == nil ? "which is not archived" : "which is archived otherwise"
            violate("\(tail.id) has shown \(station)@\(event.offset), \(what)")
        }
        let seen = Set(shown.map(\.offset))
        for offset in archived.keys.sorted() where !seen.contains(offset) && !mayDiffer {
            violate("\(tail.id) has not shown \(station)@\(offset)")
        }
    }
}
