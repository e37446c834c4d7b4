package sample

// The words and sentences of the sample. {one|other} is a choice; <in>, <town>,
// <of> and others in angle brackets are filled in for each entry.

var (
	seasons = []string{"Frühjahr", "Sommer", "Herbst", "Jahresende", "Jahreswechsel"}

	sections = []string{"Politik", "Verwaltung", "Förderung", "Infrastruktur", "Bildung", "Mobilität", "Smart City", "Termine"}

	keywords = []string{
		"Digitalstrategie", "Onlinezugangsgesetz", "Breitband", "Glasfaser", "Mobilfunk", "Open Data", "Bürgerbeteiligung", "Bürgerservice",
		"E-Akte", "Registermodernisierung", "Künstliche Intelligenz", "Chatbot", "LoRaWAN", "Sensorik", "Urbane Datenplattform",
		"Digitaler Zwilling", "Geodaten", "IT-Sicherheit", "Datenschutz", "Cloud", "Open Source", "Digitale Souveränität", "Schuldigitalisierung",
		"Medienentwicklungsplan", "Ratsinformationssystem", "Ratsarbeit", "E-Rechnung", "E-Payment", "Serviceportal", "Terminvergabe",
		"Parkraum", "Verkehrssteuerung", "Elektromobilität", "Energie", "Straßenbeleuchtung", "Klimaanpassung", "Wasser", "Abfallwirtschaft",
		"Ländlicher Raum", "Telemedizin", "Pflege", "Ehrenamt", "Bibliothek", "Tourismus", "Wirtschaftsförderung", "Personal", "Fortbildung",
		"Interkommunale Zusammenarbeit",
	}
	synonyms = map[string][]string{
		"Digitalstrategie": {"Digitalisierungsstrategie", "Digitale Agenda"}, "Onlinezugangsgesetz": {"OZG"}, "Breitband": {"Schnelles Internet"},
		"Glasfaser": {"FTTH", "FTTB"}, "Open Data": {"Offene Daten", "Offene Verwaltungsdaten"}, "Bürgerbeteiligung": {"Bürgerdialog", "Beteiligung"},
		"Künstliche Intelligenz": {"KI"}, "Chatbot": {"Sprachassistent"}, "IT-Sicherheit": {"Informationssicherheit", "Cybersicherheit"},
		"Digitaler Zwilling": {"Urbaner Zwilling"}, "Open Source": {"Freie Software"}, "E-Akte": {"Elektronische Akte", "DMS"},
		"Interkommunale Zusammenarbeit": {"IKZ"}, "Elektromobilität": {"E-Mobilität"}, "Serviceportal": {"Bürgerportal", "Digitales Rathaus"},
	}
	parents = map[string]string{ // of keywords that come later in the list
		"Glasfaser": "Breitband", "Mobilfunk": "Breitband", "Chatbot": "Künstliche Intelligenz", "Digitaler Zwilling": "Urbane Datenplattform",
		"Terminvergabe": "Bürgerservice", "Serviceportal": "Bürgerservice", "Datenschutz": "IT-Sicherheit", "Ratsarbeit": "Ratsinformationssystem",
	}
	actionFields = []string{
		"Verwaltung und Service", "Infrastruktur und Netze", "Daten und Plattformen", "Bildung und Schule", "Mobilität und Verkehr",
		"Energie und Umwelt", "Wirtschaft und Arbeit", "Gesundheit und Soziales", "Kultur und Freizeit", "Beteiligung und Dialog",
		"Sicherheit und Ordnung", "Bauen und Wohnen", "Personal und Qualifizierung", "Nachhaltigkeit", "Teilhabe und Inklusion", "Tourismus und Stadtmarketing",
	}
	fundingAreas = []string{
		"Digitalisierung", "Infrastruktur", "Smart Cities und Regionen", "Regionalförderung", "Forschung und Innovation", "Mobilität",
		"Energieeffizienz", "Aus- und Weiterbildung", "Gesundheit", "Ländliche Entwicklung", "Städtebau", "Kultur",
	}

	given = []string{
		"Anna", "Ayşe", "Bernd", "Birgit", "Carla", "Christian", "Claudia", "Daniel", "Doris", "Elif", "Emma", "Erik", "Eva", "Felix", "Franziska",
		"Georg", "Greta", "Hannah", "Heike", "Ingo", "Jana", "Jörg", "Jürgen", "Karin", "Kathrin", "Klaus", "Lea", "Lena", "Lukas", "Maja", "Marek",
		"Markus", "Mehmet", "Michael", "Mira", "Nadine", "Nils", "Oliver", "Olga", "Paul", "Petra", "Rainer", "Renate", "Sabine", "Simon", "Sören",
		"Stefan", "Susanne", "Thomas", "Tobias", "Ulrike", "Uwe", "Vera", "Wolfgang", "Yusuf", "Zoë",
	}
	// families are all made of Muster, so that nobody is taken for a real person.
	families = []string{
		"Musterbach", "Musterbauer", "Musterbeck", "Musterberg", "Musterbrück", "Musterburg", "Musterdorf", "Mustereck", "Musterfeld", "Musterfurt",
		"Musterhagen", "Musterhaus", "Musterheim", "Musterhof", "Musterkamp", "Musterkirch", "Musterloh", "Mustermeier", "Mustermoser", "Mustermüller",
		"Musternagel", "Musterow", "Musterrath", "Musterried", "Musterschmidt", "Musterstein", "Mustertal", "Musterwald", "Musterweg", "Musterzell",
	}
	offices = []string{
		"{Oberbürgermeister|Bürgermeisterin|Bürgermeister|Erste Bürgermeisterin}", "{Beigeordnete|Dezernentin|Dezernent} für {Digitalisierung|Personal und IT|Finanzen}",
		"{Leiter|Leiterin} der Stabsstelle Digitalisierung", "{Chief Digital Officer|Digitalbeauftragter|Digitalbeauftragte}", "{Leiter|Leiterin} des Hauptamts",
		"{Mitglied des Rates|Ratsmitglied|Fraktionsvorsitzende|Fraktionsvorsitzender}", "{Sprecher|Sprecherin} der {Verwaltung|Stadtwerke}", "{Projektleiter|Projektleiterin} Smart City",
		"{Staatssekretär|Staatssekretärin}", "{Lehrbeauftragter|Lehrbeauftragte} für Verwaltungsinformatik", "{Geschäftsführer|Geschäftsführerin}", "{Datenschutzbeauftragte|Datenschutzbeauftragter}",
	}

	parties  = []string{"Musterpartei Mitte", "Musterbund Fortschritt", "Muster-Grüne Liste", "Musterunion", "Freie Musterwähler", "Musterliste Digital"}
	umbrella = []string{"Mustertag der Städte", "Musterbund der Gemeinden", "Musterverband der Kreise"}
	press    = []string{"Musterkurier", "Musterpresse kommunal", "Musterblatt Verwaltung", "Muster-Nachrichtenagentur"}

	orgKinds = weighted{
		{"COUNCIL_BODY", 26}, {"DEPARTMENT", 26}, {"PARLIAMENTARY_GROUP", 8}, {"AUTHORITY", 5}, {"IT_SERVICE_PROVIDER", 6},
		{"RESEARCH_INSTITUTION", 5}, {"COMPANY", 14}, {"EXTERNAL_BODY", 2}, {"INSTITUTION", 6}, {"OTHER", 2},
	}
	orgNames = map[string]string{
		"COUNCIL_BODY":         "{Musterrat|Musterausschuss für Digitales|Muster-Hauptausschuss|Muster-Finanzausschuss} <town>",
		"DEPARTMENT":           "{Muster-Stabsstelle Digitalisierung|Musteramt für Organisation und IT|Musterdezernat Digitales|Muster-Bürgeramt|Muster-Bauamt} <town>",
		"PARLIAMENTARY_GROUP":  "{Musterfraktion|Musterfraktionsgemeinschaft} <town>",
		"AUTHORITY":            "{Muster-Landesamt für Digitales|Muster-Datenschutzaufsicht|Muster-Bewilligungsstelle} <town>",
		"IT_SERVICE_PROVIDER":  "{Muster-Rechenzentrum|Musterdata Kommunal|Muster-IT-Zweckverband} <town>",
		"RESEARCH_INSTITUTION": "{Musterhochschule|Muster-Institut für Verwaltungsforschung|Muster-Institut für urbane Daten} <town>",
		"COMPANY":              "{Musterwerke|Musternetz|Mustersoft|Mustermobil|Muster-Sensorik} <town> {GmbH|AG|GmbH & Co. KG}",
		"EXTERNAL_BODY":        "{Muster-Digitalbeirat|Muster-Seniorenbeirat|Muster-Jugendforum} <town>",
		"INSTITUTION":          "{Musterstiftung|Muster-Volkshochschule|Muster-Stadtbibliothek|Musterklinikum} <town>",
		"OTHER":                "{Musterinitiative|Musterverein Freifunk|Muster-Bürgernetz} <town>",
	}

	eventKinds = weighted{{"CONFERENCE", 20}, {"WORKSHOP", 30}, {"COUNCIL_MEETING", 20}, {"PARTICIPATION", 15}, {"TALK", 10}, {"OTHER", 5}}
	eventNames = map[string]string{
		"CONFERENCE":      "{Muster-Digitalkonferenz|Musterkongress Smart City|Muster-Fachtag Verwaltung} <town>",
		"WORKSHOP":        "{Musterwerkstatt|Muster-Workshop} {Digitale Agenda|Offene Daten|Bürgerservice|Mobilität} <town>",
		"COUNCIL_MEETING": "{Ratssitzung|Sitzung des Digitalausschusses|Sitzung des Hauptausschusses} <town> (Muster)",
		"PARTICIPATION":   "{Bürgerdialog Digitales|Stadtspaziergang Smart City|Online-Beteiligung} <town> (Muster)",
		"TALK":            "{Mustervortrag|Muster-Abendgespräch}: {Was kann die digitale Stadt?|Daten für alle|Sicher im Netz} <town>",
		"OTHER":           "{Muster-Hackathon|Muster-Digitaltag} <town>",
	}
	venues = []string{"Rathaus, Großer Saal", "Stadthalle", "Bürgerhaus", "Stadtbibliothek", "Kulturzentrum", "Volkshochschule", "Online"}

	programLevels = weighted{{"STATE", 55}, {"FEDERAL", 22}, {"EU", 10}, {"MUNICIPAL", 6}, {"PRIVATE", 7}}
	programNames  = []string{
		"Musterprogramm {Digitale Kommune|Smarte Region|Digitale Dörfer|Glasfaser vor Ort}", "Musterförderung {Verwaltungsdigitalisierung|Offene Daten|Digitale Schulen}",
		"Musterinitiative {Heimat digital|Stadt und Daten|Digitale Modellregionen}", "Musterfonds {Smart City|Digitale Infrastruktur|Digitale Teilhabe}",
	}
	fundingTypes   = []string{"GRANT", "LOAN", "SURETY", "EQUITY", "GUARANTEE", "OTHER"}
	applicantTypes = []string{"MUNICIPALITY", "ASSOCIATION", "PUBLIC_INSTITUTION", "COMPANY", "RESEARCH_INSTITUTION", "UNIVERSITY", "FOUNDER", "EDUCATIONAL_INSTITUTION", "PRIVATE_PERSON"}
	awardNames     = []string{
		"{Digitale Modellkommune|Smarte Stadt|Vernetzte Region|Offene Datenplattform} <town> (Muster)", "{Glasfaser|Bürgerservice|Sensornetz|Digitale Schule} für <town> (Muster)",
	}

	strategyKinds = []struct{ kind, name string }{
		{"DIGITAL_STRATEGY", "Digitalstrategie"}, {"DIGITAL_AGENDA", "Digitale Agenda"}, {"DIGITAL_CONCEPT", "Digitalisierungskonzept"},
		{"SMART_CITY_STRATEGY", "Smart-City-Strategie"}, {"ROADMAP", "Digitaler Fahrplan"}, {"ACTION_PLAN", "Aktionsplan Digitalisierung"}, {"OTHER", "Leitbild Digitales"},
	}

	measureNames = []string{
		"{Online-Terminvergabe|Serviceportal|E-Akte|E-Rechnung|Digitaler Posteingang} {einführen|ausbauen|erneuern}",
		"{WLAN|Glasfaser|Tablets|Digitale Tafeln} für {alle Schulen|Kindertagesstätten|Sporthallen|das Bürgerhaus}",
		"{Sensornetz|Verkehrszählung|Parkleitsystem|Pegelmessung|Bodenfeuchtemessung} {aufbauen|erweitern|erproben}",
		"{Open-Data-Portal|Urbane Datenplattform|Digitaler Zwilling|Geodatenportal} {aufbauen|öffnen|pflegen}",
		"{Beschäftigte|Auszubildende|Führungskräfte} für {digitale Arbeit|Datenschutz|Projektarbeit} {schulen|gewinnen}",
		"{Ratsarbeit|Bauantrag|Gewerbeanmeldung|Hundesteuer|Bibliotheksausweis} {vollständig digital|medienbruchfrei|online} anbieten",
		"{Digitallotsen|Sprechstunden für Ältere|Jugendforum|Beteiligungsplattform} {einrichten|fortführen}",
		"{Straßenbeleuchtung|Heizungen|Ladesäulen|Bewässerung} {vernetzen|intelligent steuern}",
	}

	figureSubjects = []struct{ code, name, unit, about string }{
		{"online-dienste", "Online-Dienste", "Dienste", "Leistungen, die sich vollständig online abwickeln lassen."},
		{"glasfaserquote", "Glasfaserquote", "Prozent", "Anteil der Haushalte mit Glasfaseranschluss."},
		{"offene-datensaetze", "Offene Datensätze", "Datensätze", "Datensätze unter freier Lizenz."},
		{"oeffentliches-wlan", "Öffentliche WLAN-Zugangspunkte", "Zugangspunkte", ""},
		{"ladepunkte", "Öffentliche Ladepunkte", "Ladepunkte", ""},
		{"digitale-schulen", "Schulen mit Breitbandanschluss", "Prozent", ""},
		{"teilnehmende", "Teilnehmende", "Personen", "Menschen, die an einer Veranstaltung oder Beteiligung teilgenommen haben."},
		{"it-ausgaben", "IT-Ausgaben je Einwohner", "Euro", ""},
		{"massnahmen-umgesetzt", "Umgesetzte Maßnahmen", "Maßnahmen", ""},
		{"portalbesuche", "Besuche des Serviceportals", "Besuche je Monat", ""},
	}

	rankingNames = []string{"Muster-Index Digitale Stadt", "Musterranking Smart City", "Muster-Vergleich Onlinedienste", "Musteratlas Digitale Kommunen", "Muster-Monitor Offene Daten"}
	rankingParts = []string{"", "Verwaltung", "Infrastruktur", "Beteiligung"}

	articleKinds = weighted{{"NEWS", 62}, {"REPORT", 12}, {"PRESS_RELEASE", 12}, {"INTERVIEW", 5}, {"OPINION", 4}, {"EVENT_REPORT", 4}, {"PAGE", 1}}
	articleNames = map[string][]string{
		"NEWS": {
			"<town> {stellt|legt} {Digitale Agenda|Digitalstrategie|Smart-City-Konzept|Breitbandplan|E-Akte-Konzept} vor", "Neue {Sensoren|Ladepunkte|Glasfaserstrecken|Online-Dienste} für <town>",
			"<town>: {Rat|Ausschuss|Kämmerei} {berät über|gibt Mittel frei für|spricht sich aus für} {Serviceportal|Datenplattform|Breitbandausbau|E-Akte}",
			"{Bürgerservice|Unterricht|Ratsarbeit|Verkehr} in <town> wird {digitaler|einfacher}", "Fördermittel für {Digitalisierung|Smart-City-Projekt|offene Daten} in <town>",
			"<town> {startet|verlängert|beendet} {Testbetrieb|Beteiligung|Modellversuch} {im Bürgeramt|in der Innenstadt|auf dem Land}",
		},
		"REPORT":        {"Wie <town> {den Bürgerservice|die Verkehrsdaten|die Schulen|die Aktenberge} {neu ordnet|digital macht|in den Griff bekommt}", "Ein {Jahr|Tag} {Datenplattform|Digitalbüro|Serviceportal} in <town>"},
		"PRESS_RELEASE": {"<town> {informiert über|freut sich über|erweitert} {neue Online-Dienste|den Stand der Digitalisierung|das digitale Rathaus}"},
		"INTERVIEW":     {"„{Wir fangen nicht bei null an|Daten gehören allen|Digital heißt nicht kompliziert|Es braucht Geduld}“ – Interview aus <town>"},
		"OPINION":       {"Kommentar: {Warum|Wie} {offene Daten|gute Formulare|kleine Schritte} in <town> {zählen|helfen}"},
		"EVENT_REPORT":  {"{Rückblick|Bericht}: {Digitalkonferenz|Bürgerdialog|Werkstatt} in <town>"},
		"PAGE":          {"Digitalisierung in <town>: {Überblick|Ansprechstellen|Häufige Fragen}"},
	}
	subtitles  = []string{"{Verwaltung|Rat|Ausschuss} zieht erste Bilanz", "Was sich {für Bürgerinnen und Bürger|in den Ämtern|für Vereine} ändert", "{Ausbau|Einführung} in {drei|vier|fünf} Schritten"}
	shorthands = []string{"(mu)", "(ms)", "PM-mst", "(red-mu)", "mstr"}

	images = []string{"Rathausplatz", "Serverraum", "Sensor an einer Laterne", "Baustelle für Glasfaser", "Ratssaal", "Tablet im Unterricht", "Ladesäule", "Bürgerbüro", "Luftbild der Innenstadt", "Podium einer Konferenz"}
)

