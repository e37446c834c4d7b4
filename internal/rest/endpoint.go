package rest

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

//go:embed endpoints/*.graphql
var files embed.FS

// endpoint is a file in endpoints/.
type endpoint struct {
	path        string // of http.ServeMux
	title       string
	description string
	parameters  []*parameter // in the order of the file, those of pages last
	document    string
	operation   *ast.OperationDefinition
	list        bool
	object      *ast.Field // `data` in the document
	noun        string     // type of what is answered
}

// load reads all endpoints, in the order of their paths.
func load(schema *ast.Schema) ([]*endpoint, error) {
	names, err := fs.Glob(files, "endpoints/*.graphql")
	if err != nil {
		return nil, err
	}
	all := make([]*endpoint, 0, len(names))
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		e, err := parse(schema, string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *endpoint) int { return strings.Compare(a.path, b.path) })
	return all, nil
}

var parameterLine = regexp.MustCompile(`^(\w+) +([\w.@|]+)(?: +(.+))?$`)

// parse reads a file: what it says of itself, and the document.
func parse(schema *ast.Schema, text string) (*endpoint, error) {
	e := &endpoint{document: text}
	about, parameters, _ := strings.Cut(comments(text), "\nParameters:\n")
	lines := strings.SplitN(about, "\n", 3)
	if len(lines) < 2 || !strings.HasPrefix(lines[0], "GET "+Prefix+"/") {
		return nil, errors.New("it begins with `# GET " + Prefix + "/…` and a title")
	}
	e.path, e.title = strings.TrimPrefix(lines[0], "GET "), lines[1]
	if len(lines) == 3 {
		e.description = strings.TrimSpace(lines[2])
	}
	query, err := valid(schema, text)
	if err != nil {
		return nil, err
	}
	if len(query.Operations) != 1 || len(query.Fragments) > 0 {
		return nil, errors.New("it holds one query, without fragments")
	}
	e.operation = query.Operations[0]
	root := e.operation.SelectionSet[0].(*ast.Field)
	switch root.Alias {
	case "data":
		e.object = root
	case "list":
		e.list = true
		for _, s := range root.SelectionSet {
			if f := s.(*ast.Field); f.Alias == "data" {
				e.object = f
			}
		}
	}
	if e.object == nil || len(e.operation.SelectionSet) != 1 {
		return nil, errors.New("its only field is `data`, or `list` with `data` in it")
	}
	e.noun = e.object.Definition.Type.Name()
	for line := range strings.Lines(parameters) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		m := parameterLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("parameter %q: write a name, where its value goes, and what it means", line)
		}
		p, err := e.parameter(schema, m[1], m[2], m[3])
		if err != nil {
			return nil, fmt.Errorf("parameter %q: %w", line, err)
		}
		e.parameters = append(e.parameters, p)
	}
	if e.list {
		for _, p := range paging {
			shown := p
			e.parameters = append(e.parameters, &shown)
		}
	}
	return e, nil
}

// valid parses a document that fits the schema.
func valid(schema *ast.Schema, text string) (*ast.QueryDocument, error) {
	query, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil {
		return nil, err
	}
	if errs := validator.ValidateWithRules(schema, query, rules.NewDefaultRules()); len(errs) > 0 {
		return nil, errs
	}
	return query, nil
}

// comments are the lines of comment that a text begins with, without what makes them such.
func comments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		said, ok := strings.CutPrefix(line, "#")
		if !ok {
			break
		}
		b.WriteString(strings.TrimPrefix(said, " "))
	}
	return b.String()
}
