package bill

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
)

func TestRender(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		DefaultTemplate:              "HM-2026/000042",
		"{prefix}{yy}-{no:4}":        "HM26-0042",
		"INV.{no:1}.{yyyy}":          "INV.42.2026",
		"{yyyy}{no:9}":               "2026000000042",
		"{prefix}/{yyyy}/TAX-{no:2}": "HM/2026/TAX-42",
	} {
		if err := checkTemplate(template); err != nil {
			t.Errorf("%s: %v", template, err)
		}
		if got := render(template, "HM", 2026, 42); got != want {
			t.Errorf("%s: %s, want %s", template, got, want)
		}
	}
	for _, template := range []string{"", "{no:6}", "{yyyy}", "{yyyy}-{no}", "{yyyy}-{no:0}", "{yyyy}-{no:6}{no:6}", "{yyyy}{yy}-{no:6}", "{month}{yyyy}{no:6}",
		"{yyyy} {no:6}", "{yyyy}-{no:6}\n", "ÄB-{yyyy}-{no:6}", "{{yyyy}}{no:6}", "a-very-long-prefix-for-{prefix}-{yyyy}-{no:9}"} {
		if err := checkTemplate(template); err == nil {
			t.Errorf("%q is taken", template)
		}
	}
}

// Whatever two formats print alike, they are said to collide.
func TestCollide_whateverIsPrintedAlike(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) string {
			parts := rapid.Permutation([]string{rapid.SampledFrom([]string{"", "1", "20", "A", "A-"}).Draw(t, name+" text"),
				rapid.SampledFrom([]string{"{yyyy}", "{yy}"}).Draw(t, name+" year"), "{no:" + fmt.Sprint(rapid.IntRange(1, 5).Draw(t, name+" digits")) + "}"}).Draw(t, name)
			return parts[0] + parts[1] + parts[2]
		}
		a, b := draw("a"), draw("b")
		year, no := rapid.IntRange(2026, 2030), rapid.Int64Range(1, 30)
		one := render(a, "", year.Draw(t, "year a"), no.Draw(t, "no a"))
		other := render(b, "", year.Draw(t, "year b"), no.Draw(t, "no b"))
		if one == other && !collide(elements(a, ""), elements(b, "")) {
			t.Fatalf("%s and %s both print %s", a, b, one)
		}
	})
	for _, apart := range [][2]string{{"A-{yyyy}/{no:6}", "B-{yyyy}/{no:6}"}, {"{yyyy}/{no:6}", "{yyyy}-{no:6}"}, {"A{yyyy}-{no:6}", "A{yy}-{no:6}"}} {
		if collide(elements(apart[0], ""), elements(apart[1], "")) {
			t.Errorf("%v never print alike", apart)
		}
	}
}

// A format that another series prints, or has printed, is refused; numbers go
// on where the series stands.
func TestPutNumberFormat_noNumberTwice(t *testing.T) {
	t.Parallel()
	d := continueAt42(t)
	put := func(kind Kind, template string) error {
		return d.DB.Write(context.Background(), d.Ref, func(ctx context.Context, tx tenant.Tx) error {
			return PutNumberFormat(ctx, tx, NumberFormat{d.LegalEntity, kind, template}, "owner")
		})
	}
	next := func(kind Kind, template string) (text string) {
		d.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			text, err = PrintedNumber(ctx, tx, NumberFormat{d.LegalEntity, kind, template})
			return err
		})
		return text
	}
	if err := put(KindBill, "R{yyyy}-{no:5}"); err != nil {
		t.Fatal(err)
	}
	if err := put(KindCreditNote, "R{yyyy}-{no:8}"); !errors.Is(err, ErrNumberFormat) {
		t.Errorf("the bills' format for notes: %v", err)
	}
	if err := put(KindCreditNote, "TO-{yyyy}/{no:6}"); !errors.Is(err, ErrNumberFormat) {
		t.Errorf("the bills' former format for notes: %v", err)
	}
	if err := put(KindCreditNote, "CN{yyyy}-{no:5}"); err != nil {
		t.Error(err)
	}
	if err := put(KindBill, "R{yyyy}-{no:6}"); err != nil {
		t.Errorf("more zeros: %v", err)
	}
	if err := put(KindBill, DefaultTemplate); err != nil {
		t.Errorf("back to what it was: %v", err)
	}
	var field *account.FieldError
	if err := put(KindBill, "{yyyy}"); !errors.As(err, &field) || field.Field != "template" {
		t.Errorf("no number: %v", err)
	}
	if got := next(KindDebitNote, "D{yy}.{no:3}"); got[3:] != ".001" {
		t.Errorf("preview %s", got)
	}
	var list []Numbering
	d.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = Numberings(ctx, tx)
		return err
	})
	if len(list) != 1 || list[0].Next != "TO-2026/000042" || list[0].Template != DefaultTemplate {
		t.Errorf("series %+v", list)
	}
}
