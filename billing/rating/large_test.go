package rating

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/catalog"
)

// A real interconnect price list has some ten thousand prefixes.
func TestCompile_tenThousandPrefixes(t *testing.T) {
	var sets, rules strings.Builder
	for i := range 100 {
		fmt.Fprintf(&sets, "- {code: set%d, prefixes: [", i)
		for j := range 100 {
			fmt.Fprintf(&sets, "'%d%02d%02d', ", 1+j%9, i, j)
		}
		sets.WriteString("]}\n")
		fmt.Fprintf(&rules, "  - {code: r%d, destinations: [set%d], price: 0.%02d, per: 1 min}\n", i, i, i)
	}
	began := time.Now()
	tariff := tariff(t, "destinations:\n"+sets.String()+"usage:\n- code: calls\n  names: {en: Calls}\n  kind: voice\n  rules:\n"+rules.String(), "UTC")
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
	r, err := tariff.Rate(Event{Kind: catalog.VoiceUsage, Destination: "+34202555", Quantity: 60}, State{})
	if err != nil || r.RuleCode != "r42" || r.Price.String() != "0.42" {
		t.Errorf("rule %s, %s, %v", r.RuleCode, r.Price, err)
	}
}
