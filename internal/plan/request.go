package plan

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
)

// operation is what can be known of an operation of a document before its
// variables are known. It is made once and kept.
type operation struct {
	def   *ast.OperationDefinition
	sites []*site
	index map[*ast.Field]int
	conds []string // variables of @skip and @include
	kept  []*site  // fields that are kept to a role

	mu    sync.Mutex
	plans map[string]*plan
}

// site is a field with arguments.
type site struct {
	field  *ast.Field
	path   ast.Path // response keys
	target *Object  // of a connection
	when   [][]cond // the conditions under which it is reached, by each way to it
	least  Role     // of those that may ask for it
	fixed  bool     // no variables: coerced once
	args   []any
	page   pageArgs
}

// cond is one @skip or @include that depends on a variable.
type cond struct {
	variable string
	include  bool
}

// pageArgs are the coerced page arguments of a connection.
type pageArgs struct {
	limit         int
	last          bool
	after, before *cursor
	number        int // of a numbered page, from 1; 0 if it is not numbered
}

// Request is an operation with its coerced arguments, ready to be read.
type Request struct {
	planner *Planner
	op      *operation
	vars    map[string]any
	args    [][]any    // by site, in the order of the schema; nil for a site that is skipped
	pages   []pageArgs // by site
	shape   []byte     // what of the arguments decides the statement
	plan    *plan
	cost    int
	from    Sources // what was read, as far as it was
}

// Prepare coerces the arguments of all fields of an operation, nested ones
// included. Its errors are request errors: nothing of the operation may run.
func (p *Planner) Prepare(def *ast.OperationDefinition, vars map[string]any, role Role) (*Request, gqlerror.List) {
	op := p.operation(def)
	if errs := op.refuse(vars, role); len(errs) > 0 {
		return nil, errs
	}
	r := &Request{planner: p, op: op, vars: vars, args: make([][]any, len(op.sites)), pages: make([]pageArgs, len(op.sites))}
	var errs gqlerror.List
	for _, name := range op.conds {
		r.shape = append(r.shape, '0'+byte(b2i(vars[name] == true)))
	}
	c := coercer{schema: p.catalogue.Schema, vars: vars, deep: p.deep[def]}
	for i, s := range op.sites {
		if !s.reached(vars) {
			r.shape = append(r.shape, '!')
			continue
		}
		if s.args != nil {
			r.args[i], r.pages[i] = s.args, s.page
		} else {
			args, page, err := p.coerceSite(&c, s)
			if err != nil {
				errs = append(errs, argumentError(s, err))
				continue
			}
			r.args[i], r.pages[i] = args, page
		}
		for a, v := range r.args[i] {
			name := s.field.Definition.Arguments[a].Name
			r.shape = appendShape(r.shape, v, name == "orderBy" || name == "by", s.target == nil)
		}
		r.shape = appendCursorShape(r.shape, r.pages[i].after)
		r.shape = appendCursorShape(r.shape, r.pages[i].before)
	}
	if len(errs) > 0 {
		return nil, errs
	}
	compiled, err := p.plan(r, role)
	if err != nil {
		return nil, gqlerror.List{internal(err)}
	}
	if r.cost = compiled.cost.of(r); r.cost > p.maxCost {
		return nil, gqlerror.List{r.tooCostly(compiled.cost, p.maxCost)}
	}
	r.plan = compiled
	return r, nil
}

// refuse gives an error for each field that is kept to others than this role.
func (op *operation) refuse(vars map[string]any, role Role) (errs gqlerror.List) {
	for _, s := range op.kept {
		if role >= s.least || !s.reached(vars) {
			continue
		}
		f := fault.New(fault.Forbidden, "This token may not read `%s`.", s.field.Name)
		if role == Public {
			f = fault.New(fault.Unauthenticated, "It takes a token to read `%s`: send one as `Authorization: Bearer …`.", s.field.Name)
		}
		e := internal(f)
		e.Path = s.path
		if pos := s.field.Position; pos != nil {
			e.Locations = []gqlerror.Location{{Line: pos.Line, Column: pos.Column}}
		}
		errs = append(errs, e)
	}
	return errs
}

