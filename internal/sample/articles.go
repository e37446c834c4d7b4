package sample

import (
	"fmt"
	"math"
	"strings"
	"time"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/slug"
)

// article is what others must know of one.
type article struct {
	id       nodeid.UUID
	at       time.Time // published, or meant to be
	created  time.Time
	kind     string
	status   string
	town     int // -1 if it is about a state
	state    int
	comments string
}

var (
	articleStatuses = weighted{{"PUBLISHED", 915}, {"ARCHIVED", 30}, {"DRAFT", 25}, {"IN_REVIEW", 15}, {"SCHEDULED", 15}}
	discussions     = weighted{{"CLOSED", 42}, {"OPEN", 33}, {"DISABLED", 25}}
)

// article numbers are in the order of time, and each year has more than the last.
func (g *generator) article(i int) article {
	d := roll("article", i)
	// Division, root and product are each rounded the same everywhere.
	part := float64(i) / float64(g.count["article"])
	after := int(float64(days-35)*part)/2 + int(float64(days-35)*math.Sqrt(part))/2
	a := article{
		at:   begin.Add(time.Duration(after)*day + time.Duration(d.between(5*60, 18*60))*time.Minute + time.Duration(d.IntN(60))*time.Second),
		kind: articleKinds.each(d, i), status: articleStatuses.each(d, i), comments: discussions.each(d, i),
		town: g.town(d),
	}
	if d.chance(25) {
		a.town = g.active(d)
	}
	a.created = a.at.Add(-time.Duration(d.between(10, 5000)) * time.Minute)
	a.state = g.towns[a.town].state
	if i >= 10 && d.chance(6) {
		a.town = -1
	}
	switch a.status {
	case "SCHEDULED":
		a.at = asOf.Add(time.Duration(d.between(1, 540))*day + 7*time.Hour)
	case "ARCHIVED":
		a.comments = "CLOSED"
	}
	a.id = key("article", i, a.created)
	return a
}

// planArticles finds the earlier coverage of each town, and gives few articles
// most of the comments.
func (g *generator) planArticles() {
	n := g.count["article"]
	g.articlesBy = make([]int32, n)
	last := map[int]int32{}
	weights := make([]uint32, n)
	for i := range n {
		a := g.article(i)
		g.articlesBy[i] = -1
		if before, ok := last[a.town]; ok {
			g.articlesBy[i] = before
		}
		if a.status == "PUBLISHED" {
			last[a.town] = int32(i)
		}
		// The share falls with the rank, as Zipf has it: most articles have one
		// comment or none, a few have hundreds.
		weights[i] = uint32(30_000_000 / (roll("attention", i).IntN(65_536) + 131))
		switch {
		case a.comments == "DISABLED", a.kind == "PAGE", a.status == "SCHEDULED", a.status == "IN_REVIEW":
			weights[i] = 0
		case a.status == "DRAFT": // was public before
			weights[i] /= 10
		}
	}
	g.commentsOf = shares(g.count["comment"], weights)
}

