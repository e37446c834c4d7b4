package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Report is what a check saw, also where it failed.
type Report struct {
	Examples   []Example
	Requests   int    // that went to the network
	Screenshot []byte // PNG, of the first example's answer
}

// Example is one tab that ran.
type Example struct {
	Tab   string
	Bytes int
}

// The parts of the page, as GraphiQL names them for its style sheet.
const (
	tabs    = chromedp.CSS(`.graphiql-tab-button`)
	execute = chromedp.CSS(`.graphiql-execute-button`)

	tabNames = `[...document.querySelectorAll("` + string(tabs) + `")].map(b => b.textContent)`

	// answerText is what the result pane shows; the pane renders only the lines
	// in view, its editor has them all.
	answerText = `document.querySelector(".result-window .CodeMirror")?.CodeMirror.getValue() ?? ""`
	queryText  = `document.querySelector(".graphiql-query-editor .CodeMirror")?.CodeMirror.getValue() ?? ""`

	// settled is whether the editor knows the operation of the tab: for a moment
	// after a change it keeps the name that it sent last.
	settled = `(e => e && e.getValue() !== "" && (!e.operationName || e.getValue().includes(" " + e.operationName)))(document.querySelector(".graphiql-query-editor .CodeMirror")?.CodeMirror)`
)

func check(ctx context.Context, chromium, page string) (Report, error) {
	target, err := url.Parse(page)
	if err != nil {
		return Report{}, err
	}
	profile, err := os.MkdirTemp("", "browsercheck-")
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = os.RemoveAll(profile) }()

	ctx, cancel := chromedp.NewExecAllocator(ctx, flags(chromium, profile)...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	seen := &journal{host: target.Host, done: map[network.RequestID]bool{}}
	if err := chromedp.Listen(ctx, seen.event); err != nil {
		return Report{}, fmt.Errorf("start %s: %w", chromium, err)
	}

	var report Report
	err = drive(ctx, page, seen, &report)
	// What went wrong underneath says more than the wait that it made fail.
	err = errors.Join(seen.problems(), err)
	report.Requests = seen.requests()
	return report, err
}

// flags let Chromium run as root and without a network: without them it looks
// up hosts of its own, which has nothing to do with the page.
func flags(chromium, profile string) []chromedp.ExecAllocatorOption {
	return append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(chromium),
		chromedp.UserDataDir(profile),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE ::1"),
	)
}

func drive(ctx context.Context, page string, seen *journal, report *Report) error {
	err := within(ctx, "the page to show its tabs",
		watchRequests,
		chromedp.EmulateViewport(1400, 900),
		chromedp.Navigate(page),
		chromedp.WaitVisible(tabs),
		chromedp.WaitVisible(execute),
	)
	if err != nil {
		return err
	}
	if err := within(ctx, "the answer to GraphiQL's introspection query", seen.schemaArrives); err != nil {
		return err
	}
	names, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](tabNames))
	if err != nil {
		return err
	}
	for i, name := range names {
		if i > 0 { // the first is open
			click := fmt.Sprintf(`document.querySelectorAll("%s")[%d].click()`, tabs, i)
			if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](click)); err != nil {
				return err
			}
		}
		query, answer, err := runTab(ctx, name)
		if err != nil {
			return err
		}
		if i == 0 {
			if report.Screenshot, err = chromedp.Run(ctx, chromedp.CaptureScreenshot()); err != nil {
				return err
			}
		}
		if err := hasData([]byte(answer)); err != nil {
			return fmt.Errorf("tab %s: %w\nquery:\n%s\nanswer:\n%.2000s", name, err, query, answer)
		}
		report.Examples = append(report.Examples, Example{Tab: name, Bytes: len(answer)})
	}
	return nil
}

// runTab presses the button of the open tab and waits for its answer.
func runTab(ctx context.Context, name string) (query, answer string, err error) {
	err = within(ctx, "an answer in tab "+name,
		chromedp.Poll[chromedp.Void](`(`+answerText+`) === "" && `+settled),
		keep(&query, chromedp.Evaluate[string](queryText)),
		chromedp.Click(execute),
		keep(&answer, chromedp.Poll[string](answerText)),
	)
	return query, answer, err
}

