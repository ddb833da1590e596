import EventJSON

/// A change to a refused event before it is sent again.
public struct RejectEdit: Sendable {
    /// What is wrong with a change.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// In words.
        public var description: String
    }

    /// The names from the top to the field; a number counts an array's elements from 0.
    public var path: [String]
    /// The new value; nil to take the field away.
    public var value: JSONValue?

    /// Reads `FIELD=VALUE`; the value is JSON, or else a string as it stands.
    public init?(assignment: String) {
        guard let equals = assignment.firstIndex(of: "="), let path = Self.path(assignment[..<equals]) else {
            return nil
        }
        self.path = path
        let text = String(assignment[assignment.index(after: equals)...])
        value = (try? JSONValue.parse(text)) ?? .string(text)
    }

    /// Reads `FIELD`, to be taken away.
    public init?(removal: String) {
        guard let path = Self.path(removal[...]) else { return nil }
        self.path = path
    }

    private static func path(_ text: Substring) -> [String]? {
        let names = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        return names.contains("") || names.count > 32 ? nil : names
    }

    /// The event with all changes made; a CloudEvent is changed in its `data`. Without a change the bytes stay as they are.
    public static func apply(_ edits: [RejectEdit], to event: String) throws(Failure) -> String {
        guard !edits.isEmpty else { return event }
        guard let parsed = try? JSONValue.parse(event), case .object = parsed else {
            throw Failure(description: "it is not a JSON object, so that no field can be set; correct it at its source")
        }
        let isCloudEvent = parsed["specversion"] != nil && parsed["data"] != nil
        var value = parsed
        for edit in edits {
            value = try edit.applied(to: value, (isCloudEvent ? ["data"] : []) + edit.path, depth: 0)
        }
        return value.text
    }

    private func applied(to value: JSONValue, _ path: [String], depth: Int) throws(Failure) -> JSONValue {
        let name = path[depth]
        let isLast = depth == path.count - 1
        switch value {
        case .object(var members):
            let index = members.firstIndex { $0.name == name }
            guard let new = self.value else {
                if isLast { members.removeAll { $0.name == name } }
                if !isLast, let index {
                    members[index].value = try applied(to: members[index].value, path, depth: depth + 1)
                }
                return .object(members)
            }
            let old = index.map { members[$0].value } ?? .object([])
            let changed = isLast ? new : try applied(to: old, path, depth: depth + 1)
            guard let index else { return .object(members + [JSONValue.Member(name: name, value: changed)]) }
            members[index].value = changed
            // A key that was there twice is there once now.
            let kept = members[...index] + members[(index + 1)...].filter { $0.name != name }
            return .object(Array(kept))
        case .array(var elements):
            guard let number = Int(name), elements.indices.contains(number) else {
                let place = path[..<depth].joined(separator: ".")
                throw Failure(
                    description: "\(place) has \(elements.count) elements, counted from 0; there is no \(name)"
                )
            }
            if isLast {
                if let new = self.value { elements[number] = new } else { elements.remove(at: number) }
            } else {
                elements[number] = try applied(to: elements[number], path, depth: depth + 1)
            }
            return .array(elements)
        default:
            let place = path[..<depth].joined(separator: ".")
            throw Failure(description: "\(place) is no object, so that \(name) cannot be in it; set \(place) itself")
        }
    }
}
