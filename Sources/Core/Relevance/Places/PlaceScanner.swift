import Bytes

/// Finds the names of places in a text, one pass. One a thread; its memory is used again.
struct PlaceScanner: ~Copyable {
    private(set) var mentions: [PlaceMention] = []
    /// Agencies named: bit 0 of the country on the left of the line, bit 1 of the one on its right.
    private(set) var agencies: UInt8 = 0

    /// The most mentions that one text may give.
    static let limit = 64

    init() { mentions.reserveCapacity(Self.limit) }

    /// Reads the words of a text. `isTyped` means that the text is a place that somebody typed, not a narrative.
    mutating func scan(
        _ tokens: [Token],
        _ text: UnsafeRawBufferPointer,
        _ gazetteer: Gazetteer,
        isTyped: Bool
    ) {
        mentions.removeAll(keepingCapacity: true)
        agencies = 0
        // Where nothing, or everything, is written in capitals they say nothing.
        let isCaseless = isTyped || Self.isCaseless(tokens, text)
        var at = 0
        while at < tokens.count, mentions.count < Self.limit {
            let token = tokens[at]
            guard token.kind == .word else {
                at &+= 1
                continue
            }
            let cue = gazetteer.cues[token.hash]
            if token.isCapital || isCaseless || cue.contains(.generic), let found = Self.name(tokens, at, gazetteer) {
                at = take(found, at, tokens, text, gazetteer, isCaseless: isCaseless, isTyped: isTyped)
            } else {
                note(cue)
                at &+= 1
            }
        }
    }

    private mutating func note(_ cue: PlaceCue) {
        if cue.contains(.agencyLeft) { agencies |= 1 }
        if cue.contains(.agencyRight) { agencies |= 2 }
    }

    private static func isCaseless(_ tokens: [Token], _ text: UnsafeRawBufferPointer) -> Bool {
        var (capitals, words) = (0, 0)
        for token in tokens where token.kind == .word && !token.isNumber {
            words &+= 1
            if token.isCapital { capitals &+= 1 }
        }
        if capitals == 0 { return true }
        guard capitals == words, words > 2 else { return false }
        return !text.contains { $0 &- 97 < 26 }
    }

    private struct Found {
        var entries: Range<Int32>
        var end: Int
    }

    /// The longest name that begins at a word.
    private static func name(_ tokens: [Token], _ start: Int, _ gazetteer: Gazetteer) -> Found? {
        var node: Int32 = 0
        var at = start
        var found: Found?
        while at < tokens.count {
            let token = tokens[at]
            if token.kind == .sentenceEnd {
                // "Cd. Juárez", "EE. UU.": the stop of a short word.
                guard at > start, tokens[at &- 1].end &- tokens[at &- 1].start <= 4 else { break }
                at &+= 1
                continue
            }
            guard at == start || !token.isAfterComma, let next = gazetteer.names.next(node, token.hash) else { break }
            node = next
            at &+= 1
            let entries = gazetteer.names.entries(node)
            // "río", "cruce": what follows must be a name.
            let isNamed =
                tokens[start].isCapital || token.isCapital || !gazetteer.cues[tokens[start].hash].contains(.generic)
            if !entries.isEmpty, isNamed { found = Found(entries: entries, end: at) }
        }
        return found
    }

    /// Takes a name, and the state behind it; returns where to go on.
    private mutating func take(
        _ found: Found,
        _ start: Int,
        _ tokens: [Token],
        _ text: UnsafeRawBufferPointer,
        _ gazetteer: Gazetteer,
        isCaseless: Bool,
        isTyped: Bool
    ) -> Int {
        let name = tokens[start..<found.end]
        // "AZ" and "Son" are states behind a town only.
        if gazetteer.isShort(name) { return start &+ 1 }
        let words = PlaceNeighbours(tokens: tokens, text: text, gazetteer: gazetteer)
        let (state, end) = Self.state(behind: found.end, tokens, gazetteer)
        var mention = PlaceMention(
            entries: found.entries,
            role: .bare,
            distance_m: 0,
            state: state,
            isCommon: name.allSatisfy { $0.kind == .word && gazetteer.cues[$0.hash].contains(.common) },
            start: tokens[start].start,
            end: tokens[found.end &- 1].end
        )
        words.readBefore(start, isTyped: isTyped, &mention)
        words.readBehind(end, &mention, isFirst: start == 0 && !isTyped)
        // A town that is named as another country is that country.
        if name.count <= 2, state < 0, gazetteer.cues[tokens[found.end &- 1].hash].contains(.foreign) {
            mention.role = .elsewhere
        }
        if mention.role == .bare, isTyped, tokens[start].isAfterComma || start == 0 { mention.role = .at }
        if !isTyped {
            if mention.role == .bare, state < 0, words.isPartOfName(start, end) { mention.role = .elsewhere }
            if !isCaseless, words.isSentenceCase(start, found.end) { mention.role = .elsewhere }
            // In small letters throughout a name needs a word that says it is a place.
            let isUncertain = isCaseless && !tokens[start].isCapital
            if mention.role == .bare, isUncertain || mention.isCommon { mention.role = .elsewhere }
            if mention.isCommon, isCaseless, state < 0 { mention.role = .elsewhere }
        }
        mentions.append(mention)
        return end
    }

    /// The state or country right behind a name: ", Sonora", " Sonora", " (Sonora)", ", Ariz."; -1 when there is none.
    private static func state(behind end: Int, _ tokens: [Token], _ gazetteer: Gazetteer) -> (Int32, Int) {
        guard end < tokens.count, tokens[end].kind == .word, tokens[end].isCapital || tokens[end].isAfterComma,
            let found = name(tokens, end, gazetteer),
            // ", in the lot" is not Indiana.
            tokens[end].isCapital || !gazetteer.isShort(tokens[end..<found.end])
        else { return (-1, end) }
        // Without a comma only what cannot be another place in a list.
        for at in found.entries {
            let entry = gazetteer.names.entry(at)
            let kind = gazetteer.facts[entry].kind
            guard kind == .state || kind == .country else { continue }
            return (Int32(entry), found.end)
        }
        return (-1, end)
    }
}
