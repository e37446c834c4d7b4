// Package auth says who is asking, and what they may do. Nobody in particular
// reads what is public; everything else takes a token, which has a role.
package auth

import (
	"context"
	"slices"

	"stadtgraph/internal/fault"
)

// Role is what a token is for.
type Role string

// The roles. Each but the first may read what readers may.
const (
	Reader    Role = "READER"    // reads drafts and revisions
	Editor    Role = "EDITOR"    // writes drafts and changes content
	Publisher Role = "PUBLISHER" // decides what the public sees
	Moderator Role = "MODERATOR" // reads comments that wait, and decides about them
	Admin     Role = "ADMIN"     // all of it, tokens and territories
)

// Roles are all of them, in this order.
var Roles = []Role{Reader, Editor, Publisher, Moderator, Admin}

// Capability is what a role allows.
type Capability string

// The capabilities.
const (
	Preview    Capability = "PREVIEW"    // read what is not public
	Write      Capability = "WRITE"      // create, change and import content
	Publish    Capability = "PUBLISH"    // publish, schedule, unpublish, archive, adopt; delete what is public
	Moderate   Capability = "MODERATE"   // comments
	Administer Capability = "ADMINISTER" // tokens, territories, the audit log
)

// allowed is what each role may do.
var allowed = map[Role][]Capability{
	Reader:    {Preview},
	Editor:    {Preview, Write},
	Publisher: {Preview, Write, Publish},
	Moderator: {Preview, Moderate},
	Admin:     {Preview, Write, Publish, Moderate, Administer},
}

// May says whether a role allows something.
func (r Role) May(c Capability) bool { return slices.Contains(allowed[r], c) }

// Actor is who acts: a token, or a command on the machine itself.
type Actor struct {
	Token       [16]byte // key of the token; zero for a command
	Name        string   // of the token, or the command
	Role        Role
	Territories []string // official keys; if there are any, writes and moderates only there and in their members
}

type actorKey struct{}

// With says who acts in a context.
func With(ctx context.Context, a *Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// From is who acts in a context; nil for the public.
func From(ctx context.Context) *Actor {
	a, _ := ctx.Value(actorKey{}).(*Actor)
	return a
}

// Require refuses whoever may not do something. What takes no capability anyone may do.
func Require(ctx context.Context, c Capability) error {
	switch a := From(ctx); {
	case c == "":
		return nil
	case a == nil:
		return anonymous()
	case !a.Role.May(c):
		return fault.New(fault.Forbidden, "This token may not do that.")
	}
	return nil
}

func anonymous() error {
	return fault.New(fault.Unauthenticated, "This takes a token: send it as `Authorization: Bearer …`.")
}
