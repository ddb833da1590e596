import Incident

/// How much an incident matters across the border.
public enum Level: UInt8, CaseIterable, Comparable, Sendable {
    case none, low, moderate, high

    /// As written in an event.
    public var label: StaticString {
        switch self {
        case .none: "none"
        case .low: "low"
        case .moderate: "moderate"
        case .high: "high"
        }
    }

    /// Less is smaller.
    public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
}

/// What a piece of evidence rests on.
public enum Basis: UInt8, CaseIterable, Sendable {
    case stated, geometric, inferred

    /// As written in an event.
    public var label: StaticString {
        switch self {
        case .stated: "stated"
        case .geometric: "geometric"
        case .inferred: "inferred"
        }
    }
}

/// The movement across the line that an incident tells.
public enum Flow: UInt8, CaseIterable, Sendable {
    case northbound, southbound, both, none, unknown

    /// The same word for a movement that an event states.
    public init(_ direction: Direction) {
        self =
            switch direction {
            case .northbound: .northbound
            case .southbound: .southbound
            case .both: .both
            case .none: .none
            case .unknown: .unknown
            }
    }

    /// As written in an event.
    public var label: StaticString {
        switch self {
        case .northbound: "northbound"
        case .southbound: "southbound"
        case .both: "both"
        case .none: "none"
        case .unknown: "unknown"
        }
    }
}

/// Where a position comes from.
public enum PositionBasis: UInt8, CaseIterable, Sendable {
    case stated, place, narrative, none

    /// As written in an event.
    public var label: StaticString {
        switch self {
        case .stated: "stated"
        case .place: "place"
        case .narrative: "narrative"
        case .none: "none"
        }
    }
}

/// Facts that do not come from words: from fields and geometry. Rules ask for them by these names.
enum FieldFact: String, CaseIterable {
    case near5km = "near_5km"
    case near50km = "near_50km"
    case lineTown = "line_town"
    case sideLeft = "side_left"
    case sideRight = "side_right"
    case directionAcross = "direction_across"
    case goods
    case bulk
    case retail
    case maritime
    case tunnelMode = "tunnel_mode"
    case minors
    case injured
    case killed
    case rescued
    case detained
    case positionContradictsCountry = "position_contradicts_country"
    case positionContradictsPlace = "position_contradicts_place"
}

/// A set of at most 128 facts.
struct FactSet: Hashable, Sendable {
    var bits: UInt128 = 0

    @inline(__always)
    mutating func insert(_ fact: Int) { bits |= 1 << UInt128(fact) }

    @inline(__always)
    func contains(_ fact: Int) -> Bool { bits & (1 << UInt128(fact)) != 0 }

    @inline(__always)
    func isSuperset(of other: FactSet) -> Bool { bits & other.bits == other.bits }

    @inline(__always)
    func intersects(_ other: FactSet) -> Bool { bits & other.bits != 0 }
}
