package sample

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/slug"
)

// edition is a strategy, as far as others must know it. Editions of a lineage
// follow each other.
type edition struct {
	id, lineage nodeid.UUID
	number      int32 // of the lineage, the dice of all its editions
	revision    int8
	last        int8 // revision of the last one
	kind        int8
	owner       int8
	place       int32   // town, district, association, state or organization
	joint       []int32 // more towns
	year        int16   // of adoption or, before it, of presentation
	status      string
}

const (
	ofTown = iota
	ofDistrict
	ofAssociation
	ofState
	ofOrganization
	ofNobody
)

var lastStatuses = weighted{{"ADOPTED", 60}, {"PRESENTED", 13}, {"IN_PREPARATION", 14}, {"WITHDRAWN", 8}, {"EXPIRED", 5}}

// planStrategies gives towns their lineages. A town has one lineage of a kind,
// and so at most one strategy of a kind that is in force.
func (g *generator) planStrategies() {
	type claim struct{ town, kind int }
	taken := map[claim]bool{}
	n := g.count["strategy"]
	for l := 0; len(g.strategies) < n; l++ {
		d := roll("lineage", l)
		e := edition{number: int32(l), kind: int8(d.of(30, 20, 14, 16, 8, 8, 4)), owner: int8(d.of(84, 7, 2, 3, 3, 1))}
		if l < len(strategyKinds) {
			e.kind = int8(l)
		}
		if l < ofNobody+1 {
			e.owner = int8(l)
		}
		editions := min(1+d.of(55, 28, 12, 5), n-len(g.strategies))
		e.last = int8(editions - 1)
		switch e.owner {
		case ofTown:
			town := g.town(d)
			for tries := 0; taken[claim{town, int(e.kind)}] && tries < len(g.towns)*len(strategyKinds); tries++ {
				if e.kind = (e.kind + 1) % int8(len(strategyKinds)); tries%len(strategyKinds) == len(strategyKinds)-1 {
					town = (town + 1) % len(g.towns)
				}
			}
			taken[claim{town, int(e.kind)}] = true
			e.place = int32(town)
			if d.chance(5) {
				for _, other := range some(d, g.towns[town].neighbours, d.between(1, 6)) {
					if c := (claim{other, int(e.kind)}); !taken[c] {
						taken[c] = true
						e.joint = append(e.joint, int32(other))
					}
				}
			}
		case ofDistrict:
			e.place = int32(d.IntN(len(g.districts)))
		case ofAssociation:
			e.place = int32(d.IntN(len(g.associations)))
		case ofState:
			e.place = int32(d.IntN(len(g.states)))
		case ofOrganization:
			e.place = int32(d.IntN(g.count["organization"]))
		}
		status := lastStatuses.each(d, l)
		step := d.between(3, 5)
		if editions > 2 {
			step = 3
		}
		year := d.between(2015+step*(editions-1), 2026)
		for r := range editions {
			i := len(g.strategies)
			e.id, e.revision, e.year = g.key("strategy", i), int8(r), int16(year-step*(editions-1-r))
			if r == 0 {
				e.lineage = e.id
			}
			switch {
			case r == editions-1:
				e.status = status
			case r == editions-2 && status != "ADOPTED" && status != "EXPIRED":
				e.status = "ADOPTED" // still, or again
			default:
				e.status = "SUPERSEDED"
			}
			if e.owner == ofTown {
				for _, town := range append([]int32{e.place}, e.joint...) {
					g.ofTown[town] = append(g.ofTown[town], int32(i))
				}
			}
			g.strategies = append(g.strategies, e)
		}
	}
}

// active is a town that has a strategy, with exceptions: there is more to tell of them.
func (g *generator) active(d dice) int {
	if e := &g.strategies[d.IntN(len(g.strategies))]; e.owner == ofTown {
		return int(e.place)
	}
	return g.town(d)
}