// least is the least role that may ask for a field.
func (c *Catalogue) least(f *ast.Field) Role {
	if f.ObjectDefinition == c.Schema.Query {
		if root := c.roots[f.Name]; root != nil {
			return root.Least
		}
		return Public
	}
	if o := c.objects[f.ObjectDefinition.Name]; o != nil {
		return o.Fields[f.Name].Least
	}
	return Public
}

func (p *Planner) operation(def *ast.OperationDefinition) *operation {
	if op, ok := p.operations.Get(def); ok {
		return op
	}
	op := &operation{def: def, index: map[*ast.Field]int{}, plans: map[string]*plan{}}
	a := analysis{op: op, catalogue: p.catalogue, conds: map[string]bool{}}
	a.walk(def.SelectionSet, nil, nil)
	c := coercer{schema: p.catalogue.Schema}
	for _, s := range op.sites {
		if !s.fixed {
			continue
		}
		if args, page, err := p.coerceSite(&c, s); err == nil { // an error shows again on each request
			s.args, s.page = args, page
		}
	}
	p.operations.Add(def, op)
	return op
}

type analysis struct {
	op        *operation
	catalogue *Catalogue
	conds     map[string]bool
}

func (a *analysis) walk(set ast.SelectionSet, path ast.Path, when []cond) {
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			if when, ok := a.conditions(sel.Directives, when); ok && !strings.HasPrefix(sel.Name, "__") {
				path := append(slices.Clip(path), ast.PathName(sel.Alias))
				a.site(sel, path, when)
				a.walk(sel.SelectionSet, path, when)
			}
		case *ast.InlineFragment:
			if when, ok := a.conditions(sel.Directives, when); ok {
				a.walk(sel.SelectionSet, path, when)
			}
		case *ast.FragmentSpread:
			if when, ok := a.conditions(sel.Directives, when); ok {
				a.walk(sel.Definition.SelectionSet, path, when)
			}
		}
	}
}

func (a *analysis) site(f *ast.Field, path ast.Path, when []cond) {
	if least := a.catalogue.least(f); least != Public {
		a.op.kept = append(a.op.kept, &site{field: f, path: path, when: [][]cond{when}, least: least})
	}
	if len(f.Definition.Arguments) == 0 {
		return
	}
	if i, ok := a.op.index[f]; ok { // a fragment that is spread in several places
		a.op.sites[i].when = append(a.op.sites[i].when, when)
		return
	}
	s := &site{field: f, path: path, when: [][]cond{when}, fixed: true}
	if node := a.catalogue.nodeOf(f.Definition.Type.Name()); node != "" {
		s.target = a.catalogue.objects[node]
	}
	for _, arg := range f.Arguments {
		s.fixed = s.fixed && !hasVariable(arg.Value)
	}
	a.op.index[f] = len(a.op.sites)
	a.op.sites = append(a.op.sites, s)
}

// conditions adds the directives of a selection; false if it is left out
// whatever the variables are.
func (a *analysis) conditions(dirs ast.DirectiveList, when []cond) ([]cond, bool) {
	for _, d := range dirs {
		if d.Name != "skip" && d.Name != "include" {
			continue
		}
		v := d.Arguments.ForName("if").Value
		if v.Kind != ast.Variable {
			if (v.Raw == "true") != (d.Name == "include") {
				return nil, false
			}
			continue
		}
		if !a.conds[v.Raw] {
			a.conds[v.Raw] = true
			a.op.conds = append(a.op.conds, v.Raw)
		}
		when = append(slices.Clip(when), cond{variable: v.Raw, include: d.Name == "include"})
	}
	return when, true
}

func hasVariable(v *ast.Value) bool {
	if v.Kind == ast.Variable {
		return true
	}
	for _, child := range v.Children {
		if hasVariable(child.Value) {
			return true
		}
	}
	return false
}

func (s *site) reached(vars map[string]any) bool {
ways:
	for _, way := range s.when {
		for _, c := range way {
			if (vars[c.variable] == true) != c.include {
				continue ways
			}
		}
		return true
	}
	return false
}

