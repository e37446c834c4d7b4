package graph_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
)

// generator makes valid operations. It prefers what was read least often, so
// that after enough of them everything was.
type generator struct {
	*rand.Rand
	catalogue *plan.Catalogue
	known     *known
	viewer    plan.Viewer
	ref       *reference

	op       *operation
	counter  int       // of aliases, fragments and variables
	literal  int       // variables must not be used: inside of one
	budget   int       // selections
	filters  int       // comparisons of a filter
	route    []string  // fields to select, one inside the other
	filtered []string  // conditions on the list that is being read
	anywhere int       // the selection may meet others of other types
	planned  wrongness // of one argument of the operation
	until    int       // how many places before it
	wrong    wrongness // of the arguments that were made last
}

// wrongness says what is wrong with arguments: nothing, a value in them, or that
// they are together.
type wrongness uint8

const (
	fine wrongness = iota
	wrongValue
	wrongTogether
)

// errs says whether this is the place where an argument has to be wrong.
func (g *generator) errs(as wrongness) bool {
	if g.planned != as {
		return false
	}
	if g.until--; g.until == 0 {
		g.wrong = as
	}
	return g.until == 0
}

// known is what the generator knows of the database, and of what was read.
type known struct {
	ids     map[string][]string // by type: global ids
	slugs   map[string][]string // by type; former ones, too
	codes   []string            // of indicators
	keys    []string            // of municipalities
	words   []string            // to search for
	cursors map[string][]string // by list
	lists   map[string][]list   // by type: some that were read, to go on reading them

	items   []string            // what there is to read
	leads   map[string][]string // what else lies behind an item
	covered map[string]int      // how often each was read
	open    map[string]int      // how many below an item never were
}

func newKnown(catalogue *plan.Catalogue) *known {
	k := &known{ids: map[string][]string{}, slugs: map[string][]string{}, cursors: map[string][]string{}, lists: map[string][]list{}, covered: map[string]int{}, open: map[string]int{}}
	k.items, k.leads = items(catalogue)
	for _, item := range k.items {
		k.count(item, 1)
	}
	return k
}

func (k *known) visit(item string) {
	if k.covered[item]++; k.covered[item] == 1 {
		k.count(item, -1)
	}
}

func (k *known) count(item string, by int) {
	for i, c := range item {
		if c == '.' {
			k.open[item[:i]] += by
		}
	}
}

func (k *known) missed() []string {
	return slices.DeleteFunc(slices.Clone(k.items), func(item string) bool { return k.covered[item] > 0 })
}

// list says which list of a type, and in which order.
type list struct{ query, filter, orderBy *value }

// operation is one operation with the values of its variables for several runs.
type operation struct {
	roots []*selection
	paged bool // it holds cursors, which belong to one viewer
}

// selection is a field, an inline fragment, or the spread of a fragment.
type selection struct {
	field      string
	alias      string
	args       []*argument
	directives []*argument
	on         string // type condition
	fragment   string // name, of a spread
	of         *ast.Type
	sub        []*selection
	wrong      bool // its arguments are, together
}

type argument struct {
	name  string
	value *value
}

// value is a literal, or a variable with its value in each run.
type value struct {
	text    string // of a scalar
	list    []*value
	members []*argument
	kind    valueKind
	wrong   bool

	variable string
	typeName string
	fallback *value   // default
	runs     []*value // nil where it is absent
}

type valueKind uint8

const (
	isNull valueKind = iota
	isScalar
	isText  // a scalar in quotes
	isBlock // in three of them
	isList
	isObject
	isVariable
)

// runsOf is how often an operation runs, with other values of its variables.
const runsOf = 3

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func oneOf[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

// rarely picks one of some things, those that came seldom more often.
func (g *generator) rarely(names []string, item func(name string) string) string {
	weights, total := make([]float64, len(names)), 0.0
	for i, name := range names {
		n := float64(1 + g.known.covered[item(name)])
		weights[i] = 1/(n*n) + 0.2*float64(g.known.open[item(name)])
		for _, lead := range g.known.leads[item(name)] {
			weights[i] += 0.05 * float64(g.known.open[lead])
		}
		total += weights[i]
	}
	if g.chance(30) {
		return oneOf(g, names)
	}
	at := g.Float64() * total
	for i, w := range weights {
		if at -= w; at < 0 {
			return names[i]
		}
	}
	return names[len(names)-1]
}

func (g *generator) next(prefix string) string {
	g.counter++
	return prefix + strconv.Itoa(g.counter)
}

// operation makes a new one.
func (g *generator) operation() *operation {
	g.op, g.counter, g.budget, g.planned = &operation{}, 0, 8+g.IntN(50), fine
	if g.chance(6) {
		g.planned, g.until = wrongValue, 1+g.IntN(12)
	} else if g.chance(6) {
		g.planned, g.until = wrongTogether, 1+g.IntN(2)
	}
	var roots []string
	for _, f := range g.catalogue.Schema.Query.Fields {
		if !strings.HasPrefix(f.Name, "__") && (g.least(f.Name) <= g.viewer.Role || g.chance(10)) {
			roots = append(roots, f.Name)
		}
	}
	missed := slices.DeleteFunc(g.known.missed(), func(item string) bool { return strings.HasPrefix(item, "form: ") })
	if len(missed) > 0 && g.chance(60) {
		g.route = g.routeTo(oneOf(g, missed))
		root := g.route[0]
		g.route = g.route[1:]
		g.viewer.Role = max(g.viewer.Role, g.least(root)) // whom it is kept to
		g.op.roots = append(g.op.roots, g.field("Query", root, 0, nil))
		g.route = nil
	}
	for range 1 + g.IntN(3) {
		if g.chance(4) {
			g.op.roots = append(g.op.roots, &selection{field: "__typename", alias: g.next("t")})
			continue
		}
		name := g.rarely(roots, func(name string) string { return "Query." + name })
		g.op.roots = append(g.op.roots, g.field("Query", name, 0, nil))
	}
	return g.op
}

// least is the least role that may ask for a root.
func (g *generator) least(root string) plan.Role {
	if decl := g.catalogue.Root(root); decl != nil {
		return decl.Least
	}
	return plan.Public
}

// routeTo is the shortest way from Query to what was never read.
func (g *generator) routeTo(item string) []string {
	typeName, field, _ := strings.Cut(item, ".")
	field, _, _ = strings.Cut(field, ".")
	def := g.catalogue.Schema.Types[typeName]
	if def == nil || def.Kind != ast.Object || def.Fields.ForName(field) == nil {
		for _, end := range []string{"OrderField", "Filter", "Connection"} {
			typeName = strings.TrimSuffix(typeName, end)
		}
		typeName, field = typeName+"Connection", ""
	}
	if strings.HasPrefix(item, "Query.") {
		name, _, _ := strings.Cut(item[len("Query."):], ".")
		return []string{name}
	}
	type place struct {
		typeName string
		route    []string
	}
	queue, seen := []place{{"Query", nil}}, map[string]bool{}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if at.typeName == typeName {
			if field != "" {
				at.route = append(at.route, field)
			}
			return at.route
		}
		fields := slices.Clone(g.catalogue.Schema.Types[at.typeName].Fields)
		g.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		for _, f := range fields {
			if next := f.Type.Name(); !seen[next] && g.catalogue.Schema.Types[next].Kind == ast.Object && !strings.HasPrefix(f.Name, "__") {
				seen[next] = true
				queue = append(queue, place{next, append(slices.Clone(at.route), f.Name)})
			}
		}
	}
	panic("no field leads to " + item)
}

