package server

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"stadtgraph/internal/postgres"
)

// readyTimeout is shorter than the period in which probes come.
const readyTimeout = 2 * time.Second

// livez says that the process answers. It asks nobody else: restarting us does
// not mend a database.
func (s *Server) livez(w http.ResponseWriter, _ *http.Request) {
	health(w, http.StatusOK, "alive")
}

// readyz says whether requests should be sent here, and if not, why.
func (s *Server) readyz(db postgres.DB, migrations fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			health(w, http.StatusServiceUnavailable, "not ready", "The server is shutting down.")
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		state, err := postgres.ReadSchema(ctx, db, migrations)
		switch {
		case err != nil:
			s.log.WarnContext(r.Context(), "not ready", "error", err.Error())
			health(w, http.StatusServiceUnavailable, "not ready", "The database does not answer.")
		case state.Dirty:
			health(w, http.StatusServiceUnavailable, "not ready",
				fmt.Sprintf("A migration stopped in the middle at version %d; `stadtgraph migrate status` says what to do.", state.Version))
		case len(state.Pending) > 0:
			health(w, http.StatusServiceUnavailable, "not ready",
				fmt.Sprintf("The database is at version %d and this binary needs %d; run `stadtgraph migrate up`.", state.Version, state.Latest))
		default: // a newer database is fine: see postgres.Schema.Newer
			health(w, http.StatusOK, "ready")
		}
	})
}

func health(w http.ResponseWriter, status int, word string, reasons ...string) {
	w.Header().Set("Cache-Control", "no-store")
	send(w, status, "application/json", encode(struct {
		Status  string   `json:"status"`
		Reasons []string `json:"reasons,omitempty"`
	}{word, reasons}))
}
