package catalog_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tollhouse/billing/catalog"
)

func TestDeck_longestPrefixDecides(t *testing.T) {
	deck, err := catalog.NewDeck("world", []catalog.DeckEntry{
		{Prefix: "49", Zone: "de"}, {Prefix: "4915", Zone: "de-mobile", Network: "Telekom"}, {Prefix: "491512", Zone: "de-mobile", Own: true},
		{Prefix: "4", Zone: "rest"}, {Prefix: "1", Zone: "us"}, {Prefix: "49", Zone: "de"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		destination, zone string
		length            int
	}{
		{"4930123", "de", 2}, {"49", "de", 2}, {"4", "rest", 1}, {"48123", "rest", 1}, {"49151", "de-mobile", 4},
		{"4915xxxx", "de-mobile", 4}, {"1", "us", 1}, {"7", "", 0}, {"", "", 0}, {"x49", "", 0}, {"alice@example.org", "", 0},
	} {
		zone, length := deck.Find(row.destination)
		if zone != row.zone || length != row.length {
			t.Errorf("%s is in %q by %d digits, want %q by %d", row.destination, zone, length, row.zone, row.length)
		}
		if i, n := deck.FindZone(row.destination); n != length || (i >= 0) != (zone != "") || (i >= 0 && deck.Zones()[i] != zone) {
			t.Errorf("%s: FindZone says %d, %d", row.destination, i, n)
		}
	}
	if e, _ := deck.Entry("4915123"); e != (catalog.DeckEntry{Prefix: "491512", Zone: "de-mobile", Own: true}) || !deck.Own("4915123") || deck.Own("49151") {
		t.Errorf("4915123 is %+v", e)
	}
	if got := strings.Join(deck.Zones(), " "); got != "de de-mobile rest us" {
		t.Errorf("zones are %s", got)
	}
}

func TestDeck_refusesWhatIsNoEntry(t *testing.T) {
	for _, row := range []struct{ entries, want string }{
		{"+49 de", `prefix "+49" is not 1 to 15 digits`},
		{" de", `prefix "" is not 1 to 15 digits`},
		{"1234567890123456 de", "is not 1 to 15 digits"},
		{"49 ", "prefix 49 has no zone"},
		{"49 de,44 uk,49 fr", "prefix 49 stands for de and for fr"},
	} {
		var entries []catalog.DeckEntry
		for _, pair := range strings.Split(row.entries, ",") {
			prefix, zone, _ := strings.Cut(pair, " ")
			entries = append(entries, catalog.DeckEntry{Prefix: prefix, Zone: zone})
		}
		_, err := catalog.NewDeck("world", entries)
		if !errors.Is(err, catalog.ErrDeckEntry) || (!strings.Contains(err.Error(), row.want) && !strings.Contains(err.Error(), "stands for fr and for de")) {
			t.Errorf("%s: %v", row.entries, err)
		}
	}
}

func TestDeck_equalsATableOfAllLengths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`[1-4]{1,6}`)
		table := rapid.MapOf(number, rapid.SampledFrom([]string{"a", "b", "c"})).Draw(t, "table")
		var entries []catalog.DeckEntry
		for prefix, zone := range table {
			entries = append(entries, catalog.DeckEntry{Prefix: prefix, Zone: zone})
		}
		deck, err := catalog.NewDeck("world", entries)
		if err != nil {
			t.Fatal(err)
		}
		all := slices.Collect(deck.All())
		if len(all) != len(table) || deck.Len() != len(table) || !slices.IsSortedFunc(all, func(a, b catalog.DeckEntry) int { return strings.Compare(a.Prefix, b.Prefix) }) {
			t.Fatalf("%d entries became %v", len(table), all)
		}
		for _, e := range all {
			if table[e.Prefix] != e.Zone {
				t.Fatalf("%s became %s", e.Prefix, e.Zone)
			}
		}
		destination := rapid.StringMatching(`[1-5]{0,8}`).Draw(t, "destination")
		want, length := probe(table, destination)
		if zone, n := deck.Find(destination); zone != want || n != length {
			t.Fatalf("%s is in %q by %d digits, want %q by %d", destination, zone, n, want, length)
		}
	})
}

// probe is the plain way: a map asked for every length.
func probe(table map[string]string, destination string) (zone string, length int) {
	for n := len(destination); n > 0; n-- {
		if zone, found := table[destination[:n]]; found {
			return zone, n
		}
	}
	return "", 0
}

func wideDeck(n int) (entries []catalog.DeckEntry, destinations []string) {
	random := rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{}
	for len(entries) < n {
		prefix := fmt.Sprint(random.IntN(900)+100, random.IntN(1000))[:3+random.IntN(3)] + fmt.Sprint(random.IntN(1000))
		prefix = strings.ReplaceAll(prefix, " ", "")
		if seen[prefix] {
			continue
		}
		seen[prefix] = true
		entries = append(entries, catalog.DeckEntry{Prefix: prefix, Zone: fmt.Sprintf("zone-%03d", random.IntN(400))})
		destinations = append(destinations, prefix+"5550123")
	}
	return entries, destinations
}

func TestDeck_findsWithoutAllocation(t *testing.T) {
	entries, destinations := wideDeck(2_000)
	deck, err := catalog.NewDeck("world", entries)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	if n := testing.AllocsPerRun(1_000, func() { deck.Find(destinations[i%len(destinations)]); i++ }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDeckFind(b *testing.B) {
	entries, destinations := wideDeck(60_000)
	deck, err := catalog.NewDeck("world", entries)
	if err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		deck.Find(destinations[i])
		if i++; i == len(destinations) {
			i = 0
		}
	}
}

func BenchmarkNewDeck(b *testing.B) {
	entries, _ := wideDeck(60_000)
	for b.Loop() {
		if _, err := catalog.NewDeck("world", entries); err != nil {
			b.Fatal(err)
		}
	}
}