// ─────────────────────────── selections ───────────────────────────

func (g *generator) selections(typeName string, depth, lists int) (set []*selection) {
	def := g.catalogue.Schema.Types[typeName]
	var names []string
	for _, f := range def.Fields {
		composite := !g.catalogue.Schema.Types[f.Type.Name()].IsLeafType()
		if strings.HasPrefix(f.Name, "__") || composite && (depth > 6 || lists > 3 && strings.HasSuffix(f.Type.Name(), "Connection")) {
			continue
		}
		names = append(names, f.Name)
	}
	if def.IsAbstractType() {
		g.anywhere++
		defer func() { g.anywhere-- }()
	}
	if len(g.route) > 0 && def.Fields.ForName(g.route[0]) != nil {
		name := g.route[0]
		g.route = g.route[1:]
		set = append(set, g.field(typeName, name, depth, nil))
		g.route = nil
	}
	for range 1 + g.IntN(5) {
		g.budget--
		switch {
		case g.chance(6) || len(names) == 0 && depth >= 7:
			set = append(set, &selection{field: "__typename", alias: oneOf(g, []string{"__typename", g.next("t")})})
		case depth < 7 && (g.chance(12) || def.IsAbstractType() && g.chance(65) || len(names) == 0):
			set = append(set, g.fragment(def, depth, lists))
		default:
			set = append(set, g.field(typeName, g.rarely(names, func(name string) string { return typeName + "." + name }), depth, set))
			if g.chance(30) { // and what could be taken for it
				asked := set[len(set)-1]
				twins := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
					return name == asked.field || def.Fields.ForName(name).Type.Name() != asked.of.Name() || len(asked.sub) == 0
				})
				if len(twins) > 0 {
					set = append(set, g.field(typeName, oneOf(g, twins), depth, nil))
				}
			}
			if strings.HasSuffix(typeName, "Connection") && depth < 7 && g.chance(40) { // the rows themselves
				set = append(set, g.field(typeName, oneOf(g, []string{"nodes", "edges", "pageInfo"}), depth, set))
			}
		}
		if g.budget < 0 {
			break
		}
	}
	return set
}

// wrongAlias is the response key of the field whose arguments are wrong.
const wrongAlias = "wrong"

func (g *generator) field(typeName, name string, depth int, siblings []*selection) *selection {
	def := g.catalogue.Schema.Types[typeName].Fields.ForName(name)
	s := &selection{field: name, alias: name, of: def.Type}
	composite := !g.catalogue.Schema.Types[def.Type.Name()].IsLeafType()
	if len(siblings) > 0 && composite && g.chance(10) { // ask more of one that is there
		if twin := oneOf(g, siblings); twin.field == name {
			s.alias, s.args = twin.alias, twin.args
			s.sub = g.selections(def.Type.Name(), depth+1, lists(def, depth))
			return s
		}
	}
	s.directives = g.conditions()
	switch {
	case len(def.Arguments) > 0:
		if typeName == "Query" || g.anywhere > 0 || g.chance(80) {
			s.alias = g.next("c")
		}
		g.wrong = fine
		if s.args = g.arguments(typeName, def, depth); g.wrong != fine {
			s.alias, s.wrong = wrongAlias, g.wrong == wrongTogether
			if g.chance(30) { // which matters only if somebody asks for the field
				s.directives = []*argument{{"skip", g.lift("Boolean!", func() *value { return scalar(g.chance(60)) })}}
			}
		}
	case g.anywhere > 0 && !slices.Contains([]string{"id", "name", "slug"}, name), g.chance(20):
		s.alias = g.next("a")
	}
	if composite {
		if strings.HasSuffix(def.Type.Name(), "Connection") {
			defer func(outer []string) { g.filtered = outer }(g.filtered)
			g.filtered = conditionsOf(s.args)
		}
		s.sub = g.selections(def.Type.Name(), depth+1, lists(def, depth))
	}
	if slices.ContainsFunc(s.args, func(a *argument) bool { return a.name == "after" || a.name == "before" }) && g.chance(60) {
		info := &selection{field: "pageInfo", alias: g.next("p")}
		for _, name := range []string{"hasNextPage", "hasPreviousPage", "startCursor", "endCursor"} {
			info.sub = append(info.sub, &selection{field: name, alias: name})
		}
		s.sub = append(s.sub, info)
	}
	return s
}

// conditionsOf are the members of a filter, those inside others included.
func conditionsOf(args []*argument) (names []string) {
	for _, a := range args {
		if a.value.kind != isVariable && (a.name == "filter" || a.name == "and" || a.name == "or" || a.name == "not") {
			for _, in := range append(a.value.list, a.value) {
				names = append(names, conditionsOf(in.members)...)
			}
		} else {
			names = append(names, a.name)
		}
	}
	return names
}

// lists counts, roughly, how many lists are around a field.
func lists(def *ast.FieldDefinition, depth int) int {
	if strings.HasSuffix(def.Type.Name(), "Connection") {
		return depth/2 + 1
	}
	return depth / 2
}

// fragment narrows a selection to a type, or does not.
func (g *generator) fragment(def *ast.Definition, depth, lists int) *selection {
	conditions := []string{def.Name}
	for _, t := range g.catalogue.Schema.Implements[def.Name] { // interfaces and unions
		conditions = append(conditions, t.Name)
	}
	if def.Kind == ast.Union {
		conditions = append(conditions, "Node", "Owner")
	}
	for _, t := range g.catalogue.Schema.PossibleTypes[def.Name] {
		if t.Name != def.Name {
			conditions = append(conditions, t.Name, t.Name)
		}
	}
	s := &selection{on: oneOf(g, conditions), directives: g.conditions()}
	if g.chance(15) && def.Kind == ast.Object {
		s.on = ""
	}
	if s.on != "" && g.chance(50) {
		if twins := g.op.fragments(); len(twins) > 0 && g.chance(50) {
			for _, twin := range twins {
				if twin.on == s.on && depth+twin.depth() < 9 {
					s.fragment, s.sub = twin.fragment, twin.sub
					return s
				}
			}
		}
		s.fragment = g.next("F")
	}
	inner := s.on
	if inner == "" {
		inner = def.Name
	}
	s.sub = g.selections(inner, depth, lists)
	return s
}

