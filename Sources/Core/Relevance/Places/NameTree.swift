/// Names of one or more words, known by the hashes of their words; walked word by word.
///
/// Looking for the names at a word costs one probe for each word of the longest name, however many names there are.
struct NameTree: Sendable {
    private struct Slot {
        /// Node and word together; 0 is an empty slot.
        var key: UInt64 = 0
        var target: Int32 = 0
    }

    private var slots: [Slot]
    private var mask: Int
    private var used = 0
    /// The entries whose name ends at a node.
    private var lists: [[Int32]] = [[]]
    /// The same, flat: filled by `seal`.
    private var ranges: [Range<Int32>] = []
    private var flat: [Int32] = []

    init() {
        slots = Array(repeating: Slot(), count: 1024)
        mask = 1023
    }

    private static func key(_ node: Int32, _ word: UInt64) -> UInt64 {
        var value = word ^ (UInt64(UInt32(bitPattern: node)) &+ 1) &* 0x9E37_79B9_7F4A_7C15
        value = (value ^ (value >> 32)) &* 0xD6E8_FEB8_6659_FD93
        return (value ^ (value >> 29)) | 1
    }

    /// The node behind `node` by a word; nil when no name goes on like that.
    @inline(__always)
    func next(_ node: Int32, _ word: UInt64) -> Int32? {
        let key = Self.key(node, word)
        var at = Int(truncatingIfNeeded: key >> 20) & mask
        while slots[at].key != 0 {
            if slots[at].key == key { return slots[at].target }
            at = (at &+ 1) & mask
        }
        return nil
    }

    /// The entries that are named by the words up to a node.
    @inline(__always)
    func entries(_ node: Int32) -> Range<Int32> { ranges[Int(node)] }

    /// An entry by its place in the lists.
    @inline(__always)
    func entry(_ at: Int32) -> Int { Int(flat[Int(at)]) }

    mutating func add(_ words: [UInt64], entry: Int32) {
        guard !words.isEmpty else { return }
        var node: Int32 = 0
        for word in words {
            if let known = next(node, word) {
                node = known
                continue
            }
            if used * 2 >= slots.count { grow() }
            lists.append([])
            let target = Int32(lists.count - 1)
            insert(Slot(key: Self.key(node, word), target: target))
            used += 1
            node = target
        }
        if !lists[Int(node)].contains(entry) { lists[Int(node)].append(entry) }
    }

    /// Ends the building.
    mutating func seal() {
        for list in lists {
            flat += list
            ranges.append(Int32(flat.count - list.count)..<Int32(flat.count))
        }
        lists = []
    }

    private mutating func insert(_ slot: Slot) {
        var at = Int(truncatingIfNeeded: slot.key >> 20) & mask
        while slots[at].key != 0 { at = (at + 1) & mask }
        slots[at] = slot
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(), count: old.count * 2)
        mask = slots.count - 1
        for slot in old where slot.key != 0 { insert(slot) }
    }
}
