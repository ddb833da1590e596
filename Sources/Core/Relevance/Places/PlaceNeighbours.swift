/// Reads the words beside the name of a place: whether it happened there, near it, or whether it is a street.
struct PlaceNeighbours {
    let tokens: [Token]
    let text: UnsafeRawBufferPointer
    let gazetteer: Gazetteer

    /// Words before a name that are looked at.
    private static let reach = 7
    /// Words in a row that nothing is known of, between a name and the word that decides: "in the parking lot of".
    private static let unknownLimit = 3
    /// Words between a name and another country behind it.
    private static let foreignReach = 6

    @inline(__always)
    private func cue(_ at: Int) -> PlaceCue { gazetteer.cues[tokens[at].hash] }

    // MARK: - Before

    /// What stands before a name: read from the name backwards, the nearest word that says something decides.
    func readBefore(_ start: Int, isTyped: Bool, _ mention: inout PlaceMention) {
        // What stands before a comma belongs to another place: "Grand Avenue, Nogales".
        if tokens[start].isAfterComma, !isTyped { return }
        var (at, isOf, unknown) = (start &- 1, false, 0)
        defer {
            // Who lies in a hospital was hurt elsewhere, if they say where.
            if mention.isCare, mention.role == .at { mention.role = .earlier }
        }
        while at >= 0, start &- at <= Self.reach, tokens[at].kind == .word {
            let cue = cue(at)
            if cue.contains(.care) { mention.isCare = true }
            if cue.contains(.building) || cue.contains(.owner) && unknown > 0 {
                // "hotel Nogales" is a name, a "hotel de Nogales" and the "calle Hidalgo de Nogales" are there.
                guard isOf else { return mention.role = .elsewhere }
                unknown = 0
            } else if let role = decide(cue, at, isOf: isOf, unknown, &mention) {
                return mention.role = role
            } else if cue.contains(.of) {
                isOf = true
            } else if !cue.contains(.filler) {
                // Whose name it is may stand between: "the Chamizal neighbourhood of".
                unknown &+= 1
                guard isOf, unknown <= Self.unknownLimit else { break }
            }
            if tokens[at].isAfterComma { break }
            at &-= 1
        }
        // "camionero de Agua Prieta": somebody or something of the place.
        if isOf { mention.role = .authority }
    }

    private func decide(
        _ cue: PlaceCue,
        _ at: Int,
        isOf: Bool,
        _ unknown: Int,
        _ mention: inout PlaceMention
    ) -> PlaceMention.Role? {
        if cue.contains(.owner) || cue.contains(.title) && !isOf { return .elsewhere }
        if cue.contains(.negation) {
            mention.isContext = true
            return at == 0 || !isOf ? .elsewhere : nil
        }
        // "listas para salir de Madera": who goes is not the place.
        if unknown > 0, cue.contains(.destination) || cue.contains(.origin) { return .authority }
        if cue.contains(.destination) {
            // "acceso a", "in a Tucson motel": what stands before decides.
            if at > 0, !tokens[at].isAfterComma, tokens[at &- 1].kind == .word {
                let before = self.cue(at &- 1)
                if before.contains(.at) { return said(at &- 1, &mention) }
                if before.contains(.road) { return .near }
            }
            mention.isOrigin = true
            return .elsewhere
        }
        if cue.contains(.road) { return .elsewhere }
        if cue.contains(.origin) {
            mention.isOrigin = true
            return .elsewhere
        }
        if cue.contains(.near) {
            mention.distance_m = stated(at)
            return .near
        }
        if cue.contains(.at) { return said(at, &mention) }
        return cue.contains(.authority) || cue.contains(.title) ? .authority : nil
    }

    /// What "in" says, by the words before it: "stolen in", "who lives in", "not in", "police in".
    private func said(_ at: Int, _ mention: inout PlaceMention) -> PlaceMention.Role {
        if tokens[at].isAfterComma { return .at }
        var back = at &- 1
        while back >= 0, tokens[back].kind == .word {
            let cue = cue(back)
            if cue.contains(.denial) {
                mention.isContext = true
                return .elsewhere
            }
            guard at &- back <= 5 else {
                back &-= 1
                continue
            }
            // What stands before another "in" belongs to that one.
            if cue.contains(.at), back < at &- 1 { break }
            if cue.contains(.earlier) { return .earlier }
            if cue.contains(.residence) { return .elsewhere }
            if back == at &- 1, cue.contains(.authority) || cue.contains(.person) { return .authority }
            if cue.contains(.negation) {
                let isWas = back == at &- 2 && self.cue(back &+ 1).contains(.was)
                if back == at &- 1 || isWas { return .elsewhere }
            }
            if tokens[back].isAfterComma || tokens[back].isCapital && back > 0 { break }
            back &-= 1
        }
        return .at
    }

