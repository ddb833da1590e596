import Bytes

/// Names of fields: unknown ones, those given twice, and those that would name a person.
extension IncidentChecker {
    /// The refusal of a field that does not exist: as personal data when its name says so.
    func unknown(_ name: Text, in parent: String?, tape: EventTape) -> Refusal {
        let string = name.string
        let path = parent.map { "\($0).\(string)" } ?? string
        if personFields.contains(Self.folded(string)) { return personal(path, tape) }
        return Refusal(
            field: path,
            reason: "is an unknown field; remove it, or put it inside extra when it describes no person"
        )
    }

    /// The refusal of a field that is given twice.
    func duplicate(_ path: String) -> Refusal {
        Refusal(field: path, reason: "is a duplicate key; keep one of them")
    }

    /// The refusal of a field that names or profiles a person.
    func personal(_ path: String, _ tape: EventTape) -> Refusal {
        Refusal(
            field: path,
            reason: "holds personal data, which no event may carry; remove the field, give counts in persons",
            isPersonal: true,
            fieldNames: tape.fieldNames
        )
    }

    /// Checks what stands inside `extra`: any fields, but none twice in one object and none about a person.
    func checkFree(_ at: Int, _ tape: EventTape) throws(Refusal) {
        let end = Int(tape.nodes[at].next)
        var node = at
        while node < end {
            if tape.nodes[node].isObject { try checkFreeObject(node, tape) }
            node += 1
        }
    }

    private func checkFreeObject(_ at: Int, _ tape: EventTape) throws(Refusal) {
        let object = tape.nodes[at]
        var names = Set<String>(minimumCapacity: Int(object.childCount))
        var child = at + 1
        while child < Int(object.next) {
            let name = tape.nodes[child].keyText.string
            if personFields.contains(Self.folded(name)) { throw personal("extra.\(name)", tape) }
            guard names.insert(name).inserted else { throw duplicate("extra.\(name)") }
            child = Int(tape.nodes[child].next)
        }
    }
}

extension IncidentChecker {
    /// The refusal to give instead of `refusal` when any field at any depth names or profiles a person. A CloudEvent's
    /// own attributes are none. Not for the hot path.
    public func personalFirst(_ refusal: Refusal, _ tape: EventTape) -> Refusal {
        if refusal.isPersonal { return refusal }
        return personalField(tape).map { personal($0, tape) } ?? refusal
    }

    /// The name of the first field, at any depth, that names or profiles a person.
    public func personalField(_ tape: EventTape) -> String? {
        let attributes: Set<String> = ["id", "source", "type", "subject", "time"]
        for node in tape.nodes where node.key != nil {
            let name = node.keyText.string
            if personFields.contains(Self.folded(name)), !attributes.contains(name) { return name }
        }
        return nil
    }
}
