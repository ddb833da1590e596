import Bytes

/// A word of a text: folded to lower case without accents, known by number.
struct Token {
    /// What it is.
    enum Kind: UInt8 {
        /// A word or a run of digits.
        case word
        /// A full stop, semicolon, colon, question or exclamation mark, or a line break.
        case sentenceEnd
    }

    var kind: Kind
    /// Whether a comma or bracket stands before it.
    var isAfterComma = false
    /// Whether it is written in digits.
    var isNumber = false
    /// Whether a negation before it reaches it.
    var isNegated = false
    /// Whether a hypothesis before it reaches it.
    var isHypothetical = false
    /// Whether its first letter is a capital.
    var isCapital = false
    /// The vocabulary's number, 0 when the vocabulary does not know it.
    var word: UInt16 = 0
    /// The hash of the folded word.
    var hash: UInt64 = 0
    /// What the digits say, up to a million; 0 when it is no number.
    var number: Int32 = 0
    /// The first byte in the text.
    var start: Int32
    /// The byte behind the last.
    var end: Int32
}

/// Folding: lower case, Latin letters without their accents, hashed byte by byte (FNV-1a, 64 bits).
enum Fold {
    static let seed: UInt64 = 0xCBF2_9CE4_8422_2325

    @inline(__always)
    static func add(_ byte: UInt8, to hash: UInt64) -> UInt64 { (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }

    /// The base letter of U+00C0 to U+00FF, by the second byte of its UTF-8 form; 0 when there is none.
    static let latin: [UInt8] = Array(
        "aaaaaaaceeeeiiiidnooooo\0ouuuuy\0saaaaaaaceeeeiiiidnooooo\0ouuuuy\0y".utf8
    )

    /// The folded form of a word of the vocabulary; `_` joins the words of a compound.
    static func folded(_ word: String) -> [UInt8] {
        var result: [UInt8] = []
        let bytes = Array(word.utf8)
        var at = 0
        while at < bytes.count {
            let byte = bytes[at]
            if byte == 0xC3, at + 1 < bytes.count, latin[Int(bytes[at + 1] & 0x3F)] != 0 {
                result.append(latin[Int(bytes[at + 1] & 0x3F)])
                at += 2
            } else {
                result.append((65...90).contains(byte) ? byte | 32 : byte)
                at += 1
            }
        }
        return result
    }

    static func hash(_ folded: some Sequence<UInt8>) -> UInt64 {
        folded.reduce(seed) { add($1, to: $0) }
    }
}

/// The words that a lexicon knows, by number from 1, and its compounds.
final class Vocabulary: @unchecked Sendable {
    // Changed only while the lexicon is compiled, on one thread; read by many after that.
    private(set) var words: [String] = [""]
    private var slots: [(hash: UInt64, word: UInt16)] = []
    private var mask = 0
    private var numbers: [UInt64: UInt16] = [:]
    /// The compounds that begin with a word: the further words, longest first, and the compound's own number.
    private var compounds: [[(rest: [UInt16], word: UInt16)]] = []
    /// The same, flat: for each word where its compounds are, and each compound's further words.
    private(set) var compoundRanges: [Range<Int32>] = []
    private(set) var flatCompounds: [(rest: Range<Int32>, word: UInt16)] = []
    private(set) var compoundWords: [UInt16] = []

    /// The number of a word, new when need be; a word with `_` is a compound of known words.
    func number(of word: String) -> UInt16 {
        let folded = Fold.folded(word)
        let hash = Fold.hash(folded)
        if let known = numbers[hash] { return known }
        let number = UInt16(words.count)
        numbers[hash] = number
        words.append(String(decoding: folded, as: UTF8.self))
        if folded.contains(95) {
            let parts = words[Int(number)].split(separator: "_").map { self.number(of: String($0)) }
            while compounds.count < words.count { compounds.append([]) }
            compounds[Int(parts[0])].append((Array(parts.dropFirst()), number))
            compounds[Int(parts[0])].sort { $0.rest.count > $1.rest.count }
        }
        return number
    }

    /// Makes the table that `lookup` reads; after the last word.
    func seal() {
        while compounds.count < words.count { compounds.append([]) }
        for list in compounds {
            for compound in list {
                compoundWords += compound.rest
                let end = Int32(compoundWords.count)
                flatCompounds.append((end - Int32(compound.rest.count)..<end, compound.word))
            }
            let end = Int32(flatCompounds.count)
            compoundRanges.append(end - Int32(list.count)..<end)
        }
        var size = 64
        while size < words.count * 4 { size *= 2 }
        mask = size - 1
        slots = Array(repeating: (0, 0), count: size)
        for (hash, number) in numbers {
            var at = Int(truncatingIfNeeded: hash >> 20) & mask
            while slots[at].word != 0 { at = (at + 1) & mask }
            slots[at] = (hash, number)
        }
    }

