package stadtgraph_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// A row says what a package may import, outside of its tests: which packages of
// ours, and which of the libraries that have a place of their own.
type row struct {
	ours      []string
	libraries library
}

type library uint

const (
	pgx        library = 1 << iota // statements against Postgres
	cors                           // rs/cors
	gqlgen                         // gqlgen's run time
	omittable                      // of gqlgen, only graphql.Omittable, for inputs that tell absent from null
	prometheus                     // metrics
	telemetry                      // OpenTelemetry
)

// homes are the libraries whose use the table restricts.
var homes = map[string]library{
	"github.com/jackc/pgx":        pgx,
	"github.com/rs/cors":          cors,
	"github.com/99designs/gqlgen": gqlgen,

	"github.com/prometheus/client_golang": prometheus,
	"go.opentelemetry.io/otel":            telemetry,
}

// nouns are packages of one shape. They never import graph, nor each other:
// they refer to each other by type name and key.
var nouns = []string{
	"internal/about", "internal/article", "internal/comment", "internal/event", "internal/funding", "internal/indicator",
	"internal/media", "internal/organization", "internal/person", "internal/platform", "internal/ranking",
	"internal/source", "internal/strategy", "internal/territory", "internal/topic", "internal/webhook",
}

var noun = row{ours: list("internal/plan", "internal/value", "internal/page", "internal/nodeid", "internal/fault", "internal/slug", "internal/postgres", "internal/auth", "internal/write"), libraries: pgx | omittable}

