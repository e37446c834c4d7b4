package plan

import (
	"fmt"
	"regexp"
	"strings"
)

// builder collects one statement and its parameters.
type builder struct {
	catalogue *Catalogue
	req       *Request
	role      Role
	params    []param
	index     map[param]int
	aliases   int
	whole     bool            // what is being written reads all rows of a list, not a page
	stored    bool            // fields are what was written, not what it means today
	columns   map[string]bool // that pieces of SQL have used, of whatever row
	searches  bool            // texts, somewhere
	reads     reads
	narrow    map[string]int // how often a table is named for a row that is reached by its key
}

// row says what the placeholders of a piece of SQL mean.
type row struct {
	alias  string // of the row itself
	prefix string // of its columns, for a value object
	parent string // alias, point, and prefix of columns
	link   string
	args   map[string]param // arguments that the piece may use; "" is that of a piece with one
}

// asParent is how relations speak of the row that they start from.
func (r row) asParent() string { return r.alias + "." + r.prefix }

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

// expr fills in the placeholders of a piece of SQL.
func (b *builder) expr(sql SQL, r row) string {
	return placeholder.ReplaceAllStringFunc(string(sql), func(p string) string {
		p = p[1 : len(p)-1]
		switch {
		case p == "now":
			return b.param(param{from: fromNow, scalar: "DateTime"})
		case p == "today":
			return b.param(param{from: fromToday, scalar: "Date"})
		case p == "viewer":
			return b.param(param{from: fromViewer, scalar: "ID"})
		case p == "arg":
			return b.param(r.args[""])
		case strings.HasPrefix(p, "parent."):
			b.columns[p[len("parent."):]] = true
			return r.parent + p[len("parent."):]
		case p == "tsquery arg":
			return b.argument(r, "", "tsquery")
		case strings.HasPrefix(p, "arg."), strings.Contains(p, " arg."):
			how, name, _ := strings.Cut(p, "arg.")
			return b.argument(r, name, strings.TrimSpace(how))
		case strings.HasPrefix(p, "link."):
			return r.link + p[len("link"):]
		case strings.HasPrefix(p, "visible "), strings.HasPrefix(p, "listed "):
			words := strings.Fields(p)
			o, other := b.catalogue.objects[words[1]], row{alias: words[2]}
			conds := b.visible(o, other, nil)
			if words[0] == "listed" {
				conds = append(conds, b.listed(o.Listed, other, nil)...)
			}
			return and(conds)
		case strings.HasPrefix(p, "search "), strings.HasPrefix(p, "label "):
			words := strings.Fields(p)
			s, other := b.catalogue.objects[words[1]].Search, row{alias: words[2]}
			if words[0] == "label" {
				return b.expr(s.Label, other)
			}
			return b.searchText(s, other)
		case strings.HasPrefix(p, "field "):
			words, of := strings.Fields(p), r
			if len(words) == 3 {
				of = row{alias: words[2]}
			}
			name, field, _ := strings.Cut(words[1], ".")
			return b.expr(b.catalogue.objects[name].Fields[field].Expr, of)
		}
		b.columns[p] = true
		return r.alias + "." + r.prefix + p
	})
}

// searchText is the text of a row from which hits show a piece.
func (b *builder) searchText(s *Search, r row) string {
	var parts []string
	for _, part := range []SQL{s.Summary, s.Body} {
		if part != "" {
			parts = append(parts, b.expr(part, r))
		}
	}
	if len(parts) == 0 {
		return "NULL"
	}
	return "nullif(concat_ws(E'\n', " + strings.Join(parts, ", ") + "), '')"
}

// conversions are ways to read an argument, by the word in front of it.
var conversions = map[string]conversion{
	"tsquery": searchQuery, "titles": searchTitles, "typed": searchTyped, "named": searchNamed,
	"spellings": searchSpellings, "words": searchWords, "tsqueries": searchQueries,
}

// argument is an argument of a piece of SQL, as it was given or read as words to
// search for; null if it was not given.
func (b *builder) argument(r row, name, how string) string {
	p, ok := r.args[name]
	if !ok {
		return "NULL"
	}
	if conv, ok := conversions[how]; ok {
		b.searches = true
		p.conv, p.list = conv, conv >= searchSpellings
	}
	return b.param(p)
}

// visible is what the viewer may see of a type. If the row was reached from
// its holder by the relation given, the holder is known to be visible.
func (b *builder) visible(o *Object, r row, from *reached) []string {
	var conds []string
	if sql := o.Visible.of(b.role); sql != "" {
		conds = append(conds, "("+b.expr(sql, r)+")")
	}
	if via := o.Visible.Via; via.Type != "" && (from == nil || from.holder != via.Type || from.relation.child != via.Column) {
		holder := b.catalogue.objects[via.Type]
		h := row{alias: b.alias()}
		column := r.alias + "." + via.Column
		its, seen := h.alias+".id = "+column, and(b.visible(holder, h, nil))
		cond := fmt.Sprintf("EXISTS (SELECT FROM %s %s WHERE %s AND %s)", holder.Table, h.alias, its, seen)
		if via.Optional {
			// Beside an OR, Postgres takes EXISTS for a reason to look up all holders in
			// advance. For a page of rows, each looks up its own.
			if !b.whole {
				cond = fmt.Sprintf("(SELECT %s FROM %s %s WHERE %s)", seen, holder.Table, h.alias, its)
			}
			cond = "(" + column + " IS NULL OR " + cond + ")"
		}
		conds = append(conds, cond)
	}
	return conds
}

// reached says by which relation, and from a row of which type, a row was
// reached.
type reached struct {
	holder   string
	relation *Relation
}

func (b *builder) alias() string {
	b.aliases++
	return fmt.Sprintf("t%d", b.aliases)
}

func (b *builder) param(p param) string {
	n, ok := b.index[p]
	if !ok {
		b.params = append(b.params, p)
		n = len(b.params)
		b.index[p] = n
	}
	return fmt.Sprintf("$%d", n)
}

func and(conds []string) string {
	if len(conds) == 0 {
		return "true"
	}
	return strings.Join(conds, " AND ")
}

// scope is a SELECT in the making: the columns asked of it and the joins that
// they need.
type scope struct {
	cols   []string
	index  map[string]int
	joins  strings.Builder
	joined map[string]string // alias of a to-one relation that is joined already
	cost   *cost
	keyed  bool // its rows are one at most, reached by keys
}

func newScope() *scope {
	return &scope{index: map[string]int{}, joined: map[string]string{}, cost: &cost{}}
}

// col adds a column, once, and gives its place.
func (s *scope) col(expr string) int {
	if i, ok := s.index[expr]; ok {
		return i
	}
	s.cols = append(s.cols, expr)
	s.index[expr] = len(s.cols) - 1
	return len(s.cols) - 1
}

func (s *scope) list() string { return strings.Join(s.cols, ", ") }
