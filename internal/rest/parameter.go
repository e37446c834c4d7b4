package rest

import (
	"encoding/json"
	"errors"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
)

// parameter is one of an address.
type parameter struct {
	name        string
	description string
	path        bool
	target      []string        // in the variables; of one in the path each is a variable that may take it
	kind        *ast.Definition // of each value
	many        bool            // several values, between commas
	order       bool            // names of fields to sort by
	state       bool            // codes of states, for which their keys are put
	least, most int             // of a size; no bounds if zero
}

// modifiedSince and those of pages are parameters of all lists.
const modifiedSince = "modified_since"

var (
	intType    = &ast.Definition{Kind: ast.Scalar, Name: "Int"}
	stringType = &ast.Definition{Kind: ast.Scalar, Name: "String"}
	timeType   = &ast.Definition{Kind: ast.Scalar, Name: "DateTime"}
)

var paging = []parameter{
	{name: "first", target: []string{"first"}, kind: intType, least: 1, most: 100, description: "How many, from the start or behind `after`; " + defaultSize + " if not given."},
	{name: "after", target: []string{"after"}, kind: stringType, description: "Go on behind this cursor: `pageInfo.endCursor` of the page before. The header `Link` has the whole address."},
	{name: "last", target: []string{"last"}, kind: intType, least: 1, most: 100, description: "How many, from the end or in front of `before`."},
	{name: "before", target: []string{"before"}, kind: stringType, description: "Go back in front of this cursor: `pageInfo.startCursor` of the page behind."},
	{name: modifiedSince, kind: timeType, description: "Only what has changed at this instant or later, in the order of the changes, each entry once. With it comes as `{id, type, modifiedAt, deleted: true}` what has changed and is not, or not any more, in the list: because it was taken back or deleted, or because it does not fit the other parameters. Go on with `after`, at any time later, too."},
}

// parameter finds out what a parameter takes, from where it goes.
func (e *endpoint) parameter(schema *ast.Schema, name, target, description string) (*parameter, error) {
	p := &parameter{name: name, description: description}
	if strings.Contains(e.path, "{"+name+"}") {
		p.path, p.target, p.kind = true, strings.Split(target, "|"), stringType
		for _, v := range p.target {
			if e.operation.VariableDefinitions.ForName(v) == nil {
				return nil, errors.New("the document has no variable $" + v)
			}
		}
		return p, nil
	}
	target, as, _ := strings.Cut(target, "@")
	p.target = strings.Split(target, ".")
	def := e.operation.VariableDefinitions.ForName(p.target[0])
	if def == nil {
		return nil, errors.New("the document has no variable $" + p.target[0])
	}
	t, said := def.Type, ""
	for _, step := range p.target[1:] {
		f := schema.Types[t.Name()].Fields.ForName(step)
		if f == nil {
			return nil, errors.New(t.Name() + " has no field " + step)
		}
		t = f.Type
		if f.Description != "" && step != "in" && step != "eq" {
			said = f.Description
		}
	}
	p.many, p.kind = t.Elem != nil, schema.Types[t.Name()]
	if as == "state" {
		p.state, p.kind = true, schema.Types["StateCode"]
	}
	if p.kind.Kind == ast.InputObject { // an order
		f := p.kind.Fields.ForName("field")
		if f == nil || !p.many {
			return nil, errors.New("it leads to " + t.String() + ", which is no single value")
		}
		p.order, p.kind = true, schema.Types[f.Type.Name()]
		said = "By what to sort, several with commas between, with a `-` in front for the other direction."
	}
	if p.description == "" {
		p.description = said
	}
	if p.description == "" {
		return nil, errors.New("nothing says what it means: write it behind")
	}
	return p, nil
}

// variables reads the address.
func (e *endpoint) variables(path func(string) string, given url.Values) (map[string]any, error) {
	for name := range given {
		if !slices.ContainsFunc(e.parameters, func(p *parameter) bool { return !p.path && p.name == name }) {
			return nil, e.unknown()
		}
	}
	variables := map[string]any{}
	for _, p := range e.parameters {
		if p.path {
			if err := p.find(variables, path(p.name), e); err != nil {
				return nil, err
			}
			continue
		}
		texts := given[p.name]
		if len(texts) == 0 {
			continue
		}
		if len(texts) > 1 {
			return nil, fault.New(fault.Invalid, "`%s` is given more than once; write several values with commas between, where that makes sense.", p.name).At(p.name)
		}
		value, err := p.read(texts[0])
		if err != nil {
			return nil, err
		}
		if p.target != nil {
			put(variables, p.target, value)
		}
	}
	return variables, nil
}

// unknown names the parameters that there are. It repeats nothing of what was sent.
func (e *endpoint) unknown() error {
	names := []string{}
	for _, p := range e.parameters {
		if !p.path {
			names = append(names, "`"+p.name+"`")
		}
	}
	if len(names) == 0 {
		return fault.New(fault.Invalid, "This address takes no parameters.")
	}
	return fault.New(fault.Invalid, "There is a parameter that this address does not know; it knows %s.", strings.Join(names, ", "))
}

