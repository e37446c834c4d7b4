package sample

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/slug"
)

// A generator writes entries. Apart from the register it holds only what one
// entry must know of others: a few bytes for each.
type generator struct {
	*land
	*library
	count map[string]int

	topics     []topic
	councils   map[int32]int32   // town to the organization of its council
	strategies []edition         // with their lineages
	ofTown     map[int32][]int32 // town to its strategies
	measuresOf []int32           // strategy to its first measure
	callsOf    []int32           // program to its first call
	articlesBy []int32           // article to the one before it about the same town, or -1
	commentsOf []int32           // article to its first comment
}

func newGenerator(l *land, scale float64) *generator {
	g := &generator{land: l, library: read(), count: map[string]int{}, councils: map[int32]int32{}, ofTown: map[int32][]int32{}}
	for _, c := range counts {
		g.count[c.of] = max(int(math.Round(float64(c.perScale)*scale)), c.least)
	}
	g.topics = allTopics()
	g.count["topic"], g.count["indicator"] = len(g.topics), len(figureSubjects)

	for i := range g.count["organization"] {
		if o := g.organization(i); o.kind == "COUNCIL_BODY" {
			g.councils[int32(o.town)] = int32(i)
		}
	}
	g.planStrategies()
	weights := make([]uint32, len(g.strategies))
	for i := range weights {
		weights[i] = uint32(roll("measures of strategy", i).of(30, 20, 20, 15, 10, 5))
	}
	g.measuresOf = shares(g.count["measure"]*boundMeasures/100, weights)
	weights = make([]uint32, g.count["funding_program"])
	for i := range weights {
		weights[i] = uint32(roll("calls of program", i).between(1, 5))
	}
	g.callsOf = shares(g.count["funding_call"], weights)
	g.planArticles()
	return g
}

// Topics have fixed lists.
type topic struct{ name, slug, scheme, parent string }

func allTopics() []topic {
	var all []topic
	for _, list := range []struct {
		scheme, prefix string
		names          []string
	}{{"SECTION", "ressort-", sections}, {"KEYWORD", "", keywords}, {"ACTION_FIELD", "handlungsfeld-", actionFields}, {"FUNDING_AREA", "foerderbereich-", fundingAreas}} {
		for _, name := range list.names {
			t := topic{name: name, slug: "muster-" + list.prefix + slug.Make(name), scheme: list.scheme}
			if list.scheme == "KEYWORD" {
				t.parent = parents[name]
			}
			all = append(all, t)
		}
	}
	return all
}

// topicsOf are the numbers of some topics of a scheme, the first ones oftener.
func (g *generator) topicsOf(d dice, scheme string, n int) []int {
	from := slices.IndexFunc(g.topics, func(t topic) bool { return t.scheme == scheme })
	size := 0
	for _, t := range g.topics {
		if t.scheme == scheme {
			size++
		}
	}
	var out []int
	for range n {
		out = append(out, from+d.IntN(1+d.IntN(size)))
	}
	return distinct(out)
}

func (g *generator) topicKey(i int) nodeid.UUID { return g.key("topic", i) }

func (g *generator) writeTopic(b *batch, i int) {
	t := g.topics[i]
	parent := nodeid.UUID{}
	if t.parent != "" {
		parent = g.topicKey(slices.IndexFunc(g.topics, func(o topic) bool { return o.scheme == t.scheme && o.name == t.parent }))
	}
	also := synonyms[t.name]
	if t.scheme != "KEYWORD" || also == nil {
		also = []string{}
	}
	created, modified, _ := roll("topic", i).times(born("topic", i))
	b.add("topic", g.topicKey(i), t.slug, t.name+" (Muster)", t.scheme, parent, also, created, modified)
}

func (g *generator) writeIndicator(b *batch, i int) {
	s := figureSubjects[i]
	created, modified, _ := roll("indicator", i).times(born("indicator", i))
	b.add("indicator", g.key("indicator", i), "muster-"+s.code, s.name+" (Muster)", s.unit, opt(s.about), created, modified)
}

// organization is what others must know of one.
type organization struct {
	kind, name, slug string
	town, state      int // -1 for none
}