// table is who imports whom. A new package gets a row; a row that grows is a
// decision about the shape of the program, and the commit says why.
var table = map[string]row{
	"cmd/stadtgraph": {ours: list(".", "graph", "migrations", "internal/server", "internal/graphiql", "internal/plan", "internal/fault",
		"internal/auth", "internal/postgres", "internal/pglocal", "internal/register", "internal/render", "internal/search", "internal/sample", "internal/demo", "internal/doctor", "internal/job", "internal/write", "internal/batch", "internal/ndjson", "internal/foerderdatenbank", "internal/metric", "internal/trace", "internal/trusted", "internal/cache", "internal/change", "internal/stream", "internal/comment", "internal/rest", "internal/site", "internal/feed", "internal/linked", "internal/export", "internal/nodeid", "internal/seal", "internal/webhook"), libraries: pgx}, // to close what it opened

	// measures the product beside handlers of its own, so it wires a server, too
	"bench": {ours: list(".", "graph", "internal/peer", "internal/comment", "migrations", "internal/auth", "internal/write", "internal/slug", "internal/server", "internal/plan", "internal/nodeid", "internal/postgres",
		"internal/pglocal", "internal/register", "internal/sample", "internal/demo", "internal/german", "internal/search", "internal/metric", "internal/cache", "internal/change", "internal/export", "internal/seal", "internal/job", "internal/webhook", "internal/rest", "internal/stream"), libraries: pgx},

	"internal/server": {ours: list("graph", "graph/generated", "internal/graphiql", "internal/plan", "internal/fault", "internal/postgres",
		"internal/auth", "internal/change", "internal/cache", "internal/metric", "internal/trace", "internal/trusted", "internal/peer", "internal/export", "internal/nodeid"), libraries: cors | gqlgen}, // change: cursors
	"internal/rest":     {ours: list("internal/server", "internal/cache", "internal/change", "internal/fault", "internal/nodeid", "internal/plan", "internal/postgres")}, // pages of the server's; change: modified_since, and changes
	"internal/metric":   {ours: list("internal/postgres"), libraries: pgx | prometheus},                                                                                  // shows pools, and what waits in tables
	"internal/trace":    {libraries: telemetry},
	"internal/graphiql": {},
	"internal/doctor":   {ours: list("internal/postgres", "internal/register")},

	".": {}, // the schema's text

	"graph": {ours: list(nouns, "internal/value", "graph/generated", "internal/plan", "internal/page", "internal/nodeid", "internal/fault",
		"internal/postgres", "internal/auth", "internal/change", "internal/write", "internal/trace", "internal/trusted", "internal/stream"), libraries: gqlgen},
	"graph/generated": {ours: list(nouns, "internal/plan", "internal/page", "internal/nodeid"), libraries: gqlgen},

	// The nouns have a row each, see init.

	"internal/plan":   {ours: list("internal/page", "internal/nodeid", "internal/fault", "internal/german", "internal/trace"), libraries: pgx | gqlgen}, // german reads what is searched for
	"internal/value":  {ours: list("internal/plan")},                                                                                                    // value objects that nouns share
	"internal/page":   {},
	"internal/nodeid": {},
	"internal/fault":  {},
	"internal/peer":   {},
	"internal/seal":   {},
	"internal/slug":   {},
	// what nouns declare of writing is carried out in one place
	"internal/write":   {ours: list("internal/auth", "internal/change", "internal/plan", "internal/nodeid", "internal/fault", "internal/slug", "internal/render"), libraries: pgx},
	"internal/auth":    {ours: list("internal/plan", "internal/nodeid", "internal/fault", "internal/postgres"), libraries: pgx}, // tokens can be read, too
	"internal/trusted": {ours: list("internal/plan", "internal/nodeid", "internal/fault", "internal/postgres"), libraries: pgx}, // documents can be read, too
	"internal/text":    {ours: list("internal/slug")},                                                                           // for the ids of headings
	"internal/german":  {},

	"migrations":        {},
	"internal/postgres": {ours: list("migrations", "internal/fault", "internal/trace"), libraries: pgx},
	"internal/pglocal":  {libraries: pgx},
	"internal/pgtest":   {ours: list("migrations", "internal/postgres", "internal/pglocal"), libraries: pgx},

	// what several packages test with
	"internal/pgtest/shipped": {ours: list("graph", "internal/pgtest", "internal/register", "internal/demo", "internal/german", "internal/search"), libraries: pgx},

	// importers, and the command that packs what one of them ships
	"internal/register/pack":    {},
	"internal/register":         {ours: list("internal/nodeid", "internal/fault", "internal/slug", "internal/postgres", "internal/territory"), libraries: pgx},
	"internal/batch":            {ours: list("internal/auth", "internal/fault", "internal/write"), libraries: pgx}, // to tell errors apart
	"internal/ndjson":           {ours: list("internal/batch", "internal/plan", "internal/fault", "internal/nodeid", "internal/write")},
	"internal/foerderdatenbank": {ours: list("internal/batch", "internal/plan", "internal/fault", "internal/write", "internal/nodeid", "internal/slug"), libraries: pgx}, // looks up what rows need
	"internal/export":           {ours: list("internal/plan", "internal/write", "internal/change", "internal/nodeid", "internal/fault"), libraries: pgx},                 // a snapshot has a connection
	"internal/sample":           {ours: list("internal/nodeid", "internal/postgres", "internal/render", "internal/slug"), libraries: pgx},
	"internal/change":           {ours: list("internal/auth", "internal/plan", "internal/nodeid", "internal/fault", "internal/postgres", "internal/render"), libraries: pgx},       // render: what comes back is rendered again
	"internal/stream":           {ours: list("internal/change", "internal/fault"), libraries: pgx},                                                                                 // takes a pool
	"internal/job":              {ours: list("internal/postgres", "internal/write", "internal/change", "internal/comment", "internal/webhook", "internal/nodeid"), libraries: pgx}, // on River, which takes a pool
	"internal/cache":            {ours: list("internal/change", "internal/plan")},                                                                                                  // what is told of, and what was read
	"internal/render":           {ours: list("internal/text", "internal/postgres"), libraries: pgx},
	"internal/search":           {ours: list("internal/plan", "internal/german", "internal/postgres"), libraries: pgx},
	"internal/demo":             {ours: list("internal/render", "internal/nodeid", "internal/fault", "internal/slug", "internal/postgres", "internal/territory"), libraries: pgx},
	"internal/site":             {},
	"internal/feed":             {ours: list("internal/server", "internal/site", "internal/nodeid", "internal/fault")},
	"internal/linked":           {ours: list("internal/server", "internal/site", "internal/nodeid", "internal/fault")},
}

