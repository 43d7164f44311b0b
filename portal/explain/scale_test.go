package explain_test

import (
	"strings"
	"testing"

	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/billing/usage"
	"tollhouse/portal/explain"
	"tollhouse/portal/ui"
)

func TestScale_roundStepsThatHoldTheMost(t *testing.T) {
	r := ui.Reader{Locale: locale.Locale{Language: "en", Country: "GB"}}
	for _, c := range []struct {
		kind         usage.Kind
		most, labels string
	}{
		{usage.Data, "753291000", "900\u00a0MB 600 300 0"},
		{usage.Data, "20000", "0.03\u00a0MB 0.02 0.01 0"},
		{usage.Data, "1000000000", "1.2\u00a0GB 0.8 0.4 0"},
		{usage.Data, "7400000000", "7.5\u00a0GB 5 2.5 0"},
		{usage.Voice, "5400", "90\u00a0min 60 30 0"},
		{usage.Message, "10", "12 8 4 0"},
	} {
		most := money.MustDecimal(c.most)
		top, labels := explain.Scale(r, c.kind, most)
		if got := strings.Join(labels, " "); got != c.labels {
			t.Errorf("%s of %s: %q, want %q", c.kind, c.most, got, c.labels)
		}
		if top.Cmp(most) < 0 {
			t.Errorf("%s of %s is higher than %s", c.kind, c.most, top)
		}
	}
}
