import EventJSON
import Testing

/// Which place a text is about: `name, region`, or nothing.
@Suite("Places from words")
struct PlaceTests {
    private func place(_ narrative: String, at station: String = "nogales", more: String = "") throws -> (
        String, String
    ) {
        let tagged = try Tagged(
            event: #"{"occurred_at":"2026-10-05T10:00:00-07:00","station":"\#(station)","category":"other"\#(more),"#
                + #""narrative":"\#(narrative)"}"#
        )
        let place = tagged.crossBorder["place"]
        let name = place?["name"]?.string.map { "\($0), \(place?["region"]?.string ?? "")" } ?? ""
        return (name, tagged.crossBorder["side"]?.string ?? "")
    }

    @Test(
        "the words beside a name say whether it happened there",
        arguments: [
            ("Agents stopped a truck in Douglas on Tuesday.", "Douglas, US-AZ"),
            ("Agent Douglas stopped a truck on the highway.", ""),
            ("A fire on Douglas Avenue damaged a shop in Bisbee.", "Bisbee, US-AZ"),
            ("The driver, a resident of Hermosillo, was arrested in Rio Rico.", "Rio Rico, US-AZ"),
            ("The load was bound for Phoenix when it was found near Amado.", "Amado, US-AZ"),
            ("Why the man ran is not known.", ""),
            ("Deputies found a camp at Why, Arizona.", "Why, US-AZ"),
            ("Two men walked from Naco to Bisbee.", ""),
            ("Laredo Petroleum reported a theft.", ""),
            ("Nogales police closed a street after a chase.", "Nogales, US-AZ"),
            ("NOGALES, Son. — Dos hombres fueron detenidos.", "Nogales, MX-SON"),
            ("Tucson Sector agents rescued a man in Sells.", "Sells, US-AZ"),
            ("Un hombre de Caborca fue detenido en Altar.", "Altar, MX-SON"),
            ("Vecinos de la calle Sonora reportaron disparos en Agua Prieta.", "Agua Prieta, MX-SON"),
            ("El equipo Club Tijuana llegó a Hermosillo.", ""),
            ("Decomisan droga en el retén de Querobabi.", "Querobabi checkpoint, MX-SON"),
            ("Rescatan a tres personas en las afueras de Sonoyta.", "Sonoyta, MX-SON"),
            ("Bomberos de Cananea apagaron un incendio.", "Cananea, MX-SON"),
            ("La patrulla llegó a Nogales con los detenidos.", ""),
            ("Mexico, Missouri, police found a stolen truck.", "Mexico, US-MO"),
            ("A panga was stopped in the Sea of Cortez.", "Gulf of California, "),
            ("Hallan restos en el desierto de Altar.", "Altar Desert, MX-SON"),
            ("A shooting in San Luis Río Colorado left one dead.", "San Luis Río Colorado, MX-SON"),
            ("shots fired near naco, arizona, two on foot", "Naco, US-AZ"),
            ("en el paso de la sierra hallaron un campamento", ""),
        ]
    )
    func roles(_ text: String, _ expected: String) throws {
        #expect(try place(text).0 == expected)
    }

    @Test(
        "namesakes are told apart by state, station and neighbours",
        arguments: [
            ("Balacera en Nogales.", "nogales", "Nogales, US-AZ", "US"),
            ("Balacera en Nogales.", "hermosillo", "Nogales, MX-SON", "MX"),
            ("Balacera en Nogales, Veracruz.", "hermosillo", "Nogales, MX-VER", "MX"),
            ("A body was found in Nogales, Sonora.", "nogales", "Nogales, MX-SON", "MX"),
            ("A body was found in Nogales, Mexico.", "nogales", "Nogales, MX-SON", "MX"),
            ("Officers in Columbus, New Mexico, seized rifles.", "nogales", "Columbus, US-NM", "US"),
            ("A convoy was attacked in Nuevo Laredo.", "nogales", "Nuevo Laredo, MX-TAM", "MX"),
            ("Detienen a dos en San Luis Potosí.", "hermosillo", "San Luis Potosí, MX-SLP", "MX"),
        ]
    )
    func namesakes(_ text: String, _ station: String, _ expected: String, _ side: String) throws {
        let found = try place(text, at: station)
        #expect(found.0 == expected)
        #expect(found.1 == side)
    }

    @Test("a typed place comes before the narrative, a stated position before both; contradictions are evidence")
    func order() throws {
        let typed = #","location":{"place":"Agua Prieta, Son."}"#
        #expect(try place("Seen in Douglas.", more: typed).0 == "Agua Prieta, MX-SON")
        let stated = #","location":{"lat":31.34,"lon":-109.55,"place":"Agua Prieta, Son.","country":"MX"}"#
        let tagged = try Tagged(
            event: #"{"occurred_at":"2026-10-05T10:00:00-07:00","station":"nogales","category":"other"\#(stated)}"#
        )
        #expect(tagged.crossBorder["position_basis"]?.string == "stated")
        #expect(tagged.crossBorder["side"]?.string == "US")
        #expect(tagged.rules.contains("position-country"))
        #expect(!tagged.rules.contains("position-place"))
        let far = #","location":{"lat":32.2,"lon":-110.9,"place":"Agua Prieta, Son."}"#
        let elsewhere = try Tagged(
            event: #"{"occurred_at":"2026-10-05T10:00:00-07:00","station":"nogales","category":"other"\#(far)}"#
        )
        #expect(elsewhere.rules.contains("position-place"))
        #expect(elsewhere.level == "none")
    }

    @Test("a distance in the words widens the area, and the side is open when it reaches the line")
    func distances() throws {
        let tagged = try Tagged(
            event: #"{"occurred_at":"2026-10-05T10:00:00-07:00","station":"nogales","category":"other","#
                + #""narrative":"Found 12 miles north of Sasabe."}"#
        )
        #expect((tagged.crossBorder["place"]?["accuracy_m"]?.unsigned ?? 0) > 20_000)
        #expect(tagged.crossBorder["side"]?.string == "ambiguous")
    }

    @Test("empty, mixed, right-to-left and zero-width text gives no place of somebody else")
    func hostile() throws {
        for text in ["", " ", "\u{200B}", "N\u{200B}ogales", "نوغاليس", "Nоgales in Cyrillic", ", , ,", "in in in in"] {
            #expect(try place(text).0 == "", "\(text)")
        }
        #expect(try place("en Nogale\u{301}s").0 == "Nogales, US-AZ")
    }
}
