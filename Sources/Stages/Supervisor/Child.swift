/// A process that the supervisor keeps alive.
public struct Child: Hashable, Sendable {
    /// What it does; the order is that of starting.
    public enum Kind: String, Hashable, Comparable, CaseIterable, Sendable {
        /// Archives.
        case sink
        /// Takes events of one station.
        case producer
        /// Tags events of one station.
        case enricher

        /// The order of starting.
        public static func < (left: Kind, right: Kind) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .sink: 0
            case .producer: 1
            case .enricher: 2
            }
        }
    }

    /// What it is called in messages: `sink`, `producer.nogales`, `enricher.nogales`.
    public let name: String
    /// What it does.
    public let kind: Kind
    /// Whose events it handles; nil for the sink, which takes all.
    public let station: String?
    /// The path of its program.
    public let program: String
    /// What follows the program's name.
    public let arguments: [String]

    /// Joins the parts.
    public init(name: String, kind: Kind, station: String? = nil, program: String, arguments: [String] = []) {
        self.name = name
        self.kind = kind
        self.station = station
        self.program = program
        self.arguments = arguments
    }
}

/// How a child ended.
public enum ChildEnd: Hashable, Sendable, CustomStringConvertible {
    /// It returned this code.
    case code(Int32)
    /// This signal killed it.
    case signal(Int32)

    /// Whether it complained about its command line or configuration: 64 usage, 65 bad data, 78 configuration.
    var isUsageError: Bool {
        switch self {
        case .code(64), .code(65), .code(78): true
        case .code, .signal: false
        }
    }

    /// Whether it says something against ever starting it again. A signal came from outside or from one bad event,
    /// 75 asks for another try.
    var isFailure: Bool {
        switch self {
        case .code(let code): code != 75
        case .signal: false
        }
    }

    /// In words: "exit code 1", "signal 9 (killed)".
    public var description: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let number): Self.words[number].map { "signal \(number) (\($0))" } ?? "signal \(number)"
        }
    }

    private static let words: [Int32: String] = [
        2: "interrupted", 4: "illegal instruction", 6: "aborted", 7: "bus error", 8: "arithmetic error", 9: "killed",
        11: "segmentation fault", 13: "broken pipe", 15: "terminated",
    ]
}
