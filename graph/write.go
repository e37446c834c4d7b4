package graph

import (
	"context"
	"maps"
	"strings"
	"time"

	"stadtgraph/internal/article"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/comment"
	"stadtgraph/internal/event"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/funding"
	"stadtgraph/internal/indicator"
	"stadtgraph/internal/media"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/organization"
	"stadtgraph/internal/person"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/platform"
	"stadtgraph/internal/ranking"
	"stadtgraph/internal/strategy"
	"stadtgraph/internal/territory"
	"stadtgraph/internal/topic"
	"stadtgraph/internal/webhook"
	"stadtgraph/internal/write"
)

// Writable is what the nouns declare of writing, checked against the schema.
func Writable(catalogue *plan.Catalogue) (*write.Registry, error) {
	return write.NewRegistry(catalogue, []write.Object{
		article.Writable, strategy.Writable, strategy.WritableMeasure, funding.Writable, funding.WritableCall, funding.WritableAward,
		organization.Writable, person.Writable, topic.Writable, event.Writable, ranking.Writable, ranking.WritableEntry,
		indicator.Writable, indicator.WritableObservation, media.Writable, platform.Writable,
		comment.WritableRule,
	})
}

// mutation is one field of Mutation: who may call it, and what it does. It gives the
// fields of its payload: global ids, which are read afterwards, and values.
type mutation struct {
	needs auth.Capability // none: anyone may
	run   func(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error)

	// hook is what it does instead of run, if it is about webhooks.
	hook func(ctx context.Context, s *webhook.Sender, tx *write.Tx, in plan.Input) (answer, error)

	// desk is what it does instead of run, if it has transactions of its own. Sent twice,
	// it does the same once: it asks for no Idempotency-Key.
	desk func(ctx context.Context, c caller, in plan.Input) (answer, error)

	apart string // the type of list items that are wrong on their own, each

	private bool // its answers are read anew instead of kept: what they tell may have to be forgotten
	secret  bool // its answers cannot be had twice
}

type answer map[string]any

// mutations are all of them, by name.
var mutations = func() map[string]mutation {
	all := map[string]mutation{
		"adoptStrategy":        {needs: auth.Publish, run: adoptStrategy},
		"dissolveMunicipality": {needs: auth.Administer, run: dissolveMunicipality},
		"correctMunicipality":  {needs: auth.Administer, run: correctMunicipality},
		"importRecords":        {needs: auth.Write, run: importRecords, apart: "ImportRecordInput"},
		"restoreRevision":      {needs: auth.Write, run: restoreRevision},
		"createToken":          {needs: auth.Administer, run: createToken, secret: true},
		"revokeToken":          {needs: auth.Administer, run: revokeToken},

		"trustDocuments":         {needs: auth.Administer, run: trustDocuments},
		"removeTrustedDocuments": {needs: auth.Administer, run: removeTrustedDocuments},
	}
	maps.Copy(all, discussing())
	maps.Copy(all, telling())
	for _, typeName := range []string{"Article", "Strategy", "Measure", "FundingProgram", "FundingCall", "FundingAward"} {
		field := strings.ToLower(typeName[:1]) + typeName[1:]
		if typeName == "FundingAward" {
			field = "award"
		}
		for name, m := range ofRow(typeName, field) {
			all[name+typeName] = m
		}
		if typeName == "Article" || typeName == "Strategy" || typeName == "FundingProgram" {
			for name, m := range ofLife(typeName, field) {
				all[name+typeName] = m
			}
		}
	}
	return all
}()

// ofRow are the mutations of every type that has some of its own.
func ofRow(typeName, field string) map[string]mutation {
	written := func(d *write.Draft, id nodeid.ID, err error) (answer, error) {
		if err != nil {
			return nil, err
		}
		return answer{field: nodeid.ID{Prefix: id.Prefix, UUID: d.ID}}, nil
	}
	return map[string]mutation{
		"create": {needs: auth.Write, run: func(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
			d, err := tx.Create(ctx, typeName, input(in, field), "input", field)
			return written(d, tx.ID(typeName), err)
		}},
		"update": {needs: auth.Write, run: func(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
			id, version := target(in)
			given := input(in, field)
			d, err := tx.Update(ctx, typeName, id, version, given, "input", field)
			if in["editorialUpdate"] == true && err == nil {
				d, err = tx.Change(ctx, typeName, id, 0, func(d *write.Draft) error {
					d.Set["updated_at"] = tx.Now.UTC().Format(time.RFC3339Nano)
					return nil
				})
			}
			return written(d, id, err)
		}},
		"delete": {needs: auth.Write, run: func(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
			id, version := target(in)
			if _, err := tx.Delete(ctx, typeName, id, version); err != nil {
				return nil, err
			}
			return answer{"deletedId": id.String()}, nil
		}},
		"restore": {needs: auth.Write, run: func(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
			id, _ := target(in)
			d, err := tx.Restore(ctx, typeName, id)
			return written(d, id, err)
		}},
	}
}

