// Package peer says from which network a request comes, to those who count what is done
// from one. It is never stored as it is: see package comment for how it is hashed.
package peer

import (
	"context"
	"net/netip"
)

type networkKey struct{}

// With notes the network that a request comes from.
func With(ctx context.Context, network netip.Prefix) context.Context {
	return context.WithValue(ctx, networkKey{}, network)
}

// Network is the network that a request comes from. Of one from nowhere it is the zero
// prefix, one for all.
func Network(ctx context.Context) netip.Prefix {
	n, _ := ctx.Value(networkKey{}).(netip.Prefix)
	return n
}