func init() {
	for _, n := range nouns {
		table[n] = noun
	}
	discussed := noun // what anybody writes is rendered before it is taken, and counted by where it comes from
	discussed.ours = append(list("internal/text", "internal/render", "internal/peer", "internal/seal"), noun.ours...)
	table["internal/comment"] = discussed
	told := noun // its outbox is the change feed
	told.ours = append(list("internal/change", "internal/seal"), noun.ours...)
	table["internal/webhook"] = told
}

// vague are names that say nothing about what a package is about.
var vague = list("util", "utils", "helper", "helpers", "common", "base", "misc", "model", "models", "service", "services", "repository", "repositories")

func TestWhoImportsWhom(t *testing.T) {
	packages, err := load(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) < 5 {
		t.Fatalf("found only %d packages", len(packages))
	}
	for _, v := range violations(packages) {
		t.Error(v)
	}
}

// pkg is what the rules look at: a folder's Go files without its tests.
type pkg struct {
	dir       string
	name      string
	doc       string          // the package comments of its files
	imports   map[string]bool // full paths
	selectors map[string]bool // what is used of gqlgen/graphql
	generated bool            // nothing but generated files
}

// load reads the packages of this module below root. It parses them and does
// not ask the go command, so the test runs wherever a test binary does.
func load(root fs.FS) ([]pkg, error) {
	byDir := map[string]*pkg{}
	fset := token.NewFileSet()
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, mod := fs.Stat(root, path.Join(p, "go.mod")) // another module is another tree
			if base := path.Base(p); p != "." && (mod == nil || base == "testdata" || strings.HasPrefix(base, "_") || strings.HasPrefix(base, ".")) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(p) != ".go" || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		src, err := fs.ReadFile(root, p)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(fset, p, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := path.Dir(p)
		if byDir[dir] == nil {
			byDir[dir] = &pkg{dir: dir, name: file.Name.Name, imports: map[string]bool{}, selectors: map[string]bool{}, generated: true}
		}
		byDir[dir].add(file)
		return nil
	})
	packages := make([]pkg, 0, len(byDir))
	for _, dir := range slices.Sorted(maps.Keys(byDir)) {
		packages = append(packages, *byDir[dir])
	}
	return packages, err
}

func (p *pkg) add(file *ast.File) {
	p.doc += file.Doc.Text()
	p.generated = p.generated && ast.IsGenerated(file)
	graphql := ""
	for _, spec := range file.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
		p.imports[imported] = true
		if imported == "github.com/99designs/gqlgen/graphql" {
			graphql = "graphql"
			if spec.Name != nil {
				graphql = spec.Name.Name
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == graphql {
				p.selectors[sel.Sel.Name] = true
			}
		}
		return true
	})
}

// violations says, one sentence each, where the tree is not as the table and
// the style have it.
func violations(packages []pkg) []string {
	var found []string
	report := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	for _, p := range packages {
		if slices.Contains(vague, path.Base(p.dir)) || slices.Contains(vague, p.name) {
			report("%s: name the package after what it is about, not %q.", p.dir, p.name)
		}
		if !p.generated && p.doc == "" {
			report("%s: the package needs a comment that says what it is for.", p.dir)
		} else if p.name != "main" && p.doc != "" && !strings.HasPrefix(p.doc, "Package "+p.name+" ") {
			report(`%s: the package comment begins with "Package %s …".`, p.dir, p.name)
		}
		r, ok := table[p.dir]
		if !ok {
			report("%s is not in the table at the top of arch_test.go: add a row that says what it may import.", p.dir)
			continue
		}
		for _, imported := range slices.Sorted(maps.Keys(p.imports)) {
			if ours, ok := strings.CutPrefix(imported, "stadtgraph/"); ok && !slices.Contains(r.ours, ours) {
				report("%s may not import %s (it may import: %s).", p.dir, ours, cmp.Or(strings.Join(r.ours, ", "), "nothing of ours"))
			}
			lib := homeOf(imported)
			switch {
			case lib == 0 || r.libraries&lib != 0:
			case lib == gqlgen && r.libraries&omittable != 0:
				for _, used := range slices.Sorted(maps.Keys(p.selectors)) {
					if used != "Omittable" {
						report("%s uses graphql.%s; of gqlgen it may use only graphql.Omittable.", p.dir, used)
					}
				}
				if imported != "github.com/99designs/gqlgen/graphql" {
					report("%s imports %s; of gqlgen it may use only graphql.Omittable.", p.dir, imported)
				}
			default:
				report("%s may not import %s: it has its place elsewhere.", p.dir, imported)
			}
		}
	}
	return found
}

