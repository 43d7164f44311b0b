package usage

import (
	"crypto/sha256"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite golden files")

var juneAt = time.Date(2026, time.June, 3, 0, 0, 0, 0, time.UTC)

const samples = "../../docs/samples/usage/"

// found is an item as a test keeps it.
type found struct {
	Line    int64    `json:"line"`
	Next    int64    `json:"next"`
	Record  *Record  `json:"record,omitempty"`
	Problem *Problem `json:"problem,omitempty"`
	Skipped bool     `json:"skipped,omitempty"`
	Raw     string   `json:"-"`
}

func readAll(t testing.TB, m Mapping, text string, in Input) []found {
	t.Helper()
	var all []found
	if in.At.IsZero() {
		in.At = juneAt
	}
	err := m.Read(strings.NewReader(text), in, func(i *Item) error {
		f := found{Line: i.Line, Next: i.Next.Offset, Problem: i.Problem, Skipped: i.Skipped, Raw: i.Raw}
		if i.Record != nil {
			r := *i.Record
			f.Record = &r
		}
		all = append(all, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func preset(t testing.TB, name, zone string) Mapping {
	t.Helper()
	m, err := FindPreset(name, zone)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSamples_normalForm(t *testing.T) {
	for _, c := range []struct{ file, preset, zone string }{
		{"asterisk-Master.csv", "asterisk-master-csv", "Europe/Berlin"},
		{"asterisk-Master-nouniqueid.csv", "asterisk-master-csv-nouniqueid", "Europe/Berlin"},
		{"freeradius-detail", "freeradius-detail", "Asia/Jakarta"},
		{"events.json", "json-events", ""},
	} {
		t.Run(c.file, func(t *testing.T) {
			text, err := os.ReadFile(samples + c.file)
			if err != nil {
				t.Fatal(err)
			}
			got := readAll(t, preset(t, c.preset, c.zone), string(text), Input{Digest: sha256.Sum256(text)})
			golden(t, c.file+".golden.json", got)
		})
	}
}

func golden(t *testing.T, name string, value any) {
	t.Helper()
	got, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got)+"\n" {
		t.Errorf("%s differs; run with -update and look at the diff\n%s", path, got)
	}
}
