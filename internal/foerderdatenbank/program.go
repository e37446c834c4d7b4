package foerderdatenbank

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/slug"
	"stadtgraph/internal/write"
)

// program is what a row says of one, except for what only the database knows.
type program struct {
	source, id, idURL string
	gone              bool // from the Förderdatenbank
	publish           bool // if it is new

	content  plan.Input
	level    string
	areas    []string
	hasAreas bool
	body     string // that gives the money
	hasBody  bool
}

// stored is a program that was imported before.
type stored struct {
	id       nodeid.UUID
	status   string
	deleted  bool // here, by somebody
	archived bool // by an import, and left so since
}

// write writes a program, with the topics and the organization that it needs.
//
// One that left the Förderdatenbank is archived: it can still be read by its id and
// slug, and what was awarded under it hangs on it. It is published again when it comes
// back, unless somebody changed it meanwhile. Whatever else somebody decided of its
// publication stays.
func (p *program) write(ctx context.Context, tx *write.Tx) (write.Outcome, error) {
	return tx.Alone(ctx, func(tx *write.Tx) (write.Outcome, error) {
		there, err := p.stored(ctx, tx)
		if err != nil {
			return write.Outcome{}, err
		}
		record := plan.Input{"source": p.source, "externalId": p.id}
		unchanged := write.Outcome{Status: "UNCHANGED"}
		if there != nil {
			id := tx.ID("FundingProgram")
			id.UUID = there.id
			unchanged.ID = &id
		}
		switch {
		case there != nil && there.deleted, p.gone && (there == nil || there.status != "PUBLISHED"):
			return unchanged, nil
		case p.gone:
			record["publicationStatus"], record["fundingProgram"] = "ARCHIVED", plan.Input{}
			return tx.Record(ctx, record)
		case there == nil && p.level == "":
			return write.Outcome{}, write.Refuse(write.Required, []string{"url"},
				"Who gives the money is read from the address, which has /Foerderprogramm/Bund/, /Land/ or /EU/ in it; this says none of them, so no new program can be made of it.")
		case there == nil && p.publish, there != nil && there.archived:
			record["publicationStatus"] = "PUBLISHED"
		}
		content := maps.Clone(p.content)
		if there == nil && p.idURL != "" {
			content["identifiers"] = []any{plan.Input{"scheme": "FOERDERDATENBANK", "value": p.idURL}}
		}
		if p.hasAreas {
			if content["fundingAreas"], err = p.topics(ctx, tx); err != nil {
				return write.Outcome{}, err
			}
		}
		if p.hasBody {
			if content["funders"], err = p.funders(ctx, tx); err != nil {
				return write.Outcome{}, err
			}
		}
		record["fundingProgram"] = content
		outcome, err := tx.Record(ctx, record)
		if err == nil && len(outcome.UserErrors) > 0 {
			err = outcome.UserErrors // nothing that was made for it stays
		}
		return outcome, err
	})
}

// stored finds the program; nil if it is not there yet.
func (p *program) stored(ctx context.Context, tx *write.Tx) (*stored, error) {
	var id string
	var s stored
	err := tx.QueryRow(ctx, `
SELECT p.id::text, CASE WHEN p.publication_status = 'SCHEDULED' AND p.published_at <= @now THEN 'PUBLISHED' ELSE p.publication_status END,
  p.deleted_at IS NOT NULL,
  p.publication_status = 'ARCHIVED' AND EXISTS (SELECT FROM change c WHERE c.type = 'FundingProgram' AND c.id = p.id
    AND c.version = p.version AND c.actor_name = @actor AND c.action = 'UPDATE')
FROM external_id e JOIN funding_program p ON p.id = e.id
WHERE e.type = 'FundingProgram' AND e.source = @source AND e.external_id = @id`,
		pgx.NamedArgs{"source": p.source, "id": p.id, "now": tx.Now.Truncate(time.Microsecond), "actor": tx.Actor.Name}).Scan(&id, &s.status, &s.deleted, &s.archived)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("find the program: %w", err)
	}
	s.id, err = nodeid.ParseUUID(id)
	return &s, err
}