func (g *generator) conditions() []*argument {
	var conditions []*argument
	for _, name := range []string{"skip", "include"} {
		if g.chance(4) {
			conditions = append(conditions, &argument{name, g.lift("Boolean!", func() *value { return scalar(g.chance(60) == (name == "include")) })})
		}
	}
	return conditions
}

// depth is how deep fields nest below a selection.
func (s *selection) depth() int {
	deepest := 0
	for _, sub := range s.sub {
		deepest = max(deepest, sub.depth())
	}
	return deepest + 1
}

// fragments are the named fragments that are used so far.
func (o *operation) fragments() []*selection {
	found := map[string]*selection{}
	var walk func(set []*selection)
	walk = func(set []*selection) {
		for _, s := range set {
			if s.fragment != "" {
				found[s.fragment] = s
			}
			walk(s.sub)
		}
	}
	walk(o.roots)
	all := make([]*selection, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[name])
	}
	return all
}

// ─────────────────────────── arguments ───────────────────────────

func (g *generator) arguments(holder string, def *ast.FieldDefinition, depth int) (args []*argument) {
	add := func(name, t string, fresh func() *value) {
		args = append(args, &argument{name, g.lift(t, fresh)})
	}
	typeName := def.Type.Name()
	if root := g.catalogue.Root(def.Name); root != nil && root.Feed != nil && holder == "Query" {
		return g.feed(def)
	}
	if target, ok := strings.CutSuffix(typeName, "Connection"); ok {
		return g.page(g.catalogue.Object(target), def, depth)
	}
	switch {
	case def.Name == "facets" || def.Name == "groups":
		return g.facets(g.catalogue.Object(strings.TrimSuffix(holder, "Connection")), holder, def)
	case def.Name == "suggest":
		n := g.size(100)
		add("prefix", "String!", func() *value { return g.prefix() })
		if g.chance(40) {
			add("types", "[SearchType!]", func() *value { return g.some(def.Arguments.ForName("types").Type, 4) })
		}
		if g.chance(70) {
			add("first", "Int", n)
		}
	case def.Name == "node":
		add("id", "ID!", func() *value { return g.anyID("") })
	case def.Name == "nodes":
		n := g.IntN(7)
		if g.errs(wrongTogether) {
			n = 101
		}
		add("ids", "[ID!]!", func() *value {
			list := &value{kind: isList}
			for range n {
				list.list = append(list.list, g.lift("ID!", func() *value { return g.anyID("") }))
			}
			return list
		})
	case holder != "Query": // what narrows a list
		for _, a := range def.Arguments {
			if a.Type.NonNull || g.chance(70) || g.known.covered[holder+"."+def.Name+"."+a.Name] == 0 {
				add(a.Name, a.Type.String(), func() *value { return g.some(a.Type, 3) })
			} else if g.chance(30) {
				args = append(args, &argument{a.Name, &value{kind: isNull}})
			}
		}
	case def.Name == "municipalitiesByKey":
		n := g.IntN(7)
		if g.chance(5) {
			n = 101
		}
		add("keys", "[String!]!", func() *value {
			if g.chance(5) {
				return g.key() // a list of one
			}
			list := &value{kind: isList}
			for range n {
				list.list = append(list.list, g.lift("String!", g.key))
			}
			return list
		})
	default: // a look-up takes one of its keys
		var names []string
		for _, a := range def.Arguments {
			names = append(names, a.Name)
		}
		key := g.rarely(names, func(name string) string { return "Query." + def.Name + "." + name })
		if g.errs(wrongTogether) {
			if g.chance(50) || len(names) == 1 && def.Arguments[0].Type.NonNull {
				return nil
			}
			for _, a := range append(def.Arguments, def.Arguments[0])[:2] {
				args = append(args, &argument{a.Name, g.lookupKey(typeName, a)})
			}
			return args
		}
		for _, a := range def.Arguments {
			switch {
			case a.Name == key:
				add(key, a.Type.Name()+"!", func() *value { return g.lookupKey(typeName, a) })
			case g.chance(15):
				args = append(args, &argument{a.Name, &value{kind: isNull}})
			case g.chance(10) && g.literal == 0:
				args = append(args, &argument{a.Name, &value{kind: isVariable, variable: g.next("v"), typeName: a.Type.Name(), runs: []*value{nil, {kind: isNull}, nil}}})
			}
		}
	}
	return args
}

func (g *generator) lookupKey(typeName string, a *ast.ArgumentDefinition) *value {
	switch a.Name {
	case "id":
		return g.anyID(typeName)
	case "key":
		if typeName == "State" {
			return text(fmt.Sprintf("%02d", 1+g.IntN(18)))
		}
		return g.key()
	case "code":
		if typeName == "Indicator" {
			return text(oneOf(g, g.known.codes))
		}
	case "slug":
		if slugs := g.known.slugs[typeName]; len(slugs) > 0 && g.chance(90) {
			return text(oneOf(g, slugs))
		}
		return text(oneOf(g, awkwardTexts))
	}
	return g.leaf(g.catalogue.Schema.Types[a.Type.Name()], nil)
}

// key is an official key, present or former, or none.
func (g *generator) key() *value {
	if g.chance(15) {
		return text(oneOf(g, append([]string{"00000000", "000000001"}, awkwardTexts...)))
	}
	return text(oneOf(g, g.known.keys))
}

// anyID is a global id, mostly of a row of a type, sometimes of none.
func (g *generator) anyID(typeName string) *value {
	types := slices.Sorted(maps.Keys(g.known.ids))
	if typeName == "" || g.chance(8) {
		typeName = oneOf(g, types)
	}
	id := oneOf(g, g.known.ids[typeName])
	if g.chance(30) { // the first ones share their keys, and are in many relations
		id = g.known.ids[typeName][g.IntN(min(8, len(g.known.ids[typeName])))]
	}
	switch {
	case g.chance(3):
		return text(nodeid.ID{Prefix: "nobody", UUID: nodeid.Derive("shared", "0")}.String())
	case g.chance(4):
		return text(nodeid.ID{Prefix: g.catalogue.Object(typeName).Prefix, UUID: nodeid.Derive("unknown", "0")}.String())
	}
	return text(id)
}