    /// "12 miles north of": the distance in metres that stands at or shortly before a word.
    private func stated(_ near: Int) -> Double {
        var at = near
        while at >= 0, near &- at < 5, tokens[at].kind == .word {
            let cue = cue(at)
            let unit_m = cue.contains(.mile) ? 1_609.344 : cue.contains(.kilometre) ? 1_000 : 0
            if unit_m > 0, at > 0, tokens[at &- 1].isNumber { return unit_m * Double(tokens[at &- 1].number) }
            at &-= 1
        }
        return 0
    }

    // MARK: - Behind

    /// What stands behind a name, its state passed over.
    func readBehind(_ end: Int, _ mention: inout PlaceMention, isFirst: Bool) {
        let isWord = end < tokens.count && tokens[end].kind == .word
        let after = isWord ? cue(end) : []
        let isAsked = end < tokens.count && tokens[end].kind == .sentenceEnd && text[Int(tokens[end].start)] == 0x3F
        if after.contains(.care), !tokens[end].isAfterComma, mention.role == .at { mention.role = .earlier }
        if isForeign(end) || isAsked || isJoined(end) && mention.state < 0 {
            mention.role = .elsewhere
        } else if mention.state < 0, isOwner(end, mention) || after.contains(.originAfter) {
            mention.role = .elsewhere
        } else if after.contains(.saysAfter), mention.role >= .near || mention.role == .bare && mention.state >= 0 {
            // Who speaks there speaks of something.
            mention.role = .authority
        } else if mention.role == .bare, isFirst, isDateline(end) {
            // Where the news was written, unless they say where it happened.
            mention.role = .authority
            mention.isDateline = true
        } else if mention.role == .bare, mention.state >= 0 {
            mention.role = .at
        } else if mention.role == .bare, after.contains(.authorityAfter) {
            mention.role = .authority
        } else if mention.role == .bare, isWord, tokens[end].isAfterComma, after.contains(.article) {
            // "Hermosillo, the company's owner": somebody is named so.
            mention.role = .elsewhere
        }
    }

    /// Another country behind the name, by a comma: "Laredo, Spain", "in Nogales, in Chile's".
    private func isForeign(_ end: Int) -> Bool {
        var hasComma = false
        for at in end..<min(end &+ Self.foreignReach, tokens.count) {
            guard tokens[at].kind == .word else { return false }
            hasComma = hasComma || tokens[at].isAfterComma
            if hasComma, cue(at).contains(.foreign) { return true }
        }
        return false
    }

    /// "Nogales Street", "Hermosillo Seafood Company", "the Casa Grande restaurant"; but "a Tucson motel" stands there.
    private func isOwner(_ end: Int, _ mention: PlaceMention) -> Bool {
        for at in end..<min(end &+ 2, tokens.count) {
            guard tokens[at].kind == .word, !tokens[at].isAfterComma else { return false }
            if cue(at).contains(.ownerAfter) { return tokens[at].isCapital || mention.role <= .authority }
            guard tokens[at].isCapital else { return false }
        }
        return false
    }

    /// Whether a hyphen joins a name to the next word: "Nogales-Hermosillo", "Nogales-bound".
    private func isJoined(_ end: Int) -> Bool {
        let at = Int(tokens[end &- 1].end)
        return at &+ 1 < text.count && text[at] == 0x2D && text[at &+ 1] != 0x20 && text[at &+ 1] != 0x2D
    }

    /// Whether a text begins with a name as news do: "NOGALES, Ariz. —", "Nogales:".
    private func isDateline(_ end: Int) -> Bool {
        var at = Int(tokens[end &- 1].end)
        while at < text.count, text[at] == 0x20 || text[at] == 0x2E || text[at] == 0x29 { at &+= 1 }
        guard at < text.count else { return true }
        if text[at] == 0x3A || text[at] == 0x28 || text[at] == 0x2D { return true }
        // An en or em dash.
        return text[at] == 0xE2 && at &+ 2 < text.count && text[at &+ 1] == 0x80 && text[at &+ 2] & 0xFE == 0x94
    }

    // MARK: - Capitals

    /// A capital right beside a name is the rest of another name: "Mariano Matamoros", "Phoenix Suns".
    func isPartOfName(_ start: Int, _ end: Int) -> Bool {
        if end < tokens.count, tokens[end].kind == .word, tokens[end].isCapital, !tokens[end].isAfterComma {
            return true
        }
        guard start > 1 else { return false }
        let before = tokens[start &- 1]
        guard before.kind == .word, before.isCapital, !tokens[start].isAfterComma, !before.isNumber else {
            return false
        }
        // The first word of a sentence is written so whatever it is.
        return tokens[start &- 2].kind == .word
    }

    /// "Las cruces blancas", "Del río sacaron": the first word's capital is the sentence's, and the rest is no name.
    func isSentenceCase(_ start: Int, _ end: Int) -> Bool {
        guard end &- start > 1, start == 0 || tokens[start &- 1].kind == .sentenceEnd else { return false }
        return tokens[(start &+ 1)..<end].contains {
            $0.kind == .word && !$0.isCapital && !gazetteer.cues[$0.hash].contains(.filler)
                && !gazetteer.cues[$0.hash].contains(.of)
        }
    }
}
