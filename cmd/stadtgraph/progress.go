package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress shows how far something is, on standard error: a bar on a terminal,
// elsewhere a line at each quarter.
type progress struct {
	what     string
	terminal bool
	shown    time.Time
	quarter  int
}

func newProgress(what string) *progress {
	p := &progress{what: what, terminal: term.IsTerminal(int(os.Stderr.Fd()))}
	if p.terminal {
		fmt.Fprintf(os.Stderr, "\r%s …", what)
	} else {
		fmt.Fprintf(os.Stderr, "%s …\n", what)
	}
	return p
}

func (p *progress) update(done, total int) {
	if total == 0 {
		return
	}
	if p.terminal {
		if done < total && time.Since(p.shown) < 50*time.Millisecond {
			return
		}
		p.shown = time.Now()
		const width = 30
		full := width * done / total
		fmt.Fprintf(os.Stderr, "\r%s [%s%s] %d of %d", p.what, strings.Repeat("#", full), strings.Repeat(".", width-full), done, total)
		return
	}
	if quarter := 4 * done / total; quarter > p.quarter {
		p.quarter = quarter
		fmt.Fprintf(os.Stderr, "%s: %d of %d\n", p.what, done, total)
	}
}

// count is update for what is counted while nobody knows how much will come. It
// knows how much of a file is read, if the file has a size.
func (p *progress) count(done int, read, size int64) {
	wait := 10 * time.Second
	if p.terminal {
		wait = 50 * time.Millisecond
	}
	if time.Since(p.shown) < wait {
		return
	}
	p.shown = time.Now()
	text := fmt.Sprintf("%s: %d", p.what, done)
	if size > 0 {
		text += fmt.Sprintf(" (%d %% of the file)", 100*min(read, size)/size)
	}
	if p.terminal {
		fmt.Fprintf(os.Stderr, "\r%s", text)
		return
	}
	fmt.Fprintln(os.Stderr, text)
}

func (p *progress) end() {
	if p.terminal {
		fmt.Fprintln(os.Stderr)
	}
}