func text(s string) *value { return &value{kind: isText, text: s} }

func scalar(v any) *value { return &value{kind: isScalar, text: fmt.Sprint(v)} }

// page makes the arguments of a connection.
func (g *generator) page(o *plan.Object, def *ast.FieldDefinition, depth int) (args []*argument) {
	takes := func(name string) bool { return def.Arguments.ForName(name) != nil }
	filters := o.Type + "Filter"
	if takes("filter") {
		filters = def.Arguments.ForName("filter").Type.Name()
	}
	add := func(name string, v *value) {
		if v != nil {
			args = append(args, &argument{name, v})
		}
	}
	sizes := [][]int{{1, 2, 3, 5, 20, 50, 100}, {1, 2, 3, 7, 10, 20}, {1, 2, 3, 5}}[min(depth/2, 2)]
	size := func() *value { return scalar(oneOf(g, sizes)) }
	numbered := takes("page") && g.chance(15)
	switch n := g.IntN(10); {
	case numbered:
		if n < 7 {
			add("pageSize", g.lift("Int", size))
		}
		if n > 1 {
			add("page", g.lift("Int", func() *value { return scalar(oneOf(g, []int{1, 1, 2, 2, 3, 5, 9, 100})) }))
		}
	case n < 5 || depth > 2 && n < 7:
		add("first", g.lift("Int", size))
	case n < 7 || depth > 2:
		add("last", g.lift("Int", size))
	case n < 8:
		add(oneOf(g, []string{"first", "last"}), &value{kind: isNull})
	}
	if takes("types") && g.chance(40) {
		add("types", g.lift("[SearchType!]", func() *value { return g.some(def.Arguments.ForName("types").Type, 6) }))
	}
	paged := !numbered && g.chance(45)
	which, again := g.again(o, filters, paged)
	if !again {
		which = g.list(o, filters, takes, paged)
	}
	add("query", which.query)
	add("filter", which.filter)
	add("orderBy", which.orderBy)
	if paged {
		if cursors := g.known.cursors[g.listName(o, which)]; len(cursors) > 0 {
			for _, side := range []string{"after", "before"} {
				if g.chance(60) {
					g.op.paged = true
					add(side, g.lift("String", func() *value {
						if g.chance(30) { // the first that came were of rows at the ends
							return text(cursors[g.IntN(min(2, len(cursors)))])
						}
						return text(oneOf(g, cursors))
					}))
				}
			}
		}
	}
	if g.errs(wrongTogether) {
		wrong := g.wrongPage(o, takes)
		args = slices.DeleteFunc(args, func(a *argument) bool {
			return slices.ContainsFunc(wrong, func(b *argument) bool { return a.name == b.name })
		})
		args = append(args, wrong...)
	}
	g.Shuffle(len(args), func(i, j int) { args[i], args[j] = args[j], args[i] })
	return args
}

// feed makes the arguments of a feed.
func (g *generator) feed(def *ast.FieldDefinition) (args []*argument) {
	if g.chance(80) {
		args = append(args, &argument{"first", g.lift("Int", func() *value { return scalar(oneOf(g, []int{1, 2, 7, 20, 100})) })})
	}
	if g.chance(70) {
		args = append(args, &argument{"after", g.lift("String", func() *value {
			return text(oneOf(g, append([]string{"", "now"}, g.known.cursors[def.Name]...)))
		})})
	}
	if g.chance(60) {
		args = append(args, &argument{"types", g.lift("[ChangeType!]", func() *value { return g.some(def.Arguments.ForName("types").Type, 6) })})
	}
	if g.errs(wrongTogether) {
		wrong := &argument{"first", scalar(oneOf(g, []int{0, -1, 101, -2147483648}))}
		if g.chance(50) {
			wrong = &argument{"after", text(oneOf(g, []string{"x", "AAAA", "AQAAAAAA", "=", "\u0001", "NOW"}))}
		}
		args = append(slices.DeleteFunc(args, func(a *argument) bool { return a.name == wrong.name }), wrong)
	}
	g.Shuffle(len(args), func(i, j int) { args[i], args[j] = args[j], args[i] })
	return args
}

// again is a list that was read before, if there are cursors of it.
func (g *generator) again(o *plan.Object, filters string, paged bool) (list, bool) {
	lists := g.known.lists[filters]
	if paged && len(lists) > 0 && g.chance(50) {
		which := oneOf(g, lists)
		return which, len(g.known.cursors[g.listName(o, which)]) > 0
	}
	return list{}, false
}

// list makes what says which rows are in a list, and in which order.
func (g *generator) list(o *plan.Object, filters string, takes func(name string) bool, paged bool) (which list) {
	if takes("query") {
		which.query = g.lift("String!", func() *value { return g.query() })
	}
	if takes("orderBy") && g.chance(55) {
		if paged {
			g.literal++
		}
		which.orderBy = g.lift("["+o.Type+"Order!]", func() *value { return g.order(o) })
		if paged {
			g.literal--
		}
	}
	wants := g.wants(o, which.orderBy)
	if takes("filter") && (len(wants) > 0 || g.chance(50) || g.known.open[filters] > 0 && g.chance(60)) {
		t := filters
		if len(wants) > 0 {
			t += "!"
			if paged { // with the same values each time, so that its cursors go on being its own
				g.literal++
				defer func() { g.literal-- }()
			}
		}
		which.filter = g.lift(t, func() *value {
			g.filters = 12
			filter := &value{kind: isObject}
			if len(wants) == 0 || !paged || g.chance(30) { // few rows meet much
				filter = g.filter(o, filters, 0)
			}
			for _, names := range [][]string{listings(o), choices(o)} {
				names = slices.DeleteFunc(names, func(name string) bool { return g.catalogue.Schema.Types[filters].Fields.ForName(name) == nil })
				if len(names) > 0 && g.chance(25) {
					filter = g.speakOf(o, filters, oneOf(g, names), filter)
				}
			}
			for _, name := range wants {
				f := g.catalogue.Schema.Types[filters].Fields.ForName(name)
				filter.members = slices.DeleteFunc(filter.members, func(a *argument) bool { return a.name == name })
				filter.members = append(filter.members, &argument{name, g.lift(f.Type.String()+"!", func() *value { return g.condition(o, filters, f, 0) })})
			}
			return filter
		})
	}
	// Orders by what the arguments say are rarely the same again.
	constant, ranked := true, len(wants) > 0 || which.query != nil
	for _, v := range []*value{which.query, which.filter, which.orderBy} {
		constant = constant && (v == nil || len((&operation{roots: []*selection{{args: []*argument{{"", v}}}}}).variables()) == 0)
		ranked = ranked || v == which.filter && v != nil && which.orderBy == nil && slices.ContainsFunc(v.members, func(a *argument) bool { return a.name == "q" })
	}
	if lists := g.known.lists[filters]; g.wrong == fine && constant && (ranked || g.chance(10)) {
		g.known.lists[filters] = append(lists[max(0, len(lists)-8):], which)
	}
	return which
}