// openers begin a body. The first is about the town, then come strategy and program.
var (
	openers = []string{
		"<In> {nimmt die Digitalisierung Fahrt auf|gewinnt der digitale Umbau an Tempo|rückt die digitale Verwaltung näher}: {Der Rat|Die Verwaltung|Der zuständige Ausschuss} hat sich {am Donnerstag|zuletzt|in der jüngsten Sitzung|vor der Sommerpause} mit {dem Stand der Vorhaben|neuen Projekten|den Kosten} befasst.",
		"{Die Verwaltung <of>|Das Digitalbüro <of>} hat {einen Bericht vorgelegt, der|eine Zwischenbilanz veröffentlicht, die|einen Zeitplan vorgestellt, der} {die nächsten Schritte|Fortschritte und Lücken|den Bedarf der kommenden Jahre} {beschreibt|benennt|aufzeigt}.",
		"{Lange|Seit Monaten|Immer wieder} wurde <in> darüber {gesprochen|beraten|gestritten}, {wie Leistungen schneller online gehen|wer die Datenplattform betreibt|wie Schulen besser angebunden werden}. {Nun liegt ein Vorschlag vor|Jetzt gibt es eine Entscheidung|Nun steht das Ergebnis fest}.",
	}
	openerMore = []string{
		"{Nach Angaben der Verwaltung|Dem Bericht zufolge|Wie es in der Vorlage heißt,} sind {rund|mehr als|knapp} {20|35|40|60|80} {Dienste|Verfahren|Formulare} {umgestellt|online|in Arbeit}.",
		"{Für die kommenden zwei Jahre|Bis zum Jahresende|Im laufenden Haushalt} sind dafür {150 000|320 000|480 000|1,2 Millionen|2,5 Millionen} Euro {eingeplant|vorgesehen}.",
		"{Beteiligt|Eingebunden} {waren|sind} {Fachämter, Schulen und Stadtwerke|Vereine und Wirtschaft|mehrere Nachbarkommunen|Beschäftigte aus allen Bereichen}.",
		"{Offen|Umstritten|Noch nicht entschieden} {ist|bleibt}, {wer die laufenden Kosten trägt|wie der Betrieb organisiert wird|ob weitere Stellen nötig sind|wann der Ausbau beginnt}.",
	}
	openerStrategy = []string{
		"Grundlage ist „[<strategy>](/strategien/<strategyslug>)“.", "{Den Rahmen|Die Richtung} gibt „[<strategy>](/strategien/<strategyslug>)“ vor.",
	}
	openerProgram = []string{
		"{Ein Teil der Kosten|Der größte Teil der Ausgaben} wird über „[<program>](/foerderprogramme/<programslug>)“ {gedeckt|bezahlt}.",
		"Geld soll {auch|vor allem} aus „[<program>](/foerderprogramme/<programslug>)“ {kommen|fließen}.",
	}
)

