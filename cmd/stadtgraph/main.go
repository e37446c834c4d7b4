// Stadtgraph serves a graph of how German municipalities go digital: who they
// are, what they plan, what money they get, and what is written about it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // German deadlines need Europe/Berlin, also in an image without it

	"github.com/alecthomas/kong"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

type commands struct {
	Dev     devCommand     `cmd:"" help:"Start everything on this machine, with a Postgres of its own and data to look at."`
	Serve   serveCommand   `cmd:"" help:"Serve the API from a database that is there."`
	Migrate migrateCommand `cmd:"" help:"Bring the schema of a database up to date, or back."`
	Import  importCommand  `cmd:"" help:"Load data into a database."`
	Export  exportCommand  `cmd:"" help:"Write what a database holds, as one snapshot."`
	Token   tokenCommand   `cmd:"" help:"Create, list and revoke API tokens."`
	Schema  schemaCommand  `cmd:"" help:"Print the GraphQL schema."`
	Doctor  doctorCommand  `cmd:"" help:"Check settings and database, and say what to do."`
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), ending()...)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once

	var c commands
	parser := kong.Must(&c,
		kong.Name("stadtgraph"),
		kong.Description("A GraphQL API over German municipalities and how they go digital."),
		kong.ConfigureHelp(kong.HelpOptions{NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	command, err := parser.Parse(args)
	if err != nil {
		complain(err)
		var parse *kong.ParseError
		help := "stadtgraph --help"
		if errors.As(err, &parse) && parse.Context != nil && parse.Context.Command() != "" {
			help = "stadtgraph " + strings.Fields(parse.Context.Command())[0] + " --help"
		}
		fmt.Fprintf(os.Stderr, "Usage: %s\n", help)
		return exitUsage
	}
	err = command.Run()
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		complain(errors.New("interrupted"))
	default:
		complain(err)
	}
	return exitFailed
}

// ending are the signals that ask a process to end.
func ending() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// complain prints an error as one line.
func complain(err error) {
	fmt.Fprintf(os.Stderr, "stadtgraph: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
}