// wants are the conditions that an order takes, in any run.
func (g *generator) wants(o *plan.Object, orderBy *value) (conditions []string) {
	for run := 0; run < runsOf && orderBy != nil; run++ {
		for _, term := range itemsOf(orderBy.json(run)) {
			sort := o.Sorts[camel(term.(map[string]any)["field"])]
			if _, name, ok := strings.Cut(string(sort.By), "arg."); ok {
				conditions = append(conditions, name[:strings.IndexAny(name, ".}")])
			}
		}
	}
	slices.Sort(conditions)
	return slices.Compact(conditions)
}

// listName is what a list is called, if it is one list in all runs.
func (g *generator) listName(o *plan.Object, which list) string {
	g.ref.viewer = g.viewer
	name := ""
	for run := range runsOf {
		given := map[string]any{}
		for name, v := range map[string]*value{"query": which.query, "filter": which.filter, "orderBy": which.orderBy} {
			if v != nil {
				given[name] = v.json(run)
			}
		}
		in := all(o)
		if given["query"] != nil {
			in, _, _ = g.ref.hits(given)
		}
		this := g.ref.listName(in, given)
		if run > 0 && this != name {
			return ""
		}
		name = this
	}
	return name
}

// facets makes the arguments of what counts a list.
func (g *generator) facets(o *plan.Object, holder string, def *ast.FieldDefinition) (args []*argument) {
	by, most := def.Arguments.ForName("by").Type, map[string]int{"facets": 12, "groups": 3}[def.Name]
	n := 1 + g.IntN(3)
	if g.errs(wrongTogether) {
		n = oneOf(g, []int{0, most + 1})
	}
	args = []*argument{{"by", g.lift(by.String(), func() *value {
		list := &value{kind: isList}
		var names, chosen []string
		for _, v := range g.catalogue.Schema.Types[by.Name()].EnumValues {
			names = append(names, v.Name)
			if slices.ContainsFunc(o.Facets[camel(v.Name)].Filters, func(name string) bool { return slices.Contains(g.filtered, name) }) {
				chosen = append(chosen, v.Name)
			}
		}
		for range n {
			name := g.rarely(names, func(name string) string { return holder + "." + def.Name + ".by." + name })
			if len(chosen) > 0 && g.chance(50) {
				name = oneOf(g, chosen)
			}
			list.list = append(list.list, g.lift(by.Elem.String(), func() *value { return scalar(name) }))
		}
		if n == 1 && g.chance(30) {
			return list.list[0]
		}
		return list
	})}}
	if g.chance(60) {
		n := g.size(100)
		args = append(args, &argument{"first", g.lift("Int", n)})
	}
	return args
}

// size makes how many there are to be, of things that are no pages.
func (g *generator) size(most int) func() *value {
	return func() *value {
		if g.errs(wrongValue) {
			return &value{kind: isScalar, text: fmt.Sprint(oneOf(g, []int{0, -1, most + 1})), wrong: true}
		}
		return scalar(oneOf(g, []int{1, 1, 2, 3, 5, 20, most}))
	}
}

// wrongPage are page arguments that must be refused.
func (g *generator) wrongPage(o *plan.Object, takes func(name string) bool) []*argument {
	many := func(n int, item string) *value {
		list := &value{kind: isList}
		for range n {
			list.list = append(list.list, scalar(item))
		}
		return list
	}
	switch g.IntN(10) {
	case 9: // an order takes a condition
		for _, name := range []string{"distance", "relevance"} {
			if _, ok := o.Sorts[name]; ok {
				return []*argument{{"orderBy", scalar("[{field: " + strings.ToUpper(name) + "}]")}, {"filter", &value{kind: isNull}}}
			}
		}
	case 6:
		if takes("page") {
			return []*argument{{oneOf(g, []string{"page", "pageSize"}), scalar(oneOf(g, []int{0, -1, 2147483647}))}, {"first", &value{kind: isNull}}}
		}
	case 7:
		if takes("page") {
			return []*argument{{oneOf(g, []string{"page", "pageSize"}), scalar(1)}, {oneOf(g, []string{"first", "last"}), scalar(1)}}
		}
	case 8:
		if takes("page") {
			return []*argument{{"page", scalar(101)}, {"pageSize", scalar(100)}}
		}
	case 0:
		return []*argument{{oneOf(g, []string{"first", "last"}), scalar(oneOf(g, []int{0, -1, 101, -2147483648}))}}
	case 1:
		return []*argument{{"first", scalar(1)}, {"last", scalar(1)}}
	case 2:
		if takes("orderBy") {
			return []*argument{{"orderBy", many(6, "{field: "+g.catalogue.Schema.Types[o.Type+"OrderField"].EnumValues[0].Name+"}")}}
		}
	case 3:
		return []*argument{{"filter", &value{kind: isObject, members: []*argument{{"or", many(201, "{}")}}}}}
	case 4: // of another list
		for _, list := range slices.Sorted(maps.Keys(g.known.cursors)) {
			if !strings.HasPrefix(list, o.Type+" by") && g.chance(30) {
				return []*argument{{"after", text(g.known.cursors[list][0])}}
			}
		}
	}
	return []*argument{{oneOf(g, []string{"after", "before"}), text(oneOf(g, []string{"", "x", "AAAA", "AQAAAAAA", "=", "\u0001"}))}}
}

func (g *generator) order(o *plan.Object) *value {
	enum := g.catalogue.Schema.Types[o.Type+"OrderField"]
	list := &value{kind: isList}
	for range g.IntN(4) {
		var choices []string
		for _, v := range enum.EnumValues {
			for _, how := range []string{"ASC.LAST", "ASC.FIRST", "DESC.LAST", "DESC.FIRST"} {
				choices = append(choices, v.Name+"."+how)
			}
		}
		choice := strings.Split(g.rarely(choices, func(name string) string { return o.Type + "OrderField." + name }), ".")
		term := &value{kind: isObject, members: []*argument{{"field", g.lift(enum.Name+"!", func() *value { return scalar(choice[0]) })}}}
		if choice[1] == "DESC" || g.chance(30) {
			term.members = append(term.members, &argument{"direction", g.lift("OrderDirection!", func() *value { return scalar(choice[1]) })})
		} else if g.literal == 0 && g.chance(10) { // absent: its default
			term.members = append(term.members, &argument{"direction", &value{kind: isVariable, variable: g.next("v"), typeName: "OrderDirection", runs: []*value{nil, scalar("DESC"), nil}}})
		}
		if choice[2] == "FIRST" || g.chance(30) {
			term.members = append(term.members, &argument{"nulls", g.lift("NullsOrder!", func() *value { return scalar(choice[2]) })})
		}
		list.list = append(list.list, term)
	}
	if len(list.list) == 1 && g.chance(30) {
		return list.list[0] // a list of one
	}
	return list
}