// The first organizations are the ones that there is one of.
func (g *generator) organization(i int) organization {
	d := roll("organization", i)
	o := organization{town: -1, state: -1}
	special := i
	for _, list := range []struct {
		kind  string
		names []string
	}{{"PARTY", parties}, {"MUNICIPAL_UMBRELLA_ASSOCIATION", umbrella}, {"MEDIA", press}} {
		if special >= 0 && special < len(list.names) {
			o.kind, o.name = list.kind, list.names[special]
		}
		special -= len(list.names)
	}
	switch {
	case special < 0:
	case special < len(g.states):
		o.kind, o.name, o.state = "MINISTRY", "Musterministerium für Digitales "+g.states[special].name, special
	default:
		o.kind = orgKinds.each(d, special-len(g.states))
		o.town = g.town(d)
		o.name = g.towns[o.town].fill(d.spin(orgNames[o.kind]))
		if o.kind == "AUTHORITY" {
			o.state = g.towns[o.town].state
		}
	}
	o.slug = fmt.Sprintf("%s-%d", slug.Make(o.name), i+1)
	return o
}

func (g *generator) org(d dice) nodeid.UUID {
	return g.key("organization", d.IntN(g.count["organization"]))
}

// council is that of a town, where the sample has one.
func (g *generator) council(town int) nodeid.UUID {
	if i, ok := g.councils[int32(town)]; ok {
		return g.key("organization", int(i))
	}
	return nodeid.UUID{}
}

func (g *generator) writeOrganization(b *batch, i int) {
	o := g.organization(i)
	d := roll("organization row", i)
	id := g.key("organization", i)
	var parent, town, land nodeid.UUID
	switch o.kind {
	case "PARLIAMENTARY_GROUP":
		parent = g.key("organization", d.IntN(len(parties)))
	case "DEPARTMENT":
		if c, ok := g.councils[int32(o.town)]; ok && int(c) < i && d.chance(30) {
			parent = g.key("organization", int(c))
		}
	}
	if o.town >= 0 && o.kind != "AUTHORITY" && (o.kind != "COMPANY" || d.chance(60)) {
		town = g.towns[o.town].id
	}
	if o.state >= 0 {
		land = g.states[o.state].id
	}
	created, modified, deleted := d.times(born("organization", i))
	b.add("organization", id, o.slug, o.name, d.maybe(20, fmt.Sprintf("Muster-%d", i+1)), o.kind, parent, town, land,
		d.maybe(55, fmt.Sprintf("https://%s.example/", o.slug)), created, modified, deleted)
	if d.chance(10) {
		b.add("identifier", pick(d, []string{"WIKIDATA", "OPARL", "GND", "ROR"}), "muster:"+o.slug, id, nil, nil, nil)
	}
	if d.chance(2) {
		b.add("former_slug", "organization", "frueher-"+o.slug, id)
	}
}

// office is an affiliation of a person.
type office struct {
	role           opt
	org            nodeid.UUID
	town           nodeid.UUID
	state          nodeid.UUID
	party          nodeid.UUID
	from, to       vague
	began, expired time.Time
}

func (o office) values() []any {
	return flat(nil, []any{o.role, o.org, o.town, o.state, o.party, o.from, o.to})
}

// person is a name and the offices held, in order.
func (g *generator) person(i int) (first, last string, held []office) {
	d := roll("person", i)
	first, last = pick(d, given), pick(d, families)
	began := d.around(begin.AddDate(d.IntN(9), 0, 0), 300)
	party := nodeid.UUID{}
	if d.chance(40) {
		party = g.key("organization", d.IntN(len(parties)))
	}
	town := g.town(d)
	for n := range d.between(1, 3) {
		o := office{role: d.maybe(95, d.spin(pick(d, offices))), party: party, began: began, from: d.known(began)}
		if n > 0 && d.chance(25) {
			town = g.town(d)
		}
		switch d.of(50, 30, 10, 10) {
		case 0:
			o.town = g.towns[town].id
			o.org = g.council(town)
		case 1:
			o.org = g.org(d)
		case 2:
			o.state = g.states[g.towns[town].state].id
		default:
			o.town = g.towns[town].id
		}
		o.expired = began.AddDate(d.between(2, 6), d.IntN(12), 0)
		if d.chance(8) {
			o.from = vague{}
		}
		if n < 2 && o.expired.Before(asOf) {
			o.to = onDay(o.expired)
			if d.chance(30) {
				o.to = inYear(o.expired)
			}
			if o.from.precision != "" && o.to.to.Before(o.from.from) {
				o.to = vague{}
			}
		}
		held = append(held, o)
		if began = o.expired; began.After(asOf) {
			break
		}
	}
	return first, last, held
}

// mentioned is a person with the office held at the time.
func (g *generator) mentioned(d dice, at time.Time) (nodeid.UUID, office) {
	i := d.IntN(1 + d.IntN(g.count["person"])) // some are spoken of often
	_, _, offices := g.person(i)
	held := office{}
	if d.chance(85) {
		held = offices[0]
		for _, o := range offices {
			if o.began.Before(at) {
				held = o
			}
		}
	}
	return g.key("person", i), held
}