    /// The number of a folded word by its hash, 0 when it is not known.
    @inline(__always)
    func lookup(_ hash: UInt64) -> UInt16 {
        var at = Int(truncatingIfNeeded: hash >> 20) & mask
        while slots[at].word != 0 {
            if slots[at].hash == hash { return slots[at].word }
            at = (at &+ 1) & mask
        }
        return 0
    }
}

/// Cuts a text into tokens, compounds joined. One a thread; its memory is used again.
struct Tokenizer: ~Copyable {
    private(set) var tokens: [Token] = []
    /// For each byte below 128 its folded form when it is part of a word, else 0.
    private let folded: UnsafeMutablePointer<UInt8>
    /// "US" in capitals is the country, "us" is not.
    private let country: UInt64 = Fold.hash("u.s".utf8)

    init() {
        tokens.reserveCapacity(1024)
        folded = .allocate(capacity: 128)
        for byte in UInt8(0)..<128 {
            let lower = (65...90).contains(byte) ? byte | 32 : byte
            folded[Int(byte)] = (97...122).contains(lower) || (48...57).contains(lower) ? lower : 0
        }
    }

    deinit { folded.deallocate() }

    /// Cuts a text into words; `join` is still to come.
    mutating func cut(_ text: Text, _ vocabulary: Vocabulary) {
        tokens.removeAll(keepingCapacity: true)
        let bytes = text.bytes
        var at = 0
        var isAfterComma = false
        while at < bytes.count {
            let byte = bytes[at]
            if isWordByte(byte) {
                let (token, end) = word(bytes, at, vocabulary, isAfterComma)
                tokens.append(token)
                isAfterComma = false
                at = end
            } else {
                switch byte {
                case 0x2E, 0x3B, 0x3A, 0x21, 0x3F, 0x0A:  // . ; : ! ? line feed
                    if let last = tokens.last, last.kind == .word {
                        tokens.append(Token(kind: .sentenceEnd, start: Int32(at), end: Int32(at + 1)))
                    }
                case 0x2C, 0x28, 0x29: isAfterComma = true
                default: break
                }
                at &+= 1
            }
        }
    }

    /// Cuts a text into words and joins compounds.
    mutating func tokenize(_ text: Text, _ vocabulary: Vocabulary) {
        cut(text, vocabulary)
        join(vocabulary)
    }

    @inline(__always)
    private func isWordByte(_ byte: UInt8) -> Bool {
        byte < 0x80 ? folded[Int(byte)] != 0 : byte >= 0xC3
    }

    private func word(
        _ bytes: UnsafeRawBufferPointer,
        _ start: Int,
        _ vocabulary: Vocabulary,
        _ isAfterComma: Bool
    ) -> (Token, Int) {
        var hash = Fold.seed
        var at = start
        var isNumber = true
        var number: Int32 = 0
        var isFraction = false
        while at < bytes.count {
            let byte = bytes[at]
            if byte < 0x80 {
                let lower = folded[Int(byte)]
                if lower != 0 {
                    if lower >= 97 {
                        isNumber = false
                    } else if number < 100_000, !isFraction {
                        number = number &* 10 &+ Int32(lower &- 48)
                    }
                    hash = Fold.add(lower, to: hash)
                    at &+= 1
                } else if isInner(bytes, at) {
                    // "U.S.", "EE.UU." and "1,000": the mark stays in the word.
                    if byte == 0x2E { isFraction = true }
                    hash = Fold.add(byte, to: hash)
                    at &+= 1
                } else {
                    break
                }
            } else if byte == 0xC3, at &+ 1 < bytes.count, Fold.latin[Int(bytes[at &+ 1] & 0x3F)] != 0 {
                hash = Fold.add(Fold.latin[Int(bytes[at &+ 1] & 0x3F)], to: hash)
                isNumber = false
                at &+= 2
            } else if byte == 0xCC || byte == 0xCD, at &+ 1 < bytes.count, at > start {
                // An accent that follows its letter (U+0300 to U+036F).
                at &+= 2
            } else {
                hash = Fold.add(byte, to: hash)
                isNumber = false
                at &+= 1
            }
        }
        if at &- start == 2, bytes[start] == 0x55, bytes[start &+ 1] == 0x53 { hash = country }
        let token = Token(
            kind: .word,
            isAfterComma: isAfterComma,
            isNumber: isNumber,
            isCapital: Self.isCapital(bytes, start),
            word: vocabulary.lookup(hash),
            hash: hash,
            number: isNumber ? number : 0,
            start: Int32(start),
            end: Int32(at)
        )
        return (token, at)
    }

