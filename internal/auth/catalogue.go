package auth

import (
	"fmt"
	"strings"
	"time"

	"stadtgraph/internal/plan"
)

// Objects are what can be read of tokens, and Roots the fields of Query.
var (
	Objects = []plan.Object{viewer, apiToken}
	Roots   = []plan.Root{
		{Name: "viewer", Rows: "SELECT t.name, t.role, t.territories, t.expires_at FROM api_token t WHERE t.id = {viewer}"},
		{Name: "apiTokens", Least: plan.Admin},
	}
)

// viewer is who asks.
var viewer = plan.Object{Type: "Viewer", Fields: plan.Fields{
	"name":         plan.Column("name"),
	"role":         plan.Column("role"),
	"capabilities": capabilities,
	"territories":  plan.Column("territories"),
	"expiresAt":    plan.Column("expires_at"),
}}

// apiToken is a token on record. The catalogue knows nothing of its hash.
var apiToken = plan.Object{
	Type: "ApiToken", Table: "api_token", Prefix: "api_token",
	Visible: plan.Visibility{Public: "false", Admin: "true"},
	Order:   []plan.Term{{Field: "createdAt", Desc: true}},
	Fields: plan.Fields{
		"name":         plan.Text("name"),
		"hint":         plan.Column("hint"),
		"role":         plan.Column("role"),
		"capabilities": capabilities,
		"territories":  plan.Column("territories"),
		"createdBy":    plan.One("created_by"),
		"createdAt":    plan.Column("created_at"),
		"expiresAt":    plan.Column("expires_at"),
		"revokedAt":    plan.Column("revoked_at"),
		"lastUsedAt":   plan.Column("last_used_at"),
	},
}

// capabilities are those of the role of a row.
var capabilities = func() plan.Field {
	var sql strings.Builder
	for _, r := range Roles {
		names := make([]string, len(allowed[r]))
		for i, c := range allowed[r] {
			names[i] = "'" + string(c) + "'"
		}
		fmt.Fprintf(&sql, " WHEN '%s' THEN ARRAY[%s]", r, strings.Join(names, ", "))
	}
	return plan.Expr(plan.SQL("(CASE {role}" + sql.String() + " END)"))
}()

// classes are what each role sees.
var classes = map[Role]plan.Role{
	Reader:    plan.Editor,
	Editor:    plan.Editor,
	Publisher: plan.Editor,
	Moderator: plan.Moderator,
	Admin:     plan.Admin,
}

// Viewer is an actor as a reader; nil reads as the public does.
func (a *Actor) Viewer(now time.Time) plan.Viewer {
	if a == nil {
		return plan.Viewer{Role: plan.Public, Now: now}
	}
	return plan.Viewer{Role: classes[a.Role], Token: a.Token, Now: now}
}
