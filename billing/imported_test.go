package billing

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/intake"
	"tollhouse/billing/tenant"
)

// bring imports the sample operator through the stack and its agenda.
func (w *world) bring() {
	w.t.Helper()
	for _, code := range []string{"hanse-postpaid-flex", "hanse-prepaid-200", "nord-home"} {
		text, err := os.ReadFile("../docs/samples/offerings/" + code + ".yaml")
		if err != nil {
			w.t.Fatal(err)
		}
		w.publish(string(text))
	}
	paths, err := filepath.Glob("../docs/samples/import/*.*")
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		im := w.Intake()
		b, err := im.Open(ctx, tx, intake.NewBatch{Name: "Küstenfunk", By: "user:owner"})
		if err != nil {
			return err
		}
		for _, path := range paths {
			name := filepath.Base(path)
			kind := intake.Kind(strings.TrimSuffix(name, filepath.Ext(name)))
			if filepath.Ext(name) == ".zip" {
				kind = intake.Archive
			}
			if filepath.Ext(name) != ".csv" && kind != intake.Archive {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if _, err := im.Upload(ctx, tx, b.ID, intake.Upload{Kind: kind, Name: name, Content: text}); err != nil {
				return err
			}
		}
		if _, err := im.Check(ctx, tx, b.ID); err != nil {
			return err
		}
		_, err = im.Commit(ctx, tx, b.ID)
		return err
	})
	w.work()
}

// An imported operator lives on: readiness looks at its next run, cycles close
// from where the old system stood, prepaid subscribers renew from the money
// they brought, and the books agree all the way.
func TestImport_theOperatorLivesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.advance(w.day("2026-05-10"))
	w.bring()
	if got := w.text(`select string_agg(state || failure, ' ') from intake_batch`); got != "committed" {
		t.Fatalf("the batch is %s", got)
	}
	report, err := w.Readiness(t.Context(), calendar.Date{})
	if err != nil || report.Day.String() != "2026-05-15" || !report.Ready() || report.Accounts == 0 {
		t.Errorf("%+v, %v", report, err)
	}
	w.advance(w.day("2026-07-02"))
	if err := w.sums(); err != nil {
		t.Error(err)
	}
	for query, want := range map[string]string{
		`select count(*)::text from bill_run_failure`:                                     "0",
		`select count(*)::text from agenda where state = 'failed'`:                        "0",
		`select min(number) from bill where kind = 'bill'`:                                "TO-2026/004471",
		`select count(distinct description)::text from bill_line where kind = 'discount'`: "4",
		`select (count(*) > 0)::text from charge where kind = 'discount' and net < 0`:     "true",
		`select count(*)::text from bucket b where b.origin = 'allowance' and b.created_at > '2026-05-11'
			and b.expires_at <= '2026-06-01'`: "0",
	} {
		if got := w.text(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		var spring int
		if err := tx.QueryRow(ctx, `select cycles_left from subscription_discount where reason = 'Spring promotion'`).Scan(&spring); err != nil {
			return err
		}
		if spring >= 3 {
			t.Errorf("%d cycles are left of the spring promotion", spring)
		}
		documents, err := bill.ImportedDocuments(ctx, tx, [16]byte{}, calendar.Date{}, 1)
		if len(documents) != 0 {
			t.Errorf("documents of nobody: %v", documents)
		}
		return err
	})
}
