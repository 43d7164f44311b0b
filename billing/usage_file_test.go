package billing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// switchFiles declares a source of call files.
func (w *world) switchFiles() (source uuid.UUID) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		feed, err := usage.CreateSource(ctx, tx, "files", usage.Mapping{
			Format: usage.Delimited, Zone: "Europe/Berlin", IdentityKind: usage.MSISDN, Unit: money.Second,
			Text: &usage.Text{Delimiter: ";", Columns: []string{"id", "msisdn", "start", "seconds"}},
			Fields: &usage.Fields{
				Key: []string{"id"}, Identity: usage.Source{Columns: []string{"msisdn"}}, Start: usage.Source{Columns: []string{"start"}},
				TimeLayout: "2006-01-02 15:04:05", Quantity: usage.Source{Columns: []string{"seconds"}},
				Kind: usage.Source{Constant: "voice"}, Destination: usage.Source{Constant: "+4930"},
			},
		})
		source = feed.ID
		return err
	})
	return source
}

// callFile has n calls of a minute.
func (w *world) callFile(c customer, n int) []byte {
	var text bytes.Buffer
	for i := range n {
		at := w.day("2026-05-02").Add(time.Duration(i) * time.Second).In(w.Zone).Format("2006-01-02 15:04:05")
		fmt.Fprintf(&text, "call-%d;%s;%s;60\n", i, c.msisdn, at)
	}
	return text.Bytes()
}

func (w *world) inboxNames() (names []string) {
	w.t.Helper()
	entries, err := os.ReadDir(w.inbox())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestReceiveFile_sameContentsAreOneFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, source := w.connect("flex"), w.switchFiles()
	w.advance(w.day("2026-05-03"))
	content := w.callFile(c, 3)
	var first usage.File
	for n, name := range []string{"a.csv", "b.csv", "a.csv"} {
		file, repeat, err := w.ReceiveFile(t.Context(), source, name, bytes.NewReader(content))
		if err != nil || repeat != (n > 0) {
			t.Fatalf("file %d: repeat %v, %v", n, repeat, err)
		}
		if n == 0 {
			first = file
		} else if file.ID != first.ID {
			t.Errorf("file %d is %s, want %s", n, file.ID, first.ID)
		}
		if n == 1 {
			w.work() // the third comes when it is done
		}
	}
	w.work()
	if got := w.text(`select state || ' ' || accepted || ' ' || duplicates from usage_file`); got != "done 3 0" {
		t.Errorf("the file is %s, want done 3 0", got)
	}
	if got := w.inboxNames(); len(got) != 1 {
		t.Errorf("the inbox has %v, want one file", got)
	}
}

// What was cut off or refused leaves neither rows nor a file.
func TestReceiveFile_keepsNothingOfACutOffUpload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	source := w.switchFiles()
	cut := io.MultiReader(bytes.NewReader([]byte("half a li")), iotest.ErrReader(io.ErrUnexpectedEOF))
	if _, _, err := w.ReceiveFile(t.Context(), source, "cut.csv", cut); !errors.Is(err, ErrFileCutOff) {
		t.Errorf("%v, want %v", err, ErrFileCutOff)
	}
	if _, _, err := w.ReceiveFile(t.Context(), uuid.New(), "stray.csv", bytes.NewReader([]byte("x"))); !errors.Is(err, usage.ErrNoSource) {
		t.Errorf("%v, want %v", err, usage.ErrNoSource)
	}
	if got := w.inboxNames(); len(got) != 0 {
		t.Errorf("the inbox has %v", got)
	}
	if n := w.text(`select (select count(*) from usage_file) || ' ' || (select count(*) from agenda where kind = 'usage_file')`); n != "0 0" {
		t.Errorf("%s rows were kept", n)
	}
}

// A worker that is stopped in the middle of a file has not failed; the next one
// goes on where its last commit stands.
func TestIngestFile_goesOnAfterItsWorkerWasStopped(t *testing.T) {
	t.Parallel()
	const calls = 25_000
	w := newWorld(t)
	c, source := w.connect("flex"), w.switchFiles()
	w.advance(w.day("2026-05-03"))
	if _, _, err := w.ReceiveFile(t.Context(), source, "calls.csv", bytes.NewReader(w.callFile(c, calls))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // stop it as soon as its first chunk is committed
		for ctx.Err() == nil {
			if w.text(`select (lines > 0)::text from usage_file`) == "true" {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	_, err := w.host.Work(ctx, w.Stack.Ref.ID, agenda.Files)
	cancel()
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want %v", err, context.Canceled)
	}
	if got := w.text(`select state || ' ' || attempts from agenda where kind = 'usage_file'`); got != "due 0" {
		t.Errorf("the item is %s, want due 0", got)
	}
	if got := w.text(`select (lines between 1 and $1 - 1)::text from usage_file`, calls); got != "true" {
		t.Errorf("the file was not left in the middle")
	}
	w.work()
	if got, want := w.text(`select state || ' ' || accepted || ' ' || duplicates from usage_file`), fmt.Sprint("done ", calls, " 0"); got != want {
		t.Errorf("the file is %s, want %s", got, want)
	}
	if got := w.text(`select count(*)::text from charge where kind = 'usage'`); got != fmt.Sprint(calls) {
		t.Errorf("%s charges, want %d", got, calls)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}
