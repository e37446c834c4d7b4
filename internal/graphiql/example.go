package graphiql

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// Example is an operation that the page offers in a tab of its own. The tab
// carries the operation's name.
type Example struct {
	Name      string `json:"-"`         // what it shows, in a few words
	Query     string `json:"query"`     // one named operation
	Variables string `json:"variables"` // a JSON object, or empty
}

// operation finds an operation's name the way GraphiQL does for its tabs.
var operation = regexp.MustCompile(`(?m)^(?:query|mutation|subscription)\s+[A-Za-z_]\w*`)

// LoadExamples reads the .graphql files at the root of fsys, in the order of
// their names. A file begins with a comment that says what it shows,
//
//	# A city and its strategies
//	query City($key: String!) { … }
//
// names its operation, and has its variables, if any, in a file beside it:
// city.graphql, city.variables.json.
func LoadExamples(fsys fs.FS) ([]Example, error) {
	names, err := fs.Glob(fsys, "*.graphql")
	if err != nil {
		return nil, err
	}
	examples := make([]Example, 0, len(names))
	for _, name := range names {
		e, err := loadExample(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("example %s: %w", name, err)
		}
		examples = append(examples, e)
	}
	return examples, nil
}

func loadExample(fsys fs.FS, name string) (Example, error) {
	query, err := fs.ReadFile(fsys, name)
	if err != nil {
		return Example{}, err
	}
	variables, err := fs.ReadFile(fsys, strings.TrimSuffix(name, path.Ext(name))+".variables.json")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Example{}, err
	}
	e := Example{Query: string(query), Variables: strings.TrimSpace(string(variables))}
	first, _, _ := strings.Cut(e.Query, "\n")
	if !strings.HasPrefix(first, "#") {
		return Example{}, errors.New("the first line must be a comment that says what it shows: # A city and its strategies")
	}
	e.Name = strings.TrimSpace(strings.TrimLeft(first, "#"))
	if !operation.MatchString(e.Query) {
		return Example{}, errors.New("the operation needs a name, because its tab is named after it: query City { … }")
	}
	return e, nil
}