func (g *generator) writeArticle(b *batch, i int) {
	a := g.article(i)
	d := roll("article row", i)
	about := g.states[a.state].place()
	if a.town >= 0 {
		about = g.towns[a.town]
	}
	title := about.fill(d.spin(pick(d, articleNames[a.kind])))
	articleSlug := fmt.Sprintf("%s-muster-%d", slug.Make(title), i+1)
	title += " (Muster)"

	var strategies []int32
	if a.town >= 0 {
		strategies = g.ofTown[int32(a.town)]
	}
	strategy, program := -1, -1
	if len(strategies) > 0 && d.chance(45) {
		strategy = int(pick(d, strategies))
	}
	if d.chance(18) {
		program = d.IntN(1 + d.IntN(g.count["funding_program"]))
	}
	text := long{}
	if d.chance(92) {
		in, of := about.linked()
		fill := []string{"<town>", about.name, "<in>", in, "<In>", capital(in), "<of>", of}
		if strategy >= 0 {
			t := g.strategyTitle(&g.strategies[strategy])
			fill = append(fill, "<strategy>", t, "<strategyslug>", strategySlug(t, strategy))
		}
		if program >= 0 {
			p := g.program(program)
			fill = append(fill, "<program>", p.title, "<programslug>", p.slug(program))
		}
		first := opener(d, strings.NewReplacer(fill...), strategy >= 0, program >= 0)
		text = long{g.bodyOf(d, first, 4+d.of(25, 50, 25))}
	}

	var on vague
	var at, updated, closes time.Time
	switch {
	case a.status == "DRAFT" || a.status == "IN_REVIEW":
	case a.status == "SCHEDULED":
		on, at = onDay(a.at), a.at
	default:
		switch d.of(78, 14, 5, 3) {
		case 0:
			on, at = onDay(a.at), a.at
		case 1:
			on = onDay(a.at)
		case 2:
			if on = d.known(a.at); on.precision == "INTERVAL" {
				on = inMonth(a.at)
			}
		}
		if d.chance(12) {
			if updated = a.at.Add(time.Duration(d.between(60, 60*24*90)) * time.Minute); updated.After(asOf) {
				updated = time.Time{}
			}
		}
	}
	if a.comments == "OPEN" && d.chance(30) {
		closes = a.at.AddDate(0, d.between(1, 120), 0)
	}
	sponsored := d.IntN(1000) < 25
	sponsor, label := nodeid.UUID{}, opt("")
	if sponsored {
		if d.chance(70) {
			sponsor = g.org(d)
		}
		if sponsor == (nodeid.UUID{}) || d.chance(50) {
			label = "Muster-Anzeige"
		}
	}
	kicker := d.maybe(25, pick(d, keywords))
	if d.chance(60) {
		kicker = opt(about.name)
	}
	_, modified, deleted := d.times(a.created)
	if published := max(a.at.Unix(), updated.Unix()); a.status != "SCHEDULED" && modified.Unix() < published {
		modified = time.Unix(published, 0).UTC()
	}
	b.add("article", a.id, articleSlug, a.kind, kicker, title, d.maybe(20, d.spin(pick(d, subtitles))), d.maybe(85, about.fill(d.spin(pick(d, leads)))), text,
		a.status, on, at, updated, sponsored, sponsor, label, a.comments, closes, d.maybe(20, "https://www.muster.example/netiquette"), a.created, modified, deleted)

	for n := range d.of(15, 70, 15) {
		kind := weighted{{"AUTHOR", 60}, {"EDITOR", 15}, {"AGENCY", 10}, {"PRESS_RELEASE", 15}}.pick(d)
		switch d.of(35, 20, 45) {
		case 0:
			b.add("article_byline", a.id, n+1, g.key("person", d.IntN(1+g.count["person"]/10)), nil, nil, kind)
		case 1:
			b.add("article_byline", a.id, n+1, nil, g.key("organization", len(parties)+len(umbrella)+d.IntN(len(press))), nil, kind)
		default:
			b.add("article_byline", a.id, n+1, nil, nil, pick(d, shorthands), kind)
		}
	}
	g.mentions(b, d, "article_mention", a.id, a.at, []string{"SUBJECT", "QUOTED", "QUOTED", "SPEAKER", "INTERVIEWEE", "PICTURED"}, d.of(55, 25, 13, 7))
	if d.chance(88) {
		b.add("article_topic", a.id, g.topicKey(g.topicsOf(d, "SECTION", 1)[0]), "SECTION", 1)
	}
	for n, t := range g.topicsOf(d, "KEYWORD", d.of(10, 25, 30, 25, 10)) {
		b.add("article_topic", a.id, g.topicKey(t), "KEYWORD", n+1)
	}
	for n, t := range g.topicsOf(d, "ACTION_FIELD", d.of(60, 30, 10)) {
		b.add("article_topic", a.id, g.topicKey(t), "TOPIC", n+1)
	}
	g.links(b, d, "article_link", 35, a.id)
	g.sources(b, d, "article_source", 45, a.id)
	if a.town >= 0 {
		b.add("article_municipality", a.id, g.towns[a.town].id)
		if d.chance(12) {
			for _, other := range some(d, g.towns[a.town].neighbours, d.between(1, 3)) {
				if other != a.town {
					b.add("article_municipality", a.id, g.towns[other].id)
				}
			}
		}
	} else if d.chance(85) {
		b.add("article_state", a.id, g.states[a.state].id)
	}
	if strategy >= 0 {
		b.add("article_strategy", a.id, g.strategies[strategy].id)
		if first, n := int(g.measuresOf[strategy]), int(g.measuresOf[strategy+1]-g.measuresOf[strategy]); n > 0 && d.chance(30) {
			b.add("article_measure", a.id, g.key("measure", first+d.IntN(n)))
		}
	}
	if program >= 0 {
		b.add("article_funding_program", a.id, g.key("funding_program", program))
	}
	if d.chance(6) {
		b.add("article_funding_award", a.id, g.key("funding_award", d.IntN(g.count["funding_award"])))
	}
	if d.chance(20) {
		b.add("article_organization", a.id, g.org(d))
	}
	if d.chance(7) {
		b.add("article_event", a.id, g.key("event", d.IntN(g.count["event"])))
	}
	if d.chance(4) {
		b.add("article_platform", a.id, g.key("platform", d.IntN(g.count["platform"])))
	}
	if d.chance(3) {
		r := d.IntN(g.count["ranking"])
		b.add("article_ranking_entry", a.id, entryKey(r, d.IntN(g.ranking(r))))
	}
	if d.chance(6) {
		b.add("article_figure", a.id, 1, g.key("figure", d.IntN(g.count["figure"])))
	}
	var pictures []int
	for range d.of(25, 60, 10, 5) {
		pictures = append(pictures, d.IntN(g.count["media_asset"]))
	}
	for n, m := range distinct(pictures) {
		b.add("article_media", a.id, n+1, g.key("media_asset", m), n == 0 && d.chance(95), d.maybe(15, about.fill("Aufnahme aus <town> (Muster)")))
	}
	if before := g.articlesBy[i]; before >= 0 && d.chance(15) {
		b.add("article_previous", a.id, 1, g.article(int(before)).id)
	}
	if d.chance(2) {
		b.add("former_slug", "article", "frueher-"+articleSlug, a.id)
	}
	g.writeComments(b, i, a)
}

