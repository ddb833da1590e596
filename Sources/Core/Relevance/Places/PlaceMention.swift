import Bytes

/// A name of places in a text, and what the words beside it say.
struct PlaceMention {
    /// What the name is in its sentence, the best last.
    enum Role: UInt8, Comparable {
        /// A street, a person, a team, where somebody comes from or goes: not where it happened.
        case elsewhere
        /// Nothing beside it says anything.
        case bare
        /// Something was done there before: stolen, bought.
        case earlier
        /// An authority of the place.
        case authority
        /// It happened near it.
        case near
        /// It happened in it.
        case at

        static func < (left: Role, right: Role) -> Bool { left.rawValue < right.rawValue }
    }

    /// Its entries, as the name tree lists them.
    var entries: Range<Int32>
    var role: Role
    /// Whether somebody or something comes from it: people are pulled from rivers, but a man from a town is elsewhere.
    var isOrigin = false
    /// Whether it lies in the part of the world that the text is about, though nothing happened there.
    var isContext = false
    /// Whether somebody is cared for there.
    var isCare = false
    /// Whether the text begins with it as news do.
    var isDateline = false
    /// How far from it, when the words say so, in metres.
    var distance_m: Double
    /// The state that stands behind it: an entry, or -1.
    var state: Int32
    /// Whether the name is a common word or surname as well.
    var isCommon: Bool
    /// Bytes of the text, the state behind it not among them.
    var start: Int32
    var end: Int32
}