    /// A to Z, and U+00C0 to U+00DE but the multiplication sign.
    @inline(__always)
    private static func isCapital(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> Bool {
        let byte = bytes[at]
        if byte < 0x80 { return byte &- 65 < 26 }
        guard byte == 0xC3, at &+ 1 < bytes.count else { return false }
        return bytes[at &+ 1] < 0x9F && bytes[at &+ 1] != 0x97
    }

    /// A full stop between short runs of letters, or a full stop or comma between digits.
    @inline(__always)
    private func isInner(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> Bool {
        let byte = bytes[at]
        guard byte == 0x2E || byte == 0x2C, at > 0, at &+ 1 < bytes.count else { return false }
        let before = bytes[at &- 1]
        let after = bytes[at &+ 1]
        if before &- 48 < 10, after &- 48 < 10 { return true }
        guard byte == 0x2E, before &- 65 < 26, after &- 65 < 26 else { return false }
        return at &+ 2 >= bytes.count || !(bytes[at &+ 2] &- 97 < 26)
    }

    /// Joins the words of compounds into one token, the longest compound first.
    mutating func join(_ vocabulary: Vocabulary) {
        var to = 0
        var from = 0
        while from < tokens.count {
            var token = tokens[from]
            var length = 1
            if token.word != 0 {
                for index in vocabulary.compoundRanges[Int(token.word)] {
                    let compound = vocabulary.flatCompounds[Int(index)]
                    guard matches(compound.rest, from &+ 1, vocabulary) else { continue }
                    length = compound.rest.count &+ 1
                    token.word = compound.word
                    token.end = tokens[from &+ length &- 1].end
                    break
                }
            }
            if to != from || length > 1 { tokens[to] = token }
            to &+= 1
            from &+= length
        }
        tokens.removeLast(tokens.count - to)
    }

    @inline(__always)
    private func matches(_ rest: Range<Int32>, _ start: Int, _ vocabulary: Vocabulary) -> Bool {
        guard start &+ rest.count <= tokens.count else { return false }
        for (index, at) in rest.enumerated() {
            let token = tokens[start &+ index]
            if token.word != vocabulary.compoundWords[Int(at)] || token.kind != .word || token.isAfterComma {
                return false
            }
        }
        return true
    }

    /// Marks what negations and hypotheses reach: forward to the end of the clause, at most twelve words.
    mutating func markScopes(_ cues: ScopeCues) {
        var negation = 0
        var hypothesis = 0
        var sentenceStart = 0
        for index in tokens.indices {
            let token = tokens[index]
            if token.kind == .sentenceEnd {
                (negation, hypothesis, sentenceStart) = (0, 0, index + 1)
                continue
            }
            let role = cues.role(of: token.word)
            if role == .clause { (negation, hypothesis) = (0, 0) }
            if negation > 0 {
                tokens[index].isNegated = true
                negation -= 1
            }
            if hypothesis > 0 {
                tokens[index].isHypothetical = true
                hypothesis -= 1
            }
            switch role {
            case .negation: negation = 12
            case .hypothesis: hypothesis = 12
            case .denial: for earlier in sentenceStart..<index { tokens[earlier].isNegated = true }
            case .clause, .plain: break
            }
        }
    }
}

/// Words that negate, suppose, deny what came before, or end a clause.
struct ScopeCues: Sendable {
    enum Role: UInt8 { case plain, negation, hypothesis, denial, clause }
    private var roles: [UInt8]

    init(_ vocabulary: Vocabulary, sets: [String: [UInt16]]) {
        roles = [UInt8](repeating: 0, count: vocabulary.words.count)
        let named: [(String, Role)] = [
            ("clause", .clause), ("hypothesis", .hypothesis), ("negation", .negation), ("denial", .denial),
        ]
        for (name, role) in named {
            for word in sets[name] ?? [] { roles[Int(word)] = role.rawValue }
        }
    }

    @inline(__always)
    func role(of word: UInt16) -> Role { word == 0 ? .plain : Role(rawValue: roles[Int(word)]) ?? .plain }
}
