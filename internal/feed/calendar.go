package feed

import (
	"bytes"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"
)

// writeCalendar writes a calendar: RFC 5545, with the name and the interval of RFC 7986.
// Calendars have no pages: they hold what is next, and a little of what is over.
func writeCalendar(c *channel) ([]byte, error) {
	calendar := ics.NewCalendarFor(generator)
	calendar.SetMethod(ics.MethodPublish)
	calendar.SetName(c.title)
	calendar.SetXWRCalName(c.title)
	calendar.SetUrl(c.self)
	calendar.SetRefreshInterval("PT6H")
	calendar.SetXPublishedTTL("PT6H")
	for n := range c.entries {
		e, i := &c.entries[n], &c.items[n]
		from, to, whole := e.span()
		if from.IsZero() {
			continue
		}
		event := calendar.AddEvent(i.id)
		event.SetDtStampTime(i.updated)
		event.SetCreatedTime(e.CreatedAt)
		event.SetModifiedAt(i.updated)
		event.SetSequence(max(0, e.Version-1))
		if whole { // the end is the first day after it: 3.6.1
			event.SetAllDayStartAt(from)
			event.SetAllDayEndAt(to.AddDate(0, 0, 1))
		} else {
			event.SetStartAt(from)
			if to.After(from) {
				event.SetEndAt(to)
			}
		}
		title := i.title
		if e.ClosesOn != nil {
			title = "Antragsfrist: " + title
		}
		event.SetSummary(title)
		if text := e.about(i); text != "" {
			event.SetDescription(text)
		}
		if i.url != "" {
			event.SetURL(i.url)
		}
		if place := e.place(); place != "" {
			event.SetLocation(place)
		}
		for _, tag := range i.tags {
			event.AddCategory(tag)
		}
		event.SetStatus(e.certainty())
		event.SetTimeTransparency(ics.TransparencyTransparent) // nobody is busy because a call closes
	}
	var b bytes.Buffer
	err := calendar.SerializeTo(&b, ics.WithNewLineWindows)
	return b.Bytes(), err
}

// span is from when to when something takes place, in whole days or not. Something of
// which only the month or the year is known has no place in a calendar.
func (e *entry) span() (from, to time.Time, whole bool) {
	switch {
	case e.ClosesOn != nil:
		return e.ClosesOn.Time, e.ClosesOn.Time, true
	case e.StartsAt != nil && e.EndsAt != nil:
		return *e.StartsAt, *e.EndsAt, false
	case e.StartsAt != nil:
		return *e.StartsAt, time.Time{}, false
	case e.Date != nil && (e.Date.Precision == "DAY" || e.Date.Precision == "INTERVAL"):
		return e.Date.Start.Time, e.Date.End.Time, true
	}
	return from, to, true
}

// certainty says whether it takes place. There is nothing to apply for any more when a
// program is over before its call would close.
func (e *entry) certainty() ics.ObjectStatus {
	if p := e.Program; p != nil && p.Period != nil && p.Period.To != nil && e.ClosesOn.After(p.Period.To.End.Time) {
		return ics.ObjectStatusCancelled
	}
	return ics.ObjectStatusConfirmed
}

// about is what a calendar shows below the title, plain text.
func (e *entry) about(i *item) string {
	parts := []string{i.summary}
	if e.Program != nil {
		parts = append(parts, clean(e.Program.Summary))
		if e.OpensOn != nil {
			parts = append(parts, "Anträge ab dem "+e.OpensOn.german()+".")
		}
	}
	if hosts := names(e.Hosts); len(hosts) > 0 {
		parts = append(parts, "Es lädt ein: "+strings.Join(hosts, ", "))
	}
	return join(parts, "\n\n")
}

func (e *entry) place() string {
	parts := []string{clean(e.Venue)}
	if e.Municipality != nil {
		parts = append(parts, clean(e.Municipality.Name))
	}
	return join(parts, ", ")
}

// join joins what is not empty.
func join(parts []string, with string) string {
	var filled []string
	for _, p := range parts {
		if p != "" {
			filled = append(filled, p)
		}
	}
	return strings.Join(filled, with)
}
