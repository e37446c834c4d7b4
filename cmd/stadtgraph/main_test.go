package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/graph"
	"stadtgraph/internal/pgtest"
)

// programVariable makes the test binary the program itself.
const programVariable = "STADTGRAPH_TEST_IS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// program is a command that has not been started. Settings of whoever runs the
// tests do not reach it.
func program(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if name != "DATABASE_URL" && (!strings.HasPrefix(name, "STADTGRAPH_") || name == "STADTGRAPH_POSTGRES_BIN") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	// Several run at once, on one machine.
	cmd.Env = append(append(cmd.Env, programVariable+"=1", "STADTGRAPH_ADMIN_LISTEN=off"), env...)
	return cmd
}

// result is what a command left.
type result struct {
	code           int
	stdout, stderr string
}

func runProgram(t *testing.T, env []string, args ...string) result {
	t.Helper()
	cmd := program(t, env, args...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	failure := cmd.Run()
	var exit *exec.ExitError
	if failure != nil && !errors.As(failure, &exit) {
		t.Fatal(failure)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), err.String()}
}

// complaint checks that a command failed with one line of our own, and gives it.
func (r result) complaint(t *testing.T, code int) string {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(r.stderr, "\n"), "\n")
	want := 1
	if code == exitUsage {
		want = 2 // and how to find help
	}
	last := lines[max(0, len(lines)-want)]
	if r.code != code || !strings.HasPrefix(last, "stadtgraph: ") || strings.Contains(r.stderr, "goroutine") {
		t.Fatalf("got code %d and\n%s\nwant code %d and one line", r.code, r.stderr, code)
	}
	return last
}

