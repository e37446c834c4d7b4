package write

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// explain turns a constraint that a statement violated into a problem at the field
// that it is about.
func (tx *Tx) explain(err error, d *Draft, s statement) error {
	pg, ok := violated(err)
	if !ok {
		return err
	}
	if message := beyond[pg.Code]; message != "" {
		return Refuse(OutOfRange, s.path, "%s", message)
	}
	name := pg.ConstraintName
	if name == d.Object.Table+"_slug_unique" && !d.slugGiven && d.New() {
		return errSlugRace
	}
	if pg.Code == "23502" { // not null has no name
		name = s.table + "_" + pg.ColumnName + "_required"
	}
	rule, ok := tx.rule(s, name)
	if !ok {
		return err
	}
	return UserErrors{{Path: append(slices.Clone(s.path), rule.field...), Code: rule.code, Message: rule.message}}
}

// beyond are the errors of Postgres about values that no constraint names.
var beyond = map[string]string{
	"22003": "A number in this is beyond what can be kept.",
	"22008": "A date in this is beyond what can be kept.",
	"54000": "A text in this is too long to be found by.",
}

// rule is what a constraint means to whoever fills in a form.
type rule struct {
	field   []string // below the input object that the row is made of
	code    Code
	message string
}

// rule finds the words for a constraint: by its name, or by how names of constraints
// are formed: table, column, and what it asks for.
func (tx *Tx) rule(s statement, name string) (rule, bool) {
	if r, ok := constraints[name]; ok {
		return r, true
	}
	for _, kind := range kinds {
		if rest, ok := strings.CutSuffix(name, "_"+kind.suffix); ok {
			r := rule{abbreviated[rest], kind.code, kind.message}
			if column, ok := strings.CutPrefix(rest, s.table+"_"); ok && s.def != nil && r.field == nil {
				r.field = fieldIn(tx.catalogue.Schema.Types, s.def, column)
			}
			if kind.suffix == "currency" && len(r.field) == 1 {
				r.field = append(slices.Clone(r.field), "currency")
			}
			return r, true
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
	{"length", TooLong, "This is too long."},
	{"http", Invalid, "This must be an address that begins with https:// or http://."},
	{"known", Invalid, "This value is not one of those there are."},
	{"positive", OutOfRange, "This is too small."},
	{"range", OutOfRange, "This is too small or too large."},
	{"finite", OutOfRange, "This is no number that can be kept."},
	{"valid", Invalid, "This date does not fit its precision."},
	{"ordered", Invalid, "This ends before it begins."},
	{"whole", Invalid, "This is incomplete: give all of it or nothing."},
	{"tag", Invalid, "This must be a language after BCP 47, such as `de`."},
	{"currency", Invalid, "A currency has three capital letters, such as `EUR`."},
	{"other", Invalid, "This cannot refer to itself."},
}

// abbreviated are constraints' names, without what they ask for, that do not say the
// column as the input does.
var abbreviated = map[string][]string{
	"article_media_media_id":                  {"asset"},
	"figure_event_id":                         {"subject"},
	"figure_municipality_id":                  {"subject"},
	"figure_organization_id":                  {"subject"},
	"figure_state_id":                         {"subject"},
	"figure_strategy_id":                      {"subject"},
	"funding_award_amount":                    {"amountAwarded"},
	"funding_award_budget":                    {"totalBudget"},
	"funding_award_recipient_municipality_id": {"recipient"},
	"funding_award_recipient_organization_id": {"recipient"},
	"funding_call_applications":               {"applicationCount"},
	"funding_call_dates":                      {"closesOn"},
	"funding_program_applicants":              {"eligibleApplicants"},
	"funding_program_types":                   {"fundingTypes"},
	"funding_program_volume":                  {"totalVolume"},
	"strategy_evaluation_interval":            {"evaluationIntervalMonths"},
}

// constraints are those whose names do not say it.
var constraints = map[string]rule{
	"strategy_lineage_acyclic":                    {[]string{"predecessor"}, Invalid, "An edition cannot come after itself."},
	"strategy_predecessor_unique":                 {[]string{"predecessor"}, Taken, "Another edition has this predecessor already."},
	"strategy_revision_unique":                    {[]string{"revisionNumber"}, Taken, "Another edition of this strategy has this number."},
	"strategy_owner_one":                          {nil, Required, "This names nothing."},
	"article_sponsor_named":                       {[]string{"sponsor"}, Required, "What is sponsored needs a sponsor or a label."},
	"article_byline_named":                        {nil, Required, "A byline needs a person, an organization or a shorthand."},
	"article_media_one_lead":                      {[]string{"lead"}, Invalid, "One picture may be at the top."},
	"article_topic_one_section":                   {nil, Invalid, "An article has one section."},
	"funding_award_one_currency":                  {[]string{"amountAwarded", "currency"}, Invalid, "Amount and budget must be in one currency."},
	"funding_award_within_budget":                 {[]string{"amountAwarded"}, OutOfRange, "What is awarded cannot be more than the budget."},
	"funding_award_recipient_one":                 {nil, Required, "This names nobody."},
	"funding_award_project_unique":                {[]string{"projectNumber"}, Taken, "Another award of the program has this number."},
	"measure_position_unique":                     {[]string{"position"}, Taken, "Another measure of the strategy has this position."},
	"measure_position_in_strategy":                {[]string{"position"}, Invalid, "A position needs a strategy."},
	"measure_owner_one":                           {nil, Required, "This names nothing."},
	"comment_rule_pattern_given":                  {[]string{"pattern"}, Invalid, "A rule about words or hosts names one, others do not."},
	"comment_rule_threshold_given":                {[]string{"threshold"}, Invalid, "A rule about how many links there are says from how many on, others do not."},
	"person_parts_whole":                          {[]string{"familyName"}, Invalid, "Give the given name and the family name, or neither."},
	"person_affiliation_says_where":               {nil, Required, "An affiliation needs a role or a place."},
	"ranking_edition_unique":                      {[]string{"edition"}, Taken, "This edition of the ranking is there already."},
	"ranking_entry_score_within":                  {[]string{"score"}, OutOfRange, "The score cannot be more than the highest score."},
	"figure_subject_one":                          {[]string{"subject"}, Required, "A figure is about exactly one subject."},
	"article_media_unique":                        {[]string{"asset"}, Taken, "The picture is here already."},
	"article_mention_unique":                      {[]string{"person"}, Taken, "The person is mentioned in this role already."},
	"event_mention_unique":                        {[]string{"person"}, Taken, "The person is mentioned in this role already."},
	"funding_award_recipient_lead_unique":         {[]string{"role"}, Invalid, "Of several recipients exactly one has the role LEAD."},
	"funding_award_recipient_municipality_unique": {[]string{"recipient"}, Taken, "It is a recipient already."},
	"funding_award_recipient_organization_unique": {[]string{"recipient"}, Taken, "It is a recipient already."},
	"ranking_entry_municipality_unique":           {[]string{"municipality"}, Taken, "It has a place in this ranking already."},
	"funding_call_number_unique":                  {[]string{"number"}, Taken, "Another call of the program has this number."},
	"indicator_code_unique":                       {[]string{"code"}, Taken, "Another indicator has this code."},
	"event_times_ordered":                         {[]string{"endsAt"}, Invalid, "This ends before it begins."},
	"identifier_pkey":                             {[]string{"value"}, Taken, "Something else has this identifier already."},
	"identifier_of_one":                           {nil, Taken, "Something else has this identifier already."},
	"source_says_where":                           {nil, Required, "A source needs a publisher, an address or a title."},
	"topic_name_scheme_unique":                    {[]string{"name"}, Taken, "Another topic of the scheme has this name."},
	"media_asset_size_whole":                      {[]string{"width"}, Invalid, "Give width and height, or neither."},
	"day_finite":                                  {nil, OutOfRange, "This is no day that can be kept."},
	"indicator_code_form":                         {[]string{"code"}, Invalid, "A code has lower case letters a to z, digits and single hyphens, such as `broadband-coverage`."},
	"media_asset_mime_type_form":                  {[]string{"mimeType"}, Invalid, "A media type has two parts in lower case, such as `image/jpeg`."},
	"instant_finite":                              {nil, OutOfRange, "This is no instant that can be kept."},
	"amount_finite":                               {nil, OutOfRange, "This is no amount that can be kept."},
	"percentage_range":                            {nil, OutOfRange, "A percentage is between 0 and 100."},
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