// at is when it was adopted or, before that, presented.
func (e *edition) at() time.Time {
	d := roll("strategy day", int(e.number)*16+int(e.revision))
	at := time.Date(int(e.year), 1, 10, 0, 0, 0, 0, time.UTC).Add(time.Duration(d.IntN(340)) * day)
	if at.After(asOf) {
		at = asOf.Add(-time.Duration(d.between(1, 150)) * day)
	}
	return at
}

// until is the last year of its period; 0 if there is none.
func (e *edition) until() int {
	d := roll("lineage period", int(e.number))
	if d.chance(12) {
		return 0
	}
	return int(e.year) + d.between(3, 6)
}

func (g *generator) strategyTitle(e *edition) string {
	of := ""
	switch e.owner {
	case ofTown:
		_, of = g.towns[e.place].words()
		if len(e.joint) > 0 {
			of += " und ihrer Nachbarn"
		}
	case ofDistrict:
		_, of = g.districts[e.place].words()
	case ofAssociation:
		_, of = g.associations[e.place].words()
	case ofState:
		p := g.states[e.place].place()
		_, of = p.words()
	case ofOrganization:
		of = "– " + g.organization(int(e.place)).name
	default:
		of = "einer Modellkommune"
	}
	years := fmt.Sprint(e.year)
	if until := e.until(); until > 0 {
		years = fmt.Sprintf("%d–%d", e.year, until)
	}
	return fmt.Sprintf("%s %s %s (Muster)", strategyKinds[e.kind].name, years, of)
}

func strategySlug(title string, i int) string { return fmt.Sprintf("%s-%d", slug.Make(title), i+1) }

// place of a state, for texts that are about all of it.
func (s state) place() place {
	return place{name: s.name, level: "STATE", slug: strings.ToLower(s.code)}
}

var publication = weighted{{"PUBLISHED", 900}, {"DRAFT", 40}, {"IN_REVIEW", 20}, {"SCHEDULED", 15}, {"ARCHIVED", 25}}

// published is a status with the instant that it needs.
func (d dice) published(i int, at time.Time) (string, time.Time) {
	status := publication.each(d, i)
	switch status {
	case "DRAFT", "IN_REVIEW":
		return status, time.Time{}
	case "SCHEDULED":
		return status, asOf.Add(time.Duration(d.between(1, 540)) * day).Add(6 * time.Hour)
	}
	if d.chance(10) {
		return status, time.Time{}
	}
	return status, at.Add(time.Duration(d.between(6*60, 19*60)) * time.Minute)
}