// A theme is what a section of a body is about. Its headings are its own, because
// ids of headings are unique in a body.
type theme struct {
	headings  []string
	under     string // a heading of the second order
	sentences []string
	list      []string
}

var themes = []theme{
	{
		[]string{"Mehr Dienste, weniger Wege", "Was online schon geht"}, "Vom Antrag zum Bescheid",
		[]string{
			"{Wer umzieht|Wer ein Gewerbe anmeldet|Wer einen Parkausweis braucht}, {soll künftig|kann inzwischen} {alles|das meiste} {von zu Hause|ohne Termin} erledigen.",
			"{Der Antrag|Das Formular} {führt Schritt für Schritt durch die Angaben|fragt nur noch, was nötig ist,} und {prüft alles|erkennt Fehler} {sofort|gleich bei der Eingabe}.",
			"{Gebühren werden online bezahlt|Gebühren lassen sich mit Karte oder Lastschrift begleichen}, sofern {überhaupt noch welche anfallen|die Satzung sie vorsieht}.",
			"{Nicht jede Leistung|Nur ein Teil der Verfahren} {ist|läuft} schon durchgängig digital; {oft|manchmal} {wird am Ende doch gedruckt|fehlt die Anbindung an das Fachverfahren}.",
			"{Das Bürgerbüro|Der Service vor Ort} bleibt {erhalten|geöffnet}, {denn nicht alle wollen oder können den Weg über das Netz nehmen|weil persönliche Beratung gefragt ist}.",
			"Die Rechtsgrundlage ist das [Onlinezugangsgesetz](https://recht.muster.example/ozg).",
		},
		[]string{"Wohnsitz an- und ummelden", "Urkunden bestellen", "Hund anmelden", "Sperrmüll abholen lassen", "Bauantrag verfolgen"},
	},
	{
		[]string{"Glasfaser bis in die Ortsteile", "Der Ausbau der Netze"}, "Wo noch gegraben wird",
		[]string{
			"{In den Gewerbegebieten|In den Ortsteilen|Rund um die Schulen} {liegen die Leerrohre bereits|fehlen die Leitungen noch}.",
			"{Der eigenwirtschaftliche Ausbau hat Vorrang|Der geförderte Ausbau kommt nur dort zum Zug, wo der Markt nicht baut}.",
			"{Ein Markterkundungsverfahren|Die Auswertung der Anschlüsse} {ergab|zeigt} {deutliche Unterschiede zwischen den Ortsteilen|rund 400 unterversorgte Adressen}.",
			"{Anwohner|Eigentümer} {werden|wurden} {schriftlich|in Versammlungen} über {Bauzeiten und Anschlüsse|kostenlose Hausanschlüsse} informiert.",
			"{Verzögerungen|Engpässe} gibt es {bei Tiefbaufirmen|bei Genehmigungen entlang der Bahn|durch gestiegene Preise}.",
		},
		[]string{"Vorvermarktung", "Tiefbau", "Hausanschlüsse", "Inbetriebnahme"},
	},
	{
		[]string{"Daten für alle", "Offene Daten und Plattform"}, "Wer die Daten nutzt",
		[]string{
			"{Haushaltszahlen, Luftbilder und Fahrpläne|Baumkataster, Pegelstände und Zählungen} stehen {als offene Daten|unter freier Lizenz} bereit.",
			"{Eine Plattform|Ein gemeinsamer Datenraum} führt {Sensoren, Fachverfahren und Geodaten|Messwerte aus vielen Quellen} zusammen.",
			"{Personenbezogene Daten|Kennzeichen und Bilder} werden {nicht gespeichert|vor der Speicherung entfernt}.",
			"{Start-ups|Schulen|Redaktionen|Forschende} {fragen vor allem Verkehrsdaten nach|nutzen vor allem Umweltdaten für eigene Auswertungen}.",
			"{Wer Daten vermisst, kann das|Wer einen Fehler findet, kann ihn} über [das Portal](https://daten.muster.example/) melden.",
		},
		[]string{"Verkehrszählung", "Wetter und Luft", "Haushalt", "Geodaten"},
	},
	{
		[]string{"Schulen am Netz", "Digitales Lernen"}, "Endgeräte und Wartung",
		[]string{
			"{Alle weiterführenden Schulen|Die Grundschulen} {haben|bekommen} {einen schnellen Anschluss|WLAN in jedem Raum}.",
			"{Der Medienentwicklungsplan|Das Medienkonzept} {wird|wurde} mit {Lehrkräften und Eltern|den Schulleitungen} {fortgeschrieben|abgestimmt}.",
			"{Für Wartung und Support|Für die Geräte} ist {ein zentrales Team|ein Dienstleister} zuständig.",
			"{Lehrkräfte|Kollegien} {wünschen sich|fordern} {mehr Fortbildung|verlässliche Technik|feste Ansprechpartner}.",
			"{Leihgeräte|Tablets} gehen {vor allem|zuerst} an {Kinder, deren Familien sich keine leisten können|Abschlussklassen}.",
		},
		[]string{"Anschluss", "WLAN", "Geräte", "Fortbildung", "Support"},
	},
	{
		[]string{"Verkehr klüger steuern", "Sensoren im Straßenraum"}, "Erste Messwerte",
		[]string{
			"{Sensoren|Kameras ohne Bildspeicherung|Induktionsschleifen} zählen {Autos, Räder und Fußgänger|freie Stellplätze}.",
			"{Eine App|Eine Anzeige am Ring} {zeigt|nennt} {freie Parkplätze|die schnellste Verbindung} {in Echtzeit|mit wenigen Minuten Verzug}.",
			"{Ampeln melden Störungen selbst|Busse bekommen an zwölf Kreuzungen Vorrang|Der Radverkehr bekommt bei Regen länger Grün}.",
			"{Der Suchverkehr|Die Wartezeit} {ging messbar zurück|soll um ein Fünftel sinken}.",
			"Ein Teil des Ausschusses bezweifelt {den Nutzen|die Genauigkeit der Messungen}.",
		},
		[]string{"Parken", "Radverkehr", "Busse und Bahnen", "Ladepunkte"},
	},
	{
		[]string{"Beteiligung von Anfang an", "Was Bürgerinnen und Bürger sagen"}, "So geht es mit den Ideen weiter",
		[]string{
			"{Mehr als|Rund|Knapp} {120|250|600|1 400} {Hinweise|Ideen|Rückmeldungen} gingen {online und vor Ort|in vier Wochen} ein.",
			"{In Workshops|Auf Marktständen|An Schulen} wurde {gesammelt|diskutiert}, was {fehlt|Vorrang haben soll}.",
			"{Häufig|Am häufigsten} genannt {wurden|werden} {einfache Formulare|besseres Netz und kurze Wege|barrierefreie Angebote}.",
			"{Jede Idee|Jeder Hinweis} bekommt {eine Antwort|einen sichtbaren Stand}, notfalls eine Absage mit Gründen.",
			"{Das Protokoll|Die Auswertung} ist {öffentlich|auf der Beteiligungsseite zu finden}.",
		},
		[]string{"Auswertung im Fachamt", "Beratung im Ausschuss", "Antwort auf der Plattform"},
	},
	{
		[]string{"Sicher und souverän", "Informationssicherheit"}, "Üben für den Ernstfall",
		[]string{
			"{Angriffe auf Verwaltungen|Ausfälle in Nachbarstädten} haben {das Thema nach vorn gebracht|gezeigt, was auf dem Spiel steht}.",
			"{Notfallpläne werden jährlich geübt|Sicherungen liegen inzwischen an einem zweiten Ort|Zugänge wurden neu geordnet}.",
			"{Freie Software|Ein Wechsel des Anbieters} soll {Abhängigkeiten verringern|auf Dauer Kosten sparen}.",
			"{Die Beschäftigten|Alle Ämter} {üben|lernen}, {verdächtige Post zu erkennen|mit Kennwörtern umzugehen}.",
			"{Ein Verbund|Ein gemeinsames Team} mehrerer Kommunen {teilt sich|bezahlt} {die Fachleute|die Bereitschaft}.",
		},
		[]string{"Sicherungen prüfen", "Zugänge absichern", "Notbetrieb üben"},
	},
	{
		[]string{"Gemeinsam statt allein", "Zusammenarbeit mit Nachbarn"}, "Was die Partner teilen",
		[]string{
			"{Kleine Gemeinden|Die Kommunen im Umland} {schließen sich zusammen|teilen sich Stellen}, {weil|da} {Fachleute fehlen|sich manches allein nicht lohnt}.",
			"{Ein Zweckverband|Ein öffentlich-rechtlicher Vertrag} {regelt Kosten und Aufgaben|bestimmt, wer was betreibt}.",
			"{Vorlagen|Lösungen} {werden frei geteilt|sollen anderen Städten zur Verfügung stehen}.",
			"{Der Kreis|Das Land} {moderiert|unterstützt} {die Abstimmung|den Austausch}.",
			"{Einheitliche Verfahren|Gemeinsame Standards} {erleichtern den Betrieb|ersparen doppelte Arbeit}.",
		},
		[]string{"Serviceportal", "Rechenzentrum", "Fortbildung", "Beschaffung"},
	},
	{
		[]string{"Zeitplan und Kosten", "Wie es finanziert wird"}, "Meilensteine",
		[]string{
			"{Der Haushalt|Die Finanzplanung} sieht {für drei Jahre|bis 2028} {feste Beträge|einen Rahmen} vor.",
			"{Fördermittel|Zuschüsse} decken {bis zu 65 Prozent|in Einzelfällen 90 Prozent|etwa die Hälfte} der Ausgaben.",
			"{Laufende Kosten|Lizenzen und Wartung} machen {inzwischen|auf Dauer} den größeren Teil aus.",
			"{Die Kämmerei|Der Rechnungsprüfungsausschuss} {bittet um belastbare Zahlen|mahnt zur Vorsicht}.",
			"{Alle zwei Jahre|Jährlich} soll geprüft werden, ob {die Ziele erreicht sind|die Mittel reichen}.",
		},
		[]string{"Grundsatzbeschluss", "Ausschreibung", "Probebetrieb", "Evaluation"},
	},
	{
		[]string{"Arbeiten in der Verwaltung", "Der Wandel in den Ämtern"}, "Neue Rollen",
		[]string{
			"{Die elektronische Akte|Der digitale Posteingang} {verändert Abläufe, die Jahrzehnte alt sind|erleichtert die Arbeit zwischen den Ämtern}.",
			"{Auszubildende|Erfahrene Kräfte} {haben in Workshops eigene Vorschläge eingebracht|bringen als Digitallotsen ihre Sicht ein}.",
			"{Mobiles Arbeiten|Das geteilte Büro} gehört {inzwischen|längst} dazu.",
			"{Der Personalrat|Die Gleichstellungsstelle} {war|ist} {früh|von Beginn an} eingebunden.",
			"{Stellen für IT-Fachleute|Ausschreibungen für die Technik} {bleiben oft lange unbesetzt|finden wenig Bewerbungen}.",
		},
		[]string{"Prozesse aufnehmen", "Vereinfachen", "Digitalisieren", "Schulen"},
	},
	{
		[]string{"Klima und Energie", "Digital gegen die Hitze"}, "Messen und steuern",
		[]string{
			"{Bodenfeuchte und Temperatur misst ein Netz von Sensoren|An 60 Standorten wird die Temperatur erfasst}.",
			"{Straßenlaternen|Heizungen in Schulen} {lassen sich bedarfsgerecht steuern|werden nach Anwesenheit geregelt}.",
			"{Der Verbrauch|Der Bedarf} {sank im ersten Jahr um 12 Prozent|soll um ein Zehntel sinken}.",
			"{Junge Bäume|Beete} werden {nur gegossen, wenn es nötig ist|gezielt bewässert}.",
			"{Pegel|Regenmesser} warnen {früher|automatisch} vor {Starkregen|Hochwasser}.",
		},
		[]string{"Licht", "Wärme", "Wasser", "Grün"},
	},
	{
		[]string{"Gut für alle Generationen", "Teilhabe und Barrierefreiheit"}, "Hilfe vor Ort",
		[]string{
			"{Sprechstunden|Kurse} in {der Bibliothek|den Ortsteilen} richten sich an {Ältere|alle, die Fragen haben}.",
			"Leichte Sprache und {Vorlesefunktion|starke Kontraste} gehören zum Standard {neuer Angebote|des Portals}.",
			"{Ehrenamtliche|Digitallotsen} {begleiten die ersten Schritte|erklären Anträge am eigenen Gerät}.",
			"{Telemedizin|Der digitale Dorfladen} ersetzt {keine Praxis|kein Geschäft}, {verkürzt aber Wege|schließt aber Lücken}.",
			"{Wer kein Gerät hat|Wer offline bleiben will}, {findet weiterhin Hilfe im Rathaus|bekommt auch künftig Papier}.",
		},
		[]string{"Bibliothek", "Seniorentreff", "Jugendhaus", "Rathaus"},
	},
}

