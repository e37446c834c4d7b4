package pglocal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// ErrNotFound means that no Postgres is installed. Its text says how to get one.
var ErrNotFound = errors.New("no Postgres 15 or later was found: install it (Debian, Ubuntu: `apt install postgresql`; " +
	"Fedora: `dnf install postgresql-server postgresql-contrib`; macOS: `brew install postgresql@17`; Windows: the installer from postgresql.org), " +
	"set STADTGRAPH_POSTGRES_BIN to the folder with initdb and postgres, " +
	"or run `stadtgraph serve` with DATABASE_URL for a server that is already there")

// install is a folder with initdb and postgres.
type install struct {
	bin   string
	major int
}

func (i install) program(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(i.bin, name)
}

// Major is the version of the Postgres that Start would use for a new cluster.
func Major(ctx context.Context) (int, error) {
	i, err := choose(ctx, "", "")
	return i.major, err
}

// choose returns the installation for the cluster in data: of the same major
// version if there is a cluster, otherwise the first that is new enough.
func choose(ctx context.Context, bin, data string) (install, error) {
	cluster, err := clusterMajor(data)
	if err != nil {
		return install{}, err
	}
	bin = cmp.Or(bin, os.Getenv("STADTGRAPH_POSTGRES_BIN"))
	dirs := []string{bin}
	if bin == "" {
		dirs = candidates(ctx)
	}

	best := install{}
	for _, dir := range dirs {
		i, err := inspect(ctx, dir)
		switch {
		case err != nil && bin != "":
			return install{}, fmt.Errorf("%s holds no usable Postgres (%w): set STADTGRAPH_POSTGRES_BIN to the folder with initdb and postgres", bin, err)
		case err != nil:
			continue
		case i.major == cluster, cluster == 0 && i.major >= minVersion:
			return i, nil
		case best.major < minVersion: // an old one is kept only for the message
			best = i
		}
	}
	switch {
	case ctx.Err() != nil:
		return install{}, ctx.Err()
	case best.major == 0:
		return install{}, ErrNotFound
	case best.major < minVersion:
		return install{}, fmt.Errorf("the Postgres in %s is version %d: install version %d or later, or set STADTGRAPH_POSTGRES_BIN to one", best.bin, best.major, minVersion)
	case cluster != 0:
		return install{}, fmt.Errorf("%s was made by Postgres %d and %s holds version %d: install Postgres %[2]d, upgrade the data with pg_upgrade, or start afresh with --reset or another --data-dir (nothing was changed)",
			filepath.Dir(data), cluster, best.bin, best.major)
	}
	return best, nil
}

// clusterMajor is 0 where there is no cluster.
func clusterMajor(data string) (int, error) {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the cluster: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s is damaged (%w): start afresh with --reset", filepath.Join(data, "PG_VERSION"), err)
	}
	return major, nil
}

var versionNumber = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

func inspect(ctx context.Context, dir string) (install, error) {
	i := install{bin: dir}
	if _, err := os.Stat(i.program("initdb")); err != nil {
		return i, err
	}
	out, err := exec.CommandContext(ctx, i.program("postgres"), "--version").Output()
	if err != nil {
		return i, err
	}
	match := versionNumber.FindSubmatch(out)
	if match == nil {
		return i, fmt.Errorf("postgres --version says %q", out)
	}
	i.major, err = strconv.Atoi(string(match[1]))
	return i, err
}

// folders are where packages put Postgres.
var folders = []string{
	"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                   // RHEL, Fedora from postgresql.org
	"/usr/lib/postgresql*/bin",                           // openSUSE
	"/usr/local/pgsql/bin",                               // built from source
	"/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew on Apple silicon
	"/usr/local/opt/postgresql@*/bin",                    // Homebrew on Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",    // Homebrew on Linux
	"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
	`C:\Program Files\PostgreSQL\*\bin`,
}

// candidates lists folders in the order in which they deserve trust: what the
// user's shell would run, then where packages put it, newest first.
func candidates(ctx context.Context) []string {
	var dirs []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, name := range []string{"postgres", "initdb"} {
		if path, err := exec.LookPath(name); err == nil {
			// A lone link in /usr/local/bin says where its siblings are.
			if path, err = filepath.EvalSymlinks(path); err == nil {
				dirs = append(dirs, filepath.Dir(path))
			}
		}
	}
	for _, pattern := range folders {
		found, _ := filepath.Glob(pattern)
		slices.SortFunc(found, func(a, b string) int { return cmp.Compare(number(b), number(a)) })
		dirs = append(dirs, found...)
	}
	return dirs
}

var digits = regexp.MustCompile(`\d+`)

// number reads the version from a path, so that 9 sorts below 17.
func number(path string) int {
	n, _ := strconv.Atoi(digits.FindString(path))
	return n
}