func (p *Planner) coerceSite(c *coercer, s *site) ([]any, pageArgs, error) {
	defs := s.field.Definition.Arguments
	args := make([]any, len(defs))
	for i, def := range defs {
		v, err := c.argument(def, s.field.Arguments.ForName(def.Name))
		if err != nil {
			return nil, pageArgs{}, at(err, def.Name)
		}
		args[i] = v
	}
	if err := p.checkBounds(s, args); err != nil {
		return nil, pageArgs{}, err
	}
	if s.target != nil {
		page, err := p.coercePage(s, args, c.deep)
		return args, page, err
	}
	if s.field.ObjectDefinition == p.catalogue.Schema.Query {
		return args, pageArgs{}, p.checkLookup(s.field.Definition, args)
	}
	return args, pageArgs{}, nil
}

// checkBounds holds lists, texts and numbers of entries to their bounds.
func (p *Planner) checkBounds(s *site, args []any) error {
	most := maxNodes
	if root := p.catalogue.roots[s.field.Name]; root != nil && root.Items > 0 {
		most = root.Items
	}
	for i, v := range args {
		name := s.field.Definition.Arguments[i].Name
		var err error
		switch v := v.(type) {
		case []any:
			switch {
			case name == "by" && s.field.Name == "groups":
				err = between(len(v), 1, maxGroupBy)
			case name == "by":
				err = between(len(v), 1, maxFacets)
			case name != "orderBy" && len(v) > most:
				err = fault.New(fault.Invalid, "may hold %d entries at most, not %d; ask for the rest in another request.", most, len(v))
			}
		case string:
			if n := utf8.RuneCountInString(v); (name == "query" || name == "prefix") && n > MaxSearch {
				err = fault.New(fault.Invalid, "may have %d characters at most, not %d.", MaxSearch, n)
			}
		case int64:
			if name == "first" && s.target == nil && (v < 1 || v > MaxBuckets) {
				err = fault.New(fault.Invalid, "must be between 1 and %d, not %d.", MaxBuckets, v)
			}
		}
		if err != nil {
			return at(err, name)
		}
	}
	return nil
}

func between(n, least, most int) error {
	if n < least || n > most {
		return fault.New(fault.Invalid, "must hold between %d and %d entries, not %d.", least, most, n)
	}
	return nil
}

// checkLookup holds look-ups to one key.
func (p *Planner) checkLookup(def *ast.FieldDefinition, args []any) error {
	if root := p.catalogue.roots[def.Name]; root != nil && root.Rows != "" {
		return nil
	}
	given, names := 0, make([]string, len(args))
	for i, v := range args {
		names[i] = "`" + def.Arguments[i].Name + "`"
		if v != nil {
			given++
		}
	}
	if given != 1 {
		return fault.New(fault.Invalid, "needs exactly one of %s, not %s.", strings.Join(names, ", "), []string{"none", "", "two", "three", "four"}[given])
	}
	return nil
}

func (p *Planner) coercePage(s *site, args []any, deep bool) (pageArgs, error) {
	arg := func(name string) any {
		for i, def := range s.field.Definition.Arguments {
			if def.Name == name {
				return args[i]
			}
		}
		return nil
	}
	page := pageArgs{limit: DefaultPage}
	first, last := arg("first"), arg("last")
	if first != nil && last != nil {
		return page, fault.New(fault.Invalid, "takes `first` or `last`, not both; page forward with `first` and `after`, backward with `last` and `before`.")
	}
	for name, v := range map[string]any{"first": first, "last": last} {
		if v == nil {
			continue
		}
		n := v.(int64)
		if n < 1 || n > MaxPage {
			return page, fault.New(fault.Invalid, "must be between 1 and %d, not %d.", MaxPage, n).At(name)
		}
		page.limit, page.last = int(n), name == "last"
	}
	after, before := arg("after"), arg("before")
	number, size := arg("page"), arg("pageSize")
	if number != nil || size != nil {
		if first != nil || last != nil || after != nil || before != nil {
			return page, fault.New(fault.Invalid, "takes `page` and `pageSize`, or `first`, `last`, `after` and `before`, not both.")
		}
		page.number = 1
		if size != nil {
			n := size.(int64)
			if n < 1 || n > MaxPage {
				return page, fault.New(fault.Invalid, "must be between 1 and %d, not %d.", MaxPage, n).At("pageSize")
			}
			page.limit = int(n)
		}
		if number != nil {
			n := number.(int64)
			if n < 1 {
				return page, fault.New(fault.Invalid, "must be 1 or more, not %d.", n).At("page")
			}
			if n*int64(page.limit) > MaxDepth && !deep {
				return page, fault.New(fault.Invalid, "reaches the first %d entries only; go further with `first` and `after`, or narrow the filter.", MaxDepth).At("page")
			}
			page.number = int(n)
		}
	}
	if feed := p.catalogue.feed(s.field); feed != nil {
		text, _ := after.(string)
		if page.after = feed.cursor(text); page.after == nil {
			return page, fault.New(fault.Invalid, "is no cursor of changes; take one that came with them, or leave it out.").At("after")
		}
		return page, nil
	}
	orderBy := arg("orderBy")
	if list, ok := orderBy.([]any); ok && len(list) > maxTerms {
		return page, fault.New(fault.Invalid, "may hold %d keys at most.", maxTerms).At("orderBy")
	}
	filter, _ := arg("filter").(*object)
	if filter != nil {
		if err := checkFilter(filter); err != nil {
			return page, at(err, "filter")
		}
	}
	ord, err := p.catalogue.order(s.target, orderBy, filter)
	if err != nil || after == nil && before == nil {
		return page, err
	}
	for _, side := range []struct {
		name string
		v    any
		to   **cursor
	}{{"after", after, &page.after}, {"before", before, &page.before}} {
		if side.v == nil {
			continue
		}
		cur, problem := parseCursor(side.v.(string), ord)
		switch problem {
		case cursorMalformed:
			return page, fault.New(fault.Invalid, "is no cursor of this API; take `endCursor`, `startCursor` or an edge's `cursor` as it came.").At(side.name)
		case cursorOtherOrder:
			return page, fault.New(fault.Invalid, "is a cursor of another list or another `orderBy`; start again without it.").At(side.name)
		}
		*side.to = cur
	}
	return page, nil
}

