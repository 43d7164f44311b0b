package fleet

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollhouse/billing/calendar"
	"tollhouse/provisioning"
)

func TestMoves_endOnlyWhereNothingStands(t *testing.T) {
	for _, from := range States() {
		for _, to := range moves[from] {
			if !slices.Contains(States(), to) {
				t.Errorf("%s leads to %s, which is no state", from, to)
			}
			if to == Removed && from != Removing && from != Cleared {
				t.Errorf("%s leads to removed", from)
			}
			if to == Removing && from != Closing {
				t.Errorf("%s leads to removing without a grace", from)
			}
		}
		if from != Removed && len(moves[from]) == 0 {
			t.Errorf("nothing follows %s", from)
		}
	}
}

// A day beyond a month's end means its last day; the rest of a month has the
// wanted size.
func TestSchedule_daysOfTheMonth(t *testing.T) {
	w := Want{Size: "small", Schedules: []Schedule{{Size: "large", From: 30, To: 31}}}
	for day, want := range map[string]string{"2026-01-29": "small", "2026-01-30": "large", "2026-01-31": "large", "2026-02-27": "small", "2026-02-28": "large", "2026-03-01": "small"} {
		d, err := calendar.ParseDate(day)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.sizeAt(d.Start(time.UTC).Add(12*time.Hour), time.UTC); got != want {
			t.Errorf("on %s: %s", day, got)
		}
	}
}

func TestScaling_neverLeavesItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Scaling{Min: rapid.IntRange(0, 5).Draw(t, "min"), CooldownMinutes: 5, Rules: []Rule{{Measure: provisioning.CPUPercent, Above: 70, Below: 30}}}
		s.Max = s.Min + rapid.IntRange(1, 5).Draw(t, "more")
		at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
		site := Site{Scaled: rapid.IntRange(0, 12).Draw(t, "scaled")}
		for range 30 {
			at = at.Add(6 * time.Minute)
			site.Seen = Seen{At: at, Load: provisioning.Load{provisioning.CPUPercent: rapid.Int64Range(0, 100).Draw(t, "cpu")}}
			n, _ := s.decide(site, at)
			if n < s.Min || n > s.Max {
				t.Fatalf("%d is outside %d to %d", n, s.Min, s.Max)
			}
			if inside := site.Scaled >= s.Min && site.Scaled <= s.Max; inside && (n > site.Scaled+1 || n < site.Scaled-1) {
				t.Fatalf("from %d to %d in one step", site.Scaled, n)
			}
			site.Scaled = n
		}
	})
}

func TestForecast_whenItRunsOutAndWhatToBuy(t *testing.T) {
	today, err := calendar.ParseDate("2026-05-01")
	if err != nil {
		t.Fatal(err)
	}
	c := Capacity{What: "vcpu", Has: 64, Used: 40, Reserved: 4, Grew: 7, Days: 28}
	c.forecast(today, 32)
	// 20 free at a quarter a day: 80 days; 90 days need 23
	if c.RunsOut == nil || c.RunsOut.String() != "2026-07-20" || c.Buy != 3 || c.Machines != 1 {
		t.Errorf("forecast: %+v, out on %v", c, c.RunsOut)
	}
	over := Capacity{Has: 10, Used: 9, Reserved: 5}
	over.forecast(today, 0)
	if over.Buy != 4 || over.Machines != 0 || over.RunsOut != nil {
		t.Errorf("promised more than there is: %+v", over)
	}
	unlimited := Capacity{Has: -1, Used: 5}
	unlimited.forecast(today, 0)
	if unlimited.Buy != 0 {
		t.Errorf("without a limit: %+v", unlimited)
	}
}

func TestStock_isItsTighterEnd(t *testing.T) {
	room := provisioning.Room{
		Hypervisors: []provisioning.Hypervisor{{Name: "a", Up: true, Amounts: []provisioning.Amount{{What: "vcpu", Limit: 32, Used: 4}}},
			{Name: "b", Up: false, Amounts: []provisioning.Amount{{What: "vcpu", Limit: 32}}}},
		Quotas: []provisioning.Amount{{What: "vcpu", Limit: 100, Used: 4}, {What: "servers", Limit: 10, Used: 2}, {What: "networks", Limit: -1, Used: 3}}}
	got := stockOf(room)
	if got["vcpu"] != (stock{Has: 32, Used: 4, Largest: 32}) || got["servers"] != (stock{Has: 10, Used: 2}) || got["networks"].Has != -1 {
		t.Errorf("stock: %+v", got)
	}
}
