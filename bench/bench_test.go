package bench

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Each benchmark runs at small sizes, so that it cannot rot. The bill run
// compares its bills with the baseline's on the way.
func TestRun_everyBenchmarkAtSmallSizes(t *testing.T) {
	for _, b := range benchmarks {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			out := filepath.Join(t.TempDir(), "out", "latest.json")
			var table, progress bytes.Buffer
			args := []string{"--run", "^" + b.name + "$", "--out", out, "--quick"}
			if err := Run(context.Background(), args, &table, &progress); err != nil {
				t.Fatalf("%v\n%s", err, progress.String())
			}
			results, err := load(out)
			if err != nil {
				t.Fatal(err)
			}
			if len(results) != 1 || results[0].Name != b.name || results[0].Note == "" {
				t.Fatalf("results are %+v", results)
			}
			// Those of a cloud are measured beside its lab, and say so elsewhere.
			if needsCloud := strings.HasPrefix(b.name, "dedicated_"); results[0].Value <= 0 && (!needsCloud || !strings.Contains(results[0].Note, "make bench-openstack")) {
				t.Errorf("nothing was measured: %+v", results)
			}
			if !strings.Contains(table.String(), b.name) {
				t.Errorf("the table is without it:\n%s", table.String())
			}
		})
	}
}

func TestRun_refusesWhatMatchesNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Run(context.Background(), []string{"--run", "no such thing"}, &out, &out); err == nil {
		t.Error("nothing was run and nothing said")
	}
	if err := Run(context.Background(), []string{"--run", "("}, &out, &out); err == nil {
		t.Error("a broken regexp was taken")
	}
}

func TestSave_mergesByName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "latest.json")
	ratio := 0.5
	for _, results := range [][]Result{
		{{Name: "b", Value: 1}, {Name: "a", Value: 1}},
		{{Name: "b", Value: 2, Ratio: &ratio, OK: true}},
		{{Name: "c", Value: 3}},
	} {
		if err := save(path, results); err != nil {
			t.Fatal(err)
		}
	}
	got, err := load(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got[0].Name != "a" || got[1].Value != 2 || *got[1].Ratio != 0.5 || !got[1].OK || got[2].Name != "c" {
		t.Errorf("merged to %+v", got)
	}
	if err := os.WriteFile(path, []byte("not ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	if save(path, got) == nil {
		t.Error("a file that is no list of results was written over")
	}
}

func TestTable_tellsTheVerdict(t *testing.T) {
	t.Parallel()
	met := Result{Name: "one", Value: 1234.5, Unit: "x/s", Goal: "value >= 1000", OK: true, Note: "as it should be"}
	met.beside(2469)
	var out bytes.Buffer
	if err := table(&out, []Result{met, {Name: "two", Value: 0.25, Unit: "s", Goal: "value <= 0.1", Note: "slow"}}); err != nil {
		t.Fatal(err)
	}
	want := `benchmark  value  unit  baseline  ratio  goal           
one        1234   x/s   2469      0.5    value >= 1000  met
two        0.25   s     -         -      value <= 0.1   NOT MET

one: as it should be

two: slow
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestRounds_medianAndQuantile(t *testing.T) {
	t.Parallel()
	if got := (rounds{3, 1, 2}).median(); got != 2 {
		t.Errorf("median of three is %g", got)
	}
	if got := (rounds{4, 1, 2, 3}).median(); got != 2.5 {
		t.Errorf("median of four is %g", got)
	}
	if got := (rounds{4, 1, 2}).spread(); got != "1 to 4" {
		t.Errorf("spread is %s", got)
	}
	durations := []time.Duration{4, 1, 3, 2}
	for percent, want := range map[int]time.Duration{50: 2, 51: 3, 95: 4, 100: 4, 0: 1} {
		if got := quantile(durations, percent); got != want {
			t.Errorf("quantile %d is %d, want %d", percent, got, want)
		}
	}
}
