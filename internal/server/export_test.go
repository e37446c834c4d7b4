package server

import "time"

// Hasten makes the server as impatient with connections as a test has to be.
func (s *Server) Hasten(header, read, write, idle time.Duration, connections int) {
	s.bounds = bounds{header, read, write, idle}
	s.open = newConnections(connections)
}

// MaxHeaderBytes is how large a header may be, but for what net/http adds.
const MaxHeaderBytes = maxHeaderBytes
