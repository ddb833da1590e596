extension StringProtocol {
    /// The front of a text for a message. What an event holds is written by strangers: it must not move a terminal's
    /// cursor, turn the line around, or fill the screen.
    var excerpt: String {
        var view = String.UnicodeScalarView()
        for scalar in unicodeScalars.prefix(40) { view.append(scalar.isPlain ? scalar : "\u{FFFD}") }
        return String(view) + (unicodeScalars.dropFirst(40).isEmpty ? "" : "…")
    }
}

extension Unicode.Scalar {
    /// Whether it is shown as itself, in its place.
    var isPlain: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}