// general are sentences that fit every theme.
var general = []string{
	"{Eine Entscheidung|Ein Beschluss} {wird|soll} noch {in diesem Jahr|vor dem Herbst} fallen.",
	"{In der Aussprache|In der Sitzung} {ging es|drehte sich vieles} um {Kosten und Personal|Tempo und Verlässlichkeit|die Reihenfolge der Vorhaben}.",
	"{Mehrere Fraktionen|Einzelne Mitglieder des Ausschusses} {baten um eine Vertagung|regten einen jährlichen Bericht an|verlangten eine Übersicht über alle Verträge}.",
	"{Das Ergebnis|Der Sachstand} soll {im Ratsinformationssystem|auf einer eigenen Seite} {veröffentlicht|dokumentiert} werden.",
	"{Die Erfahrungen|Die Ergebnisse} {aus dem Probebetrieb|der ersten Monate} {fließen in die Planung ein|sind überwiegend gut}.",
	"{Vorbild|Anregung} {ist|war} {ein Projekt in der Nachbarschaft|ein Austausch mit anderen Kommunen}.",
	"{Fachämter|Projektgruppen} {prüfen derzeit|klären gerade}, {welche Daten gebraucht werden|wo Abläufe einfacher werden können|was sich wiederverwenden lässt}.",
	"{Externe Beratung|Ein Gutachten} {wurde bewusst vermieden|half nur am Anfang}, {um eigenes Wissen aufzubauen|damit das Team selbst lernt}.",
	"{Ein Zwischenstand|Ein Erfahrungsbericht} {ist|wird} {für das Frühjahr|nach einem Jahr} {vorgesehen|erwartet}.",
	"{Bis dahin|Vorerst} {gilt die bisherige Regelung|bleibt das alte Verfahren bestehen}.",
	"{Wichtig sei|Entscheidend sei}, {dass niemand zurückbleibe|dass Angebote verständlich seien|dass Daten nur einmal erfasst würden}, heißt es in der Vorlage.",
	"{Der Zeitplan|Die Planung} {ist ehrgeizig|enthält Puffer}, {die Abhängigkeiten sind bekannt|einige Risiken bleiben}.",
	"{Rückfragen|Anregungen} nimmt {die Projektleitung|das Digitalbüro} {per E-Mail|in einer Sprechstunde} entgegen.",
	"{Vergleichbare Vorhaben|Ähnliche Projekte} {haben anderswo|haben in größeren Städten} {zwei bis drei Jahre gedauert|gezeigt, dass Schulungen viel Zeit brauchen}.",
	"{Ob das reicht|Wie schnell es geht}, {hängt von den Haushaltsberatungen ab|muss sich zeigen|entscheidet sich bei der Ausschreibung}.",
	"{Das Vorhaben|Die Arbeit daran} {wird regelmäßig überprüft|ist in der Verwaltung breit abgestimmt}.",
}