// filter makes a filter input: a few of its members. o is whose fields it
// compares; item is what the coverage calls it.
func (g *generator) filter(o *plan.Object, item string, relations int) *value {
	input := g.catalogue.Schema.Types[item] // a root's own, or that of the type
	v := &value{kind: isObject}
	var names []string
	for _, f := range input.Fields {
		deeper := strings.HasSuffix(f.Type.Name(), "ListFilter") || strings.HasSuffix(f.Type.Name(), "Filter") && g.catalogue.Schema.Types[f.Type.Name()].Fields.ForName("and") != nil
		if (f.Name == "and" || f.Name == "or" || f.Name == "not") && (g.chance(50) || relations > 2) || deeper && relations >= 3 {
			continue
		}
		names = append(names, f.Name)
	}
	for range g.IntN(3) + map[bool]int{true: 0, false: 1}[g.chance(5)] {
		if g.filters--; g.filters < 0 {
			break
		}
		name := g.rarely(names, func(name string) string { return item + "." + name })
		if slices.ContainsFunc(v.members, func(a *argument) bool { return a.name == name }) {
			continue
		}
		f := input.Fields.ForName(name)
		v.members = append(v.members, &argument{name, g.lift(f.Type.String(), func() *value { return g.condition(o, item, f, relations) })})
	}
	return v
}

// listings are the fields that lists leave something out by, unless a filter speaks
// of them; choices are what chooses from facets, which count without it.
func listings(o *plan.Object) (names []string) {
	for _, l := range o.Listed {
		names = append(names, l.Field)
	}
	return names
}

func choices(o *plan.Object) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(o.Facets)) {
		names = append(names, o.Facets[name].Filters...)
	}
	return names
}

// speakOf adds a condition at some depth of a filter.
func (g *generator) speakOf(o *plan.Object, filters, name string, filter *value) *value {
	f := g.catalogue.Schema.Types[filters].Fields.ForName(name)
	condition := &value{kind: isObject, members: []*argument{{f.Name, g.condition(o, filters, f, 0)}}}
	for g.chance(60) {
		switch g.IntN(3) {
		case 0:
			condition = &value{kind: isObject, members: []*argument{{"not", condition}}}
		case 1:
			condition = &value{kind: isObject, members: []*argument{{"and", condition}}} // a list of one
		case 2:
			condition = &value{kind: isObject, members: []*argument{{"or", &value{kind: isList, list: []*value{condition, {kind: isObject}}}}}}
		}
	}
	if g.chance(30) { // it does not stand alone
		condition.members = append(condition.members, &argument{"or", &value{kind: isList, list: []*value{g.filter(o, filters, 1), g.filter(o, filters, 1)}}})
	}
	for _, a := range condition.members {
		if !slices.ContainsFunc(filter.members, func(b *argument) bool { return a.name == b.name }) {
			filter.members = append(filter.members, a)
		}
	}
	return filter
}

func (g *generator) condition(o *plan.Object, item string, f *ast.FieldDefinition, relations int) *value {
	typeName := f.Type.Name()
	input := g.catalogue.Schema.Types[typeName]
	_, isCondition := o.Filters[f.Name]
	switch {
	case isCondition:
		return g.argument(f.Name, f.Type, 4)
	case f.Name == "not":
		return g.filter(o, item, relations)
	case f.Type.Elem != nil:
		if g.chance(10) {
			return g.filter(o, item, relations) // a list of one
		}
		list := &value{kind: isList}
		for range g.IntN(4) {
			list.list = append(list.list, g.filter(o, item, relations))
		}
		return list
	case input.Fields.ForName("and") != nil:
		return g.filter(g.catalogue.Object(strings.TrimSuffix(typeName, "Filter")), typeName, relations+1)
	case strings.HasSuffix(typeName, "ListFilter"):
		v := &value{kind: isObject}
		target := strings.TrimSuffix(typeName, "ListFilter")
		for range 1 + g.IntN(2) {
			name := g.rarely([]string{"some", "none", "all"}, func(name string) string { return item + "." + f.Name + "." + name })
			if len(v.members) == 0 || v.members[0].name != name {
				one := func() *value { return g.filter(g.catalogue.Object(target), target+"Filter", relations+1) }
				v.members = append(v.members, &argument{name, g.lift(input.Fields.ForName(name).Type.String(), func() *value {
					if name != "all" || g.chance(10) { // a list of one
						return one()
					}
					list := &value{kind: isList}
					for range g.IntN(4) {
						list.list = append(list.list, one())
					}
					return list
				})})
			}
		}
		return v
	}
	return g.operators(o, item+"."+f.Name, input)
}

// operators makes a few comparisons of one value.
func (g *generator) operators(o *plan.Object, item string, input *ast.Definition) *value {
	v := &value{kind: isObject}
	var names []string
	for _, f := range input.Fields {
		names = append(names, f.Name)
	}
	for range 1 + g.IntN(2) {
		g.filters--
		name := g.rarely(names, func(name string) string { return item + "." + name })
		f := input.Fields.ForName(name)
		if slices.ContainsFunc(v.members, func(a *argument) bool { return a.name == name }) {
			continue
		}
		v.members = append(v.members, &argument{name, g.lift(f.Type.String(), func() *value {
			def := g.catalogue.Schema.Types[f.Type.Name()]
			switch {
			case def.Kind == ast.InputObject:
				return g.operators(o, item+"."+name, def)
			case f.Type.Elem != nil:
				list := &value{kind: isList}
				for range g.IntN(4) {
					list.list = append(list.list, g.lift(f.Type.Elem.String(), func() *value { return g.leaf(def, o) }))
				}
				return list
			}
			return g.leaf(def, o)
		})})
	}
	return v
}

// some makes a value for an argument: a few items if it is a list.
func (g *generator) some(t *ast.Type, most int) *value { return g.argument("", t, most) }