func homeOf(imported string) library {
	for prefix, lib := range homes {
		if imported == prefix || strings.HasPrefix(imported, prefix+"/") {
			return lib
		}
	}
	return 0
}

// list flattens names and lists of names.
func list(items ...any) []string {
	var out []string
	for _, item := range items {
		switch item := item.(type) {
		case string:
			out = append(out, item)
		case []string:
			out = append(out, item...)
		}
	}
	return out
}

// The rules themselves, on a tree that breaks each of them once.
func TestViolations(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	const fine = "// Package topic is fine.\npackage topic\n"
	for name, c := range map[string]struct {
		tree fstest.MapFS
		want string // part of the only violation, empty for none
	}{
		"fine":                 {fstest.MapFS{"internal/topic/topic.go": file(fine)}, ""},
		"tests are free":       {fstest.MapFS{"internal/topic/topic.go": file(fine), "internal/topic/topic_test.go": file("package topic\nimport _ \"stadtgraph/graph\"\n")}, ""},
		"another module":       {fstest.MapFS{"tools/go.mod": file("module x"), "tools/util/util.go": file("package util\n")}, ""},
		"noun imports noun":    {fstest.MapFS{"internal/topic/topic.go": file(fine + "import _ \"stadtgraph/internal/article\"\n")}, "internal/topic may not import internal/article"},
		"leaf imports":         {fstest.MapFS{"internal/fault/fault.go": file("// Package fault is not a leaf.\npackage fault\nimport _ \"stadtgraph/internal/plan\"\n")}, "nothing of ours"},
		"pgx out of place":     {fstest.MapFS{"graph/graph.go": file("// Package graph reads.\npackage graph\nimport _ \"github.com/jackc/pgx/v5/pgxpool\"\n")}, "graph may not import github.com/jackc/pgx/v5/pgxpool"},
		"cors out of place":    {fstest.MapFS{"graph/graph.go": file("// Package graph reads.\npackage graph\nimport _ \"github.com/rs/cors\"\n")}, "graph may not import github.com/rs/cors"},
		"omittable in a noun":  {fstest.MapFS{"internal/topic/topic.go": file(fine + "import \"github.com/99designs/gqlgen/graphql\"\ntype In struct { Name graphql.Omittable[string] }\n")}, ""},
		"gqlgen in a noun":     {fstest.MapFS{"internal/topic/topic.go": file(fine + "import gql \"github.com/99designs/gqlgen/graphql\"\nvar f = gql.CollectFieldsCtx\n")}, "internal/topic uses graphql.CollectFieldsCtx"},
		"no comment":           {fstest.MapFS{"internal/topic/topic.go": file("package topic\n")}, "needs a comment"},
		"odd comment":          {fstest.MapFS{"internal/topic/topic.go": file("// This is topic.\npackage topic\n")}, `begins with "Package topic …"`},
		"generated":            {fstest.MapFS{"graph/generated/x.go": file("// Code generated by a test, DO NOT EDIT.\n\npackage generated\n")}, ""},
		"not in the table":     {fstest.MapFS{"internal/weather/weather.go": file("// Package weather is new.\npackage weather\n")}, "add a row"},
		"command":              {fstest.MapFS{"cmd/stadtgraph/main.go": file("// Stadtgraph serves.\npackage main\n")}, ""},
		"testdata is no tree":  {fstest.MapFS{"internal/topic/testdata/x.go": file("package models\n")}, ""},
		"named after nothing":  {fstest.MapFS{"graph/generated/x.go": file("// Package models is vague.\npackage models\n")}, "after what it is about"},
		"underscored is no go": {fstest.MapFS{"_scratch/x.go": file("package models\n")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			packages, err := load(c.tree)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(violations(packages), "\n")
			if c.want == "" && got != "" {
				t.Errorf("violations:\n%s\nwant none", got)
			}
			if c.want != "" && (!strings.Contains(got, c.want) || strings.Contains(got, "\n")) {
				t.Errorf("violations:\n%s\nwant one, with %q", got, c.want)
			}
		})
	}
}
