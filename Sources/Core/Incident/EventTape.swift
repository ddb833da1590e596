import Bytes

/// One value of a parsed event. Its memory layout is that of the parser's C structure; a test holds them together.
@frozen public struct EventNode {
    /// The decoded key, or nil for the root and the elements of an array.
    public var key: UnsafePointer<UInt8>?
    /// The decoded text of a string.
    public var text: UnsafePointer<UInt8>?
    /// The value of a number, else 0.
    public var number: Double = 0
    /// The value of an integer, else 0.
    public var integer: Int64 = 0
    /// Bytes of the key.
    public var keyLength: UInt32 = 0
    /// Bytes of the text.
    public var textLength: UInt32 = 0
    /// Members or elements of a container.
    public var childCount: UInt32 = 0
    /// The index of the node behind this value and all it holds.
    public var next: UInt32 = 0
    /// What it is; one of `Kind`.
    public var kindCode: UInt32 = 0
    /// Nothing.
    public var reserved: UInt32 = 0

    /// A null.
    public init() {}

    /// The kinds of JSON values; integers that fit 64 signed bits apart from other numbers.
    public enum Kind: UInt32, Sendable { case null, `false`, `true`, integer, real, string, array, object }

    /// What it is.
    @inline(__always)
    public var kind: Kind { Kind(rawValue: kindCode) ?? .null }
    /// The key, empty when there is none.
    @inline(__always)
    public var keyText: Text { Text(start: key, count: Int(keyLength)) }
    /// The string's text when it is a string.
    @inline(__always)
    public var string: Text? { kindCode == 5 ? Text(start: text, count: Int(textLength)) : nil }
    /// The number when it is one.
    @inline(__always)
    public var double: Double? { kindCode == 3 || kindCode == 4 ? number : nil }
    /// Whether it is an object.
    @inline(__always)
    public var isObject: Bool { kindCode == 7 }
    /// Whether it is an array.
    @inline(__always)
    public var isArray: Bool { kindCode == 6 }
}

/// A parsed event: its values in document order, the children of a container behind it. A view into the parser.
public struct EventTape {
    /// The values; the first is the root.
    public let nodes: UnsafeBufferPointer<EventNode>

    /// Views nodes that a parser holds.
    public init(_ nodes: UnsafeBufferPointer<EventNode>) { self.nodes = nodes }

    /// The keys of the root's members, as strings. Not for the hot path.
    public var fieldNames: [String] {
        guard let root = nodes.first, root.isObject else { return [] }
        var names: [String] = []
        var at = 1
        while at < Int(root.next) {
            names.append(nodes[at].keyText.string)
            at = Int(nodes[at].next)
        }
        return names
    }

    /// The index of the root's member `name`, or nil.
    public func member(_ name: StaticString) -> Int? {
        guard let root = nodes.first, root.isObject else { return nil }
        var at = 1
        while at < Int(root.next) {
            if nodes[at].keyText == name { return at }
            at = Int(nodes[at].next)
        }
        return nil
    }
}

/// Which stations an event may belong to.
public enum StationPolicy: Sendable {
    /// This one alone: a producer's own.
    case only(StationName)
    /// Any of the reference data.
    case known
    /// Any slug: enrichment without a pipeline.
    case any
}

/// The bounds of one event.
public struct IncidentLimits: Sendable {
    /// Bytes of the event as it came.
    public var eventBytes = 64 * 1024
    /// Values in the event, keys not counted.
    public var nodes = 4096
    /// Levels of nesting, the event itself counted.
    public var depth = 32
    /// Bytes of the narrative, decoded.
    public var narrativeBytes = 16 * 1024
    /// Bytes of `extra` as it came.
    public var extraBytes = 4096
    /// Bytes of `source`, `place` and `purpose`.
    public var textBytes = 256
    /// Bytes of an identifier.
    public var idBytes = 64
    /// Bytes of a unit.
    public var unitBytes = 32
    /// Entries of `related`.
    public var related = 32
    /// Entries of `offences`.
    public var offences = 16
    /// The greatest accuracy radius in metres.
    public var accuracy_m = 1_000_000.0
    /// The greatest count of people in one role.
    public var persons = 1_000_000.0
    /// The greatest quantity of a commodity.
    public var quantity = 1_000_000_000_000.0

    /// The pipeline's own bounds.
    public init() {}
}