func TestUsage(t *testing.T) {
	t.Parallel()
	database := []string{"DATABASE_URL=postgres://u@h/d"}
	for _, c := range []struct {
		args string
		env  []string
		want string
	}{
		{"", nil, "dev"},
		{"nonsense", nil, "nonsense"},
		{"dev --nonsense", nil, "--nonsense"},
		{"dev surplus", nil, "surplus"},
		{"dev --listen nonsense", nil, "host and port"},
		{"dev --listen 127.0.0.1:99999", nil, "host and port"},
		{"dev --listen 127.0.0.1:http", nil, "host and port"},
		{"dev", []string{"STADTGRAPH_LISTEN=nonsense"}, "STADTGRAPH_LISTEN"},
		{"serve", nil, "DATABASE_URL"},
		{"serve", []string{"DATABASE_URL="}, "DATABASE_URL"},
		{"serve --listen :x", database, "host and port"},
		{"serve --cors-origins example.org", database, "STADTGRAPH_CORS_ORIGINS"},
		{"serve --public-url api.example.org", database, "STADTGRAPH_PUBLIC_URL"},
		{"serve --page-url article=/artikel/{slug}", database, "STADTGRAPH_PAGE_URLS"},
		{"serve --home-url example.org", database, "STADTGRAPH_HOME_URL"},
		{"serve --contact nobody", database, "STADTGRAPH_CONTACT"},
		{"serve --license CC:BY", database, "STADTGRAPH_LICENSE"},
		{"serve --territories 9461", database, "STADTGRAPH_TERRITORIES"},
		{"serve", append([]string{"STADTGRAPH_CORS_ORIGINS=https://a.example,https://b.example/app"}, database...), `"https://b.example/app" is no origin`},
		{"serve --shutdown-delay=-1s", database, "makes no sense"},
		{"serve --admin-listen nonsense", database, "STADTGRAPH_ADMIN_LISTEN"},
		{"serve --max-in-flight=-1", database, "STADTGRAPH_MAX_IN_FLIGHT"},
		{"serve --queue-time 1h", database, "STADTGRAPH_QUEUE_TIME"},
		{"serve --slow-statement=-1s", database, "STADTGRAPH_SLOW_STATEMENT"},
		{"serve --max-cost 7", database, "a cost of 7 makes no sense"},
		{"serve --max-cost 1000000", database, "choose from 1000 to 100000"},
		{"serve --anonymous-budget 5000", database, "a budget of 5000 makes no sense"},
		{"serve", append([]string{"STADTGRAPH_TOKEN_BUDGET=-1"}, database...), "STADTGRAPH_TOKEN_BUDGET"},
		{"serve --trusted-proxies 10.0.0.0/8,proxy.example", database, `"proxy.example" is no network`},
		{"serve --comment-keys=geheim", database, "openssl rand -base64 32"},
		{"serve --comment-email=required", database, "STADTGRAPH_COMMENT_KEYS"},
		{"serve --comment-depth=10", database, "choose from 0 to 9"},
		{"serve --comment-rate=0", database, "make no sense"},
		{"serve --keep-emails=-1", database, "make no sense"},
		{"serve --shutdown-delay soon", database, "shutdown-delay"},
		{"migrate", nil, "up"},
		{"migrate up", nil, "DATABASE_URL"},
		{"migrate down", database, "<n>"},
		{"migrate down two", database, "two"},
		{"migrate force", database, "<v>"},
		{"migrate force -1", database, "-1"},
		{"import", nil, "register"},
		{"import register", nil, "DATABASE_URL"},
		{"import register a b", database, "b"},
		{"import ndjson", nil, "DATABASE_URL"},
		{"import ndjson", database, "<file>"},
		{"import ndjson - --errors ignore", database, "errors"},
		{"import ndjson - --errors stop --all", database, "contradict"},
		{"schema surplus", nil, "surplus"},
		{"token", nil, "create"},
		{"token list", nil, "DATABASE_URL"},
		{"token create", database, "--name"},
		{"token create --name a --role EDITOR", database, "--expires"},
		{"token create --name a --role BOSS --expires 1d", database, `"BOSS" is no role`},
		{"token create --name a --role EDITOR --expires soon", database, "--expires"},
		{"token create --name a --role EDITOR --expires 0d", database, "not to come"},
		{"token create --name a --role EDITOR --expires 2020-01-01", database, "is past"},
		{"token revoke", database, "id-or-name"},
	} {
		got := runProgram(t, c.env, strings.Fields(c.args)...)
		if line := got.complaint(t, exitUsage); !strings.Contains(line, c.want) || got.stdout != "" {
			t.Errorf("%s: got %q %q, want %q", c.args, line, got.stdout, c.want)
		}
		if !strings.Contains(got.stderr, "--help") {
			t.Errorf("%s: %q does not say where help is", c.args, got.stderr)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"dev", "serve", "migrate up", "migrate down", "migrate status", "migrate force", "import register", "import ndjson", "import csv", "schema", "doctor",
		"token create", "token list", "token revoke"} {
		got := runProgram(t, nil, append(strings.Fields(command), "--help")...)
		if got.code != exitOK || !strings.Contains(got.stdout, "Example") || !strings.Contains(got.stdout, "stadtgraph "+command) || got.stderr != "" {
			t.Errorf("%s --help: got %+v, want an example", command, got)
		}
	}
	if got := runProgram(t, nil, "--help"); got.code != exitOK || !strings.Contains(got.stdout, "doctor") {
		t.Errorf("--help: got %+v", got)
	}
	// Every setting is in one place.
	got := runProgram(t, nil, "serve", "--help")
	for _, setting := range []string{"$DATABASE_URL", "$STADTGRAPH_LISTEN", "$STADTGRAPH_CORS_ORIGINS"} {
		if !strings.Contains(strings.Join(strings.Fields(got.stdout), " "), setting) {
			t.Errorf("serve --help does not name %s", setting)
		}
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	if got := runProgram(t, nil, "schema"); got.code != exitOK || got.stdout != graph.SDL() {
		t.Errorf("got code %d, %d bytes, %s", got.code, len(got.stdout), got.stderr)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=" + pgtest.URL(t)}
	latest := regexp.MustCompile(`at version (\d+), the latest`)
	check := func(want *regexp.Regexp, args ...string) []string {
		t.Helper()
		got := runProgram(t, env, append([]string{"migrate"}, args...)...)
		match := want.FindStringSubmatch(got.stdout)
		if got.code != exitOK || match == nil {
			t.Fatalf("%s: got %+v, want %s", args, got, want)
		}
		return match
	}
	version := check(latest, "status")[1]
	steps := strings.Count(runProgram(t, env, "migrate", "status").stdout, "applied ") // numbers may be left out
	check(regexp.MustCompile(`at version 0, \d+ pending up to `+version), "down", strconv.Itoa(steps))
	check(regexp.MustCompile(`pending 000001_`), "status")
	check(latest, "up")
	check(latest, "up")
	check(regexp.MustCompile(`1 pending`), "down", "1")
	check(latest, "up")
	check(regexp.MustCompile(`at version 1,`), "force", "1")
	check(latest, "force", version)

	if got := runProgram(t, env, "migrate", "down", "1000").complaint(t, exitFailed); !strings.Contains(got, "choose from 1 to") {
		t.Errorf("got %q", got)
	}
	if got := runProgram(t, nil, "migrate", "up", "--database-url", "postgres://u:hunter2@127.0.0.1:1/d").complaint(t, exitFailed); !strings.Contains(got, "nothing answers") || strings.Contains(got, "hunter2") {
		t.Errorf("got %q", got)
	}
}

func TestImportRegister(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=" + pgtest.URL(t)}
	check := func(want string, args ...string) result {
		t.Helper()
		got := runProgram(t, env, append([]string{"import", "register"}, args...)...)
		if got.code != exitOK || !strings.Contains(got.stdout, want) {
			t.Fatalf("%s: got code %d\n%s\n%s\nwant %q", args, got.code, got.stdout, got.stderr, want)
		}
		return got
	}
	if got := check("dry run", "--dry-run"); !strings.Contains(got.stdout, " created") || strings.Contains(got.stdout, "): 0 created") {
		t.Errorf("dry run: got %s", got.stdout)
	}
	first := check("0 missing, 0 unchanged") // nothing is there after the dry run
	if !strings.Contains(first.stderr, "Importing the register: ") || strings.Contains(first.stderr, "\r") {
		t.Errorf("progress: got %q", first.stderr)
	}
	check("): 0 created, 0 renamed, 0 changed, 0 missing, ")

	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.txt")
	if err := os.WriteFile(broken, []byte("1020240131 this is no register\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{broken, filepath.Join(dir, "nothing.txt"), dir} {
		got := runProgram(t, env, "import", "register", file)
		if line := got.complaint(t, exitFailed); !strings.Contains(line, file) || got.stdout != "" {
			t.Errorf("got %q %q, want a line about %s", line, got.stdout, file)
		}
	}
	check("): 0 created, 0 renamed, 0 changed, 0 missing, ") // they changed nothing
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	env := []string{"DATABASE_URL=" + url}
	sick := runProgram(t, env, "doctor")
	if line := sick.complaint(t, exitFailed); !strings.Contains(line, "one thing is wrong") || !strings.Contains(sick.stdout, "stadtgraph import register") {
		t.Errorf("no register: got %+v", sick)
	}
	db, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	if _, err := db.Exec(t.Context(), `INSERT INTO dataset (name, as_of, attribution, license) VALUES ('gv100ad', '2023-11-30', 'a', 'l')`); err != nil {
		t.Fatal(err)
	}
	if got := runProgram(t, env, "doctor"); got.code != exitOK || strings.Contains(got.stdout, "FAIL") || got.stderr != "" {
		t.Errorf("well: got %+v", got)
	}
	for _, args := range [][]string{{"--listen", "nonsense"}, {"--cors-origins", "nonsense"}, {"--database-url", "nonsense"}, {"--database-url", ""}} {
		got := runProgram(t, env, append([]string{"doctor"}, args...)...)
		got.complaint(t, exitFailed)
		if !strings.Contains(got.stdout, "FAIL") {
			t.Errorf("%s: got %+v", args, got)
		}
	}
}

// TestToken: a token goes from a shell to a server that knows nothing of it, and back.
func TestToken(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	env := []string{"DATABASE_URL=" + url}
	token := func(args ...string) result {
		t.Helper()
		return runProgram(t, env, append([]string{"token"}, args...)...)
	}
	if got := token("list"); got.code != exitOK || got.stdout != "" || !strings.Contains(got.stderr, "token create") {
		t.Errorf("none: got %+v", got)
	}
	made := token("create", "--name", "newsroom import", "--role", "editor", "--expires", "90d")
	secret := strings.TrimSuffix(made.stdout, "\n")
	if made.code != exitOK || !regexp.MustCompile(`^sgt_[0-9a-hjkmnp-tv-z]{58}$`).MatchString(secret) {
		t.Fatalf("got %+v", made)
	}
	id := regexp.MustCompile(`api_token_\w+`).FindString(made.stderr)
	if strings.Contains(made.stderr, secret[4:]) || id == "" || strings.Count(made.stderr, "\n") != 1 {
		t.Errorf("beside it: %q", made.stderr)
	}
	for want, args := range map[string][]string{
		"is there already":       {"--name", "newsroom import", "--role", "READER", "--expires", "never"},
		"(--territory)":          {"--name", "a", "--role", "EDITOR", "--expires", "1d", "--territory", "09461000"},
		"10 years":               {"--name", "a", "--role", "EDITOR", "--expires", "2999-01-01"},
		"not limited":            {"--name", "a", "--role", "ADMIN", "--expires", "1d", "--territory", "09"},
		"needs a name":           {"--name", " ", "--role", "ADMIN", "--expires", "1d"},
		"cannot be shown; leave": {"--name", "a\nb", "--role", "ADMIN", "--expires", "1d"},
	} {
		got := token(append([]string{"create"}, args...)...)
		if line := got.complaint(t, exitFailed); !strings.Contains(line, want) || !strings.Contains(line, "(--") || got.stdout != "" {
			t.Errorf("%q: got %q", args, line)
		}
	}
	if got := token("list"); !regexp.MustCompile(`newsroom import +EDITOR +`+secret[:10]+` +good +2\S+Z +never +- +`+id).MatchString(got.stdout) || strings.Contains(got.stdout, secret) {
		t.Errorf("list: got %s", got.stdout)
	}
	if got := token("revoke", "newsroom"); !strings.Contains(got.complaint(t, exitFailed), `"newsroom"`) {
		t.Errorf("revoke nothing: got %+v", got)
	}
	if got := token("revoke", "newsroom import"); got.code != exitOK || got.stdout != "" {
		t.Errorf("revoke: got %+v", got)
	}
	if got := token("revoke", id); got.code != exitOK {
		t.Errorf("again: got %+v", got)
	}
	if got := token("list"); !strings.Contains(got.stdout, "revoked") {
		t.Errorf("list: got %s", got.stdout)
	}
	if got := token("create", "--name", "newsroom import", "--role", "ADMIN", "--expires", "never"); got.code != exitOK {
		t.Errorf("the name is free again: got %+v", got)
	}
	if got := runProgram(t, env, "migrate", "down", "1"); got.code != exitOK {
		t.Fatal(got)
	}
	if got := token("list"); !strings.Contains(got.complaint(t, exitFailed), "migrate up") {
		t.Errorf("an old database: got %+v", got)
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC) // the day before the clocks change
	for when, want := range map[string]string{
		"12h": "2026-03-29T00:00:00Z", "1d": "2026-03-29T12:00:00Z", "2026-03-28": "2026-03-28T23:00:00Z", "2026-03-29": "2026-03-29T22:00:00Z",
		"2026-03-27": "", "1": "", "-1d": "", "0h": "", "1w": "", "99999d": "", "2026-02-30": "", "": "",
	} {
		got, err := expiry(when, now)
		if want == "" && err == nil || want != "" && (err != nil || got.UTC().Format(time.RFC3339) != want) {
			t.Errorf("%q: got %v, %v, want %q", when, got, err, want)
		}
	}
	if got, err := expiry("never", now); got != nil || err != nil {
		t.Errorf("never: got %v, %v", got, err)
	}
}

// dataDir can be reached by the user that Postgres runs as, which t.TempDir
// cannot.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "stadtgraph-") // a killed process loses nothing there either
	if err != nil {
		dir, err = os.MkdirTemp("", "stadtgraph-")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "data")
}

// process is a running dev or serve.
type process struct {
	cmd    *exec.Cmd
	out    *bufio.Reader
	stdout strings.Builder
	stderr journal
	base   string
}

// journal is what a process has written so far.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func startDev(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: program(t, nil, append([]string{"dev", "--listen", "127.0.0.1:0"}, args...)...)}
	p.start(t)
	address := regexp.MustCompile(`GraphiQL +(http://\S+)/`)
	for p.base == "" {
		line, err := p.out.ReadString('\n')
		if err != nil {
			_ = p.cmd.Wait()
			t.Fatalf("it ended: %v\n%s%s", err, &p.stdout, &p.stderr)
		}
		p.stdout.WriteString(line)
		if match := address.FindStringSubmatch(line); match != nil {
			p.base = match[1]
		}
	}
	for !strings.Contains(p.stdout.String(), "Ctrl-C") { // the last line
		line, err := p.out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		p.stdout.WriteString(line)
	}
	return p
}

func (p *process) start(t *testing.T) {
	t.Helper()
	pipe, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(pipe)
	p.cmd.Stderr = &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		_ = p.cmd.Wait()
	})
}

