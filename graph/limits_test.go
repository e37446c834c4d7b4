package graph

import (
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"stadtgraph/internal/fault"
)

func checked(t *testing.T, query string) (cost float64, code any) {
	t.Helper()
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		t.Fatal(err)
	}
	l := limits{fragments: map[string]*ast.FragmentDefinition{}, open: map[string]bool{}, sizes: sizesOf(Schema()), same: map[string]int{}}
	for _, f := range doc.Fragments {
		l.fragments[f.Name] = f
	}
	if err := l.walk(doc.Operations[0].SelectionSet, place{depth: maxDepth, validations: 1}); err != nil {
		return l.cost, err.Extensions["code"]
	}
	return l.cost, nil
}

// What GraphiQL and the libraries send to learn the schema.
const introspection = `query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind } subscriptionType { name kind }
  types { ...FullType } directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
fragment FullType on __Type { kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
  inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }`

func TestLimits(t *testing.T) {
	repeat := func(n int, s string) string { return strings.Repeat(s+" ", n) }
	aliases := func(n int, of string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString("a" + strings.Repeat("b", i) + ":" + of + " ")
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		query string
		fine  bool
	}{
		"introspection":                  {introspection, true},
		"twice the introspection":        {strings.Replace(introspection, "{ __schema {", "{ a: __schema { types { ...FullType } } b: __schema { types { ...FullType } } __schema {", 1), true},
		"much of the schema":             {"{ __schema { types { " + aliases(200, "fields { name type { name } }") + "} } }", false},
		"the schema often":               {"{ " + aliases(40, "__schema { types { name fields { name args { name } } } }") + "}", false},
		"one field often":                {"{ municipalities { nodes { " + repeat(200, "name") + "} } }", false},
		"one field sometimes":            {"{ municipalities { nodes { " + repeat(20, "name") + "} } }", true},
		"one field often, in fragments":  {"{ municipalities { nodes { " + repeat(200, "...f") + "} } } fragment f on Municipality { name }", false},
		"fragments inside each other":    {"{ " + repeat(200, "... {") + repeat(10, "__typename") + repeat(200, "}") + "}", false},
		"fields that fork":               {"{ municipality(key: \"1\") { " + strings.Repeat("district { ", 6) + repeat(110, "name") + strings.Repeat("}", 6) + "} }", false},
		"many roots":                     {"{ " + aliases(51, "__typename") + "}", false},
		"some roots":                     {"{ " + aliases(50, "__typename") + "}", true},
		"many fields":                    {"{ municipalities { nodes { " + aliases(1000, "name") + "} } }", false},
		"deep":                           {"{ municipality(key: \"1\") { " + repeat(10, "district {") + "name" + repeat(10, "}") + "} }", false},
		"fragments that double":          {"{ ...a } fragment a on Query { ...b ...b } fragment b on Query { ...c ...c } fragment c on Query { " + repeat(20, "__typename") + "}", false},
		"a fragment that spreads itself": {"{ ...a } fragment a on Query { __typename ...a }", true}, // validation refuses it
	} {
		cost, code := checked(t, c.query)
		if c.fine && code != nil || !c.fine && code != string(fault.TooLarge) {
			t.Errorf("%s: got %v, cost %.0f", name, code, cost)
		}
	}
	names := sizesOf(Schema()).names
	cost, _ := checked(t, introspection)
	t.Logf("introspection costs %.0f for %.0f names, %.1f each", cost, names, cost/names)
	if cost > names*maxIntrospection/2 {
		t.Errorf("introspection costs more than half of what is allowed")
	}
}
