// Package foerderdatenbank imports funding programs in the field layout of the
// Förderdatenbank, the federal government's database of funding programs, as CorrelAid
// publishes it: a CSV file with a row for each program.
//
//	id_hash,url,title,description,funding_type,funding_location,funding_body,deleted
//	0f3c…,https://…/Foerderprogramm/Land/Hessen/x.html,Ein Programm,Wofür …,"[""Zuschuss""]",Hessen,Ein Ministerium,false
//
// A row becomes a FundingProgram with its funding areas as topics and its funding body
// as an organization, through the one writer. It is found again by its source and the
// column id_hash. Columns come in any order; one that the file lacks leaves its field
// as it is. Separators are commas, semicolons or tabs.
//
// # Texts
//
// The texts are licensed CC BY-ND: they may be passed on with their source and licence,
// and not edited. Their words are stored as they are, beside a source with the address
// and the column license_info. Texts in HTML become Markdown, as in the publisher's
// own CSV, because bodies are Markdown here. None of them ships with the product.
//
// # Lists
//
// Lists in cells are JSON or Python's, or separated by semicolons, bars, line breaks or
// commas; all of these are in use. Words of the Förderdatenbank may stand there as
// labels ("Öffentliche Einrichtung") or as codes ("oeffentliche_einrichtung"), both of
// which its pages show.
package foerderdatenbank

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"stadtgraph/internal/batch"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/write"
)

// Options are how rows are imported.
type Options struct {
	Source  string // of the external ids, which are in the column id_hash
	Publish bool   // programs that are new are public at once
}

// The columns that are read. Others, such as checksum, are left alone: the writer
// compares what is there itself.
var (
	required = []string{"id_hash", "title"}
	contacts = []string{"contact_info_institution", "contact_info_street", "contact_info_city",
		"contact_info_phone", "contact_info_fax", "contact_info_email", "contact_info_website"}
	columns = slices.Concat(required, contacts, []string{"id_url", "url", "description", "more_info", "legal_basis",
		"funding_type", "funding_area", "funding_location", "eligible_applicants", "funding_body", "further_links",
		"license_info", "last_updated", "deleted"})
)

// source reads programs of rows.
type source struct {
	Options
	rows      *rows
	catalogue *plan.Catalogue
	column    map[string]int // where in a row, for those that are there
	cells     int
	seen      map[string]int // the line of each id
}

// Read makes a source of a file. It reads the header at once: a file of another layout
// is a fault that says what is missing.
func Read(in io.Reader, c *plan.Catalogue, o Options) (batch.Source, error) {
	s := &source{Options: o, rows: newRows(in), catalogue: c, seen: map[string]int{}}
	header, err := s.rows.header(columns)
	if err != nil {
		return nil, err
	}
	s.cells, s.column = len(header), make(map[string]int, len(header))
	for i, name := range header {
		if _, twice := s.column[name]; twice && slices.Contains(columns, name) {
			return nil, fault.New(fault.Invalid, "The column %s is there twice: remove one of them.", name)
		}
		s.column[name] = i
	}
	for _, name := range required {
		if _, ok := s.column[name]; !ok {
			return nil, fault.New(fault.Invalid, "The file lacks the column %s: its first line has to name the columns of the Förderdatenbank's layout, such as %s.",
				name, strings.Join(columns, ", "))
		}
	}
	return s, nil
}

func (s *source) Read() int64 { return s.rows.read }

func (s *source) Next() (batch.Record, error) {
	raw, line, err := s.rows.next()
	tooLong := errors.Is(err, errTooLong)
	if err != nil && !tooLong {
		return batch.Record{}, err
	}
	r := batch.Record{Line: line, Type: "FundingProgram", Size: len(raw), Path: inRow}
	if tooLong {
		r.Refuse(write.TooLong, nil, "A row may have %d MB at most; look for a quote that is not closed.", batch.MaxRecord>>20)
		return r, nil
	}
	cells, err := s.rows.split(raw)
	switch {
	case err != nil:
		r.Refuse(write.Invalid, nil, "%s", err.Error())
	case len(cells) != s.cells:
		r.Refuse(write.Invalid, nil, "This row has %d cells, and the header %d: put cells that hold a separator, a quote or a line break in quotes.", len(cells), s.cells)
	default:
		s.program(&r, row{s.column, cells})
	}
	return r, nil
}

// row is a row by its columns.
type row struct {
	column map[string]int
	cells  []string
}

// has says whether the file has a column.
func (r row) has(name string) bool { _, ok := r.column[name]; return ok }

// text is a cell without the space around it; "" if the file does not have the column.
func (r row) text(name string) string {
	if i, ok := r.column[name]; ok {
		return strings.TrimSpace(r.cells[i])
	}
	return ""
}

