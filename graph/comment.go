package graph

import (
	"context"
	"time"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/comment"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/write"
)

// voterHeader is by what readers are told apart who vote and report.
const voterHeader = "Voter-Token"

// discussing are the mutations of discussions: what readers do at the desk, and what
// moderators decide.
func discussing() map[string]mutation {
	of := func(do func(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, error), field string) mutation {
		return mutation{needs: auth.Moderate, private: true, run: func(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
			id, err := do(ctx, tx, in)
			if err != nil {
				return nil, err
			}
			return answer{field: id}, nil
		}}
	}
	all := map[string]mutation{
		"openCommentForm":    {desk: openCommentForm},
		"submitComment":      {desk: submitComment},
		"editComment":        {desk: editComment},
		"withdrawComment":    {desk: withdrawComment},
		"voteComment":        {desk: voteComment},
		"reportComment":      {desk: reportComment},
		"moderateComments":   {needs: auth.Moderate, private: true, run: moderateComments},
		"pinComment":         of(comment.Pin, "comment"),
		"redactComment":      of(comment.Redact, "comment"),
		"addEditorNote":      of(comment.AddNote, "comment"),
		"removeEditorNote":   of(comment.RemoveNote, "comment"),
		"eraseComment":       of(comment.EraseOne, "comment"),
		"moderateDiscussion": of(comment.Discuss, "article"),
		"exportPersonalData": {needs: auth.Administer, secret: true, desk: exportPersonalData},
		"erasePersonalData":  {needs: auth.Administer, secret: true, desk: erasePersonalData},
	}
	for name, m := range ofRow("CommentRule", "rule") {
		if name != "restore" {
			m.needs = auth.Administer
			all[name+"CommentRule"] = m
		}
	}
	return all
}

// caller is who stands at the desk.
type caller struct {
	desk  *comment.Desk
	voter string // the token that came
}

func openCommentForm(ctx context.Context, c caller, in plan.Input) (answer, error) {
	form, err := c.desk.Open(ctx, in)
	if err != nil {
		return nil, err
	}
	return answer{"formToken": form.Token, "sendFrom": instant(form.SendFrom), "sendUntil": instant(form.SendTill),
		"email": string(c.desk.Email), "maxLength": comment.MaxBody, "maxDepth": c.desk.Depth}, nil
}

func submitComment(ctx context.Context, c caller, in plan.Input) (answer, error) {
	s, err := c.desk.Submit(ctx, in)
	if err != nil {
		return nil, err
	}
	return answer{"commentId": s.ID.String(), "status": "PENDING", "editToken": s.EditToken, "editableUntil": instant(s.EditableUntil),
		"body": s.Body, "bodyHtml": s.BodyHTML, "authorName": orNull(s.AuthorName)}, nil
}

func editComment(ctx context.Context, c caller, in plan.Input) (answer, error) {
	own, err := c.desk.Edit(ctx, in)
	if err != nil {
		return nil, err
	}
	return answer{"commentId": own.ID.String(), "status": "PENDING", "editableUntil": instant(own.EditableUntil),
		"body": own.Body, "bodyHtml": own.BodyHTML, "authorName": orNull(own.AuthorName)}, nil
}

func withdrawComment(ctx context.Context, c caller, in plan.Input) (answer, error) {
	own, err := c.desk.Withdraw(ctx, in)
	if err != nil {
		return nil, err
	}
	return answer{"withdrawnId": own.ID.String()}, nil
}

func voteComment(ctx context.Context, c caller, in plan.Input) (answer, error) {
	v, err := c.desk.Vote(ctx, in, c.voter)
	if err != nil {
		return nil, err
	}
	return answer{"comment": v.ID, "value": v.Value, "voterToken": v.Voter}, nil
}

func reportComment(ctx context.Context, c caller, in plan.Input) (answer, error) {
	voter, err := c.desk.Report(ctx, in, c.voter)
	if err != nil {
		return nil, err
	}
	id, _ := in["id"].(nodeid.ID)
	return answer{"reportedId": id.String(), "voterToken": voter}, nil
}

func moderateComments(ctx context.Context, tx *write.Tx, in plan.Input) (answer, error) {
	outcomes, err := comment.Moderate(ctx, tx, in)
	if err != nil {
		return nil, err
	}
	results := make([]answer, len(outcomes))
	for i, o := range outcomes {
		results[i] = answer{"commentId": o.ID.String(), "status": nil, "version": nil, "userErrors": o.UserErrors}
		if len(o.UserErrors) == 0 {
			results[i]["status"], results[i]["version"] = o.Status, o.Version
		}
	}
	return answer{"results": results}, nil
}

func exportPersonalData(ctx context.Context, c caller, in plan.Input) (answer, error) {
	found, err := c.desk.Export(ctx, in)
	if err != nil {
		return nil, err
	}
	comments := make([]answer, len(found))
	for i, p := range found {
		comments[i] = answer{"commentId": p.ID.String(), "articleId": p.Article.String(), "authorName": nil, "email": p.Email, "body": p.Body,
			"status": p.Status, "createdAt": instant(p.CreatedAt)}
		if p.AuthorName != nil {
			comments[i]["authorName"] = *p.AuthorName
		}
	}
	return answer{"comments": comments}, nil
}

func erasePersonalData(ctx context.Context, c caller, in plan.Input) (answer, error) {
	n, err := c.desk.Erase(ctx, in)
	if err != nil {
		return nil, err
	}
	return answer{"erasedCount": n}, nil
}

func instant(t time.Time) string { return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano) }

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