// find decides by its looks which key a value in the path is.
func (p *parameter) find(variables map[string]any, text string, e *endpoint) error {
	has := func(name string) bool { return slices.Contains(p.target, name) }
	digits := strings.Trim(text, "0123456789") == ""
	_, err := nodeid.Parse(text)
	switch {
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0) || len(text) > 300:
	case err == nil && has("id"):
		variables["id"] = text
		return nil
	case digits && has("key"):
		variables["key"] = text
		return nil
	case has("code") && len(text) == 2:
		variables["code"] = strings.ToUpper(text)
		if _, ok := stateKeys[strings.ToUpper(text)]; ok {
			return nil
		}
	case has("slug"):
		variables["slug"] = text
		return nil
	}
	return fault.New(fault.NotFound, "There is no such %s, or it is not public.", strings.ToLower(e.noun))
}

// stateKeys are the official keys of the states, by their codes.
var stateKeys = map[string]string{"SH": "01", "HH": "02", "NI": "03", "HB": "04", "NW": "05", "HE": "06", "RP": "07", "BW": "08", "BY": "09",
	"SL": "10", "BE": "11", "BB": "12", "MV": "13", "SN": "14", "ST": "15", "TH": "16"}

// maxValues is how many values a parameter takes; lists of filters take no more.
const maxValues = 100

// read reads the value of a parameter.
func (p *parameter) read(text string) (any, error) {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r == 0 }) {
		return nil, p.invalid("is text in UTF-8")
	}
	if !p.many {
		return p.value(text)
	}
	texts := strings.Split(text, ",")
	if len(texts) > maxValues {
		return nil, p.invalid("takes " + strconv.Itoa(maxValues) + " values at most")
	}
	values := make([]any, len(texts))
	for i, t := range texts {
		v, err := p.value(strings.TrimSpace(t))
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

var decimal = regexp.MustCompile(`^-?\d{1,30}(\.\d{1,10})?$`)

// value reads a single value.
func (p *parameter) value(text string) (any, error) {
	if p.order {
		field, down := strings.CutPrefix(text, "-")
		name := strings.ToUpper(field)
		if p.kind.EnumValues.ForName(name) == nil {
			return nil, p.invalid("is one of " + p.names())
		}
		direction := "ASC"
		if down {
			direction = "DESC"
		}
		return map[string]any{"field": name, "direction": direction}, nil
	}
	if p.kind.Kind == ast.Enum {
		name := strings.ToUpper(text)
		if p.kind.EnumValues.ForName(name) == nil {
			return nil, p.invalid("is one of " + p.names())
		}
		if p.state {
			name = stateKeys[name]
		}
		return name, nil
	}
	switch p.kind.Name {
	case "Int":
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || p.most > 0 && (n < int64(p.least) || n > int64(p.most)) {
			if p.most > 0 {
				return nil, p.invalid("is a whole number from " + strconv.Itoa(p.least) + " to " + strconv.Itoa(p.most))
			}
			return nil, p.invalid("is a whole number")
		}
		return json.Number(strconv.FormatInt(n, 10)), nil
	case "Float":
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return nil, p.invalid("is a number such as 12.5")
		}
		return json.Number(strconv.FormatFloat(n, 'g', -1, 64)), nil
	case "Decimal":
		if !decimal.MatchString(text) {
			return nil, p.invalid("is a number such as 12.5")
		}
	case "Boolean":
		if text != "true" && text != "false" {
			return nil, p.invalid("is true or false")
		}
		return text == "true", nil
	case "Date":
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return nil, p.invalid("is a day such as 2024-02-06")
		}
	case "DateTime":
		at, err := instant(text)
		if err != nil {
			return nil, p.invalid("is an instant such as 2024-02-06T09:30:00Z, or a day such as 2024-02-06, which begins at midnight UTC; encode a + as %2B")
		}
		return at.UTC().Format(time.RFC3339Nano), nil
	}
	return text, nil
}

// instant reads a time, or the beginning of a day.
func instant(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		at, err = time.Parse(time.DateOnly, text)
	}
	if err == nil && (at.Year() < 1 || at.Year() > 9998) {
		err = errors.New("no year that is stored")
	}
	return at, err
}

// names are the values of an enum, as the parameter takes them.
func (p *parameter) names() string {
	var names []string
	for _, v := range p.kind.EnumValues {
		name := v.Name
		if p.order {
			name = strings.ToLower(name)
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func (p *parameter) invalid(what string) error {
	return fault.New(fault.Invalid, "`%s` %s.", p.name, what).At(p.name)
}

// put puts a value where it goes in the variables. Two conditions on one field of a filter
// hold both.
func put(variables map[string]any, target []string, value any) {
	if len(target) == 1 {
		variables[target[0]] = value
		return
	}
	for _, step := range slices.Backward(target[2:]) {
		value = map[string]any{step: value}
	}
	filter, _ := variables[target[0]].(map[string]any)
	if filter == nil {
		filter = map[string]any{}
		variables[target[0]] = filter
	}
	if _, taken := filter[target[1]]; !taken {
		filter[target[1]] = value
		return
	}
	and, _ := filter["and"].([]any)
	filter["and"] = append(and, map[string]any{target[1]: value})
}
