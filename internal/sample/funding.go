package sample

import (
	"fmt"
	"strings"
	"time"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/slug"
)

// program is what others must know of one.
type program struct {
	title, level string
	state        int
	year         int
}

func (g *generator) program(i int) program {
	d := roll("program", i)
	p := program{level: programLevels.each(d, i), state: d.IntN(len(g.states)), year: d.between(2015, 2025)}
	p.title = d.spin(pick(d, programNames))
	if p.level == "STATE" {
		p.title += " " + g.states[p.state].name
	}
	p.title += fmt.Sprintf(" %d", p.year)
	return p
}

func (p program) slug(i int) string { return fmt.Sprintf("%s-%d", slug.Make(p.title), i+1) }

func (g *generator) writeProgram(b *batch, i int) {
	p := g.program(i)
	d := roll("program row", i)
	id := g.key("funding_program", i)
	at := d.around(inYear(begin.AddDate(p.year-2015, 3, 0)).from.AddDate(0, 2, 0), 45)
	place := g.states[p.state].place()
	text := long{}
	if d.chance(70) {
		in, of := place.linked()
		text = long{g.bodyOf(d, opener(d, strings.NewReplacer("<town>", place.name, "<in>", in, "<In>", capital(in), "<of>", of), false, false), d.between(1, 3))}
	}
	administrator := nodeid.UUID{}
	if d.chance(60) {
		administrator = g.org(d)
	}
	types := []string{"GRANT"}
	if d.chance(20) {
		types = distinct(append(types, pick(d, fundingTypes)))
	}
	volume := money{}
	if d.chance(70) {
		volume = d.money(100, 50_000)
	}
	var from, to vague
	from = inYear(at)
	if d.chance(75) {
		to = inYear(at.AddDate(d.between(2, 7), 0, 0))
	}
	verified := asOf.Add(-900 * day)
	if d.chance(70) {
		verified = d.around(asOf.Add(-200*day), 190)
	}
	status, publishedAt := d.published(i, at)
	created, modified, deleted := d.times(born("funding_program", i))
	b.add("funding_program", id, p.slug(i), p.title, d.maybe(40, fmt.Sprintf("MP-%d", i+1)), d.maybe(85, place.fill(d.spin("{Zuschüsse|Mittel} für {digitale Vorhaben|Kommunen} <in>."))), text, p.level, administrator,
		types, some(d, applicantTypes, 1+d.of(40, 30, 20, 10)), p.level == "FEDERAL" || p.level == "EU", volume,
		d.maybe(15, pick(d, []string{"Musterfonds Zukunft", "Sondervermögen Muster", "Haushalt"})), d.maybe(50, "kontakt@foerderung.muster.example"), from, to, verified,
		status, publishedAt, created, modified, deleted)
	funder := g.key("organization", len(parties)+len(umbrella)+len(press)+p.state)
	b.add("funding_program_funder", id, 1, funder)
	if p.level == "STATE" {
		b.add("funding_program_state", id, g.states[p.state].id)
	}
	if p.level == "PRIVATE" || p.level == "MUNICIPAL" {
		for _, s := range some(d, g.states, d.between(1, 3)) {
			b.add("funding_program_state", id, s.id)
		}
	}
	for n := range d.of(30, 45, 25) {
		b.add("funding_program_rate", id, n+1, decimal([]int64{6500, 9000}[n]-int64(d.IntN(4))*500, 2), []any{nil, "Haushaltsnotlage"}[n])
	}
	for n, t := range g.topicsOf(d, "FUNDING_AREA", d.between(1, 3)) {
		b.add("funding_program_topic", id, g.topicKey(t), "FUNDING_AREA", n+1)
	}
	for n, t := range g.topicsOf(d, "KEYWORD", d.of(30, 40, 30)) {
		b.add("funding_program_topic", id, g.topicKey(t), "TOPIC", n+1)
	}
	g.links(b, d, "funding_program_link", 80, id)
	g.sources(b, d, "funding_program_source", 90, id)
	if d.chance(30) {
		b.add("identifier", "FOERDERDATENBANK", "muster:"+p.slug(i), nil, nil, id, nil)
	}
	if d.chance(4) {
		b.add("former_slug", "funding_program", "frueher-"+p.slug(i), id)
	}
}