func (g *generator) writeStrategy(b *batch, i int) {
	e := &g.strategies[i]
	d := roll("strategy row", i)
	title := g.strategyTitle(e)
	at, adopted := e.at(), e.status == "ADOPTED" || e.status == "SUPERSEDED" || e.status == "EXPIRED"
	created, modified, deleted := d.times(born("strategy", i))
	status, publishedAt := d.published(i, at.Add(5*day))

	summary := d.maybe(75, g.owner(e).fill(d.spin(pick(d, summaries))))
	text := long{}
	if d.chance(40) {
		in, of := g.owner(e).linked()
		first := opener(d, strings.NewReplacer("<town>", g.owner(e).name, "<in>", in, "<In>", capital(in), "<of>", of), false, false)
		text = long{g.bodyOf(d, first, d.between(2, 5))}
	}

	predecessor := nodeid.UUID{}
	if e.revision > 0 {
		predecessor = g.strategies[i-1].id
	}
	var revision, target, interval any
	if !roll("lineage unnumbered", int(e.number)).chance(10) {
		revision = int(e.revision)
	}
	if d.chance(20) {
		target = pick(d, []int{2030, 2035, 2040, 2045})
	}
	var from, to, presentedOn, adoptedOn vague
	if until := e.until(); until > 0 {
		from, to = inYear(at), inYear(time.Date(until, 1, 1, 0, 0, 0, 0, time.UTC))
		if d.chance(25) {
			to = onDay(to.to)
		}
	}
	if adopted {
		adoptedOn = d.known(at)
	}
	if (adopted && d.chance(50)) || e.status == "PRESENTED" || e.status == "WITHDRAWN" {
		presentedOn = d.known(at.Add(-time.Duration(d.between(20, 120)) * day))
		if adoptedOn.precision != "" && presentedOn.from.After(adoptedOn.to) {
			presentedOn = vague{}
		}
	}
	var evaluated time.Time
	if adopted && d.chance(50) {
		interval = pick(d, []int{12, 24, 24, 36})
		if last := at.AddDate(0, interval.(int), 0); last.Before(asOf) && d.chance(60) {
			evaluated = last
		}
	}
	b.add("strategy", e.id, strategySlug(title, i), title, strategyKinds[e.kind].kind, summary, text, e.status, status, publishedAt, revision, predecessor, e.lineage,
		from, to, target, presentedOn, adoptedOn, interval, evaluated, created, modified, deleted)
	g.writeOwners(b, e)

	decisions := 0
	council := nodeid.UUID{}
	if e.owner == ofTown {
		council = g.council(int(e.place))
	}
	decide := func(kind string, date vague) {
		decisions++
		b.add("strategy_decision", e.id, decisions, council, kind, date, d.maybe(40, fmt.Sprintf("MV/%d/%04d", e.year, d.IntN(10_000))), d.maybe(30, fmt.Sprintf("https://rat.muster.example/vorlage/%d", d.IntN(100_000))))
		if d.chance(30) {
			b.add("strategy_decision_source", e.id, decisions, 1, g.key("source", d.IntN(g.count["source"])))
		}
	}
	if d.chance(25) || e.status == "IN_PREPARATION" {
		decide("COMMISSIONED", d.known(at.AddDate(-1, 0, 0)))
	}
	switch {
	case adopted:
		decide("ADOPTED", adoptedOn)
	case e.status == "PRESENTED":
		decide([]string{"NOTED", "REFERRED_BACK"}[e.number%2], presentedOn)
	case e.status == "WITHDRAWN":
		decide("REJECTED", onDay(at))
	}

	position := 0
	for _, t := range g.topicsOf(d, "ACTION_FIELD", d.between(3, 8)) {
		position++
		b.add("strategy_topic", e.id, g.topicKey(t), "ACTION_FIELD", position)
	}
	if d.chance(30) {
		b.add("strategy_topic", e.id, g.topicKey(g.topicsOf(d, "ACTION_FIELD", 1)[0]), "CROSS_CUTTING", 1)
	}
	for n, t := range g.topicsOf(d, "KEYWORD", d.of(20, 40, 30, 10)) {
		b.add("strategy_topic", e.id, g.topicKey(t), "TOPIC", n+1)
	}
	if d.chance(45) {
		b.add("strategy_responsible", e.id, 1, g.org(d))
	}
	g.links(b, d, "strategy_link", 60, e.id)
	g.sources(b, d, "strategy_source", 85, e.id)
	if d.chance(15) {
		b.add("strategy_participation", e.id, 1, g.key("event", d.IntN(g.count["event"])))
	}
	if d.chance(2) {
		b.add("former_slug", "strategy", "frueher-"+strategySlug(title, i), e.id)
	}
}

// owner is the place that a strategy is about.
func (g *generator) owner(e *edition) *place {
	switch e.owner {
	case ofTown:
		return &g.towns[e.place]
	case ofDistrict:
		return &g.districts[e.place]
	case ofAssociation:
		return &g.associations[e.place]
	case ofState:
		p := g.states[e.place].place()
		return &p
	}
	return &g.towns[int(e.number)%len(g.towns)]
}

func (g *generator) writeOwners(b *batch, e *edition) {
	switch e.owner {
	case ofState:
		b.add("strategy_owner", e.id, 1, nil, g.states[e.place].id, nil)
	case ofOrganization:
		b.add("strategy_owner", e.id, 1, nil, nil, g.key("organization", int(e.place)))
	case ofNobody:
	default:
		b.add("strategy_owner", e.id, 1, g.owner(e).id, nil, nil)
	}
	for n, town := range e.joint {
		b.add("strategy_owner", e.id, n+2, g.towns[town].id, nil, nil)
	}
}