// replies are what readers write, a paragraph each.
var replies = []string{
	"{Endlich tut sich hier etwas|Schön, dass jemand das Thema anpackt}. {Bei uns im Ortsteil|In unserer Straße} {warten wir seit Jahren auf schnelles Netz|merkt man davon noch wenig}.",
	"{Und wer|Wer} {bezahlt|betreibt} das {am Ende|in fünf Jahren}? {In der Vorlage steht dazu nichts|Im Haushalt finde ich keine Zahl}.",
	"{Die Terminvergabe|Das Serviceportal|Die App} funktioniert bei mir {gut|nur am Rechner|nicht auf dem Telefon|erst beim dritten Versuch}.",
	"Gibt es {die Unterlagen|das Protokoll|die Präsentation} {irgendwo|auch barrierefrei} {zum Nachlesen|als Datei}?",
	"{Mir fehlt|Ich vermisse} {ein Wort|eine Aussage} {zum Datenschutz|zur Barrierefreiheit|zu den Folgekosten}.",
	"> {Bis zum Jahresende|Im kommenden Jahr} sollen alle Dienste online sein.\n\n{Das hieß es schon einmal.|Ich bin gespannt.|Wer soll das schaffen?}",
	"{Ein Hinweis|Eine Ergänzung}: {Der Ausschuss|Der Beirat} hat {schon im Frühjahr|bereits zweimal} darüber {beraten|abgestimmt}, siehe [die Niederschrift](https://rat.muster.example/vorlage/{12|47|103|288}).",
	"{Danke|Vielen Dank} für {den Bericht|die Zusammenfassung|die Links}. **{Sehr hilfreich|Gut verständlich}.**",
	"Statt {neuer Sensoren|teurer Gutachten} wären mir {funktionierende Formulare|mehr Leute im Bürgerbüro} {lieber|wichtiger}.",
	"{Meine Wünsche|Was noch fehlt}:\n\n- {bessere Busanbindung|Fahrplan in der App}\n- {WLAN in der Bibliothek|mehr Ladepunkte}\n- {Sprechstunden auch abends|ein Ansprechpartner}",
	"{Nachbarkommunen|Andere Städte} {sind da weiter|machen das gemeinsam}. {Warum geht das hier nicht|Weshalb nicht auch wir}?",
	"{Das stimmt so nicht|Da muss ich widersprechen}: {Die Förderung|Der Zuschuss} {läuft erst an|deckt nur einen Teil der Kosten}.",
	"{Volle Zustimmung|Sehe ich genauso}. {Gerade für Ältere|Für Familien} {ist das ein Gewinn|muss es einfach bleiben}.",
	"{Ich arbeite selbst in einer Verwaltung|Als Beschäftigte kann ich sagen}: Ohne {Schulung|Zeit für die Umstellung} {hilft die beste Software nichts|bleibt alles beim Alten}.",
	"{Kann man|Darf man} {die Daten|die Messwerte} {herunterladen|in eigenen Projekten nutzen}? {Unter welcher Lizenz|Gibt es eine Schnittstelle}?",
	"*{Kleine Korrektur|Nachtrag}:* {gemeint war|es geht um} {der Zeitraum bis 2028|die zweite Staffel|der Digitalausschuss}.",
}