// topics are the funding areas. One of the Förderdatenbank that is not there yet is
// made; any other has to be made by somebody first.
func (p *program) topics(ctx context.Context, tx *write.Tx) (plan.Input, error) {
	slugs := make([]string, len(p.areas))
	for i, name := range p.areas {
		slugs[i] = "foerderbereich-" + slug.Make(name)
	}
	rows, _ := tx.Query(ctx, `SELECT name, slug, id::text FROM topic WHERE scheme = 'FUNDING_AREA' AND (name = ANY($1) OR slug = ANY($2)) AND deleted_at IS NULL`, p.areas, slugs)
	there := map[string]string{}
	var name, called, key string
	if _, err := pgx.ForEachRow(rows, []any{&name, &called, &key}, func() error { there[name], there[called] = key, key; return nil }); err != nil {
		return nil, fmt.Errorf("find funding areas: %w", err)
	}
	references := []any{}
	for i, name := range p.areas {
		id := tx.ID("Topic")
		key, ok := there[name]
		if !ok { // it was renamed
			key, ok = there[slugs[i]]
		}
		_, known := fundingAreas.meaning[slug.Make(name)]
		var err error
		switch {
		case ok:
			id.UUID, err = nodeid.ParseUUID(key)
		case known:
			id, err = made(tx.Record(ctx, plan.Input{"topic": plan.Input{
				"slug": slugs[i], "name": name, "scheme": "FUNDING_AREA"}}, "funding_area"))
		default:
			err = write.Refuse(write.NotFound, []string{"funding_area"},
				"This has %q, which is none of %s, and there is no topic of this name with the scheme FUNDING_AREA.", name, fundingAreas)
		}
		if err != nil {
			return nil, err
		}
		references = append(references, plan.Input{"id": id})
	}
	return plan.Input{"set": references}, nil
}

// funders are the organization that gives the money. It is found by what an earlier
// import called it, by its name or by the slug that the name gives; what is there of it
// stays as it is.
func (p *program) funders(ctx context.Context, tx *write.Tx) (plan.Input, error) {
	if p.body == "" {
		return plan.Input{"set": []any{}}, nil
	}
	id := tx.ID("Organization")
	var key string
	err := tx.QueryRow(ctx, `
SELECT o.id::text FROM organization o LEFT JOIN external_id e ON e.type = 'Organization' AND e.id = o.id AND e.source = @source AND e.external_id = @name
WHERE o.deleted_at IS NULL AND (e.id IS NOT NULL OR o.name = @name OR o.slug = @slug)
ORDER BY e.id IS NULL, o.name <> @name, o.id LIMIT 1`,
		pgx.NamedArgs{"source": p.source, "name": p.body, "slug": slug.Make(p.body)}).Scan(&key)
	switch {
	case err == nil:
		id.UUID, err = nodeid.ParseUUID(key)
	case errors.Is(err, pgx.ErrNoRows):
		kind := "OTHER"
		if strings.Contains(strings.ToLower(p.body), "ministerium") {
			kind = "MINISTRY"
		}
		id, err = made(tx.Record(ctx, plan.Input{"source": p.source, "externalId": p.body,
			"organization": plan.Input{"name": p.body, "kind": kind}}, "funding_body"))
	default:
		err = fmt.Errorf("find the funding body: %w", err)
	}
	if err != nil {
		return nil, err
	}
	return plan.Input{"set": []any{plan.Input{"id": id}}}, nil
}

// made is the id of a record that was made for another one.
func made(outcome write.Outcome, err error) (nodeid.ID, error) {
	switch {
	case err != nil:
		return nodeid.ID{}, err
	case len(outcome.UserErrors) > 0:
		return nodeid.ID{}, outcome.UserErrors
	}
	return *outcome.ID, nil
}