// boundMeasures is the part of measures, of a hundred, that belong to a strategy.
const boundMeasures = 95

// holder is whose ith part it is, by where the parts of each begin.
func holder(starts []int32, i int) int {
	return sort.Search(len(starts), func(n int) bool { return int(starts[n]) > i }) - 1
}

func (g *generator) writeMeasure(b *batch, i int) {
	d := roll("measure", i)
	id := g.key("measure", i)
	at := d.day()
	town := g.town(d)
	strategy, position := nodeid.UUID{}, any(nil)
	if i < int(g.measuresOf[len(g.strategies)]) {
		s := holder(g.measuresOf, i)
		e := &g.strategies[s]
		strategy, at = e.id, e.at()
		if d.chance(95) {
			position = i - int(g.measuresOf[s]) + 1
		}
		if e.owner == ofTown {
			town = int(e.place)
		}
	}
	title := d.spin(pick(d, measureNames)) + " (Muster)"
	measureSlug := fmt.Sprintf("%s-%s-%d", slug.Make(title), g.towns[town].slug, i+1)
	status := weighted{{"PLANNED", 30}, {"IN_PROGRESS", 30}, {"COMPLETED", 28}, {"ON_HOLD", 7}, {"CANCELLED", 5}}.each(d, i)
	text := short{}
	if d.chance(65) {
		text = short{pick(d, g.descriptions)}
	}
	field := nodeid.UUID{}
	if d.chance(80) {
		field = g.topicKey(g.topicsOf(d, "ACTION_FIELD", 1)[0])
	}
	var from, to vague
	if d.chance(70) {
		from = inYear(at.AddDate(d.IntN(2), 0, 0))
		if d.chance(75) {
			to = inYear(from.from.AddDate(d.between(0, 4), 0, 0))
		}
	}
	budget := money{}
	if d.chance(35) {
		budget = d.money(3, 60)
	}
	created, modified, deleted := d.times(born("measure", i))
	b.add("measure", id, measureSlug, strategy, position, title, text, status, d.maybe(60, pick(d, []string{"HIGH", "MEDIUM", "MEDIUM", "LOW"})), field, from, to, budget, created, modified, deleted)
	if strategy == (nodeid.UUID{}) || d.chance(15) {
		switch d.of(90, 3, 7) {
		case 0:
			b.add("measure_owner", id, 1, g.towns[town].id, nil, nil)
		case 1:
			b.add("measure_owner", id, 1, nil, g.states[g.towns[town].state].id, nil)
		default:
			b.add("measure_owner", id, 1, nil, nil, g.org(d))
		}
	}
	if d.chance(30) {
		b.add("measure_organization", id, "RESPONSIBLE", 1, g.org(d))
	}
	if d.chance(12) {
		b.add("measure_organization", id, "PARTNER", 1, g.org(d))
	}
	for n, t := range g.topicsOf(d, "KEYWORD", d.of(50, 35, 15)) {
		b.add("measure_topic", id, n+1, g.topicKey(t))
	}
	g.links(b, d, "measure_link", 15, id)
	g.sources(b, d, "measure_source", 40, id)
	if d.chance(1) {
		b.add("former_slug", "measure", "frueher-"+measureSlug, id)
	}
}

// money is an amount between so many times 10,000 Euro, small ones oftener. Some are round.
func (d dice) money(low, high int) money {
	euros := int64(low)*10_000 + int64(d.IntN(1+d.IntN((high-low)*10_000)))
	m := money{cents: euros * 100, approximate: d.chance(20)}
	if m.approximate || d.chance(50) {
		m.cents = max(m.cents/1_000_000, 1) * 1_000_000
	} else if d.chance(10) {
		m.cents += int64(d.IntN(100))
	}
	return m
}