var (
	editorNotes  = []string{"{Die Vorlage|Das Protokoll} ist {inzwischen|jetzt} {veröffentlicht|verlinkt}.", "{Ein persönlicher Angriff|Eine Telefonnummer} wurde entfernt.", "Die {Zahl|Angabe} im Text ist {berichtigt|geprüft}."}
	descriptions = []string{
		"{Die Maßnahme|Das Vorhaben} {beginnt|startet} mit {einer Bestandsaufnahme|einem Probebetrieb in zwei Ämtern}. {Danach|Anschließend} {folgt die schrittweise Einführung|steht eine Ausschreibung an}.",
		"{Ziel|Zweck} ist, {Wartezeiten zu verkürzen|Medienbrüche zu beseitigen|Daten nur einmal zu erfassen}. {Erfolg|Fortschritt} wird {jährlich|an Kennzahlen} gemessen.\n\n- {Konzept|Lastenheft}\n- {Beschaffung|Umsetzung}\n- {Schulung|Abnahme}",
		"{Zuständig ist|Federführend ist} {die Stabsstelle Digitalisierung|das Hauptamt}, {beteiligt sind|mitwirken sollen} {die Fachämter|Stadtwerke und Schulen}. {Der Datenschutz|Der Personalrat} {wird|ist} {früh|von Anfang an} eingebunden.",
		"{Eine Förderung|Ein Zuschuss} {ist beantragt|wurde bewilligt}. {Ohne Förderung|Andernfalls} wird {die Maßnahme verschoben|der Umfang kleiner}.",
	}
	summaries = []string{
		"{Die Strategie|Das Papier} {bündelt|ordnet} {die Vorhaben|Ziele und Maßnahmen} <of> in {vier|fünf|sechs|acht} Handlungsfeldern.",
		"Rahmen für {die digitale Verwaltung|das digitale Leben} <in>, {erarbeitet mit Beschäftigten und Bürgerschaft|entstanden in zwölf Werkstätten}.",
	}
	leads = []string{
		"{Der Rat hat|Die Verwaltung hat} <in> neue Schritte {beschlossen|vorgestellt}. {Was geplant ist|Ein Überblick} und {was es kostet|wer davon profitiert}.",
		"{Mit Fördermitteln|Mit einem neuen Konzept} {kommt der Ausbau <in> voran|soll die Digitalisierung <in> vorankommen}.",
		"{Nach langer Beratung|Trotz mancher Bedenken} {geht <in> ein neues Angebot an den Start|beginnt <in> die nächste Stufe}.",
	}
)
