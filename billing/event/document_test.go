package event_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"tollhouse/billing/event"
)

var update = flag.Bool("update", false, "write docs/events.md anew")

const documented = "../../docs/events.md"

// What integrators read is made from the types themselves.
func TestDocument_listsEveryTypeAndField(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	out.WriteString("# Events\n\nWhat webhooks tell of ([how they travel](integrator.md#webhooks-out)). Each message has `type`, `timestamp`, `id`, `object` (`type`, `id`), `sequence`, `account_id` where there is one, and `data` with the fields below. Amounts are objects of `amount` (a decimal as text) and `currency`. Fields are only ever added.\n")
	for i, k := range event.Kinds {
		properties := k.Schema()["properties"].(map[string]any)["data"].(map[string]any)
		fields := properties["properties"].(map[string]any)
		required := properties["required"].([]string)
		if i == 0 || event.Kinds[i-1].Object != k.Object {
			fmt.Fprintf(&out, "\n## %s\n\n| type | when |\n|---|---|\n", k.Object)
		}
		fmt.Fprintf(&out, "| `%s` | %s |\n", k.Type, k.Meaning)
		if i+1 < len(event.Kinds) && event.Kinds[i+1].Object == k.Object {
			continue
		}
		out.WriteString("\n| field | always | meaning |\n|---|---|---|\n")
		var names []string
		for name := range fields {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			always := ""
			if slices.Contains(required, name) {
				always = "yes"
			}
			fmt.Fprintf(&out, "| `%s` | %s | %s |\n", name, always, fields[name].(map[string]any)["description"])
		}
	}
	if *update {
		if err := os.WriteFile(documented, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if known, err := os.ReadFile(documented); err != nil || string(known) != out.String() {
		t.Errorf("docs/events.md is not of these types: go test ./billing/event -run Document -update (%v)", err)
	}
}
