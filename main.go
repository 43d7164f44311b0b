// Command tollhouse is the billing cloud in one binary with several roles.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"tollhouse/billing/rating/ratecmd"
)

// process is what a role gets from the outside, so that a test can start it.
type process struct {
	args   []string
	env    []string
	stdout io.Writer
	stderr io.Writer
}

// role is one way to run the binary.
type role struct {
	summary string
	run     func(ctx context.Context, p process) error
}

var roles = map[string]role{
	"demo":        {"everything on one machine, with two operators and their history", runDemo},
	"control":     {"the control plane: operators and their stacks", runControl},
	"host":        {"carries tenants' billing stacks", runHost},
	"standby":     {"keeps a copy of the database of an operator's site", runStandby},
	"worker":      {"charges beside the host of an operator's site", runWorker},
	"agent":       {"watches a server that an operator runs itself, and reports", runAgent},
	"enrol":       {"has this machine taken in by the control plane", runEnrol},
	"migrate":     {"brings all databases up to date", runMigrate},
	"rotate-keys": {"replaces stacks' data keys, and with --master the master key, while all runs", runRotateKeys},
	"bench":       {"measures speed beside named baselines", runBench},
}

// errUsage ends the process with code 2; its text has been shown.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	paceGarbage(ctx)
	os.Exit(run(ctx, process{args: os.Args[1:], env: os.Environ(), stdout: os.Stdout, stderr: os.Stderr}))
}

func run(ctx context.Context, p process) int {
	if len(p.args) == 0 || p.args[0] == "help" || p.args[0] == "--help" || p.args[0] == "-h" {
		usage(p.stdout)
		return 0
	}
	name := p.args[0]
	if name == "rate" { // has exit codes of its own and no configuration
		return ratecmd.Run(ctx, p.args[1:], p.stdout, p.stderr)
	}
	chosen, known := roles[name]
	if !known {
		fmt.Fprintf(p.stderr, "tollhouse: there is no role %q; `tollhouse help` lists them\n", name)
		return 2
	}
	p.args = p.args[1:]
	switch err := chosen.run(ctx, p); {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return 2
	default:
		fmt.Fprintf(p.stderr, "tollhouse %s: %v\n", name, err)
		return 1
	}
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "tollhouse <role> [flags]; settings come as TOLLHOUSE_* (docs/settings.md)")
	for _, name := range []string{"demo", "control", "host", "worker", "standby", "agent", "enrol", "migrate", "rotate-keys", "rate", "bench"} {
		summary := roles[name].summary
		if name == "rate" {
			summary = "prices a usage file under an offer file, without a database"
		}
		fmt.Fprintf(w, "  %-11s %s\n", name, summary)
	}
}