func (g *generator) writePerson(b *batch, i int) {
	first, last, offices := g.person(i)
	d := roll("person row", i)
	id := g.key("person", i)
	name := first + " " + last
	personSlug := fmt.Sprintf("%s-%d", slug.Make(name), i+1)
	created, modified, _ := d.times(born("person", i))
	aliases := []string{}
	if d.chance(6) {
		aliases = append(aliases, first[:1]+". "+last)
	}
	title := d.maybe(12, pick(d, []string{"Dr.", "Prof. Dr.", "Dr.-Ing."}))
	if d.chance(4) {
		b.add("person", id, personSlug, name, nil, nil, title, aliases, created, modified)
	} else {
		b.add("person", id, personSlug, name, first, last, title, aliases, created, modified)
	}
	for n, o := range offices {
		b.add("person_affiliation", id, n+1, o)
	}
	if d.chance(5) {
		b.add("identifier", "GND", "muster:"+personSlug, nil, id, nil, nil)
	}
	if d.chance(2) {
		b.add("former_slug", "person", "frueher-"+personSlug, id)
	}
}

func (g *generator) writeSource(b *batch, i int) {
	d := roll("source", i)
	at := born("source", i)
	town := &g.towns[g.town(d)]
	url := d.maybe(85, fmt.Sprintf("https://%s.muster.example/%d/%s-%d", pick(d, []string{"presse", "rat", "amt", "land"}), at.Year(), town.slug, i+1))
	publisher := d.maybe(80, pick(d, press))
	title := opt(town.fill(d.spin("{Meldung|Vorlage|Bericht|Pressemitteilung} {zur Digitalisierung|über Fördermittel|zur Strategie} <in> (Muster)")))
	published := vague{}
	if d.chance(80) {
		published = d.known(at)
	}
	created, modified, _ := d.times(at)
	var retrieved, verified time.Time
	if url != "" && d.chance(80) {
		retrieved = created
	}
	if d.chance(60) {
		verified = modified
	}
	b.add("source", g.key("source", i), publisher, url, title, published, retrieved, verified,
		d.maybe(15, town.fill(d.spin("{Die Maßnahmen|Die Mittel} <of> {werden|sind} im Haushalt {abgebildet|vorgesehen}."))), d.maybe(10, "CC BY 4.0"), created, modified)
}

// sources links an entry to some.
func (g *generator) sources(b *batch, d dice, table string, percent int, owner ...any) {
	if !d.chance(percent) {
		return
	}
	var which []int
	for range d.of(0, 75, 20, 5) {
		which = append(which, d.IntN(g.count["source"]))
	}
	for n, i := range distinct(which) {
		b.add(table, slices.Concat(owner, []any{n + 1, g.key("source", i)})...)
	}
}

// links adds addresses to an entry.
func (g *generator) links(b *batch, d dice, table string, percent int, owner nodeid.UUID) {
	if !d.chance(percent) {
		return
	}
	for n := range d.of(0, 70, 22, 8) {
		kind := d.of(30, 30, 8, 4, 6, 8, 8, 6)
		path := []string{"", "dokument.pdf", "service", "video", "daten.csv", "gesetz", "quelle", "mehr"}[kind]
		b.add(table, owner, n+1, fmt.Sprintf("https://www.muster.example/%d/%s", d.IntN(1_000_000), path),
			d.maybe(80, []string{"Internetseite", "Dokument", "Serviceportal", "Video", "Daten", "Rechtsgrundlage", "Quelle", "Weitere Informationen"}[kind]),
			[]string{"WEBSITE", "DOCUMENT", "SERVICE_PORTAL", "VIDEO", "DATA", "LEGAL_BASIS", "SOURCE", "OTHER"}[kind])
	}
}

// event is what others must know of one.
type event struct {
	kind, title string
	town        int // -1 for online and unknown
	at          time.Time
}

func (g *generator) event(i int) event {
	d := roll("event", i)
	e := event{kind: eventKinds.each(d, i), town: g.town(d), at: d.day()}
	if i%25 == 24 {
		e.at = asOf.AddDate(0, 0, d.between(1, 500))
	}
	e.title = strings.Replace(g.towns[e.town].fill(d.spin(eventNames[e.kind])), " (Muster)", "", 1) + fmt.Sprintf(" %d", e.at.Year())
	if !strings.Contains(e.title, "Muster") {
		e.title += " (Muster)"
	}
	return e
}

