package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"time"
)

// benchmark is one figure to take.
type benchmark struct {
	name    string
	measure func(ctx context.Context, s scale, say reporter) (Result, error)
}

var benchmarks = []benchmark{
	{"bulk_vs_copy", ingest},
	{"bulk_vs_copy_old_keys", ingestOldKeys},
	{"debit_16", debits(debitCase{flight: 16, stacks: 1, goal: 2, through: direct})},
	{"debit_64", debits(debitCase{flight: 64, stacks: 1, goal: 4.5, p99: 25 * time.Millisecond, through: direct})},
	{"debit_512", debits(debitCase{flight: 512, stacks: 1, goal: 9, through: direct})},
	{"debit_512_50_tenants", debits(debitCase{flight: 512, stacks: 50, goal: 1, through: direct})},
	{"debit_http_64", debits(debitCase{flight: 64, stacks: 1, goal: 2, through: overHTTP})},
	{"debit_hot_account", debits(debitCase{flight: 64, stacks: 1, hot: true, goal: 1, through: direct})},
	{"guarantee", guarantees},
	{"session_64", debits(debitCase{flight: 64, stacks: 1, goal: 2, through: sessions})},
	{"rate_call", rateCall},
	{"rate_hour", rateHour},
	{"deck_lookup", deckLookup},
	{"deck_load", deckLoad},
	{"bill_run_vs_sql", billRun},
	{"pdf", printBills},
	{"trial", trial},
	{"tenant_create", tenantCreate},
	{"portal_home", portalHome},
	{"dedicated_vs_heat", dedicated(func(scale) int { return 1 }, dedicatedGoal)},
	{"dedicated_20_at_once", dedicated(func(s scale) int { return s.sites }, manyGoal)},
}

// reporter tells what is being done.
type reporter func(format string, args ...any)

// defaultOut is where results are kept unless asked otherwise.
const defaultOut = "bench/out/latest.json"

// ErrNothing means that no benchmark has a name like the one asked for.
var ErrNothing = errors.New("no benchmark matches")

// Run measures what the arguments ask for (--run regexp, --out file, --quick),
// prints a table and merges the results into the file. A goal that is not met
// is told there and is no error. Flag errors have been shown on stderr.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	pattern := flags.String("run", "", "regexp of the benchmarks to run; all unless set")
	out := flags.String("out", defaultOut, "file the results are merged into")
	small := flags.Bool("quick", false, "small sizes, only to see that everything runs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	wanted, err := regexp.Compile(*pattern)
	if err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	size := full
	if *small {
		size = quick
	}
	results, err := measure(ctx, wanted, size, stderr)
	if err != nil {
		return err
	}
	if err := table(stdout, results); err != nil {
		return err
	}
	return save(*out, results)
}

func measure(ctx context.Context, wanted *regexp.Regexp, size scale, progress io.Writer) ([]Result, error) {
	var results []Result
	for _, b := range benchmarks {
		if !wanted.MatchString(b.name) {
			continue
		}
		began := time.Now()
		say := func(format string, args ...any) {
			_, _ = fmt.Fprintf(progress, "%6.1fs %s: %s\n", time.Since(began).Seconds(), b.name, fmt.Sprintf(format, args...))
		}
		r, err := b.measure(ctx, size, say)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.name, err)
		}
		r.Name = b.name
		if !size.judged {
			r.OK, r.Note = true, "small sizes, not judged; "+r.Note
		}
		results = append(results, r)
	}
	if len(results) == 0 {
		return nil, fmt.Errorf("%w: %q", ErrNothing, wanted)
	}
	return results, nil
}
