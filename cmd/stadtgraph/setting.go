package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"stadtgraph/graph"
	"stadtgraph/internal/comment"
	"stadtgraph/internal/export"
	"stadtgraph/internal/job"
	"stadtgraph/internal/linked"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/seal"
	"stadtgraph/internal/server"
	"stadtgraph/internal/site"
	"stadtgraph/internal/webhook"
)

// database is the setting that names the database.
type database struct {
	DatabaseURL string `env:"DATABASE_URL" placeholder:"URL" help:"The database, as in postgres://user:password@host:5432/stadtgraph. Several hosts may be given, separated by commas. Behind PgBouncer before 1.21 add default_query_exec_mode=cache_describe; pool_max_conns limits the connections."`
}

// Validate is called by kong.
func (d *database) Validate() error {
	if d.DatabaseURL == "" {
		return errors.New("no database is given: set DATABASE_URL, or --database-url, to postgres://user:password@host:5432/stadtgraph")
	}
	return nil
}

// serving is how a server behaves, whatever it serves, and where.
type serving struct {
	keeping
	operating
	limiting
	caching
	streaming
	exporting
	discussing
	publishing
	telling
}

// check says what makes no sense.
func (s *serving) check() error {
	for _, check := range []func() error{s.keeping.check, s.operating.check, s.limiting.check, s.caching.check, s.streaming.check, s.exporting.check, s.discussing.check, s.publishing.check, s.telling.check} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// keeping is how long what is kept.
type keeping struct {
	KeepHistory int `default:"3650" env:"STADTGRAPH_KEEP_HISTORY" placeholder:"DAYS" help:"How many days to keep who changed what, and what it was before: revisions and the audit log (default: ${default})."`
	KeepFeed    int `default:"90" env:"STADTGRAPH_KEEP_FEED" placeholder:"DAYS" help:"How many days to keep changes that nobody made, because something else was published or time went by; readers of changes who were away for longer read everything again (default: ${default})."`
}

// check says what makes no sense.
func (k *keeping) check() error {
	switch {
	case k.KeepHistory < 1 || k.KeepHistory > 36500:
		return fmt.Errorf("a history of %d days makes no sense: choose from 1 to 36500 (--keep-history, STADTGRAPH_KEEP_HISTORY)", k.KeepHistory)
	case k.KeepFeed < 1 || k.KeepFeed > k.KeepHistory:
		return fmt.Errorf("changes for %d days make no sense: choose from 1 to the %d of --keep-history (--keep-feed, STADTGRAPH_KEEP_FEED)", k.KeepFeed, k.KeepHistory)
	}
	return nil
}

func (k *keeping) config(polling bool) job.Config {
	return job.Config{History: days(k.KeepHistory), Feed: days(k.KeepFeed), Polling: polling}
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// discussing is how the public may comment.
type discussing struct {
	CommentKeys  []string      `env:"STADTGRAPH_COMMENT_KEYS" placeholder:"KEY,…" help:"What encrypts the e-mail addresses of those who comment, and signs what forms send back: 32 bytes in base64, as openssl rand -base64 32 makes them. To change it put the new one in front of the old ones. Without any, addresses are neither taken nor kept."`
	CommentEmail string        `enum:"required,optional,refused," default:"" env:"STADTGRAPH_COMMENT_EMAIL" placeholder:"required" help:"Whether a comment comes with an e-mail address: required, optional or refused (default: required if there is a key, else refused)."`
	CommentDepth int           `default:"5" env:"STADTGRAPH_COMMENT_DEPTH" placeholder:"N" help:"How deep answers to comments may be nested, 0 for not at all (default: ${default})."`
	CommentEdit  time.Duration `default:"15m" env:"STADTGRAPH_COMMENT_EDIT" placeholder:"15m" help:"How long authors may change or withdraw a comment that waits (default: ${default})."`
	CommentRate  int           `default:"20" env:"STADTGRAPH_COMMENT_RATE" placeholder:"N" help:"How many comments are taken from one network within an hour (default: ${default})."`
	KeepEmails   int           `default:"30" env:"STADTGRAPH_KEEP_EMAILS" placeholder:"DAYS" help:"How many days after the decision about a comment to delete its author's e-mail address (default: ${default})."`
}

// check says what makes no sense.
func (d *discussing) check() error {
	switch _, err := comment.ParseKeys(d.CommentKeys); {
	case err != nil:
		return fmt.Errorf("%w (--comment-keys, STADTGRAPH_COMMENT_KEYS)", err)
	case len(d.CommentKeys) == 0 && d.CommentEmail != "" && d.CommentEmail != "refused":
		return errors.New("e-mail addresses take a key to keep them by: set STADTGRAPH_COMMENT_KEYS to what `openssl rand -base64 32` prints (--comment-keys), or leave out --comment-email")
	case d.CommentDepth < 0 || d.CommentDepth > comment.MaxDepth:
		return fmt.Errorf("answers cannot be nested %d deep: choose from 0 to %d (--comment-depth, STADTGRAPH_COMMENT_DEPTH)", d.CommentDepth, comment.MaxDepth)
	case d.CommentEdit < 0 || d.CommentEdit > 24*time.Hour:
		return fmt.Errorf("%s to change a comment makes no sense: choose from 0s to 24h (--comment-edit, STADTGRAPH_COMMENT_EDIT)", d.CommentEdit)
	case d.CommentRate < 1 || d.CommentRate > 1_000_000:
		return fmt.Errorf("%d comments an hour make no sense: choose from 1 to 1000000 (--comment-rate, STADTGRAPH_COMMENT_RATE)", d.CommentRate)
	case d.KeepEmails < 0 || d.KeepEmails > 3650:
		return fmt.Errorf("e-mail addresses for %d days make no sense: choose from 0 to 3650 (--keep-emails, STADTGRAPH_KEEP_EMAILS)", d.KeepEmails)
	}
	return nil
}

func (d *discussing) config() (comment.Config, error) {
	keys, err := comment.ParseKeys(d.CommentKeys)
	c := comment.Defaults
	c.Keys, c.Email = keys, comment.Need(strings.ToUpper(cmp.Or(d.CommentEmail, "required")))
	c.Depth, c.Editable, c.Submissions = d.CommentDepth, d.CommentEdit, d.CommentRate
	return c, err
}

// publishing is who publishes what is told, and where people read it.
type publishing struct {
	PageURL     map[string]string `name:"page-url" env:"STADTGRAPH_PAGE_URLS" placeholder:"TYPE=URL;…" help:"Where people read what feeds, linked data and the sitemap tell of, by type, with {slug}, {id} or {key} where it differs: article=https://example.org/artikel/{slug};municipality=https://example.org/ort/{key}. What has no page is told of without one, and is in no sitemap."`
	HomeURL     string            `name:"home-url" env:"STADTGRAPH_HOME_URL" placeholder:"URL" help:"The page that stands for all of them (default: the address of this server)."`
	Publisher   string            `env:"STADTGRAPH_PUBLISHER" placeholder:"NAME" help:"Who publishes it (default: the name of this server's host)."`
	Contact     string            `env:"STADTGRAPH_CONTACT" placeholder:"ADDRESS" help:"Whom the catalogue of the exports names for questions: an e-mail address, or the URL of a page (default: the home page)."`
	License     string            `env:"STADTGRAPH_LICENSE" placeholder:"LICENSE" help:"Under which licence the content may be used, one of dcat-ap.de/def/licenses such as cc-by/4.0; the register of municipalities keeps its own (default: none)."`
	Contributor string            `env:"STADTGRAPH_CONTRIBUTOR" placeholder:"ID" help:"Who delivers the catalogue to GovData, one of dcat-ap.de/def/contributors; GovData gives these names (default: none)."`
	Territories []string          `env:"STADTGRAPH_TERRITORIES" placeholder:"KEY,…" help:"Official keys of what the content covers, for the catalogue (default: all states)."`
}

// check says what makes no sense.
func (p *publishing) check() error {
	if _, err := site.ParsePages(p.PageURL); err != nil {
		return fmt.Errorf("%w (--page-url, STADTGRAPH_PAGE_URLS)", err)
	}
	if p.HomeURL != "" {
		if err := site.CheckHome(p.HomeURL); err != nil {
			return fmt.Errorf("%w (--home-url, STADTGRAPH_HOME_URL)", err)
		}
	}
	for _, one := range []struct {
		setting string
		terms   linked.Terms
	}{
		{"(--contact, STADTGRAPH_CONTACT)", linked.Terms{Contact: p.Contact}},
		{"(--license, STADTGRAPH_LICENSE)", linked.Terms{Licence: p.License}},
		{"(--contributor, STADTGRAPH_CONTRIBUTOR)", linked.Terms{Contributor: p.Contributor}},
		{"(--territories, STADTGRAPH_TERRITORIES)", linked.Terms{Territories: p.Territories}},
	} {
		if err := one.terms.Check(); err != nil {
			return fmt.Errorf("%w %s", err, one.setting)
		}
	}
	return nil
}

// site is what is published, wherever the API is.
func (p *publishing) site() (site.Site, error) {
	pages, err := site.ParsePages(p.PageURL)
	return site.Site{Home: p.HomeURL, Publisher: p.Publisher, Pages: pages}, err
}

func (p *publishing) terms() linked.Terms {
	return linked.Terms{Contact: p.Contact, Licence: p.License, Contributor: p.Contributor, Territories: p.Territories}
}

// telling is how webhooks tell others of changes.
type telling struct {
	WebhookKeys    []string      `env:"STADTGRAPH_WEBHOOK_KEYS" placeholder:"KEY,…" help:"What encrypts the secrets of webhooks: 32 bytes in base64, as openssl rand -base64 32 makes them. To change it put the new one in front of the old ones. Without any there are no webhooks."`
	WebhookReach   []string      `env:"STADTGRAPH_WEBHOOK_REACH" placeholder:"CIDR,…" help:"Networks that webhooks may reach although they are not public, such as 10.1.2.0/24 (default: none)."`
	WebhookHTTP    bool          `name:"webhook-http" env:"STADTGRAPH_WEBHOOK_HTTP" help:"Lets webhooks go to http:// too, where everybody on the way can read and change what is sent."`
	WebhookProxy   string        `env:"STADTGRAPH_WEBHOOK_PROXY" placeholder:"URL" help:"The proxy that webhooks go through, as in http://proxy.example:3128: it decides what they may reach, instead of --webhook-reach (default: none, whatever HTTPS_PROXY says)."`
	WebhookTimeout time.Duration `default:"15s" env:"STADTGRAPH_WEBHOOK_TIMEOUT" placeholder:"15s" help:"How long a receiver may take to answer a webhook (default: ${default})."`
	KeepDeliveries int           `default:"30" env:"STADTGRAPH_KEEP_DELIVERIES" placeholder:"DAYS" help:"How many days to keep what webhooks have sent, with the answers (default: ${default})."`
}

// check says what makes no sense.
func (t *telling) check() error {
	switch {
	case t.WebhookTimeout < time.Second || t.WebhookTimeout > 30*time.Second:
		return fmt.Errorf("to wait %s for a receiver makes no sense: choose from 1s to 30s (--webhook-timeout, STADTGRAPH_WEBHOOK_TIMEOUT)", t.WebhookTimeout)
	case t.KeepDeliveries < 1 || t.KeepDeliveries > 3650:
		return fmt.Errorf("deliveries for %d days make no sense: choose from 1 to 3650 (--keep-deliveries, STADTGRAPH_KEEP_DELIVERIES)", t.KeepDeliveries)
	}
	_, err := t.config()
	return err
}

func (t *telling) config() (webhook.Config, error) {
	c := webhook.Config{HTTP: t.WebhookHTTP, Timeout: t.WebhookTimeout, Delays: webhook.Delays}
	keys, err := seal.ParseKeys(t.WebhookKeys)
	if err != nil {
		return c, fmt.Errorf("%w (--webhook-keys, STADTGRAPH_WEBHOOK_KEYS)", err)
	}
	c.Keys = seal.NewBox("webhook", keys...)
	if c.Reach, err = networks(t.WebhookReach, "(--webhook-reach, STADTGRAPH_WEBHOOK_REACH)"); err != nil {
		return c, err
	}
	if t.WebhookProxy != "" {
		c.Proxy, err = url.Parse(t.WebhookProxy)
		if err != nil || c.Proxy.Scheme != "http" && c.Proxy.Scheme != "https" || c.Proxy.Host == "" {
			return c, errors.New("the proxy of webhooks is none: write it as http://proxy.example:3128 (--webhook-proxy, STADTGRAPH_WEBHOOK_PROXY)")
		}
	}
	return c, nil
}

// local lets receivers on this machine be told.
func (t *telling) local(key string) {
	t.WebhookKeys, t.WebhookHTTP, t.WebhookReach, t.WebhookProxy = []string{key}, true, []string{"127.0.0.0/8", "::1"}, ""
}

// networks reads a list of networks, of which one may be a single address.
func networks(texts []string, setting string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if a, single := netip.ParseAddr(text); single == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%q is no network: write an address and the length of its prefix, such as 10.0.0.0/8 or 2001:db8::/32 %s", text, setting)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// streaming is how many may follow what happens.
type streaming struct {
	MaxStreams          int `default:"2000" env:"STADTGRAPH_MAX_STREAMS" placeholder:"N" help:"How many WebSockets and streams of events may be open in all (default: ${default})."`
	MaxStreamsPerClient int `default:"200" env:"STADTGRAPH_MAX_STREAMS_PER_CLIENT" placeholder:"N" help:"How many of them from one address, of IPv6 from one /64; behind a proxy that --trusted-proxies does not name, all have its address (default: ${default})."`
}

// check says what makes no sense.
func (s *streaming) check() error {
	switch {
	case s.MaxStreams < 1 || s.MaxStreams > 100_000:
		return fmt.Errorf("%d open streams make no sense: choose from 1 to 100000 (--max-streams, STADTGRAPH_MAX_STREAMS)", s.MaxStreams)
	case s.MaxStreamsPerClient < 1 || s.MaxStreamsPerClient > s.MaxStreams:
		return fmt.Errorf("%d open streams of one client make no sense: choose from 1 to the %d of --max-streams (--max-streams-per-client, STADTGRAPH_MAX_STREAMS_PER_CLIENT)", s.MaxStreamsPerClient, s.MaxStreams)
	}
	return nil
}

func (s *streaming) config() server.Streams {
	return server.Streams{Max: s.MaxStreams, MaxPerClient: s.MaxStreamsPerClient}
}

// exporting is how much may be taken as a whole.
type exporting struct {
	MaxExports int           `default:"4" env:"STADTGRAPH_MAX_EXPORTS" placeholder:"N" help:"How many exports may run at once, half of them for one address; each takes a connection to the database (default: ${default})."`
	ExportTime time.Duration `default:"30m" env:"STADTGRAPH_EXPORT_TIME" placeholder:"30m" help:"How long an export may take, however slowly its client reads (default: ${default})."`
}

// check says what makes no sense.
func (e *exporting) check() error {
	switch {
	case e.MaxExports < 1 || e.MaxExports > 100:
		return fmt.Errorf("%d exports at once make no sense: choose from 1 to 100 (--max-exports, STADTGRAPH_MAX_EXPORTS)", e.MaxExports)
	case e.ExportTime < time.Second || e.ExportTime > 24*time.Hour:
		return fmt.Errorf("%s for an export makes no sense: choose from 1s to 24h (--export-time, STADTGRAPH_EXPORT_TIME)", e.ExportTime)
	}
	return nil
}

func (e *exporting) config(library *export.Library) server.Exports {
	return server.Exports{Library: library, Max: e.MaxExports, Allowed: e.ExportTime}
}

// operating is how much a server takes on, and whom it tells what it does.
type operating struct {
	AdminListen   string        `default:"127.0.0.1:9090" env:"STADTGRAPH_ADMIN_LISTEN" placeholder:"HOST:PORT" help:"Where to answer /metrics for Prometheus and /debug/pprof, to anybody who gets there: no token is asked for; off for nowhere (default: ${default})."`
	MaxInFlight   int           `default:"0" env:"STADTGRAPH_MAX_IN_FLIGHT" placeholder:"N" help:"How many operations of the public run at once, at most as many as pool_max_conns of the database URL allows; those who edit or administer have what is left of it for themselves (default: three quarters of it)."`
	QueueTime     time.Duration `default:"500ms" env:"STADTGRAPH_QUEUE_TIME" placeholder:"500ms" help:"How long an operation waits for its turn when as many run already, before it is told to come again, with status 503 (default: ${default})."`
	SlowStatement time.Duration `default:"500ms" env:"STADTGRAPH_SLOW_STATEMENT" placeholder:"500ms" help:"From when on a statement is slow and logged, with the name of its operation and without its values; 0 logs none (default: ${default})."`
}

// off is an address that nothing listens on.
const off = "off"

// check says what makes no sense.
func (o *operating) check() error {
	if o.AdminListen != off {
		if err := checkListen(o.AdminListen, adminListenSetting); err != nil {
			return err
		}
	}
	switch {
	case o.MaxInFlight < 0:
		return fmt.Errorf("%d operations at once make no sense: choose 1 or more, or 0 for three quarters of the pool (--max-in-flight, STADTGRAPH_MAX_IN_FLIGHT)", o.MaxInFlight)
	case o.QueueTime < 0 || o.QueueTime > 5*time.Second:
		return fmt.Errorf("to wait %s for a turn makes no sense: choose from 0s to 5s (--queue-time, STADTGRAPH_QUEUE_TIME)", o.QueueTime)
	case o.SlowStatement < 0:
		return fmt.Errorf("a statement cannot take %s: choose from when on it is slow, or 0 for never (--slow-statement, STADTGRAPH_SLOW_STATEMENT)", o.SlowStatement)
	}
	return nil
}

// places is how many operations of the public run at once, and how many more of those
// who edit or administer: as many as there are connections, so that a place is one.
func (o *operating) places(connections int) (public, reserved int, err error) {
	public = o.MaxInFlight
	if public == 0 {
		public = max(1, connections-max(1, connections/4))
	}
	if public > connections {
		return 0, 0, fmt.Errorf("%d operations at once need as many connections, and the pool has %d: choose fewer (--max-in-flight, STADTGRAPH_MAX_IN_FLIGHT), or raise pool_max_conns in the database URL", public, connections)
	}
	return public, connections - public, nil
}

// The settings that say where to listen.
const (
	listenSetting      = "(--listen, STADTGRAPH_LISTEN)"
	adminListenSetting = "(--admin-listen, STADTGRAPH_ADMIN_LISTEN)"
)

// limiting is how much may be asked for, and by which documents.
type limiting struct {
	MaxCost         int      `default:"100000" env:"STADTGRAPH_MAX_COST" placeholder:"COST" help:"What one operation may cost; extensions.cost of an answer says what it did (default: ${default})."`
	AnonymousBudget int      `default:"1000000" env:"STADTGRAPH_ANONYMOUS_BUDGET" placeholder:"COST" help:"What all operations without a token may cost that come from one address within a minute, of IPv6 from one /64; 0 for no bound (default: ${default})."`
	TokenBudget     int      `default:"10000000" env:"STADTGRAPH_TOKEN_BUDGET" placeholder:"COST" help:"What all operations with one token may cost within a minute; 0 for no bound. Administrators have none (default: ${default})."`
	TrustedProxies  []string `env:"STADTGRAPH_TRUSTED_PROXIES" placeholder:"CIDR,…" help:"Networks of the proxies before this server, such as 10.0.0.0/8: what they say in X-Forwarded-For or Forwarded is taken for the client's address (default: none)."`

	Documents        string `enum:"open,anonymous-trusted" default:"open" env:"STADTGRAPH_DOCUMENTS" placeholder:"open|anonymous-trusted" help:"Which documents run: open, all of them; anonymous-trusted, without a token only trusted ones (default: ${default})."`
	TrustedDocuments string `env:"STADTGRAPH_TRUSTED_DOCUMENTS" placeholder:"FILE" help:"A manifest whose documents are put on record at the start, as trusted: of Apollo's generate-persisted-query-manifest, the Relay compiler or GraphQL Code Generator."`
	Introspection    string `enum:"on,off" default:"on" env:"STADTGRAPH_INTROSPECTION" placeholder:"on|off" help:"Whether the schema can be read without a token, by introspection and at /schema.graphql (default: ${default})."`
	GraphiQL         string `name:"graphiql" enum:"on,off" default:"on" env:"STADTGRAPH_GRAPHIQL" placeholder:"on|off" help:"Whether GraphiQL is served at / (default: ${default})."`
	Suggestions      string `enum:"on,off" default:"off" env:"STADTGRAPH_SUGGESTIONS" placeholder:"on|off" help:"Whether errors say which field may have been meant, and so what the schema has; on in dev (default: ${default})."`
}

func (l *limiting) policy() graph.Policy {
	return graph.Policy{HideSchema: l.Introspection == "off", Suggest: l.Suggestions == "on", TrustedOnly: l.Documents == "anonymous-trusted"}
}

// sdl is what is served as the schema.
func (l *limiting) sdl() string {
	if l.Introspection == "off" {
		return ""
	}
	return graph.SDL()
}

// check says what makes no sense.
func (l *limiting) check() error {
	if l.MaxCost < 1000 || l.MaxCost > plan.MaxCost {
		return fmt.Errorf("a cost of %d makes no sense: choose from 1000 to %d (--max-cost, STADTGRAPH_MAX_COST)", l.MaxCost, plan.MaxCost)
	}
	for _, b := range []struct {
		budget    int
		flag, env string
	}{{l.AnonymousBudget, "--anonymous-budget", "STADTGRAPH_ANONYMOUS_BUDGET"}, {l.TokenBudget, "--token-budget", "STADTGRAPH_TOKEN_BUDGET"}} {
		if b.budget != 0 && (b.budget < l.MaxCost || b.budget > 1e12) {
			return fmt.Errorf("a budget of %d makes no sense: choose 0 for no bound, or at least the %d that one operation may cost (%s, %s)", b.budget, l.MaxCost, b.flag, b.env)
		}
	}
	_, err := l.budgets()
	return err
}

func (l *limiting) budgets() (server.Budgets, error) {
	proxies, err := networks(l.TrustedProxies, "(--trusted-proxies, STADTGRAPH_TRUSTED_PROXIES)")
	return server.Budgets{Anonymous: l.AnonymousBudget, Token: l.TokenBudget, Proxies: proxies}, err
}

// caching is what is kept of answers, and where.
type caching struct {
	CacheSize   int           `default:"64" env:"STADTGRAPH_CACHE_SIZE" placeholder:"MIB" help:"How much memory answers to the public may take that are kept until something in them changes, in MiB; 0 to read each anew (default: ${default})."`
	CacheMaxAge time.Duration `default:"5s" env:"STADTGRAPH_CACHE_MAX_AGE" placeholder:"5s" help:"For how long browsers and proxies may keep answers to GET without asking again: nobody tells them of changes, unless it is --purge-url. 0s lets them ask each time (default: ${default})."`
	PurgeURL    string        `env:"STADTGRAPH_PURGE_URL" placeholder:"URL" help:"Where to tell the cache of a CDN what to drop: by POST, as tags in JSON and in the header Surrogate-Key, with the token in STADTGRAPH_PURGE_TOKEN (default: nowhere)."`
}

// check says what makes no sense.
func (c *caching) check() error {
	switch {
	case c.CacheSize < 0 || c.CacheSize > 1<<20:
		return fmt.Errorf("a cache of %d MiB makes no sense: choose from 0 to %d (--cache-size, STADTGRAPH_CACHE_SIZE)", c.CacheSize, 1<<20)
	case c.CacheMaxAge < 0 || c.CacheMaxAge > 365*24*time.Hour:
		return fmt.Errorf("keeping answers for %s makes no sense: choose from 0s to 8760h (--cache-max-age, STADTGRAPH_CACHE_MAX_AGE)", c.CacheMaxAge)
	}
	return job.CheckPurgeURL(c.PurgeURL)
}

// purging is how CDNs are told; nil if they are not.
func (c *caching) purging() *job.Purge {
	if c.PurgeURL == "" {
		return nil
	}
	return &job.Purge{URL: c.PurgeURL, Token: os.Getenv("STADTGRAPH_PURGE_TOKEN")} // a flag would be seen by all users of the machine
}

// checkListen says what is wrong with an address to listen on.
func checkListen(address, setting string) error {
	_, port, err := net.SplitHostPort(address)
	if n, portErr := strconv.Atoi(port); err != nil || portErr != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q is no address to listen on: write host and port, such as 127.0.0.1:8080 or 0.0.0.0:8080 %s", address, setting)
	}
	return nil
}

// checkOrigins says what is wrong with the first bad origin.
func checkOrigins(origins []string) error {
	for _, origin := range origins {
		if err := server.CheckOrigin(origin); err != nil {
			return fmt.Errorf("%w (--cors-origins, STADTGRAPH_CORS_ORIGINS)", err)
		}
	}
	return nil
}