func (g *generator) writeEvent(b *batch, i int) {
	e := g.event(i)
	d := roll("event row", i)
	id := g.key("event", i)
	eventSlug := fmt.Sprintf("%s-%d", slug.Make(e.title), i+1)
	created, modified, deleted := d.times(born("event", i))
	date := vague{}
	var starts, ends time.Time
	if d.chance(95) {
		if date = d.known(e.at); date.precision == "DAY" && d.chance(60) {
			starts = e.at.Add(time.Duration(d.between(7, 18)) * time.Hour)
			if d.chance(70) {
				ends = starts.Add(time.Duration(d.between(2, 16)) * 30 * time.Minute)
			}
		}
	}
	venue := opt("")
	town := g.towns[e.town].id
	if d.chance(75) {
		if venue = opt(pick(d, venues)); venue == "Online" {
			town = nodeid.UUID{}
		}
	}
	var sessions any
	if e.kind == "CONFERENCE" || e.kind == "WORKSHOP" {
		sessions = d.between(1, 24)
	}
	b.add("event", id, eventSlug, e.title, e.kind, d.maybe(60, g.towns[e.town].fill(d.spin(pick(d, leads)))), date, starts, ends, venue, town,
		d.maybe(50, pick(d, []string{"Bürgerinnen und Bürger", "Verwaltung und Politik", "Fachpublikum", "Beschäftigte", "Jugendliche"})), sessions, created, modified, deleted)
	for n, role := range []string{"HOST", "PARTNER"} {
		var which []int
		for range d.of([][]int{{10, 75, 15}, {50, 25, 15, 10}}[n]...) {
			which = append(which, d.IntN(g.count["organization"]))
		}
		for n, o := range distinct(which) {
			b.add("event_organization", id, role, n+1, g.key("organization", o))
		}
	}
	g.mentions(b, d, "event_mention", id, e.at, []string{"SPEAKER"}, d.of(25, 25, 20, 15, 10, 5))
	for n, t := range g.topicsOf(d, "KEYWORD", d.of(15, 40, 30, 15)) {
		b.add("event_topic", id, n+1, g.topicKey(t))
	}
	g.links(b, d, "event_link", 45, id)
	g.sources(b, d, "event_source", 40, id)
	if d.chance(2) {
		b.add("former_slug", "event", "frueher-"+eventSlug, id)
	}
}

// mentions adds so many people to an entry.
func (g *generator) mentions(b *batch, d dice, table string, owner nodeid.UUID, at time.Time, roles []string, n int) {
	var seen []nodeid.UUID
	for range n {
		person, held := g.mentioned(d, at)
		if slices.Contains(seen, person) {
			continue
		}
		seen = append(seen, person)
		b.add(table, owner, len(seen), person, pick(d, roles), held)
	}
}

func (g *generator) writeMedia(b *batch, i int) {
	d := roll("media", i)
	id := g.key("media_asset", i)
	subject := pick(d, images)
	created, modified, deleted := d.times(born("media_asset", i))
	symbolic := d.chance(30)
	size := pick(d, [][2]int{{1600, 900}, {1920, 1280}, {1200, 800}, {2400, 1600}, {800, 1200}})
	width, height := any(size[0]), any(size[1])
	if d.chance(8) {
		width, height = nil, nil
	}
	url := d.maybe(97, fmt.Sprintf("https://bilder.muster.example/%s-%d.jpg", slug.Make(subject), i+1))
	mime := opt("image/jpeg")
	if d.chance(3) {
		url, mime, subject = opt(fmt.Sprintf("https://bilder.muster.example/plan-%d.pdf", i+1)), "application/pdf", "Plan"
	}
	b.add("media_asset", id, url, mime, width, height, d.maybe(88, subject), d.maybe(60, subject+" (Muster)"),
		d.maybe(85, "Foto: "+pick(d, given)+" "+pick(d, families)), d.maybe(50, "Muster-Bildarchiv"), d.maybe(40, pick(d, []string{"CC BY 4.0", "CC0 1.0", "Alle Rechte vorbehalten"})),
		symbolic, created, modified, deleted)
}

// ranking is what others must know of one.
func (g *generator) ranking(i int) (entries int) {
	d := roll("ranking", i)
	return min(d.between(40, 160), len(g.towns))
}

func entryKey(i, n int) nodeid.UUID {
	return key("ranking_entry", i*1000+n, born("ranking", i))
}