// ofLife are the mutations of types with an editorial life cycle.
func ofLife(typeName, field string) map[string]mutation {
	move := func(to string) func(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
		return func(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
			id, version := target(in)
			at, _ := in["publishAt"].(time.Time)
			if _, err := tx.Move(ctx, typeName, id, version, to, at); err != nil {
				return nil, err
			}
			return answer{field: id}, nil
		}
	}
	return map[string]mutation{
		"submit":    {needs: auth.Write, run: move("IN_REVIEW")},
		"publish":   {needs: auth.Publish, run: move("PUBLISHED")},
		"schedule":  {needs: auth.Publish, run: move("SCHEDULED")},
		"unpublish": {needs: auth.Write, run: move("DRAFT")},
		"archive":   {needs: auth.Publish, run: move("ARCHIVED")},
	}
}

func input(in plan.Input, field string) plan.Input {
	given, _ := in[field].(plan.Input)
	return given
}

// target is what a mutation changes, and the version that it goes out from.
func target(in plan.Input) (nodeid.ID, int) {
	id, _ := in["id"].(nodeid.ID)
	version, _ := in["version"].(int64)
	if version < 1 {
		version = -1 // no row has it
	}
	return id, int(version)
}

func adoptStrategy(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
	id, version := target(in)
	superseded, err := strategy.Adopt(ctx, tx, id, version, input(in, "adoptedOn"), input(in, "decision"))
	if err != nil {
		return nil, err
	}
	out := answer{"strategy": id}
	if superseded != nil {
		out["superseded"] = *superseded
	}
	return out, nil
}

func dissolveMunicipality(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
	id, version := target(in)
	if err := territory.Dissolve(ctx, tx, id, version, in); err != nil {
		return nil, err
	}
	return answer{"municipality": id}, nil
}

func correctMunicipality(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
	id, version := target(in)
	if err := territory.Correct(ctx, tx, id, version, in); err != nil {
		return nil, err
	}
	return answer{"municipality": id}, nil
}

func importRecords(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
	records, _ := in["records"].([]any)
	if len(records) > write.MaxRecords {
		return nil, write.Refuse(write.TooLong, []string{"input", "records"}, "This may have %d records at most, not %d; send the others in another request.", write.MaxRecords, len(records))
	}
	outcomes, err := tx.Records(ctx, records, "input", "records")
	if err != nil {
		return nil, err
	}
	failed, dry := write.UserErrors{}, in["dryRun"] == true
	results := make([]answer, len(outcomes))
	for i, outcome := range outcomes {
		failed = append(failed, outcome.UserErrors...)
		results[i] = answer{"index": i, "status": outcome.Status, "nodeId": nil, "userErrors": outcome.UserErrors}
		if outcome.ID != nil && !dry {
			results[i]["nodeId"] = outcome.ID.String()
		}
	}
	out := answer{"results": results}
	switch {
	case len(failed) > 0 && in["errorPolicy"] != "SKIP_FAILED":
		for _, result := range results {
			result["nodeId"] = nil
		}
		out["userErrors"] = failed
		return out, failed
	case dry:
		return out, write.ErrDry
	}
	return out, nil
}

func restoreRevision(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
	id, version := target(in)
	to, _ := in["restore"].(int64)
	if err := tx.Revert(ctx, id, version, int(to)); err != nil {
		return nil, err
	}
	return answer{"node": id}, nil
}

func createToken(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
	if err := tx.Within(ctx, "Token", "", nodeid.UUID{}, "input"); err != nil { // it could make one that is not limited
		return nil, err
	}
	p := auth.Params{}
	p.Name, _ = in["name"].(string)
	role, _ := in["role"].(string)
	p.Role = auth.Role(role)
	if at, ok := in["expiresAt"].(time.Time); ok {
		p.ExpiresAt = &at
	}
	keys, _ := in["territories"].([]any)
	for _, key := range keys {
		text, _ := key.(string)
		p.Territories = append(p.Territories, text)
	}
	secret, key, err := auth.CreateToken(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	return answer{"token": auth.ID(key), "secret": secret}, nil
}

func revokeToken(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
	if err := tx.Within(ctx, "Token", "", nodeid.UUID{}, "input"); err != nil {
		return nil, err
	}
	id, _ := in["id"].(nodeid.ID)
	if id.Prefix != auth.ID(id.UUID).Prefix {
		return nil, write.Refuse(write.NotFound, []string{"input", "id"}, "This is no id of a token.")
	}
	if err := auth.RevokeToken(ctx, tx, id.UUID); err != nil {
		return nil, err
	}
	return answer{"token": id}, nil
}

// forbidden says whether an operation may not run at all.
func forbidden(ctx context.Context, name string) *fault.Error {
	f, _ := fault.From(auth.Require(ctx, mutations[name].needs))
	return f
}
