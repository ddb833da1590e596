import CPlatform
import Glibc

/// Walks the pages of an LMDB file before LMDB is trusted with it.
///
/// LMDB maps the file and believes what it finds there: a page that a disk lost, or a file that was cut off, ends the
/// process by a signal, or gives a page that is in use to somebody else. This reads every page of the trees, once a
/// start. What lies on pages of its own (batches) is not read: it has checksums.
struct EnvironmentCheck: ~Copyable {
    /// What is wrong with the file, in words.
    private enum Found: Error {
        case damage(String)
        case system(Int32)
    }

    /// A tree as its record describes it.
    private struct Tree {
        var flags: UInt16
        var depth: Int
        var entries: UInt64
        var root: UInt64

        static let encodedBytes = 48
        static let none = UInt64.max

        init(_ bytes: [UInt8], at: Int) {
            flags = bytes.load(UInt16.self, at + 4)
            depth = Int(bytes.load(UInt16.self, at + 6))
            entries = bytes.load(UInt64.self, at + 32)
            root = bytes.load(UInt64.self, at + 40)
        }
    }

    /// One of the two pages that a commit ends with.
    private struct Meta {
        var free: Tree
        var main: Tree
        var lastPage: UInt64
        var transaction: UInt64
    }

    private enum Flag {
        static let branch: UInt16 = 1
        static let leaf: UInt16 = 2
        static let meta: UInt16 = 8
        /// Of a node: its value lies on pages of its own.
        static let bigValue: UInt16 = 1
        /// Of a node: its value is the record of a tree.
        static let tree: UInt16 = 2
        /// Of a tree: its keys are numbers of this machine.
        static let integerKey: UInt16 = 8
    }

    private static let headerBytes = 16

    private let descriptor: Int32
    private var fileBytes: UInt64 = 0
    private var pageBytes = 4_096
    private var lastPage: UInt64 = 1
    /// One bit a page: it belongs to a tree or a value, or is free.
    private var known: [UInt64] = []

    /// The commit whose pages are walked.
    private var transaction: UInt64?

    private init(_ path: String) throws(Found) {
        descriptor = enlace_open(path, O_RDONLY, 0)
        guard descriptor >= 0 else { throw .system(errno) }
    }

    deinit { close(descriptor) }

    /// Throws `.damaged` when the file in an outbox's directory is not what LMDB wrote. One that is not there, or
    /// empty, is new. A writer may run beside it: what it changes under the walk is looked at again.
    static func run(_ directory: String) throws(OutboxError) {
        let path = directory + "/data.mdb"
        var status = stat()
        guard stat(path, &status) == 0 else {
            guard errno == ENOENT else { throw .last("look at", path) }
            return
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .damaged(path: directory, what: "data.mdb is not a file")
        }
        guard status.st_size > 0 else { return }
        do throws(Found) {
            var found: Found?
            for _ in 0..<8 {
                var check = try EnvironmentCheck(path)
                do throws(Found) { return try check.walk() } catch {
                    // What a commit has replaced meanwhile says nothing.
                    if case .system = error { throw error }
                    // A commit may just be writing the page that says so.
                    found = error
                    if let transaction = check.transaction {
                        if try check.isNewest(transaction) { throw error }
                        found = nil
                    }
                }
                sched_yield()
            }
            // Without one, commits follow each other faster than pages can be read: who writes them has looked.
            if let found { throw found }
        } catch {
            switch error {
            case .damage(let what): throw .damaged(path: directory, what: "data.mdb: \(what)")
            case .system(let number): throw .system(operation: "read", path: path, errorNumber: number)
            }
        }
    }

