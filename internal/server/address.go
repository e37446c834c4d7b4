package server

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// address is the one that a request comes from: of the connection, or, if that is a
// proxy that is trusted, what it says. Proxies add to the list they were sent, at its
// end; so it is read from there, over proxies that are trusted, up to the first address
// that is not, or to something that is no address. Whatever stands before that may be
// made up. The same goes for a proxy that adds to one of the headers X-Forwarded-For and
// Forwarded (RFC 7239) and passes on the other: if they disagree, neither is believed.
func address(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{} // those without one share an account
	}
	at := peer.Addr().Unmap()
	if !among(at, trusted) {
		return at
	}
	before := at
	given := false
	for _, name := range []string{"X-Forwarded-For", "Forwarded"} {
		values := r.Header[name]
		if len(values) == 0 {
			continue
		}
		said := lastHop(at, strings.Join(values, ","), trusted, name == "Forwarded")
		if given && said != before {
			return at
		}
		before, given = said, true
	}
	return before
}

// lastHop reads a list of addresses from its end.
func lastHop(from netip.Addr, list string, trusted []netip.Prefix, pairs bool) netip.Addr {
	for list != "" && among(from, trusted) {
		var hop string
		if i := strings.LastIndexByte(list, ','); i >= 0 {
			list, hop = list[:i], list[i+1:]
		} else {
			list, hop = "", list
		}
		if pairs {
			hop = forwardedFor(hop)
		}
		next, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			break
		}
		from = next
	}
	return from
}

// forwardedFor is the parameter "for" of an element of Forwarded.
func forwardedFor(element string) string {
	for pair := range strings.SplitSeq(element, ";") {
		if name, value, ok := strings.Cut(pair, "="); ok && strings.EqualFold(strings.TrimSpace(name), "for") {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// parseHop reads an address, with or without brackets and a port.
func parseHop(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return a.Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddrPort(s)
	return a.Addr().Unmap().WithZone(""), err == nil
}

func among(a netip.Addr, prefixes []netip.Prefix) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// network is what counts as one client: an address, of IPv6 the /64 that one is usually
// given whole.
func network(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // an address that is none is its own client
	return p
}

// viaHTTPS says whether a trusted proxy says that it was asked by HTTPS.
func viaHTTPS(r *http.Request, trusted []netip.Prefix) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && among(peer.Addr().Unmap(), trusted) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}