// argumentError says in one sentence which argument of which field is wrong.
func argumentError(s *site, err error) *gqlerror.Error {
	f, ok := fault.From(err)
	if !ok {
		f = fault.New(fault.Internal, "cannot be read.")
	}
	subject := "Field `" + s.field.Name + "`"
	if len(f.Path) > 0 {
		subject = "Argument `" + strings.Join(f.Path, ".") + "` of `" + s.field.Name + "`"
	}
	e := &gqlerror.Error{
		Message:    subject + " " + f.Message,
		Path:       s.path,
		Extensions: map[string]any{"code": string(f.Code)},
	}
	if len(f.Path) > 0 {
		e.Extensions["argument"] = strings.Join(f.Path, ".")
	}
	if pos := s.field.Position; pos != nil {
		e.Locations = []gqlerror.Location{{Line: pos.Line, Column: pos.Column}}
	}
	return e
}

// appendShape writes what of a coerced value decides the statement: which
// members there are and which are null, how long lists of objects are, truth
// values, the type of an id that is looked up, and, with exact, everything.
func appendShape(dst []byte, v any, exact, ids bool) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, '-')
	case *object:
		dst = append(dst, '{')
		for _, m := range v.members {
			dst = append(append(dst, m.name...), ':')
			dst = appendShape(dst, m.value, exact, ids)
		}
		return append(dst, '}')
	case []any:
		dst = append(dst, '[')
		for _, item := range v {
			if _, ok := item.(*object); ok || exact {
				dst = appendShape(dst, item, exact, ids)
			} else if id, ok := item.(nodeid.ID); ok && ids {
				dst = appendOnce(dst, id.Prefix)
			}
		}
		return append(dst, ']')
	case bool:
		return append(dst, 't'-byte(b2i(!v))*('t'-'f'))
	case nodeid.ID:
		if ids {
			return append(append(dst, v.Prefix...), ';')
		}
	case string:
		if exact {
			return append(append(dst, v...), ';')
		}
	}
	return append(dst, '.')
}

// appendOnce adds the type of an id to a list of types, unless it is there.
func appendOnce(dst []byte, prefix string) []byte {
	if start := strings.LastIndexByte(string(dst), '['); strings.Contains(string(dst[start:]), "<"+prefix+">") {
		return dst
	}
	return fmt.Appendf(dst, "<%s>", prefix)
}

func appendCursorShape(dst []byte, c *cursor) []byte {
	if c == nil {
		return append(dst, '-')
	}
	dst = append(dst, 'c')
	for _, k := range c.keys {
		dst = append(dst, '0'+byte(b2i(k == nil)))
	}
	return dst
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
