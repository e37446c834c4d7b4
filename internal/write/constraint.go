package write

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// explain turns a violated constraint into a problem at the field that it is about.
func (tx *Tx) explain(err error, d *Draft, path []string) error {
	pg, ok := violated(err)
	if !ok {
		return err
	}
	table := pg.TableName
	name := pg.ConstraintName
	if strings.HasPrefix(pg.Code, "22") { // a number or a date beyond what its column keeps
		return Refuse(OutOfRange, path, "A number or a date in this is beyond what can be kept.")
	}
	if name == d.Object.Table+"_slug_unique" && !d.slugGiven && d.New() {
		return errSlugRace
	}
	if pg.Code == "23502" { // not null has no name
		name = table + "_" + pg.ColumnName + "_required"
	}
	rule, ok := tx.rule(d.Object, name)
	if !ok {
		return err
	}
	if len(rule.field) == 0 {
		rule.field = path[len(d.Path):]
	}
	return UserErrors{{Path: append(slices.Clone(d.Path), rule.field...), Code: rule.code, Message: rule.message}}
}

// rule is what a constraint means to whoever fills in a form.
type rule struct {
	field   []string
	code    Code
	message string
}

// rule finds the words for a constraint: by its name, or by how names of constraints
// are formed: table, column, and what it asks for.
func (tx *Tx) rule(o *Object, name string) (rule, bool) {
	if r, ok := constraints[name]; ok {
		return r, true
	}
	for _, kind := range kinds {
		if rest, ok := strings.CutSuffix(name, "_"+kind.suffix); ok {
			return rule{tx.fieldOf(o, rest), kind.code, kind.message}, true
		}
	}
	return rule{}, false
}

// kinds are the last parts of constraints' names, and what they ask for.
var kinds = []struct {
	suffix  string
	code    Code
	message string
}{
	{"required", Required, "This cannot be empty."},
	{"fkey", NotFound, "What this refers to is not there any more."},
	{"unique", Taken, "Something else has this already."},
	{"key", Taken, "Something else has this already."},
	{"pkey", Taken, "Something else has this already."},
	{"length", TooLong, "This is empty or too long; the description of the field says how long it may be."},
	{"http", Invalid, "This must be an address that begins with https:// or http://."},
	{"known", Invalid, "This value is not one of those there are."},
	{"positive", OutOfRange, "This is too small."},
	{"range", OutOfRange, "This is too small or too large; the description of the field says what it may be."},
	{"finite", OutOfRange, "This is no number that can be kept."},
	{"valid", Invalid, "This date does not fit its precision."},
	{"ordered", Invalid, "This ends before it begins."},
	{"whole", Invalid, "This is incomplete: give all of it or nothing."},
	{"form", Invalid, "This does not have the form that is needed; see the description of the field."},
	{"tag", Invalid, "This must be a language after BCP 47, such as `de`."},
	{"currency", Invalid, "A currency has three capital letters, such as `EUR`."},
	{"other", Invalid, "This cannot refer to itself."},
}

// constraints are those whose names do not say it.
var constraints = map[string]rule{
	"strategy_lineage_acyclic":      {[]string{"predecessor"}, Invalid, "An edition cannot come after itself."},
	"strategy_predecessor_unique":   {[]string{"predecessor"}, Taken, "Another edition has this predecessor already."},
	"strategy_revision_unique":      {[]string{"revisionNumber"}, Taken, "Another edition of this strategy has this number."},
	"strategy_owner_one":            {[]string{"owners"}, Required, "This names nothing."},
	"article_sponsor_named":         {[]string{"sponsor"}, Required, "What is sponsored needs a sponsor or a label."},
	"article_byline_named":          {[]string{"bylines"}, Required, "A byline needs a person, an organization or a shorthand."},
	"article_media_one_lead":        {[]string{"media"}, Invalid, "One picture may be at the top."},
	"article_topic_one_section":     {[]string{"section"}, Invalid, "An article has one section."},
	"funding_award_one_currency":    {[]string{"amountAwarded", "currency"}, Invalid, "Amount and budget must be in one currency."},
	"funding_award_within_budget":   {[]string{"amountAwarded"}, OutOfRange, "What is awarded cannot be more than the budget."},
	"funding_award_recipient_one":   {[]string{"recipients"}, Required, "This names nobody."},
	"funding_award_project_unique":  {[]string{"projectNumber"}, Taken, "Another award of the program has this number."},
	"measure_position_unique":       {[]string{"position"}, Taken, "Another measure of the strategy has this position."},
	"measure_position_in_strategy":  {[]string{"position"}, Invalid, "A position needs a strategy."},
	"measure_owner_one":             {[]string{"owners"}, Required, "This names nothing."},
	"person_parts_whole":            {[]string{"familyName"}, Invalid, "Give the given name and the family name, or neither."},
	"person_affiliation_says_where": {[]string{"affiliations"}, Required, "An affiliation needs a role or a place."},
	"ranking_edition_unique":        {[]string{"edition"}, Taken, "This edition of the ranking is there already."},
	"ranking_entry_score_within":    {[]string{"score"}, OutOfRange, "The score cannot be more than the highest score."},
	"figure_subject_one":            {[]string{"subject"}, Required, "A figure is about exactly one subject."},
	"identifier_pkey":               {[]string{"identifiers"}, Taken, "Something else has this identifier already."},
	"identifier_of_one":             {[]string{"identifiers"}, Taken, "Something else has this identifier already."},
	"source_says_where":             {nil, Required, "A source needs a publisher, an address or a title."},
	"topic_name_scheme_unique":      {[]string{"name"}, Taken, "Another topic of the scheme has this name."},
	"media_asset_size_whole":        {[]string{"width"}, Invalid, "Give width and height, or neither."},
	"day_finite":                    {nil, OutOfRange, "This is no day that can be kept."},
	"instant_finite":                {nil, OutOfRange, "This is no instant that can be kept."},
	"amount_finite":                 {nil, OutOfRange, "This is no amount that can be kept."},
	"percentage_range":              {nil, OutOfRange, "A percentage is between 0 and 100."},
}

// fieldOf is the field of a type's input whose column a constraint's name speaks of,
// behind its table; none if it is about several.
func (tx *Tx) fieldOf(o *Object, rest string) []string {
	if column, ok := strings.CutPrefix(rest, o.Table+"_"); ok {
		if path := fieldIn(tx.catalogue.Schema.Types, tx.input(o), column); path != nil {
			return path
		}
	}
	for name, f := range o.Fields {
		if column, ok := strings.CutPrefix(rest, f.Table+"_"); ok && f.Table != "" {
			return append([]string{name}, fieldIn(tx.catalogue.Schema.Types, tx.catalogue.Schema.Types[tx.input(o).Fields.ForName(name).Type.Name()], column)...)
		}
	}
	return nil
}

// fieldIn is the field of an input object that a column's name begins with.
func fieldIn(types map[string]*ast.Definition, def *ast.Definition, column string) []string {
	var best *ast.FieldDefinition
	for _, f := range def.Fields {
		name := snake(f.Name)
		if (column == name || strings.HasPrefix(column, name+"_")) && (best == nil || len(name) > len(snake(best.Name))) {
			best = f
		}
	}
	if best == nil {
		return nil
	}
	path := []string{best.Name}
	if rest := strings.TrimPrefix(strings.TrimPrefix(column, snake(best.Name)), "_"); rest != "" && types[best.Type.Name()].Kind == ast.InputObject {
		path = append(path, fieldIn(types, types[best.Type.Name()], rest)...)
	}
	return path
}
