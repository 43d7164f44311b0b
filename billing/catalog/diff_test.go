package catalog

import (
	"fmt"
	"slices"
	"testing"
)

const nightAndDay = base + `
destinations: [{code: de, prefixes: ["49"]}]
usage:
- code: calls
  names: {en: Calls}
  kind: voice
  rules:
  - {code: day, names: {en: Calls by day}, destinations: [de], price: "0.12", per: 1 min, windows: [{days: [mon, tue, wed, thu, fri], from: "08:00", to: "18:00"}]}
  - {code: night, destinations: [de], price: "0.05", per: 1 min, windows: [{days: [mon, tue, wed, thu, fri], to: "08:00"}, {days: [mon, tue, wed, thu, fri], from: "18:00"}, {days: [sat, sun, holiday]}]}
`

func readOffering(t *testing.T, text string) Offering {
	t.Helper()
	o, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestDiff_tellsWhatChanged(t *testing.T) {
	before, after := readOffering(t, nightAndDay), readOffering(t, nightAndDay)
	if got := Diff(before, after); len(got) != 0 {
		t.Fatalf("the same differs: %+v", got)
	}
	price := after.Usage[0].Rules[0].Price.Sub(*after.Usage[0].Rules[1].Price)
	after.Usage[0].Rules[0].Price = &price
	after.Usage[0].Rules = slices.Insert(after.Usage[0].Rules, 0, Rule{Code: "world", Destinations: []string{"*"}, Price: &price, Per: before.Usage[0].Rules[0].Per})
	after.Names = Names{"en": "Y"}
	var got []string
	for _, c := range Diff(before, after) {
		got = append(got, fmt.Sprintf("%s %s %s %s: %s → %s per %s", c.Sort, c.Part, c.Code, c.Field, c.Before, c.After, c.Per))
	}
	want := []string{
		"changed offering  names: en X → en Y per ",
		"added rule world :  → 0.07 per 1 min",
		"changed rule day price: 0.12 → 0.07 per 1 min",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	back := Diff(after, before)
	if len(back) != 3 || back[2].Sort != Removed || back[2].Code != "world" {
		t.Errorf("back: %+v", back)
	}
}

// Hours that are given to a rule are taken from the others, and the week stays
// whole.
func TestPaint_movesHours(t *testing.T) {
	o := readOffering(t, nightAndDay)
	u := &o.Usage[0]
	group := u.SameDestinations()[0]
	if err := u.Paint(group, 0, []Day{Saturday}, 600, 720); err != nil {
		t.Fatal(err)
	}
	week := u.Week(group)
	if got := fmt.Sprint(week[Saturday]); got != "[{00:00 10:00 1} {10:00 12:00 0} {12:00 24:00 1}]" {
		t.Errorf("Saturday is %s", got)
	}
	if findings := Check(o); len(findings) != 0 {
		t.Errorf("findings %v", findings)
	}
	if err := u.Paint(group, -1, []Day{Sunday}, 1320, 1440); err != nil {
		t.Fatal(err)
	}
	if findings := Check(o); len(findings) == 0 {
		t.Error("a hole in the week is not found")
	}
	all := []Day{Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday, Holiday}
	if err := u.Paint(group, 1, all, 0, DayMinutes); err != nil || len(u.Rules[1].Windows) != 0 {
		t.Errorf("a rule with every hour has windows %v, %v", u.Rules[1].Windows, err)
	}
}
