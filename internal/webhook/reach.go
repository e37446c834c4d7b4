package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"stadtgraph/internal/fault"
)

// special are the addresses that are not of the public internet, or that lead into
// another network: the registries of special addresses of the IANA. Of IPv6 only 2000::/3
// is public at all.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
)

var public6 = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// reachable says whether requests may go to an address.
func (c *Config) reachable(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	within := func(p netip.Prefix) bool { return p.Contains(a) }
	if slices.ContainsFunc(c.Reach, within) {
		return true
	}
	return !slices.ContainsFunc(special, within) && (a.Is4() || public6.Contains(a))
}

// unreachableError says where a request was not let go.
type unreachableError struct{ address string }

func (e unreachableError) Error() string {
	return "The host is at " + e.address + ", which webhooks may not reach: it is not a public address."
}

// guard looks at each address that a connection is about to be made to: the name is
// looked up by then, so that nobody can let it mean another one.
func (c *Config) guard(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !c.reachable(ap.Addr()) {
		host, _, _ := net.SplitHostPort(address)
		return unreachableError{host}
	}
	return nil
}

const (
	connectTimeout = 5 * time.Second
	maxHeaders     = 16 << 10 // of an answer
	maxBody        = 4 << 10  // of it that is kept
	bodyTimeout    = 2 * time.Second
)

// newClient makes a client that goes only where it may, follows no redirect, keeps no
// cookies, and does not look at the environment for a proxy.
func (s *Sender) newClient() *http.Client {
	dialer := &net.Dialer{Timeout: min(connectTimeout, s.Timeout), Control: s.guard}
	proxy := http.ProxyURL(s.Proxy)
	if s.Proxy == nil {
		proxy = nil
	} else {
		dialer.Control = nil // it is the proxy that is dialled
	}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: proxy, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: connectTimeout, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
			DisableCompression: true, MaxResponseHeaderBytes: maxHeaders,
			MaxIdleConnsPerHost: window, MaxIdleConns: 10 * window, IdleConnTimeout: 30 * time.Second,
		},
	}
}

// checkURL says what is wrong with where to send. Addresses that stand in it are looked at
// now, to say so at once, and names when they are looked up.
func (c *Config) checkURL(text string) error {
	bad := func(format string, args ...any) error { return fault.New(fault.Invalid, format, args...).At("url") }
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return bad("This is no URL: write one as in `https://example.org/hooks`.")
	case u.Scheme != "https" && (u.Scheme != "http" || !c.HTTP):
		if u.Scheme == "http" {
			return bad("Webhooks go to `https://` here: what is sent could be read and changed on its way.")
		}
		return bad("The URL begins with `https://`.")
	case u.User != nil:
		return bad("A URL here has no user and no password: everybody who administers webhooks could read them.")
	case u.Fragment != "":
		return bad("Leave out the `#` and what follows: it is not sent.")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		host = "127.0.0.1"
	}
	if a, err := netip.ParseAddr(host); err == nil && !c.reachable(a) {
		return bad("Webhooks go to public addresses, which this is not; whoever runs the server may allow networks with `--webhook-reach`.")
	}
	return nil
}

// answer is what came of a request.
type answer struct {
	status        int // 0: there was none
	headers, body string
	retryAfter    time.Duration
	err           string
}

// post sends a body.
func (s *Sender) post(ctx context.Context, target string, headers http.Header, body string) answer {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		return answer{err: "The URL cannot be read."}
	}
	r.Header = headers
	response, err := s.client.Do(r)
	if err != nil {
		return answer{err: s.describe(err)}
	}
	defer response.Body.Close()
	// A body that does not come is not waited for: the status has said what counts.
	timer := time.AfterFunc(bodyTimeout, cancel)
	defer timer.Stop()
	raw, _ := io.ReadAll(io.LimitReader(response.Body, maxBody))
	a := answer{status: response.StatusCode, headers: headerText(response.Header), body: text(string(raw))}
	switch {
	case a.status >= 200 && a.status < 300:
	case a.status >= 300 && a.status < 400:
		a.err = fmt.Sprintf("The answer is a redirect (%d), which is not followed: give the URL that it leads to.", a.status)
	default:
		a.err = fmt.Sprintf("The answer has the status %d.", a.status)
	}
	if a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable {
		a.retryAfter = retryAfter(response.Header.Get("Retry-After"), time.Now())
	}
	return a
}

// text is what Postgres can keep of a text.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// headerText writes headers, one on a line.
func headerText(h http.Header) string {
	var lines []string
	for name, values := range h {
		if name != "Set-Cookie" {
			lines = append(lines, strings.ToLower(name)+": "+strings.Join(values, ", "))
		}
	}
	slices.Sort(lines)
	all := text(strings.Join(lines, "\n"))
	if len(all) > maxBody {
		all = strings.ToValidUTF8(all[:maxBody], "")
	}
	return all
}

// longestHold is for how long a receiver may ask to be left alone.
const longestHold = 24 * time.Hour

// retryAfter reads the header of this name: seconds or an instant.
func retryAfter(value string, now time.Time) time.Duration {
	wait, err := time.ParseDuration(strings.TrimSpace(value) + "s")
	if err != nil {
		at, err := http.ParseTime(value)
		if err != nil {
			return 0
		}
		wait = at.Sub(now)
	}
	return min(max(wait, 0), longestHold)
}

// describe says why there was no answer.
func (s *Sender) describe(err error) string {
	var unreachable unreachableError
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var network net.Error
	switch {
	case errors.As(err, &unreachable):
		return unreachable.Error()
	case errors.As(err, &dns):
		return "The host name cannot be looked up."
	case errors.As(err, &unknown):
		return "The certificate is signed by nobody known."
	case errors.As(err, &certificate):
		return "The certificate is not valid for this host."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "The connection was refused: nothing listens there."
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return fmt.Sprintf("There was no answer within %s.", s.Timeout)
	}
	return "The connection broke before there was an answer that could be read."
}
