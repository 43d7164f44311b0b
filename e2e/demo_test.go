package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// totals are figures of an operator's whole life.
type totals struct {
	Trial    []trialLine
	Bills    int
	Records  int64
	Suspense int64
}

func totalsOf(t *testing.T, d *demo) map[string]totals {
	t.Helper()
	all := map[string]totals{}
	for _, name := range []string{"nusantara", "hanse"} {
		c := d.owner(t, name)
		c.wantControlSums(t)
		sum := totals{Trial: c.trialBalance(t)}
		var runs struct{ Items []struct{ Done, Failed int } }
		c.get(t, "/bill-runs?limit=100", &runs)
		for _, run := range runs.Items {
			sum.Bills += run.Done
			if run.Failed > 0 {
				t.Errorf("%s: %d accounts could not be billed", name, run.Failed)
			}
		}
		for _, f := range pages[usageFile](t, c, "/usage-files", nil) {
			if f.State != "done" {
				t.Errorf("%s: file %s is %s", name, f.ID, f.State)
			}
			sum.Records += f.Accepted
			sum.Suspense += f.Suspended
		}
		if sum.Bills == 0 || sum.Records == 0 || sum.Suspense == 0 {
			t.Errorf("%s lived without bills, usage or suspense: %+v", name, sum)
		}
		all[name] = sum
	}
	return all
}

func same(t *testing.T, a, b any) bool {
	t.Helper()
	one, err := json.Marshal(a)
	two, err2 := json.Marshal(b)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return string(one) == string(two)
}

func TestDemo_startedAgainKeepsEverything(t *testing.T) {
	d := shared(t)
	before := totalsOf(t, d)
	if said := d.run(t, "--no-wait"); !strings.Contains(said, d.base) {
		t.Errorf("a demo that runs is not shown:\n%s", said)
	}
	d.stop(t)

	// Somebody else has port 8080 now, if nobody had it before.
	if other, err := net.Listen("tcp", "127.0.0.1:8080"); err == nil {
		defer func() { _ = other.Close() }()
	}
	asked := d.settings
	d.settings = asked[1:] // no address
	defer func() { d.settings = asked }()
	began := time.Now()
	d.start(t)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the second start took %s", took)
	}
	if strings.HasSuffix(d.base, ":8080") {
		t.Errorf("it says %s, where somebody else listens", d.base)
	}
	if after := totalsOf(t, d); !same(t, before, after) {
		t.Errorf("before\n%+v\nafter\n%+v", before, after)
	}
}

func TestDemo_stop(t *testing.T) {
	d := shared(t)
	address, server := d.base, d.postmasterID()
	if said := d.stop(t); !strings.Contains(said, "Stopped.") {
		t.Errorf("it says %q", said)
	}
	if _, err := http.Get(address + "/healthz"); err == nil {
		t.Error("it still answers")
	}
	if d.postmasterID() != 0 || len(children(server)) > 0 {
		t.Error("its database server still runs")
	}
	if said := d.stop(t); !strings.Contains(said, "No demo is running.") {
		t.Errorf("stopped twice it says %q", said)
	}
}

func TestDemo_faultsOfSettingsAreToldAtOnce(t *testing.T) {
	d := newDemo(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := d.command(ctx, []string{"TOLLHOUSE_LISTN=127.0.0.1:0", "TOLLHOUSE_SCALE=many", "TOLLHOUSE_SEED=-1", "TOLLHOUSE_LISTEN=8080"}, "--no-wait").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	for _, name := range []string{"TOLLHOUSE_LISTN is unknown", "TOLLHOUSE_SCALE", "TOLLHOUSE_SEED", "TOLLHOUSE_LISTEN is"} {
		if !strings.Contains(string(out), name) {
			t.Errorf("%s is not told in:\n%s", name, out)
		}
	}
}

// The history follows from its seed, and from nothing else.
func TestDemo_seedDecidesTheTotals(t *testing.T) {
	seven := totalsOf(t, shared(t))
	d := newDemo(t, "TOLLHOUSE_LISTEN=127.0.0.1:0", "TOLLHOUSE_SCALE=1", "TOLLHOUSE_SEED=8")
	d.start(t)
	eight := totalsOf(t, d)
	for name := range seven {
		if same(t, seven[name].Trial, eight[name].Trial) || seven[name].Records == eight[name].Records {
			t.Errorf("%s: seeds 7 and 8 give the same totals", name)
		}
	}
	d.stop(t)

	d.settings = small
	if said := d.start(t, "--reset"); !strings.Contains(said, "Emptied "+d.dir) {
		t.Errorf("--reset says\n%s", said)
	}
	if again := totalsOf(t, d); !same(t, seven, again) {
		t.Errorf("seed 7 gives\n%+v\nand again\n%+v", seven, again)
	}
}
