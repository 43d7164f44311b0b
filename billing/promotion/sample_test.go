package promotion

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSamples_areReadCheckedAndComeBackAsTheyWent(t *testing.T) {
	files, err := filepath.Glob("../../docs/samples/promotions/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	sold := map[string]bool{"hanse-postpaid-flex": true, "nord-home": true}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, f := range Check(p, sold) {
			t.Errorf("%s: %s", file, f)
		}
		out, err := p.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(out)
		if err != nil {
			t.Fatalf("%s again: %v", file, err)
		}
		twice, err := again.YAML()
		if err != nil || string(twice) != string(out) {
			t.Errorf("%s: %v\n%s\n%s", file, err, out, twice)
		}
	}
}

func TestSchema_isTheOneThatIsPublished(t *testing.T) {
	published, err := os.ReadFile("../../docs/promotion.schema.json")
	if err != nil || string(published) != string(SchemaJSON) {
		t.Errorf("docs/promotion.schema.json is another text: %v", err)
	}
}

func TestCheck_namesTheFieldOfEachFault(t *testing.T) {
	for text, path := range map[string]string{
		"occasion: activation\nbenefit: {percent: 101}":                                            "benefit.percent",
		"occasion: activation\nbenefit: {amount: 0}":                                               "benefit.amount",
		"occasion: activation\nbenefit: {amount: 1.001}":                                           "benefit.amount",
		"occasion: activation\nbenefit: {amount: 1, percent: 5}":                                   "benefit",
		"occasion: activation\nbenefit: {bucket: {validity_days: 3}}":                              "benefit.bucket",
		"occasion: activation\nbenefit: {bucket: {units: 1 GB, kinds: [voice], validity_days: 3}}": "benefit.bucket.kinds[0]",
		"occasion: activation\nafter_months: 3\nbenefit: {percent: 5}":                             "after_months",
		"occasion: loyalty\nbenefit: {percent: 5}":                                                 "after_months",
		"occasion: cycle\nbenefit: {percent: 5, cycles: 2}":                                        "benefit.cycles",
		"occasion: activation\nofferings: [gone]\nbenefit: {percent: 5}":                           "offerings[0]",
		"occasion: activation\nuntil: \"2025-12-31\"\nbenefit: {percent: 5}":                       "until",
		"occasion: activation\neligibility: account.nothing\nbenefit: {percent: 5}":                "eligibility",
		"occasion: top_up\nbenefit: {percent: 5, cycles: 2}":                                       "benefit.cycles",
	} {
		p, err := Parse([]byte("code: x\nnames: {en: X}\ncurrency: EUR\nfrom: \"2026-01-01\"\n" + text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		found := Check(p, nil)
		if len(found) == 0 || found[0].Path != path {
			t.Errorf("%s: got %v, want one at %s", text, found, path)
		}
	}
}