// keep runs a and stores its value.
func keep[T any](into *T, a chromedp.Action[T]) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) (err error) {
		*into, err = a(ctx, t)
		return err
	})
}

// within runs actions, and says what it waited for where they take too long.
func within(ctx context.Context, what string, actions ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		return fmt.Errorf("wait for %s: %w", what, err)
	}
	return nil
}

// watchRequests has the browser report requests with their bodies.
func watchRequests(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
	_, err := cdp.Call(ctx, t, network.Enable, network.EnableParams{MaxPostDataSize: new(int64(1 << 20))})
	return chromedp.Void{}, err
}

// hasData accepts an answer without errors whose data has a field that is not
// null.
func hasData(answer []byte) error {
	var a struct {
		Data   map[string]any    `json:"data"`
		Errors []json.RawMessage `json:"errors"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return fmt.Errorf("the answer is not GraphQL's: %w", err)
	}
	if len(a.Errors) > 0 {
		return errors.New("the answer has errors")
	}
	for _, v := range a.Data {
		if v != nil {
			return nil
		}
	}
	return errors.New("the answer has no data")
}

// journal keeps what the browser reports while the page runs.
type journal struct {
	host string // the server's

	mu     sync.Mutex
	seen   int
	errs   []error
	schema network.RequestID // of the introspection query
	done   map[network.RequestID]bool
}

func (j *journal) event(ev any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		j.request(ev)
	case *network.EventWebSocketCreated:
		j.address(ev.URL)
	case *network.EventLoadingFinished:
		j.done[ev.RequestID] = true
	case *network.EventLoadingFailed:
		if !ev.Canceled {
			j.errs = append(j.errs, fmt.Errorf("a request failed: %s %s", ev.ErrorText, ev.BlockedReason))
		}
	case *runtime.EventExceptionThrown:
		j.errs = append(j.errs, fmt.Errorf("the page threw: %s", exception(ev.ExceptionDetails)))
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError {
			j.errs = append(j.errs, fmt.Errorf("the page logged an error: %s", text(ev.Args)))
		}
	case *log.EventEntryAdded:
		// The content security policy's refusals come this way, and answers that
		// are errors.
		if ev.Entry.Level == log.EntryLevelError {
			j.errs = append(j.errs, fmt.Errorf("the browser reported: %s %s", ev.Entry.Text, ev.Entry.URL))
		}
	}
}

func (j *journal) request(ev *network.EventRequestWillBeSent) {
	j.address(ev.Request.URL)
	for _, entry := range ev.Request.PostDataEntries {
		if strings.Contains(string(entry.Bytes), "__schema") {
			j.schema = ev.RequestID
		}
	}
}

func (j *journal) address(address string) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" { // data:, blob:, about:
		return
	}
	j.seen++
	if u.Host != j.host {
		j.errs = append(j.errs, fmt.Errorf("a request left for another host: %s", address))
	}
}

func (j *journal) requests() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seen
}

func (j *journal) problems() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.errs...)
}

// schemaArrives waits for the answer to GraphiQL's introspection query: without
// it the page has neither completion nor documentation, and says so only in a
// corner.
func (j *journal) schemaArrives(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
	for {
		j.mu.Lock()
		id, done := j.schema, j.done[j.schema]
		j.mu.Unlock()
		if done {
			answer, err := cdp.Call(ctx, t, network.GetResponseBody, network.GetResponseBodyParams{RequestID: id})
			if err != nil {
				return chromedp.Void{}, err
			}
			if err := hasData(answer.Body); err != nil {
				return chromedp.Void{}, fmt.Errorf("%w: %.2000s", err, answer.Body)
			}
			return chromedp.Void{}, nil
		}
		select {
		case <-ctx.Done():
			return chromedp.Void{}, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func exception(d *runtime.ExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return d.Exception.Description
	}
	return d.Text
}

func text(args []*runtime.RemoteObject) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = string(a.Value)
		if parts[i] == "" {
			parts[i] = a.Description
		}
	}
	return strings.Join(parts, " ")
}