func (g *generator) writeCall(b *batch, i int) {
	d := roll("call", i)
	id := g.key("funding_call", i)
	of := holder(g.callsOf, i)
	number := i - int(g.callsOf[of]) + 1
	p := g.program(of)
	opens := d.around(begin.AddDate(p.year-2015+number-1, 4, 0), 60)
	if i%12 == 11 { // some are yet to come or open still
		opens = d.around(asOf, 200)
	}
	closes := opens.Add(time.Duration(d.between(30, 150)) * day)
	var closesOn, opensOn, verified any = closes, opens, nil
	if d.chance(20) {
		closesOn = nil
	}
	if d.chance(5) {
		opensOn = nil
	}
	if d.chance(60) {
		verified = d.around(asOf.Add(-250*day), 240)
	}
	volume, applications := money{}, any(nil)
	if d.chance(45) {
		volume = d.money(50, 10_000)
	}
	if closes.Before(asOf) && d.chance(50) {
		applications = d.between(3, 400)
	}
	created, modified, deleted := d.times(born("funding_call", i))
	var n any = number
	if d.chance(6) {
		n = nil
	}
	b.add("funding_call", id, g.key("funding_program", of), n, fmt.Sprintf("%d. Musteraufruf %d", number, opens.Year()),
		d.maybe(30, d.spin("{Gemeinsam digital|Daten teilen|Stadt von morgen|Land und Netz}")), opens.Year(), opensOn, closesOn, verified, volume, applications, created, modified, deleted)
	g.sources(b, d, "funding_call_source", 50, id)
}

func (g *generator) writeAward(b *batch, i int) {
	d := roll("award", i)
	id := g.key("funding_award", i)
	of := d.IntN(1 + d.IntN(g.count["funding_program"])) // some programs are large
	p := g.program(of)
	call := nodeid.UUID{}
	if calls := int(g.callsOf[of+1] - g.callsOf[of]); calls > 0 && d.chance(80) {
		call = g.key("funding_call", int(g.callsOf[of])+d.IntN(calls))
	}
	town := g.town(d)
	if d.chance(30) {
		town = g.active(d)
	}
	at := d.around(begin.AddDate(p.year-2015, 9, 0), 120)
	if at.After(asOf) {
		at = asOf.Add(-30 * day)
	}
	total, awarded, rate := d.money(5, 2000), money{}, any(nil)
	percent := int64(pick(d, []int{50, 65, 65, 80, 90}))
	if d.chance(78) {
		awarded = money{cents: total.cents / 100 * percent, approximate: total.approximate}
	}
	if d.chance(40) {
		rate = decimal(percent*100, 2)
	}
	if d.chance(40) {
		total = money{}
	}
	var number any
	if d.chance(70) {
		number = i + 1
	}
	var on, from, to vague
	if d.chance(90) {
		on = d.known(at)
	}
	if d.chance(55) {
		from, to = inYear(at.AddDate(1, 0, 0)), inYear(at.AddDate(d.between(2, 5), 0, 0))
	}
	created, modified, deleted := d.times(born("funding_award", i))
	b.add("funding_award", id, g.key("funding_program", of), call, d.maybe(88, g.towns[town].fill(d.spin(pick(d, awardNames)))), number,
		d.maybe(50, pick(d, []string{"Großstadt", "Mittelstadt", "Kleinstadt oder Landgemeinde", "Interkommunale Kooperation oder Landkreis"})),
		awarded, total, rate, on, from, to, d.maybe(8, "Der Betrag ist gerundet (Muster)."), created, modified, deleted)

	switch partners := d.of(80, 14, 6); {
	case i == 1 || d.chance(6): // an organization
		b.add("funding_award_recipient", id, 1, nil, g.org(d), "LEAD", false)
	case i == 2 || d.chance(8):
		b.add("funding_award_recipient", id, 1, pick(d, g.districts).id, nil, "LEAD", false)
	default:
		inferred := partners > 0 && d.chance(20)
		b.add("funding_award_recipient", id, 1, g.towns[town].id, nil, "LEAD", inferred)
		position := 1
		for _, other := range some(d, g.towns[town].neighbours, partners*3) {
			if other != town {
				position++
				b.add("funding_award_recipient", id, position, g.towns[other].id, nil, "PARTNER", false)
			}
		}
	}
	if list := g.ofTown[int32(town)]; len(list) > 0 && d.chance(45) {
		s := pick(d, list)
		b.add("funding_award_strategy", id, g.strategies[s].id)
		if first, n := int(g.measuresOf[s]), int(g.measuresOf[s+1]-g.measuresOf[s]); n > 0 && d.chance(60) {
			b.add("funding_award_measure", id, g.key("measure", first+d.IntN(n)))
		}
	}
	g.sources(b, d, "funding_award_source", 85, id)
	if d.chance(40) {
		b.add("identifier", "FOERDERKENNZEICHEN", fmt.Sprintf("muster:%08d", i+1), nil, nil, nil, id)
	}
}