// program makes a program of a row.
func (s *source) program(r *batch.Record, cells row) {
	for _, name := range columns {
		if strings.IndexByte(cells.text(name), 0) >= 0 {
			r.Refuse(write.Invalid, []string{name}, "This must not contain the NUL character.")
		}
	}
	id := cells.text("id_hash")
	switch first, twice := s.seen[id]; {
	case id == "":
		r.Refuse(write.Required, []string{"id_hash"}, "This is needed.")
	case twice:
		r.Refuse(write.Taken, []string{"id_hash"}, "This is the id of line %d, too.", first)
	default:
		s.seen[id] = r.Line
	}
	gone, ok := truth(cells.text("deleted"))
	if !ok {
		r.Refuse(write.Invalid, []string{"deleted"}, "This is %q, where true or false stands.", cells.text("deleted"))
	}
	p := program{source: s.Source, id: id, idURL: cells.text("id_url"), gone: gone, publish: s.Publish}
	if gone { // what it says of itself does not count any more
		if len(r.Problems) == 0 {
			r.Write = p.write
		}
		return
	}

	content := map[string]any{"title": strings.Join(strings.Fields(cells.text("title")), " ")}
	p.level = levelOf(cells.text("url"), cells.text("id_url"))
	if p.level != "" {
		content["level"] = p.level
	}
	if cells.has("description") {
		content["body"] = body(r, cells)
	}
	if slices.ContainsFunc(contacts, cells.has) {
		content["contact"] = optional(contact(cells))
	}
	if cells.has("funding_type") {
		content["fundingTypes"] = fundingTypes.read(r, "funding_type", cells.text("funding_type"))
	}
	if cells.has("eligible_applicants") {
		content["eligibleApplicants"] = applicants.read(r, "eligible_applicants", cells.text("eligible_applicants"))
	}
	if cells.has("funding_location") {
		where(r, content, cells.text("funding_location"))
	}
	if cells.has("further_links") {
		content["links"] = links(cells.text("further_links"))
	}
	content["sources"] = []any{origin(r, cells)}
	p.areas, p.hasAreas = areas(cells.text("funding_area")), cells.has("funding_area")
	p.body, p.hasBody = strings.Join(strings.Fields(cells.text("funding_body")), " "), cells.has("funding_body")

	given, err := s.catalogue.Record("FundingProgramInput", content)
	if f, ok := fault.From(err); ok {
		r.Refuse(write.Invalid, inRow(append([]string{"fundingProgram"}, f.Path...)), "This %s", f.Message)
	} else if err != nil {
		r.Refuse(batch.Internal, nil, "%s", err.Error())
	}
	p.content = given
	r.Write = p.write
}

// truth is a cell that says yes or no; empty is no.
func truth(cell string) (yes, ok bool) {
	if cell == "" {
		return false, true
	}
	yes, err := strconv.ParseBool(strings.ToLower(cell))
	return yes, err == nil
}

func optional(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// levelOf reads who gives the money from where a program stands in the
// Förderdatenbank: …/Foerderprogramm/Land/Hessen/….
func levelOf(url, id string) string {
	_, path, found := strings.Cut(url, "/Foerderprogramm/")
	if !found {
		path = strings.Replace(id, "-", "/", 1)
	}
	first, _, _ := strings.Cut(path, "/")
	return map[string]string{"bund": "FEDERAL", "land": "STATE", "eu": "EU"}[strings.ToLower(first)]
}

// contact is whom to ask, a line each.
func contact(cells row) string {
	var lines []string
	for _, name := range contacts {
		text := strings.Join(strings.Fields(cells.text(name)), " ")
		switch {
		case text == "":
			continue
		case name == "contact_info_phone":
			text = "Tel.: " + text
		case name == "contact_info_fax":
			text = "Fax: " + text
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n")
}

// where puts the Fördergebiet into the fields of a program.
func where(r *batch.Record, content map[string]any, cell string) {
	nationwide, keys := false, []any{}
	for _, place := range locations.read(r, "funding_location", cell) {
		switch place {
		case everywhere:
			nationwide = true
		case elsewhere:
		default:
			keys = append(keys, map[string]any{"key": place})
		}
	}
	if nationwide {
		keys = []any{}
	}
	content["nationwide"], content["states"] = nationwide, map[string]any{"set": keys}
}

// assumed is the licence of rows that do not say theirs.
const assumed = "CC BY-ND 3.0 DE"

// origin is where a row was read.
func origin(r *batch.Record, cells row) map[string]any {
	license := strings.Join(strings.Fields(cells.text("license_info")), " ")
	if license == "" {
		license = assumed
	}
	from := map[string]any{"publisher": "Förderdatenbank des Bundes", "license": license}
	if url := cells.text("url"); url != "" {
		from["url"] = url
	}
	at, ok := instant(cells.text("last_updated"))
	if !ok {
		r.Refuse(write.Invalid, []string{"last_updated"}, "This is %q, where an instant, a day or a week stands, such as 2025-07-02T02:05:31.", cells.text("last_updated"))
	}
	if !at.IsZero() {
		from["retrievedAt"] = at.UTC().Format(time.RFC3339Nano)
	}
	return from
}

// instant reads a time in the forms that are in use; without a zone it is in UTC. A
// week says too little, and gives none.
func instant(cell string) (time.Time, bool) {
	if cell == "" || len(cell) == len("2026-W34") && cell[4:6] == "-W" {
		return time.Time{}, true
	}
	cell = strings.Replace(cell, " ", "T", 1)
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999-0700", time.DateOnly} {
		if at, err := time.Parse(form, cell); err == nil && at.Year() > 0 {
			return at, true
		}
	}
	return time.Time{}, false
}

// columnOf is the column that fills a field of a program.
var columnOf = map[string]string{
	"id": "id_hash", "externalId": "id_hash", "source": "id_hash", "slug": "title", "title": "title", "level": "url", "body": "description", "contact": "contact_info_institution",
	"fundingTypes": "funding_type", "eligibleApplicants": "eligible_applicants", "fundingAreas": "funding_area", "nationwide": "funding_location", "states": "funding_location",
	"funders": "funding_body", "links": "further_links", "sources": "url", "identifiers": "id_url", "publicationStatus": "description",
}

// inRow is the path of a program's field, as the column of a row.
func inRow(path []string) []string {
	if len(path) > 0 && path[0] == "fundingProgram" {
		path = path[1:]
	}
	if len(path) == 0 {
		return []string{}
	}
	column, ok := columnOf[path[0]]
	switch {
	case !ok:
		return append([]string{}, path[:1]...) // it is one already
	case column == "further_links" && len(path) > 1:
		return []string{column, path[1]}
	case slices.Equal(path, []string{"sources", "0", "license"}):
		return []string{"license_info"}
	}
	return []string{column}
}
