package ratecmd

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/catalog"
	"tollhouse/billing/rating"
)

// Whatever a usage file holds, each line is priced, has a reason, or is
// refused with file, line and field: nothing crashes and nothing is free that
// has no price.
func FuzzUsage(f *testing.F) {
	files, err := filepath.Glob("testdata/kinds/*/usage.csv")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	text, err := os.ReadFile(offers + "hanse-postpaid-flex.yaml")
	if err != nil {
		f.Fatal(err)
	}
	o, err := catalog.Parse(text)
	if err != nil {
		f.Fatal(err)
	}
	tariff, err := rating.Compile(o, rating.Context{Zone: time.UTC})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b := newBook(o, tariff, account{zone: time.UTC, balances: fullAllowances(o)})
		in := newReader("usage", strings.NewReader(text))
		for {
			line, err := in.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				if !strings.HasPrefix(err.Error(), "usage:") {
					t.Fatalf("%v names no place", err)
				}
				return
			}
			c := b.charge(line)
			if (c.failed == nil) == (c.result.RuleCode == "") {
				t.Fatalf("%+v has neither a rule nor a reason", line)
			}
		}
	})
}

// Whatever an offer says, it is refused with words or it compiles and prices.
func FuzzOffer(f *testing.F) {
	for _, pattern := range []string{"testdata/kinds/*/offer.yaml", offers + "*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatal(err)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := catalog.Parse(text)
		if err != nil {
			return
		}
		tariff, err := rating.Compile(o, rating.Context{Zone: time.UTC})
		if err != nil {
			if err.Error() == "" {
				t.Fatal("refused without words")
			}
			return
		}
		for _, kind := range []catalog.UsageKind{catalog.VoiceUsage, catalog.DataUsage, catalog.MessageUsage, catalog.ContentUsage, catalog.TransactionUsage} {
			r, err := tariff.Rate(rating.Event{Kind: kind, Destination: "4930", Quantity: 61}, rating.State{})
			if failed := (*rating.Error)(nil); err != nil && !errors.As(err, &failed) || err == nil && r.RuleCode == "" {
				t.Fatalf("%s: %v, %+v", kind, err, r)
			}
		}
	})
}