// end sends a signal and gives the exit code.
func (p *process) end(t *testing.T, signal os.Signal) int {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(&p.stdout, p.out)
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

// database is the URL in the line for psql.
func (p *process) database(t *testing.T) string {
	t.Helper()
	match := regexp.MustCompile(`psql '(.+)'`).FindStringSubmatch(p.stdout.String())
	if match == nil {
		t.Fatalf("no line for psql in\n%s", &p.stdout)
	}
	return match[1]
}

// metrics are what Prometheus would see.
func (p *process) metrics(t *testing.T) string {
	t.Helper()
	match := regexp.MustCompile(`(?m)^  Metrics +(http://127\.0\.0\.1:\d+/metrics)$`).FindStringSubmatch(p.stdout.String())
	if match == nil {
		t.Fatalf("no line for metrics in\n%s", &p.stdout)
	}
	return fetch(t, match[1])
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", url, r.Status, text, err)
	}
	return string(text)
}

// token is the one that dev prints; the line for curl shows the same, and it works.
func (p *process) token(t *testing.T) string {
	t.Helper()
	token := regexp.MustCompile(`(?m)^  Token +(sgt_\S+)$`).FindStringSubmatch(p.stdout.String())
	curl := regexp.MustCompile(`(?m)^  curl (\S+) -H 'Content-Type: application/json' -H 'Authorization: Bearer (sgt_\S+)' -d '(.+)'$`).FindStringSubmatch(p.stdout.String())
	if token == nil || curl == nil || curl[2] != token[1] {
		t.Fatalf("no token, or another one for curl, in\n%s", &p.stdout)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, curl[1], strings.NewReader(curl[3]))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+curl[2])
	r, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	answer, err := io.ReadAll(r.Body)
	if err != nil || !strings.Contains(string(answer), `"role":"ADMIN"`) {
		t.Errorf("curl: got %s, %v", answer, err)
	}
	return token[1]
}

