package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// table prints results for people, each note on a line of its own.
func table(w io.Writer, results []Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	// The tab writer keeps its first error for Flush.
	_, _ = fmt.Fprintln(t, "benchmark\tvalue\tunit\tbaseline\tratio\tgoal\t")
	for _, r := range results {
		verdict := "met"
		if !r.OK {
			verdict = "NOT MET"
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, figure(&r.Value), r.Unit, figure(r.Baseline), figure(r.Ratio), r.Goal, verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		if _, err := fmt.Fprintf(w, "\n%s: %s\n", r.Name, r.Note); err != nil {
			return err
		}
	}
	return nil
}

// figure shows as many digits as a measurement deserves.
func figure(f *float64) string {
	switch {
	case f == nil:
		return "-"
	case *f >= 100:
		return fmt.Sprintf("%.0f", *f)
	default:
		return fmt.Sprintf("%.3g", *f)
	}
}
