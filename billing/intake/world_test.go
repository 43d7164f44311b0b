package intake_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/bill"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/intake"
	"tollhouse/billing/ledger"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) {
	// A check imports and undoes an operator on a real database; -rapid.checks
	// asks for more.
	if err := flag.Set("rapid.checks", "10"); err != nil {
		panic(err)
	}
	pgtest.Main(m)
}

// xor stands for a sealer: what it makes is not what it was given.
type xor struct{}

func (xor) Seal(_ tenant.ID, name string, clear []byte) ([]byte, error) {
	return append([]byte(name+"\x00"), flip(clear)...), nil
}

func (xor) Open(_ tenant.ID, name string, sealed []byte) ([]byte, error) {
	rest, ours := bytes.CutPrefix(sealed, []byte(name+"\x00"))
	if !ours {
		return nil, errors.New("sealed elsewhere")
	}
	return flip(rest), nil
}

func flip(b []byte) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[i] = b[i] ^ 0x5a
	}
	return out
}

// world is an operator with the sample offerings on sale, on the tenth of May.
type world struct {
	*pgtest.TenantDB
	t     testing.TB
	im    *intake.Importer
	desk  *onboarding.Desk
	users *identity.Authority
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TenantDB: pgtest.Tenant(t), t: t}
	w.SetClock(t, time.Date(2026, 5, 10, 9, 0, 0, 0, w.Zone))
	passwords, err := identity.NewPasswords()
	if err != nil {
		t.Fatal(err)
	}
	w.users = identity.New(passwords, xor{}, time.Now)
	w.desk = onboarding.New(xor{}, onboarding.Hooks{
		Grant:    func(context.Context, tenant.Tx, []uuid.UUID) error { return nil },
		Schedule: bill.Schedule,
	})
	w.im = intake.New(intake.Config{Desk: w.desk, Users: w.users, Seal: xor{}, Now: time.Now})
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		if err := w.users.SetUp(ctx, tx); err != nil {
			return err
		}
		for _, code := range []string{"hanse-postpaid-flex", "hanse-prepaid-200", "nord-home"} {
			text, err := os.ReadFile("../../docs/samples/offerings/" + code + ".yaml")
			if err != nil {
				return err
			}
			offering, err := catalog.Parse(text)
			if err != nil {
				return err
			}
			draft, err := catalog.SaveDraft(ctx, tx, offering)
			if err != nil {
				return err
			}
			if _, err := catalog.Publish(ctx, tx, draft.ID, tx.At); err != nil {
				return err
			}
		}
		return nil
	})
	return w
}

// files are a batch's, by kind.
type files map[intake.Kind]string

// samples are the files of docs/samples/import.
func samples(t testing.TB) files {
	t.Helper()
	paths, err := filepath.Glob("../../docs/samples/import/*.csv")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	all := files{}
	for _, path := range append(paths, "../../docs/samples/import/documents.zip") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		kind := intake.Kind(strings.TrimSuffix(filepath.Base(path), ".csv"))
		if strings.HasSuffix(path, ".zip") {
			kind = intake.Archive
		}
		all[kind] = string(text)
	}
	return all
}

// batch opens a batch with these files.
func (w *world) batch(all files, options ...func(*intake.NewBatch)) (b intake.Batch) {
	w.t.Helper()
	n := intake.NewBatch{Name: "Küstenfunk", By: "user:owner"}
	for _, change := range options {
		change(&n)
	}
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		if b, err = w.im.Open(ctx, tx, n); err != nil {
			return err
		}
		for _, kind := range intake.Kinds {
			if text, there := all[kind]; there {
				if _, err := w.im.Upload(ctx, tx, b.ID, intake.Upload{Kind: kind, Name: string(kind), Content: []byte(text)}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return b
}

func (w *world) check(id uuid.UUID) (b intake.Batch, found []intake.Finding) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		if b, err = w.im.Check(ctx, tx, id); err != nil {
			return err
		}
		found, err = intake.Findings(ctx, tx, id, 0, 200)
		return err
	})
	return b, found
}

// clean checks a batch that has to have no errors.
func (w *world) clean(id uuid.UUID) intake.Batch {
	w.t.Helper()
	b, found := w.check(id)
	if !b.Clean() {
		w.t.Fatalf("%d errors: %v", b.Errors, found)
	}
	return b
}

func (w *world) commit(id uuid.UUID) (b intake.Batch) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		b, err = w.im.Commit(ctx, tx, id)
		return err
	})
	return b
}

// portion works one portion of what is due, as the agenda's worker does.
func (w *world) portion(ctx context.Context) (more bool, err error) {
	var item agenda.Item
	err = w.DB.Read(ctx, w.Ref, func(ctx context.Context, tx tenant.Tx) error {
		item, more, err = agenda.First(ctx, tx, agenda.Cycles)
		return err
	})
	if err != nil || !more {
		return false, err
	}
	if item.Kind != agenda.Intake {
		return true, w.done(ctx, item)
	}
	write := func(ctx context.Context, fn func(ctx context.Context, tx tenant.Tx) error) error {
		return w.DB.Write(ctx, w.Ref, fn)
	}
	again, err := w.im.Work(ctx, write, item, "https://küste.example/set-password?token=")
	if err != nil || again {
		return true, err
	}
	return true, w.done(ctx, item)
}

func (w *world) done(ctx context.Context, item agenda.Item) error {
	return w.DB.Write(ctx, w.Ref, func(ctx context.Context, tx tenant.Tx) error { return agenda.Done(ctx, tx, item.ID) })
}

// work does all that is due.
func (w *world) work() {
	w.t.Helper()
	for more := true; more; {
		var err error
		if more, err = w.portion(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) get(id uuid.UUID) (b intake.Batch) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		b, err = intake.Get(ctx, tx, id)
		return err
	})
	return b
}

func (w *world) undo(id uuid.UUID) error {
	return w.DB.Write(w.t.Context(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.im.Undo(ctx, tx, id)
		return err
	})
}

// text is one value of the tenant's database.
func (w *world) text(query string, args ...any) (value string) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error { return tx.QueryRow(ctx, query, args...).Scan(&value) })
	return value
}

// sums holds the ledger against the books and gives its trial balance.
func (w *world) sums() map[string]string {
	w.t.Helper()
	balances := map[string]string{}
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err != nil {
			return err
		}
		for _, b := range report.Trial {
			if net := b.Debit.Sub(b.Credit); !net.IsZero() {
				balances[string(b.Kind)+" "+string(b.Unit)] = net.String()
			}
		}
		return report.Check()
	})
	return balances
}