    private mutating func walk() throws(Found) {
        let meta = try newest()
        transaction = meta.transaction
        lastPage = meta.lastPage
        // Behind the meta page: a commit makes the file longer before it writes that.
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(errno) }
        fileBytes = UInt64(status.st_size)
        guard lastPage >= 1, lastPage < 1 << 40 else { throw .damage("its number of pages is wrong") }
        // Pages at the end that were given back in the commit that took them were never written.
        let pages = max(lastPage + 1, fileBytes / UInt64(pageBytes))
        guard pages <= 4 * (fileBytes / UInt64(pageBytes)) + 65_536 else {
            throw .damage("it was cut off, or its number of pages is wrong")
        }
        known = [UInt64](repeating: 0, count: Int(pages / 64 + 1))
        known[0] = 3
        guard meta.main.flags == 0, meta.free.flags == Flag.integerKey else {
            throw .damage("the kind of its trees is wrong")
        }
        try walk(meta.main, kind: .main)
        try walk(meta.free, kind: .free)
        // Nearly every page is in use or free; with a last one far behind them the map would be full at once.
        let highest = known.lastIndex { $0 != 0 }.map { $0 * 64 + 63 } ?? 0
        guard lastPage <= UInt64(highest) + 1_024 else { throw .damage("its number of pages is wrong") }
    }

    /// Whether this commit is still the last one; two that do not follow each other are a sign of a writer at work.
    private mutating func isNewest(_ transaction: UInt64) throws(Found) -> Bool {
        do throws(Found) { return try newest().transaction == transaction } catch {
            if case .system = error { throw error }
            return false
        }
    }

    private mutating func newest() throws(Found) -> Meta {
        let first = try meta(0)
        let second = try meta(1)
        // They take turns: a commit with an even number goes to the first, with an odd one to the second.
        let isNew = first.transaction == 0 && second.transaction == 0
        let (low, high) = (min(first.transaction, second.transaction), max(first.transaction, second.transaction))
        guard isNew || high == low + 1 && first.transaction & 1 == 0 && second.transaction & 1 == 1 else {
            throw .damage("its two last commits do not follow each other")
        }
        return first.transaction < second.transaction ? second : first
    }

    private mutating func meta(_ number: UInt64) throws(Found) -> Meta {
        let page: [UInt8]
        do throws(Found) { page = try read(number, limit: false) } catch {
            guard case .damage = error else { throw error }
            throw .damage("it is shorter than its first two pages")
        }
        guard page.load(UInt64.self, 0) == number, page.load(UInt16.self, 10) == Flag.meta,
            page.load(UInt32.self, 16) == 0xBEEF_C0DE, page.load(UInt32.self, 20) == 1
        else { throw .damage("its page \(number) is not the first of an outbox") }
        let size = Int(page.load(UInt32.self, 40))
        guard (512...65_536).contains(size), size.nonzeroBitCount == 1, number == 0 || size == pageBytes else {
            throw .damage("the size of its pages is wrong")
        }
        pageBytes = size
        return Meta(
            free: Tree(page, at: 40),
            main: Tree(page, at: 88),
            lastPage: page.load(UInt64.self, 136),
            transaction: page.load(UInt64.self, 144)
        )
    }

    // MARK: - Pages

    private func read(_ page: UInt64, count: Int = 1, limit: Bool = true) throws(Found) -> [UInt8] {
        guard !limit || page <= lastPage else { throw .damage("page \(page) is behind its last one") }
        let wanted = pageBytes * count
        var filled = 0
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, initialized in
            while filled < wanted {
                let at = off_t(page) * off_t(pageBytes) + off_t(filled)
                let count = pread(descriptor, buffer.baseAddress?.advanced(by: filled), wanted - filled, at)
                if count < 0, errno == EINTR { continue }
                if count < 0 { failure = errno }
                guard count > 0 else { break }
                filled += count
            }
            initialized = filled
        }
        guard failure == 0 else { throw .system(failure) }
        guard filled == wanted else { throw .damage("it was cut off in front of page \(page)") }
        return bytes
    }

    /// Takes pages into account; each belongs to one place only.
    private mutating func take(_ page: UInt64, count: Int = 1) throws(Found) {
        guard page >= 2, page <= lastPage, UInt64(count) <= lastPage - page + 1 else {
            throw .damage("page \(page) is behind its last one")
        }
        for number in page..<page + UInt64(count) {
            let bit = UInt64(1) << (number & 63)
            guard known[Int(number >> 6)] & bit == 0 else { throw .damage("page \(number) is used twice") }
            known[Int(number >> 6)] |= bit
        }
    }

    // MARK: - Trees

    private enum Kind {
        case main, free, named
    }

    private mutating func walk(_ tree: Tree, kind: Kind) throws(Found) {
        guard tree.root != Tree.none else {
            guard tree.entries == 0, tree.depth == 0 else { throw .damage("a tree has lost its root") }
            return
        }
        guard (1...32).contains(tree.depth) else { throw .damage("the depth of a tree is wrong") }
        var entries: UInt64 = 0
        try walk(tree.root, levels: tree.depth, kind, low: nil, high: nil, &entries)
        guard entries == tree.entries else {
            throw .damage("a tree holds \(entries) entries and says \(tree.entries)")
        }
    }

    private mutating func walk(
        _ number: UInt64,
        levels: Int,
        _ kind: Kind,
        low: ArraySlice<UInt8>?,
        high: ArraySlice<UInt8>?,
        _ entries: inout UInt64
    ) throws(Found) {
        try take(number)
        let page = try read(number)
        let nodes = try nodes(page, number, isLeaf: levels == 1)
        for (index, node) in nodes.enumerated() {
            // The first key of a branch is not looked at.
            let isOpen = levels > 1 && index == 0
            let before = index > 0 && !(levels > 1 && index == 1) ? nodes[index - 1].key : nil
            guard isOpen || isOrdered(before, node.key, kind), isOpen || isOrdered(low, node.key, kind, orSame: true),
                isOpen || isOrdered(node.key, high, kind)
            else { throw .damage("the keys on page \(number) are not in order") }
            if levels > 1 {
                let lower = isOpen ? low : node.key
                let upper = index + 1 < nodes.count ? nodes[index + 1].key : high
                try walk(node.child, levels: levels - 1, kind, low: lower, high: upper, &entries)
            } else {
                entries += 1
                try value(node, page, number, kind)
            }
        }
    }

    private func isOrdered(
        _ first: ArraySlice<UInt8>?,
        _ second: ArraySlice<UInt8>?,
        _ kind: Kind,
        orSame: Bool = false
    ) -> Bool {
        guard let first, let second else { return true }
        if orSame, first == second { return true }
        guard kind == .free else { return first.lexicographicallyPrecedes(second) }
        guard first.count == 8, second.count == 8 else { return false }
        return first.reversed().lexicographicallyPrecedes(second.reversed())
    }

    private struct Node {
        var flags: UInt16
        var key: ArraySlice<UInt8>
        var child: UInt64
        var valueAt: Int
        var valueBytes: Int
    }

    /// The nodes of a page. They fill its end without a hole, so none can point into another one.
    private func nodes(_ page: [UInt8], _ number: UInt64, isLeaf: Bool) throws(Found) -> [Node] {
        let wrong = Found.damage("page \(number) is not what was written")
        let (lower, upper) = (Int(page.load(UInt16.self, 12)), Int(page.load(UInt16.self, 14)))
        guard page.load(UInt64.self, 0) == number, page.load(UInt16.self, 10) == (isLeaf ? Flag.leaf : Flag.branch),
            lower >= Self.headerBytes + (isLeaf ? 2 : 4), lower & 1 == 0, lower <= upper, upper <= pageBytes
        else { throw wrong }
        var nodes: [Node] = []
        var extents: [Range<Int>] = []
        for slot in stride(from: Self.headerBytes, to: lower, by: 2) {
            let at = Int(page.load(UInt16.self, slot))
            guard at >= upper, at + 8 <= pageBytes else { throw wrong }
            let flags = page.load(UInt16.self, at + 4)
            let keyBytes = Int(page.load(UInt16.self, at + 6))
            let low = UInt64(page.load(UInt32.self, at))
            let valueBytes = isLeaf ? Int(low) : 0
            let isBig = isLeaf && flags & Flag.bigValue != 0
            let end = at + 8 + keyBytes + (isBig ? 8 : valueBytes)
            guard end <= pageBytes, !isLeaf || flags & ~(Flag.bigValue | Flag.tree) == 0 else { throw wrong }
            extents.append(at..<(end + 1) & ~1)
            nodes.append(
                Node(
                    flags: isLeaf ? flags : 0,
                    key: page[at + 8..<at + 8 + keyBytes],
                    child: isLeaf ? 0 : low | UInt64(flags) << 32,
                    valueAt: at + 8 + keyBytes,
                    valueBytes: valueBytes
                )
            )
        }
        extents.sort { $0.lowerBound < $1.lowerBound }
        var at = upper
        for extent in extents {
            guard extent.lowerBound == at else { throw wrong }
            at = extent.upperBound
        }
        guard at == pageBytes else { throw wrong }
        return nodes
    }

    // MARK: - Values

    private mutating func value(_ node: Node, _ page: [UInt8], _ number: UInt64, _ kind: Kind) throws(Found) {
        guard (node.flags & Flag.tree != 0) == (kind == .main) else {
            throw .damage("page \(number) is not what was written")
        }
        guard node.flags & Flag.bigValue == 0 else {
            guard kind != .main else { throw .damage("page \(number) is not what was written") }
            let first = page.load(UInt64.self, node.valueAt)
            let count = (Self.headerBytes - 1 + node.valueBytes) / pageBytes + 1
            try take(first, count: count)
            guard (first + UInt64(count)) * UInt64(pageBytes) <= fileBytes else {
                throw .damage("it was cut off in front of page \(first + UInt64(count) - 1)")
            }
            if kind == .free {
                let pages = try read(first, count: count)
                try release(pages[Self.headerBytes..<Self.headerBytes + node.valueBytes])
            }
            return
        }
        let bytes = page[node.valueAt..<node.valueAt + node.valueBytes]
        switch kind {
        case .named: break
        case .free: try release(bytes)
        case .main:
            let tree = Tree(Array(bytes) + [UInt8](repeating: 0, count: Tree.encodedBytes), at: 0)
            guard bytes.count == Tree.encodedBytes, tree.flags == 0 else {
                throw .damage("the record of a tree is not what was written")
            }
            try walk(tree, kind: .named)
        }
    }

    /// A list of free pages: how many, and their numbers, falling.
    private mutating func release(_ bytes: ArraySlice<UInt8>) throws(Found) {
        let list = Array(bytes)
        guard list.count >= 8, list.count % 8 == 0, list.load(UInt64.self, 0) <= UInt64(list.count / 8 - 1) else {
            throw .damage("a list of free pages is not what was written")
        }
        var before = UInt64.max
        for index in 0..<Int(list.load(UInt64.self, 0)) {
            let page = list.load(UInt64.self, 8 + 8 * index)
            guard page < before else { throw .damage("a list of free pages is not what was written") }
            before = page
            try take(page)
        }
    }
}

extension [UInt8] {
    fileprivate func load<Value: FixedWidthInteger>(_ type: Value.Type, _ at: Int) -> Value {
        withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: type)) }
    }
}