// ask gives the answer to a query.
// ask gives the answer without its cost.
func ask(t *testing.T, base, query string) string {
	t.Helper()
	data, _, priced := strings.Cut(askWhole(t, base, query), `,"extensions":{"cost":`)
	if priced {
		data += "}"
	}
	return data
}

func askWhole(t *testing.T, base, query string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.Post(base+"/graphql", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	answer, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// fromReadme is the query that README.md shows, and its answer.
func fromReadme(t *testing.T) (query, answer string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	sent := regexp.MustCompile(`-d '(\{.+\})'`).FindSubmatch(text)
	shown := regexp.MustCompile("(?s)```json\n(.+?)\n```").FindSubmatch(text)
	if sent == nil || shown == nil {
		t.Fatal("README.md shows no query, or no answer")
	}
	var request struct{ Query string }
	if err := json.Unmarshal(sent[1], &request); err != nil {
		t.Fatal(err)
	}
	return request.Query, string(shown[1])
}

// Everything that a first visitor meets: one command, real data, kept whatever
// ends the process.
func TestDev(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	p := startDev(t, "--data-dir", dir)
	const everything = `{
		byKey: municipality(key: "09461000") { id name state { name } population strategies { nodes { title status } } }
		byDistrict: municipality(key: "09461") { id }
		municipalities { totalCount }
		both: municipalities(filter: {level: {in: [MUNICIPALITY, UNINCORPORATED_AREA]}}) { totalCount }
		fundingProgram(slug: "modellprojekte-smart-cities") { title awards { totalCount } }
	}`
	first := ask(t, p.base, everything)
	for _, want := range []string{`"name":"Bamberg","state":{"name":"Bayern"}`, `"status":"PRESENTED"`, `"municipalities":{"totalCount":10773}`,
		`"both":{"totalCount":10981}`, `{"title":"Modellprojekte Smart Cities","awards":{"totalCount":73}}`} {
		if !strings.Contains(first, want) {
			t.Errorf("the first answer %s lacks %s", first, want)
		}
	}
	if id := regexp.MustCompile(`municipality_\w+`).FindAllString(first, -1); len(id) != 2 || id[0] != id[1] {
		t.Errorf("the city under its two keys: %s", first)
	}

	for _, want := range []string{`stadtgraph_graphql_operation_duration_seconds_count{operation="(unnamed)",type="query"} 1`, `stadtgraph_pool_max_connections{pool="reading"}`, "stadtgraph_database_up 1"} {
		if got := p.metrics(t); !strings.Contains(got, want) {
			t.Errorf("metrics lack %s:\n%s", want, got)
		}
	}

	token := p.token(t)
	kept := filepath.Join(dir, "admin-token")
	if info, err := os.Stat(kept); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v", kept, info.Mode(), err)
	}

	query, answer := fromReadme(t)
	if got := askWhole(t, p.base, query); got != answer {
		t.Errorf("README.md promises\n%s\nand the answer is\n%s", answer, got)
	}

	// A second one would spoil the data, and says so.
	if got := runProgram(t, nil, "dev", "--listen", "127.0.0.1:0", "--data-dir", dir).complaint(t, exitFailed); !strings.Contains(got, "in use by process") {
		t.Errorf("a second one: got %q", got)
	}

	// kill -9 loses nothing that was acknowledged.
	db, err := pgx.Connect(t.Context(), p.database(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), `UPDATE municipality SET seat = 'kept' WHERE key = '09461000'`); err != nil {
		t.Fatal(err)
	}
	_ = db.Close(t.Context())
	p.end(t, os.Kill)

	start := time.Now()
	p = startDev(t, "--data-dir", dir)
	t.Logf("after kill -9: ready after %s", time.Since(start).Round(time.Millisecond))
	if strings.Contains(p.stderr.String(), "Loading") {
		t.Errorf("it loaded again:\n%s", &p.stderr)
	}
	if again := ask(t, p.base, everything); again != first {
		t.Errorf("after kill -9: got %s\nwant %s", again, first)
	}
	if again := p.token(t); again != token {
		t.Error("after kill -9: it has another token")
	}
	if got := runProgram(t, []string{"DATABASE_URL=" + p.database(t)}, "token", "revoke", "stadtgraph dev"); got.code != exitOK {
		t.Errorf("got %+v", got)
	}
	if got := ask(t, p.base, `{ municipality(key: "09461000") { seat } }`); !strings.Contains(got, `"kept"`) {
		t.Errorf("after kill -9: got %s", got)
	}

	// Ctrl-C stops everything.
	if code := p.end(t, os.Interrupt); code != exitOK {
		t.Errorf("Ctrl-C: code %d\n%s", code, &p.stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Postgres still runs: %v", err)
	}
	start = time.Now()
	p = startDev(t, "--data-dir", dir)
	t.Logf("after Ctrl-C: ready after %s", time.Since(start).Round(time.Millisecond))
	if again := ask(t, p.base, everything); again != first {
		t.Errorf("after Ctrl-C: got %s\nwant %s", again, first)
	}
	second := p.token(t)
	if second == token {
		t.Error("the token that was revoked is printed again")
	}
	if code := p.end(t, syscall.SIGTERM); code != exitOK {
		t.Errorf("SIGTERM: code %d\n%s", code, &p.stderr)
	}

	p = startDev(t, "--data-dir", dir, "--reset", "--empty")
	if got := ask(t, p.base, `{ municipalities { totalCount } states { totalCount } }`); got != `{"data":{"municipalities":{"totalCount":0},"states":{"totalCount":0}}}` {
		t.Errorf("after --reset --empty: got %s", got)
	}
	if again := p.token(t); again == second {
		t.Error("after --reset: it has the same token")
	}

	// Without its Postgres it ends, rather than answer with errors for ever.
	pid, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	number, _, _ := strings.Cut(string(pid), "\n")
	postmaster, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(postmaster)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(&p.stdout, p.out)
	_ = p.cmd.Wait()
	if code := p.cmd.ProcessState.ExitCode(); code != exitFailed || !strings.Contains(p.stderr.String(), "Postgres has ended") {
		t.Errorf("without Postgres: code %d\n%s", code, &p.stderr)
	}
}

// A first start that is interrupted leaves nothing half done.
func TestDevInterrupted(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	p := &process{cmd: program(t, nil, "dev", "--listen", "127.0.0.1:0", "--data-dir", dir)}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	var last string
	interrupted := false
	for lines.Scan() {
		last = lines.Text()
		if strings.Contains(last, "Loading the register") && !interrupted {
			interrupted = true
			if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = p.cmd.Wait()
	if code := p.cmd.ProcessState.ExitCode(); code != exitFailed || last != "stadtgraph: interrupted" {
		t.Errorf("got code %d, %q", code, last)
	}
	p = startDev(t, "--data-dir", dir)
	if got := ask(t, p.base, `{ municipalities { totalCount } fundingProgram(slug: "modellprojekte-smart-cities") { awards { totalCount } } }`); got != `{"data":{"municipalities":{"totalCount":10773},"fundingProgram":{"awards":{"totalCount":73}}}}` {
		t.Errorf("got %s", got)
	}
}

// What keeps dev from starting is one sentence, and nothing is touched.
func TestDevRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	foreign := dataDir(t)
	if err := os.MkdirAll(foreign, 0o755); err != nil {
		t.Fatal(err)
	}
	letter := filepath.Join(foreign, "letter.txt")
	if err := os.WriteFile(letter, []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := dataDir(t)
	if err := os.MkdirAll(filepath.Join(other, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"stadtgraph.lock": "", "data/PG_VERSION": "9\n"} {
		if err := os.WriteFile(filepath.Join(other, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		dir  string
		env  []string
		args []string
		want string
	}{
		"port in use":               {dataDir(t), nil, []string{"--listen", taken.Addr().String()}, "is in use: stop what listens there"},
		"no such address":           {dataDir(t), nil, []string{"--listen", "192.0.2.1:8080"}, "--listen"},
		"no Postgres":               {dataDir(t), []string{"STADTGRAPH_POSTGRES_BIN=/nowhere"}, nil, "STADTGRAPH_POSTGRES_BIN"},
		"not a folder":              {filepath.Join(letter, "data"), nil, nil, "--data-dir"},
		"other files":               {foreign, nil, nil, "holds other files"},
		"other files, to be reset":  {foreign, nil, []string{"--reset"}, "is left alone"},
		"another version's cluster": {other, nil, nil, "was made by Postgres 9"},
	} {
		if runtime.GOOS == "windows" && name == "not a folder" {
			continue
		}
		args := append([]string{"dev", "--data-dir", c.dir}, c.args...)
		if !strings.Contains(strings.Join(args, " "), "--listen") {
			args = append(args, "--listen", "127.0.0.1:0")
		}
		got := runProgram(t, c.env, args...)
		if line := got.complaint(t, exitFailed); !strings.Contains(line, c.want) || got.stdout != "" {
			t.Errorf("%s: got %q %q, want %q", name, line, got.stdout, c.want)
		}
		if strings.HasPrefix(name, "port") {
			if _, err := os.Stat(c.dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: the data directory was touched: %v", name, err)
			}
		}
	}
	if text, err := os.ReadFile(letter); string(text) != "dear" {
		t.Errorf("the letter is %q, %v", text, err)
	}
	if os.Getuid() != 0 { // who may write everywhere
		closed := filepath.Dir(dataDir(t))
		if err := os.Chmod(closed, 0o500); err != nil {
			t.Fatal(err)
		}
		got := runProgram(t, nil, "dev", "--listen", "127.0.0.1:0", "--data-dir", filepath.Join(closed, "data"))
		if line := got.complaint(t, exitFailed); !strings.Contains(line, "cannot be written") {
			t.Errorf("a closed folder: got %q", line)
		}
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	if got := runProgram(t, []string{"DATABASE_URL=" + url}, "migrate", "down", "1"); got.code != exitOK {
		t.Fatalf("got %+v", got)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") // to find a free port
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	serve := func(args ...string) *process {
		p := &process{base: "http://" + address, cmd: program(t, []string{"DATABASE_URL=" + url, "STADTGRAPH_LISTEN=" + address,
			"STADTGRAPH_CORS_ORIGINS=https://a.example,https://b.example"}, append([]string{"serve"}, args...)...)}
		p.start(t)
		for deadline := time.Now().Add(30 * time.Second); ; {
			r, err := http.Get(p.base + "/livez")
			if err == nil {
				r.Body.Close()
				return p
			}
			if time.Now().After(deadline) {
				t.Fatalf("it does not serve: %v", err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	ready := func(p *process) int {
		r, err := http.Get(p.base + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		return r.StatusCode
	}

	p := serve()
	if got := ready(p); got != http.StatusServiceUnavailable {
		t.Errorf("with a migration pending: readyz is %d", got)
	}
	if code := p.end(t, syscall.SIGTERM); code != exitOK {
		t.Errorf("SIGTERM: code %d\n%s", code, &p.stderr)
	}

	admin := freeAddress(t)
	p = serve("--migrate", "--admin-listen", admin)
	if got := fetch(t, "http://"+admin+"/metrics"); !strings.Contains(got, "stadtgraph_database_up 1") {
		t.Errorf("metrics: %s", got)
	}
	if got := fetch(t, "http://"+admin+"/debug/pprof/goroutine?debug=1"); !strings.Contains(got, "goroutine profile:") {
		t.Errorf("pprof: %s", got)
	}
	for _, path := range []string{"/metrics", "/debug/pprof/"} {
		if r, err := http.Get(p.base + path); err != nil || r.StatusCode != http.StatusNotFound {
			t.Errorf("%s is public: %v", path, err)
		}
	}
	if got := ready(p); got != http.StatusOK {
		t.Errorf("after --migrate: readyz is %d", got)
	}
	if got := ask(t, p.base, "{ states { totalCount } }"); got != `{"data":{"states":{"totalCount":0}}}` {
		t.Errorf("got %s", got)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+"/livez", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", "https://b.example")
	r, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if got := r.Header.Get("Access-Control-Allow-Origin"); got != "https://b.example" {
		t.Errorf("the second origin of the list: got %q", got)
	}
	if code := p.end(t, syscall.SIGTERM); code != exitOK {
		t.Errorf("SIGTERM: code %d", code)
	}
	for line := range strings.Lines(p.stderr.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("the log has a line that is no JSON: %s", line)
		}
	}

	if got := runProgram(t, nil, "serve", "--listen", "127.0.0.1:0", "--database-url", "postgres://u:hunter2@127.0.0.1:1/d").complaint(t, exitFailed); !strings.Contains(got, "nothing answers") || strings.Contains(got, "hunter2") {
		t.Errorf("no database: got %q", got)
	}
	if got := runProgram(t, nil, "serve", "--listen", "127.0.0.1:0", "--database-url", url+"&pool_max_conns=4", "--max-in-flight", "5").complaint(t, exitFailed); !strings.Contains(got, "pool_max_conns") {
		t.Errorf("more at once than connections: got %q", got)
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	if got := runProgram(t, nil, "serve", "--listen", "127.0.0.1:0", "--admin-listen", busy.Addr().String(), "--database-url", url).complaint(t, exitFailed); !strings.Contains(got, "is in use") || !strings.Contains(got, "--admin-listen") {
		t.Errorf("an admin port in use: got %q", got)
	}
	if got := runProgram(t, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, "serve", "--listen", "127.0.0.1:0", "--database-url", url).complaint(t, exitFailed); !strings.Contains(got, "http/protobuf") {
		t.Errorf("a way of sending traces that is not supported: got %q", got)
	}
	if got := runProgram(t, nil, "serve", "--listen", "127.0.0.1:0", "--database-url", url+"&default_query_exec_mode=exec").complaint(t, exitFailed); !strings.Contains(got, "exec mode") {
		t.Errorf("an exec mode that is not supported: got %q", got)
	}
}