func (g *generator) writeRanking(b *batch, i int) {
	entries := g.ranking(i)
	d := roll("ranking row", i)
	id := g.key("ranking", i)
	// Names repeat with another part and year.
	name, part := rankingNames[i%len(rankingNames)], rankingParts[i/len(rankingNames)%len(rankingParts)]
	edition := 2016 + i/(len(rankingNames)*len(rankingParts))
	year, participants := any(edition), any(entries+d.IntN(40))
	if edition > asOf.Year() {
		name, year = fmt.Sprintf("%s %d", name, i+1), edition%11+2016
	}
	if d.chance(10) {
		participants = nil
	}
	created, modified, _ := d.times(born("ranking", i))
	rankingSlug := fmt.Sprintf("%s-%d", slug.Make(name+" "+part), i+1)
	b.add("ranking", id, rankingSlug, name, year, opt(part), g.key("organization", len(parties)+d.IntN(len(umbrella)+len(press))), participants,
		d.maybe(80, "https://ranking.muster.example/"+rankingSlug), created, modified)
	g.sources(b, d, "ranking_source", 90, id)

	// The large ones take part, as in real rankings.
	seen := map[int]bool{}
	score, rank := 9500+d.IntN(400), 0
	for n := range entries {
		town := g.town(d)
		for seen[town] {
			town = (town + 1) % len(g.towns)
		}
		seen[town] = true
		fall := d.IntN(90)
		if n == 0 || fall >= 5 { // else the same place twice
			rank = n + 1
			score = max(score-fall, 0)
		}
		var place, previous, points, best any
		if !d.chance(3) {
			place = rank
		}
		if d.chance(60) {
			previous = max(1, rank+d.between(-9, 9))
		}
		if d.chance(85) {
			points, best = decimal(int64(score), 2), decimal(10000, 2)
		}
		b.add("ranking_entry", entryKey(i, n), id, g.towns[town].id, place, previous, points, best,
			d.maybe(6, pick(d, []string{"Bester Wert in einem Teilbereich.", "Erstmals dabei.", "Angaben nicht vollständig."})), created, modified)
	}
	if d.chance(5) {
		b.add("former_slug", "ranking", "frueher-"+rankingSlug, id)
	}
}

func (g *generator) writePlatform(b *batch, i int) {
	d := roll("platform", i)
	id := g.key("platform", i)
	created, modified, deleted := d.times(born("platform", i))
	name := fmt.Sprintf("Muster-Plattform %d", i+1)
	platformSlug := slug.Make(name)
	b.add("platform", id, platformSlug, name, d.maybe(70, "Bündelt Onlinedienste mehrerer Verwaltungen (Muster)."),
		g.key("organization", len(parties)+d.IntN(len(umbrella)+len(press))), d.maybe(60, "https://"+platformSlug+".muster.example/"),
		created, modified, deleted)
	for _, s := range some(d, g.states, d.between(1, 4)) {
		b.add("platform_state", id, s.id)
	}
	g.sources(b, d, "platform_source", 60, id)
}

func (g *generator) writeFigure(b *batch, i int) {
	d := roll("figure", i)
	id := g.key("figure", i)
	var subject [5]nodeid.UUID
	indicator := d.IntN(len(figureSubjects))
	n := d.of(76, 3, 9, 7, 5)
	if i < len(subject) {
		n = i
	}
	switch n {
	case 0:
		subject[0] = g.towns[g.town(d)].id
	case 1:
		subject[1] = pick(d, g.states).id
	case 2:
		subject[2] = g.strategies[d.IntN(len(g.strategies))].id
	case 3:
		subject[3] = g.key("event", d.IntN(g.count["event"]))
		indicator = slices.IndexFunc(figureSubjects, func(s struct{ code, name, unit, about string }) bool { return s.code == "teilnehmende" })
	default:
		subject[4] = g.org(d)
	}
	value := int64(d.between(10, 2000)) * 10_000
	switch {
	case figureSubjects[indicator].unit == "Prozent":
		value = int64(d.IntN(1001)) * 1000 // tenths
	case d.chance(60):
		value = value / 100_000 * 100_000 // tens
	}
	at := vague{}
	if d.chance(92) {
		at = d.known(d.day())
	}
	created, modified, deleted := d.times(born("figure", i))
	b.add("figure", id, g.key("indicator", indicator), subject[0], subject[1], subject[2], subject[3], subject[4],
		decimal(value, 4), weighted{{"EXACT", 70}, {"ABOUT", 12}, {"AT_LEAST", 5}, {"MORE_THAN", 10}, {"AT_MOST", 3}}.pick(d), at, created, modified, deleted)
	g.sources(b, d, "figure_source", 65, id)
}