// argument makes a value for an argument of that name, or for a condition that is none
// on a field.
func (g *generator) argument(name string, t *ast.Type, most int) *value {
	def := g.catalogue.Schema.Types[t.Name()]
	if t.Elem != nil {
		if g.chance(10) {
			return g.argument(name, t.Elem, most) // a list of one
		}
		list := &value{kind: isList}
		for range g.IntN(most + 1) {
			list.list = append(list.list, g.lift(t.Elem.String(), func() *value { return g.argument(name, t.Elem, most) }))
		}
		return list
	}
	if def.Kind == ast.InputObject {
		v := &value{kind: isObject}
		for _, f := range def.Fields {
			v.members = append(v.members, &argument{f.Name, g.lift(f.Type.String(), func() *value { return g.argument(f.Name, f.Type, most) })})
		}
		return v
	}
	if g.planned == wrongValue && g.until == 1 {
		return g.leaf(def, nil)
	}
	switch name {
	case "q":
		return g.query()
	case "territory", "key":
		if g.chance(25) {
			return text(fmt.Sprintf("%02d", 1+g.IntN(17)))
		}
		return g.key()
	case "latitude", "south", "north":
		return scalar(oneOf(g, []string{"0", "49.8917", "50", "90", "-90", "1e-7", "0.33", "1000"}))
	case "longitude", "west", "east":
		return scalar(oneOf(g, []string{"0", "10.8917", "11", "180", "-180", "1e-100"}))
	case "km":
		return scalar(oneOf(g, []string{"0", "1", "6000", "12000", "20037.5", "-1", "1e9", "1e9"}))
	}
	return g.leaf(def, nil)
}

// query is what somebody looks for: words that there are, forms of them, words that are
// misspelt, and what has a meaning for queries.
func (g *generator) query() *value {
	if g.errs(wrongValue) {
		return &value{kind: isText, text: strings.Repeat("ä ", 128) + "a", wrong: true}
	}
	word := func() string {
		w := oneOf(g, g.known.words)
		switch runes := []rune(w); {
		case g.chance(20) && len(runes) > 3: // a letter is missing
			at := 1 + g.IntN(len(runes)-2)
			return string(runes[:at]) + string(runes[at+1:])
		case g.chance(10):
			return strings.ToUpper(w)
		case g.chance(5):
			return "-" + w
		case g.chance(8):
			return w + " OR " + oneOf(g, g.known.words)
		}
		return w
	}
	switch {
	case g.chance(70):
		return text(word())
	case g.chance(60):
		return text(word() + " " + word())
	case g.chance(40):
		return text(`"` + word() + " " + word() + oneOf(g, []string{`"`, ""}))
	}
	return text(oneOf(g, awkwardTexts))
}

// prefix is what somebody has typed so far.
func (g *generator) prefix() *value {
	v := g.query()
	if runes := []rune(v.text); !v.wrong && g.chance(60) {
		v.text = string(runes[:min(len(runes), 1+g.IntN(5))])
	}
	return v
}

// leaf makes a value of a scalar or an enum.
func (g *generator) leaf(def *ast.Definition, o *plan.Object) *value {
	if g.errs(wrongValue) {
		v := g.wrongLeaf(def)
		v.wrong = true
		return v
	}
	switch def.Name {
	case "Int":
		return scalar(oneOf(g, []int{0, 1, 2, 3, 5, 7, -1, 50, 1990, 1991, 2095, 2200, 20000, 2147483647, -2147483648}))
	case "Float":
		return scalar(oneOf(g, []string{"0", "0.01", "0.07", "0.33", "1", "21474836.47", "1e3", "71.4", "20000", "-0.5", "6.5e9"}))
	case "Boolean":
		return scalar(g.chance(50))
	case "Date":
		return text(oneOf(g, awkwardDays))
	case "DateTime":
		return text(oneOf(g, awkwardInstants))
	case "Decimal":
		if g.chance(20) { // a number is as good as its text
			return scalar(oneOf(g, []string{"0", "1", "0.01", "123456.70", "10000", "-1"}))
		}
		return text(oneOf(g, append([]string{"1.000", "-1", "0.015", "15750000", "99999999999999999999.9"}, awkwardAmounts...)))
	case "Duration":
		return text(oneOf(g, []string{"P0D", "P1D", "P30D", "P1M", "P1Y6M", "P2W", "P25Y", "P999Y9999M9999W9999D"}))
	case "ID":
		return g.anyID(o.Type)
	}
	if def.Kind == ast.Enum {
		return scalar(oneOf(g, def.EnumValues).Name)
	}
	s := oneOf(g, awkwardTexts)
	if runes := []rune(s); len(runes) > 2 && g.chance(40) {
		from := g.IntN(len(runes))
		s = string(runes[from : from+1+g.IntN(len(runes)-from)])
	}
	if g.chance(15) {
		s = strings.ToUpper(s)
	}
	if g.chance(10) && s == strings.TrimSpace(s) && s != "" && !strings.ContainsAny(s, "\"\\\x01\x1f\b\f\n\r\t\ufeff\u007f") {
		return &value{kind: isBlock, text: s}
	}
	return text(s)
}

// wrongLeaf makes a value that no scalar or enum has. As a literal some of them
// are refused before the planner sees them.
func (g *generator) wrongLeaf(def *ast.Definition) *value {
	object := &value{kind: isObject, members: []*argument{{"eq", text("a")}}}
	if g.literal > 0 && g.chance(20) { // of a variable
		return oneOf(g, []*value{object, {kind: isList, list: []*value{object}}})
	}
	switch def.Name {
	case "Int":
		return oneOf(g, []*value{scalar("2147483648"), scalar("-2147483649"), scalar("0.5"), text("1"), scalar(true)})
	case "Float":
		return oneOf(g, []*value{text("1"), scalar(true)})
	case "Boolean":
		return oneOf(g, []*value{text("true"), scalar(0)})
	case "Date":
		return oneOf(g, []*value{text("2024-02-30"), text("2024"), text(""), text("0000-01-01"), scalar(2024)})
	case "DateTime":
		return oneOf(g, []*value{text("2024-02-30T00:00:00Z"), text("2024-02-28"), text("2024-02-28T24:00:00Z"), text("2024-02-28T12:00:00"), scalar(0)})
	case "Decimal":
		return oneOf(g, []*value{text("1e3"), text(""), text("1,5"), text("NaN"), text("."), text("1.00000000001"), scalar(true)})
	case "Duration":
		return oneOf(g, []*value{text("P"), text("30"), text("PT1H"), text("-P1D"), text("P1.5D"), text("P10000D"), text("P1D1Y"), scalar(30)})
	case "ID":
		return oneOf(g, []*value{text("article"), text(""), text("article_01h455vb4pex5vsknk084sn02"), text("article_81hgercx00eewtm2291jttyk6q"), scalar(7)})
	}
	if def.Kind == ast.Enum {
		return oneOf(g, []*value{scalar("NOWHERE"), text("NOWHERE"), scalar(1)})
	}
	return oneOf(g, []*value{text("\x00"), text("a\x00b"), scalar(1), scalar(true)})
}