var commentStatuses = weighted{{"APPROVED", 880}, {"PENDING", 40}, {"REJECTED", 30}, {"SPAM", 25}, {"HIDDEN", 15}, {"ERASED", 10}}

// previous are the statuses that decided ones came from.
var previous = map[string]weighted{
	"APPROVED": {{"PENDING", 970}, {"HIDDEN", 10}, {"REJECTED", 10}, {"SPAM", 10}},
	"REJECTED": {{"PENDING", 100}}, "SPAM": {{"PENDING", 100}}, "HIDDEN": {{"APPROVED", 100}}, "PENDING": {{"", 100}}, "ERASED": {{"", 100}},
}

var reasons = []string{"OFF_TOPIC", "INSULT", "HATE", "ILLEGAL", "PRIVACY", "ADVERTISING", "DUPLICATE", "OTHER"}

// erased is the text of a comment that was wiped.
var erased = rendered(comment, "")

// writeComments writes the discussion of an article. What triggers keep
// otherwise, place in the thread and visibility, is computed here.
func (g *generator) writeComments(b *batch, i int, a article) {
	first, n := int(g.commentsOf[i]), int(g.commentsOf[i+1]-g.commentsOf[i])
	b.entries += n
	type said struct {
		id, root             nodeid.UUID
		parent               int // -1 for none
		depth                int
		status, audience     string
		at                   time.Time
		open, visible, above bool // above something visible

		path string    // in the order of threads
		top  time.Time // when its thread began
		rank int       // of its thread
	}
	d := roll("comments", i)
	at := a.at
	longest := 60 * 24 * 60 * 60 / (n + 20) // discussions last about two weeks
	thread := make([]said, n)
	for c := range thread {
		at = at.Add(time.Duration(1+d.IntN(1+d.IntN(longest))) * time.Second)
		s := said{parent: -1, at: at, status: commentStatuses.pick(d), audience: "PUBLIC", id: key("comment", first+c, at)}
		s.root, s.top = s.id, at
		s.path = fmt.Sprintf("%016x%x", at.UnixMicro()+62_135_596_800_000_000, s.id[:])
		if d.chance(1) {
			s.audience = "EDITORS"
		}
		s.open = s.audience == "PUBLIC" && (s.status == "APPROVED" || s.status == "HIDDEN" || s.status == "ERASED")
		// Most answer something recent. Who answers a hidden one did so before.
		if c > 0 && d.chance(45) {
			p := c - 1 - d.IntN(min(c, 12))
			if up := &thread[p]; up.depth < 9 && (up.depth < 4 || d.chance(30)) && (up.open || d.chance(20)) {
				s.parent, s.root, s.depth = p, up.root, up.depth+1
				s.open = s.open && up.open
				s.path, s.top = up.path+s.path, up.top
			}
		}
		s.visible = s.open && s.status == "APPROVED"
		thread[c] = s
	}
	for c := n - 1; c >= 0; c-- {
		if s := thread[c]; s.parent >= 0 && (s.visible || s.above) {
			thread[s.parent].above = true
		}
	}
	for c, s := range thread {
		d := roll("comment", first+c)
		parent := nodeid.UUID{}
		if s.parent >= 0 {
			parent = thread[s.parent].id
		}
		name := d.maybe(80, "Muster-"+pick(d, given))
		if d.chance(30) && name != "" {
			name += opt(fmt.Sprintf(" %d", d.between(50, 99)))
		}
		text := short{erased}
		if s.status == "ERASED" {
			name = ""
		} else {
			text = short{g.reply(d)}
		}
		var decided time.Time
		up, down := 0, 0
		if s.status == "APPROVED" || s.status == "HIDDEN" || s.status == "ERASED" {
			decided = s.at.Add(time.Duration(d.between(1, 900)) * time.Minute)
			up, down = d.IntN(1+d.IntN(24)), d.IntN(1+d.IntN(8))
		}
		if s.parent >= 0 {
			s.rank = thread[s.parent].rank
		} else {
			s.rank = wilson(up, down)
		}
		thread[c].rank = s.rank
		modified := s.at
		if !decided.IsZero() {
			modified = decided
		}
		m := roll("moderated", first+c)
		before, reason, score := opt(previous[s.status].pick(m)), opt(""), 0
		switch s.status {
		case "REJECTED", "HIDDEN":
			reason = opt(pick(m, reasons))
		case "SPAM":
			reason, score = "RULES", m.between(100, 200)
		case "PENDING":
			score = m.IntN(100)
		}
		b.add("comment", s.id, a.id, parent, s.root, s.depth, name, text, s.status, s.audience, up, down,
			s.visible, s.open && !s.visible && s.above, decided, s.at, modified, s.path, s.top, s.rank, before, reason, score)
		if d.chance(1) {
			b.add("comment_note", s.id, 1, d.spin(pick(d, editorNotes)), "Musterredaktion", modified.Add(time.Hour))
		}
	}
}

// wilson is comment_rank of the database.
func wilson(up, down int) int {
	n := float64(up + down)
	if n == 0 {
		return 0
	}
	p := float64(up) / n
	return int(math.RoundToEven(1000 * (p + 1.9208/n - 1.96*math.Sqrt((p*(1-p)+0.9604/n)/n)) / (1 + 3.8416/n)))
}
