// Browsercheck opens a running server's GraphiQL page in headless Chromium and
// runs every example operation, as a person would. It fails where an example
// has no data to show, where the page reports an error, and where a request
// leaves for another host.
//
//	go run ./browsercheck [--screenshot F.png] [--timeout 60s] http://127.0.0.1:8080/
//
// It needs Chromium (Debian: apt-get install chromium), in PATH or named by
// CHROMIUM.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"time"
)

func main() {
	flags := flag.NewFlagSet("browsercheck", flag.ExitOnError)
	screenshot := flags.String("screenshot", "", "write a picture of the page with the first answer to this `file`")
	timeout := flags.Duration("timeout", 2*time.Minute, "give up after this time")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: browsercheck [flags] URL\n\nexample: browsercheck --screenshot page.png http://127.0.0.1:8080/")
		flags.PrintDefaults()
	}
	_ = flags.Parse(os.Args[1:]) // exits
	if flags.NArg() != 1 {
		flags.Usage()
		os.Exit(2)
	}
	if err := run(flags.Arg(0), *screenshot, *timeout); err != nil {
		fmt.Fprintln(os.Stderr, "browsercheck:", err)
		os.Exit(1)
	}
}

func run(page, screenshot string, timeout time.Duration) error {
	chromium, err := findChromium()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	report, err := check(ctx, chromium, page)
	for _, e := range report.Examples {
		fmt.Printf("ran %s: %d bytes of answer\n", e.Tab, e.Bytes)
	}
	if screenshot != "" && report.Screenshot != nil {
		err = errors.Join(err, os.WriteFile(screenshot, report.Screenshot, 0o644))
	}
	if err != nil {
		return err
	}
	fmt.Printf("%d examples show data, %d requests, none to another host\n", len(report.Examples), report.Requests)
	return nil
}

// findChromium looks where Debian and others put it.
func findChromium() (string, error) {
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium found: install it (Debian: apt-get install chromium) or name it in CHROMIUM")
}
