import EventJSON

/// Which archive a tail follows, as the sink names it: positions mean something only within it.
struct ArchiveIdentity: Hashable, CustomStringConvertible {
    var archive: String
    var generation: UInt64

    /// Reads it from what the sink sent; nil when it does not say.
    init?(_ value: JSONValue?) {
        guard let archive = value?["archive"]?.string, let generation = value?["generation"]?.unsigned else {
            return nil
        }
        self.archive = archive
        self.generation = generation
    }

    var description: String { "\(archive), generation \(generation)" }
}

/// The archive was replaced while it was followed: what has been shown and what would come do not belong together.
public struct ArchiveReplaced: Error, CustomStringConvertible {
    let followed: ArchiveIdentity
    let found: ArchiveIdentity
    let next: String

    /// In words, with what to do about it.
    public var description: String {
        let reached = next.isEmpty ? "" : " (it had come to \(next))"
        if followed.archive != found.archive {
            return "the archive was replaced while it was followed\(reached): it was \(followed.archive), now it is "
                + "\(found.archive); positions of the one mean nothing in the other; begin again with --from begin"
        }
        return "an older copy of the archive was put in place while it was followed\(reached): it was in generation "
            + "\(followed.generation), now it is in \(found.generation), and positions may stand for other events; "
            + "look with enlace archive cat where the events that you have end, and begin again with --from POSITION"
    }
}