// isWrong says whether something in a value is, in a run.
func (v *value) isWrong(run int) bool {
	if v.kind == isVariable {
		if given := v.runs[run]; given != nil {
			return given.isWrong(run)
		}
		return v.fallback != nil && v.fallback.isWrong(run)
	}
	inside := func(a *argument) bool { return a.value.isWrong(run) }
	return v.wrong || slices.ContainsFunc(v.members, inside) || slices.ContainsFunc(v.list, func(item *value) bool { return item.isWrong(run) })
}

// isWrong says whether an argument of the operation is, in a run.
func (o *operation) isWrong(run int) bool {
	var wrong func(set []*selection) bool
	wrong = func(set []*selection) bool {
		return slices.ContainsFunc(set, func(s *selection) bool {
			return s.wrong || slices.ContainsFunc(s.args, func(a *argument) bool { return a.value.isWrong(run) }) || wrong(s.sub)
		})
	}
	return wrong(o.roots)
}

// lift makes a value, or a variable that holds such values.
func (g *generator) lift(t string, fresh func() *value) *value {
	switch {
	case g.literal == 0 && g.chance(map[bool]int{true: 30, false: 18}[strings.Contains(t, "Filter")]):
	case g.literal == 0 && !strings.HasSuffix(t, "!") && g.chance(3):
		return &value{kind: isNull}
	default:
		return fresh()
	}
	g.literal++
	defer func() { g.literal-- }()
	v := &value{kind: isVariable, variable: g.next("v"), typeName: t}
	nullable := !strings.HasSuffix(t, "!")
	if nullable && g.chance(30) {
		v.typeName += "!"
		nullable = false
	}
	if g.chance(20) {
		v.fallback = fresh()
	}
	for range runsOf {
		switch {
		case (nullable || v.fallback != nil) && g.chance(15):
			v.runs = append(v.runs, nil)
		case nullable && g.chance(10):
			v.runs = append(v.runs, &value{kind: isNull})
		default:
			v.runs = append(v.runs, fresh())
		}
	}
	return v
}

// ─────────────────────────── text ───────────────────────────

// String is the document.
func (o *operation) String() string {
	var body, declared strings.Builder
	body.WriteString("{\n")
	printSelections(&body, o.roots, 1)
	body.WriteString("}\n")
	for _, f := range o.fragments() {
		fmt.Fprintf(&body, "fragment %s on %s {\n", f.fragment, f.on)
		printSelections(&body, f.sub, 1)
		body.WriteString("}\n")
	}
	for _, v := range o.variables() {
		fmt.Fprintf(&declared, ", $%s: %s", v.variable, v.typeName)
		if v.fallback != nil {
			fmt.Fprintf(&declared, " = %s", v.fallback)
		}
	}
	if declared.Len() == 0 {
		return "query " + body.String()
	}
	return "query (" + declared.String()[2:] + ") " + body.String()
}

// run gives the variables of one run, as decoded JSON.
func (o *operation) run(n int) map[string]any {
	vars := map[string]any{}
	for _, v := range o.variables() {
		if given := v.runs[n]; given != nil {
			vars[v.variable] = given.json(n)
		}
	}
	return vars
}

func (o *operation) variables() (all []*value) {
	seen := map[string]bool{}
	var walk func(v *value)
	args := func(args []*argument) {
		for _, a := range args {
			walk(a.value)
		}
	}
	walk = func(v *value) {
		if v.kind == isVariable && !seen[v.variable] {
			seen[v.variable] = true
			all = append(all, v)
		}
		for _, item := range v.list {
			walk(item)
		}
		args(v.members)
	}
	var selections func(set []*selection)
	selections = func(set []*selection) {
		for _, s := range set {
			args(s.args)
			args(s.directives)
			selections(s.sub)
		}
	}
	selections(o.roots)
	return all
}

func printSelections(b *strings.Builder, set []*selection, depth int) {
	for _, s := range set {
		b.WriteString(strings.Repeat("  ", depth))
		switch {
		case s.fragment != "":
			b.WriteString("..." + s.fragment)
		case s.field == "":
			b.WriteString("...")
			if s.on != "" {
				b.WriteString(" on " + s.on)
			}
		case s.alias != s.field:
			b.WriteString(s.alias + ": " + s.field)
		default:
			b.WriteString(s.field)
		}
		if len(s.args) > 0 {
			b.WriteString("(" + printArguments(s.args) + ")")
		}
		for _, d := range s.directives {
			fmt.Fprintf(b, " @%s(if: %s)", d.name, d.value)
		}
		if len(s.sub) > 0 && s.fragment == "" {
			b.WriteString(" {\n")
			printSelections(b, s.sub, depth+1)
			b.WriteString(strings.Repeat("  ", depth) + "}")
		}
		b.WriteString("\n")
	}
}

func printArguments(args []*argument) string {
	var parts []string
	for _, a := range args {
		parts = append(parts, a.name+": "+a.value.String())
	}
	return strings.Join(parts, ", ")
}

// String is the value as GraphQL writes it.
func (v *value) String() string {
	switch v.kind {
	case isNull:
		return "null"
	case isScalar:
		return v.text
	case isText:
		return quotedGraphQL(v.text)
	case isBlock:
		return `"""` + v.text + `"""`
	case isVariable:
		return "$" + v.variable
	case isObject:
		return "{" + printArguments(v.members) + "}"
	}
	var parts []string
	for _, item := range v.list {
		parts = append(parts, item.String())
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func quotedGraphQL(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r < 0x20 || r == 0x7f || r == 0xfeff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

// json is the value in a run, as decoded JSON.
func (v *value) json(run int) any {
	switch v.kind {
	case isScalar:
		switch {
		case v.text == "true" || v.text == "false":
			return v.text == "true"
		case v.text[0] == '-' || v.text[0] >= '0' && v.text[0] <= '9':
			return json.Number(v.text)
		}
		return v.text
	case isText, isBlock:
		return v.text
	case isVariable:
		if v.runs[run] == nil {
			if v.fallback != nil {
				return v.fallback.json(run)
			}
			return nil
		}
		return v.runs[run].json(run)
	case isObject:
		m := map[string]any{}
		for _, a := range v.members {
			m[a.name] = a.value.json(run)
		}
		return m
	case isList:
		list := []any{}
		for _, item := range v.list {
			list = append(list, item.json(run))
		}
		return list
	}
	return nil
}
