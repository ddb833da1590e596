import Bytes
import EventJSON
import Relevance
import Testing

@Suite("Relevance by words")
struct RelevanceTests {
    /// What is told, on which side, and what follows.
    struct Case: CustomTestStringConvertible, Sendable {
        var side: String
        var level: String
        var flow: String
        var text: String
        var testDescription: String { "\(side): \(text)" }
    }

    static let cases: [Case] = [
        .init(side: "US", level: "none", flow: "none", text: "A car broke down on the interstate."),
        .init(
            side: "MX",
            level: "none",
            flow: "none",
            text: "Vecinos reportaron ruido; una patrulla habló con el conductor."
        ),
        .init(side: "US", level: "low", flow: "none", text: "The driver said his cousin had been to Mexico once."),
        .init(side: "MX", level: "low", flow: "none", text: "El funcionario habló de Estados Unidos en la reunión."),
        .init(side: "US", level: "none", flow: "none", text: "Deputies met on Frontera Street to plan the parade."),
        .init(side: "US", level: "none", flow: "none", text: "A Border Patrol agent gave first aid after a crash."),
        .init(side: "US", level: "high", flow: "southbound", text: "The robbers fled across the border into Mexico."),
        .init(side: "US", level: "moderate", flow: "southbound", text: "The men drove off and fled toward Mexico."),
        .init(side: "MX", level: "moderate", flow: "northbound", text: "Los agresores huyeron hacia Arizona."),
        .init(
            side: "MX",
            level: "high",
            flow: "northbound",
            text: "El herido fue trasladado a un hospital en Arizona."
        ),
        .init(side: "US", level: "moderate", flow: "northbound", text: "The load was bound from Sonora for Phoenix."),
        .init(side: "US", level: "moderate", flow: "southbound", text: "The rifles were headed to Mexico."),
        .init(side: "MX", level: "moderate", flow: "northbound", text: "La droga iba con destino a Estados Unidos."),
        .init(
            side: "US",
            level: "high",
            flow: "none",
            text: "Border Patrol agents and Mexican police searched the canyon together."
        ),
        .init(side: "MX", level: "high", flow: "none", text: "Participaron autoridades de ambos países."),
        .init(
            side: "US",
            level: "high",
            flow: "northbound",
            text: "Officers found a tunnel that led into the United States."
        ),
        .init(
            side: "US",
            level: "moderate",
            flow: "none",
            text: "A spotter on a ridge watched Border Patrol agents for hours."
        ),
        .init(side: "US", level: "moderate", flow: "none", text: "A vehicle with Sonora plates was found burning."),
        .init(
            side: "US",
            level: "high",
            flow: "southbound",
            text: "The suspect was handed over to Mexican authorities."
        ),
        .init(
            side: "MX",
            level: "high",
            flow: "southbound",
            text: "La policía recibió a un detenido entregado por autoridades de Estados Unidos."
        ),
        .init(
            side: "MX",
            level: "high",
            flow: "northbound",
            text: "Un hombre murió ahogado en el río Bravo cuando intentaba cruzar a Estados Unidos."
        ),
        .init(side: "MX", level: "high", flow: "northbound", text: "El grupo intentó cruzar la frontera."),
        .init(side: "US", level: "high", flow: "northbound", text: "They were held while trying to cross the border."),
    ]

    @Test("each kind of evidence grants its level and says which way", arguments: cases)
    func levels(_ told: Case) throws {
        let tagged = try Tagged(told.text, side: told.side)
        #expect(tagged.level == told.level, "\(tagged.rules)")
        #expect(tagged.flow == told.flow, "\(tagged.rules)")
    }

    @Test("a negation removes evidence, a hypothesis caps it at moderate")
    func scopes() throws {
        #expect(try Tagged("Nobody fled; the man did not flee across the border.").level == "none")
        #expect(try Tagged("No huyeron hacia Estados Unidos.", side: "MX").level == "none")
        let supposed = try Tagged("The gunmen possibly fled across the border.")
        #expect(supposed.level == "moderate")
        #expect(supposed.involves == ["US"])
        // The negation ends with its clause.
        #expect(try Tagged("He was not hurt, but the gunmen fled across the border.").level == "high")
        #expect(try Tagged("The pickup did not stop and fled across the border.").level == "high")
    }

    @Test("a movement toward the side where it already is counts for nothing")
    func sameSide() throws {
        #expect(try Tagged("The thieves fled toward Tucson.", side: "US").level == "none")
        #expect(try Tagged("La carga iba con destino a Hermosillo.", side: "MX").level == "none")
    }

    @Test("people on the move are migration-only until there is evidence of an offence")
    func migrationOnly() throws {
        let crossing = try Tagged("Seven people had crossed the border on foot.", category: "migration.crossing")
        #expect(crossing.isMigrationOnly)
        #expect(crossing.level == "high")
        let denied = try Tagged(
            "Una familia cruzó la frontera a pie; no llevaba drogas ni armas.",
            category: "migration.crossing"
        )
        #expect(denied.isMigrationOnly)
        let drugs = try Tagged(
            "Seven people had crossed the border on foot with bundles of heroin.",
            category: "migration.crossing"
        )
        #expect(!drugs.isMigrationOnly)
        #expect(drugs.contraband == ["drugs"])
        // A category alone is no evidence.
        let category = try Tagged("Six migrants were found walking north.", category: "smuggling.people")
        #expect(category.isMigrationOnly)
        #expect(!(try Tagged("A car broke down.")).isMigrationOnly)
    }

    @Test("demonyms, names of restaurants and of streets change nothing")
    func demonyms() throws {
        let plain = try Tagged("A man was treated after a fall near a taco stand.")
        for text in [
            "A Mexican man was treated after a fall near a taco stand.",
            "A Texan man was treated after a fall near a taco stand.",
            "A Spanish-speaking man was treated after a fall near a taco stand.",
        ] {
            let tagged = try Tagged(text)
            #expect(tagged.crossBorder["level"] == plain.crossBorder["level"], "\(text): \(tagged.rules)")
            #expect(tagged.crossBorder["score"] == plain.crossBorder["score"])
            #expect(tagged.value["release"] == plain.value["release"])
        }
    }

    @Test("a span names the words in Unicode scalars")
    func spans() throws {
        let narrative = "Según añadió el jefe, los agresores huyeron hacia Arizona."
        let tagged = try Tagged(narrative, side: "MX")
        let span = try #require(
            (tagged.crossBorder["evidence"]?.array ?? []).first { $0["rule"]?.string == "fled-toward" }?["span"]
        )
        let scalars = Array(narrative.unicodeScalars)
        let start = Int(try #require(span["start"]?.integer))
        let end = Int(try #require(span["end"]?.integer))
        var words = String.UnicodeScalarView()
        words.append(contentsOf: scalars[start..<end])
        #expect(String(words) == "huyeron hacia Arizona")
        #expect(span["field"]?.string == "narrative")
    }

    @Test("a text of the longest kind, full of phrases, is read within its bounds")
    func longText() throws {
        let phrase = "fled across the border into Mexico and no possibly shot rocks from Sonora "
        let tagged = try Tagged(String(repeating: phrase, count: 200))
        #expect(tagged.level == "high")
        #expect((tagged.crossBorder["evidence"]?.array ?? []).count <= 12)
    }
}
