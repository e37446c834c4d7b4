// Package composecheck reads docker-compose.yml as Docker would, and the
// Dockerfile beside it, and checks what they promise: no engine is needed.
package composecheck

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = "../.."

func load(t *testing.T, env ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, cli.WithEnv(env))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func service(t *testing.T, project *types.Project, name string) types.ServiceConfig {
	t.Helper()
	s, err := project.GetService(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func env(t *testing.T, s types.ServiceConfig, name string) string {
	t.Helper()
	v := s.Environment[name]
	if v == nil {
		t.Fatalf("%s: %s is not set", s.Name, name)
	}
	return *v
}

func TestServices(t *testing.T) {
	project := load(t)
	got := project.ServiceNames()
	slices.Sort(got)
	if want := []string{"api", "db", "register"}; !slices.Equal(got, want) {
		t.Errorf("services %q, want %q", got, want)
	}
	for _, name := range []string{"api", "db"} {
		if s := service(t, project, name); s.Restart != types.RestartPolicyUnlessStopped {
			t.Errorf("%s: restart %q", name, s.Restart)
		}
	}
}

func TestDatabase(t *testing.T) {
	project := load(t)
	db := service(t, project, "db")
	if !strings.HasPrefix(db.Image, "postgres:17") {
		t.Errorf("image %q, want Postgres 17's official one", db.Image)
	}
	if db.HealthCheck == nil || !slices.Contains(db.HealthCheck.Test, "pg_isready") {
		t.Errorf("health check %+v, want pg_isready", db.HealthCheck)
	}
	if len(db.Ports) != 0 {
		t.Errorf("the database's port is published: %+v", db.Ports)
	}
	// Where the official image of this major version keeps its data.
	if len(db.Volumes) != 1 || db.Volumes[0].Type != types.VolumeTypeVolume || db.Volumes[0].Target != "/var/lib/postgresql/data" {
		t.Fatalf("volumes %+v", db.Volumes)
	}
	if _, ok := project.Volumes[db.Volumes[0].Source]; !ok {
		t.Errorf("volume %q is not declared", db.Volumes[0].Source)
	}
}

func TestAPI(t *testing.T) {
	for _, password := range []string{"", "other"} {
		var vars []string
		if password != "" {
			vars = []string{"POSTGRES_PASSWORD=" + password}
		}
		project := load(t, vars...)
		api, db := service(t, project, "api"), service(t, project, "db")
		if api.Build == nil || api.Build.Dockerfile != "Dockerfile" {
			t.Fatalf("build %+v, want the Dockerfile", api.Build)
		}
		if got := api.DependsOn["db"].Condition; got != types.ServiceConditionHealthy {
			t.Errorf("depends on db: %q, want %q", got, types.ServiceConditionHealthy)
		}
		database, err := url.Parse(env(t, api, "DATABASE_URL"))
		if err != nil {
			t.Fatal(err)
		}
		secret, _ := database.User.Password()
		if database.Hostname() != "db" || database.User.Username() != env(t, db, "POSTGRES_USER") ||
			secret != env(t, db, "POSTGRES_PASSWORD") || database.Path != "/"+env(t, db, "POSTGRES_DB") {
			t.Errorf("DATABASE_URL %s does not lead to db", database)
		}
		if password != "" && secret != password {
			t.Errorf("password %q, want the environment's", secret)
		}
		if len(api.Ports) != 1 || api.Ports[0].Published != "8080" || api.Ports[0].Target != 8080 || env(t, api, "STADTGRAPH_LISTEN") != "0.0.0.0:8080" {
			t.Errorf("ports %+v, listening on %s", api.Ports, env(t, api, "STADTGRAPH_LISTEN"))
		}
	}
}

// The register is loaded after the migrations, which the API runs before it is
// healthy.
func TestRegister(t *testing.T) {
	project := load(t)
	api, register := service(t, project, "api"), service(t, project, "register")
	if register.Image != api.Image || register.Build == nil || register.Build.Dockerfile != api.Build.Dockerfile {
		t.Errorf("image %q, want the API's %q", register.Image, api.Image)
	}
	if got := register.DependsOn["api"].Condition; got != types.ServiceConditionHealthy {
		t.Errorf("depends on api: %q, want %q", got, types.ServiceConditionHealthy)
	}
	if want := []string{"import", "register"}; !slices.Equal(register.Command, want) {
		t.Errorf("command %q, want %q", register.Command, want)
	}
	if register.Restart != types.RestartPolicyNo {
		t.Errorf("restart %q", register.Restart)
	}
	if env(t, register, "DATABASE_URL") != env(t, api, "DATABASE_URL") {
		t.Error("it loads into another database than the API's")
	}
}

func TestDockerfile(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	file := read("Dockerfile")
	for what, pattern := range map[string]string{
		"a user that is not root":   `(?m)^USER [1-9]\d*:[1-9]\d*$`,
		"a health check by readyz":  `(?ms)^HEALTHCHECK .*/readyz`,
		"migrations at the start":   `(?m)^CMD \["serve", "--migrate"\]$`,
		"a build of several stages": `(?ms)^FROM golang:.* AS build$.*^FROM .*^COPY --from=build`,
	} {
		if !regexp.MustCompile(pattern).MatchString(file) {
			t.Errorf("the Dockerfile lacks %s", what)
		}
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read("go.mod"))
	if version == nil || !strings.Contains(file, "FROM golang:"+version[1]+"-") {
		t.Errorf("the Dockerfile builds with another Go than go.mod's %q", version)
	}
	for line := range strings.Lines(file) {
		if from, ok := strings.CutPrefix(line, "FROM "); ok && !strings.Contains(from, ":") {
			t.Errorf("%q names no version", strings.TrimSpace(line))
		}
		// What is copied must be there, and not be ignored.
		if args, ok := strings.CutPrefix(line, "COPY "); ok && !strings.HasPrefix(args, "--from") {
			fields := strings.Fields(args)
			for _, source := range fields[:len(fields)-1] {
				if _, err := os.Stat(filepath.Join(root, source)); err != nil {
					t.Errorf("the Dockerfile copies %s: %v", source, err)
				}
				if slices.Contains(strings.Split(read(".dockerignore"), "\n"), source) {
					t.Errorf("the Dockerfile copies %s, which .dockerignore leaves out", source)
				}
			}
		}
	}
}
