package e2e

import (
	"fmt"
	"strings"
	"time"
)

// use hands in a month's usage: two files, and batches that are sent while the
// power goes.
func (w *wreck) use(month int) {
	w.t.Helper()
	w.c.advance(w.t, day(month, 28, 12).Format(time.RFC3339))
	w.seconds = append(w.seconds, make([]int, killAccounts))
	csv, events := w.files(month)
	sent := make(chan error, 1)
	messages := w.batches(month)
	go func() {
		for _, batch := range messages {
			if _, err := w.c.persist("/usage-events", map[string]any{"source": "batch", "events": batch}); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	files := make([]usageFile, 2)
	for i, text := range [][]byte{csv, events} {
		w.c.post(w.t, "/usage-files?source="+[]string{"pbx", "app"}[i], upload(text), &files[i])
	}
	w.lose(month, "reading", func() (bool, string) { return w.reading(files) })
	if err := <-sent; err != nil {
		w.t.Fatal(err)
	}
	for _, f := range files {
		if f = w.c.read(w.t, f.ID); f.State != "done" || f.Lines != killLines || f.Accepted != killLines || f.SizeBytes != f.OffsetBytes {
			w.t.Errorf("month %d: the file %+v", month+1, f)
		}
	}
	if month > 0 {
		return
	}
	// A batch that was answered is known for ever.
	var again struct{ Duplicates int }
	w.c.post(w.t, "/usage-events", map[string]any{"source": "batch", "events": messages[0]}, &again)
	if again.Duplicates != batchSize {
		w.t.Errorf("%d of a batch are known, want %d", again.Duplicates, batchSize)
	}
}

// reading waits until a drawn share of the files has been read, or all of them.
func (w *wreck) reading(files []usageFile) (under bool, far string) {
	w.t.Helper()
	goal := w.r.Int64N(files[0].SizeBytes + files[1].SizeBytes)
	pause := time.Duration(w.r.IntN(60)) * time.Millisecond // into the next chunk
	for {
		var read int64
		done := true
		for _, f := range files {
			f = w.c.file(w.t, f.ID)
			read += f.OffsetBytes
			done = done && f.State == "done"
		}
		if done || read >= goal {
			time.Sleep(pause)
			return !done, fmt.Sprintf("%d bytes and %s", read, pause)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// drawn is one use of a month by a subscriber, counted as owed.
func (w *wreck) drawn(month int) (from string, start time.Time, seconds int) {
	n := w.r.IntN(killAccounts)
	seconds = 1 + w.r.IntN(600)
	w.seconds[month][n] += seconds
	return line(n), day(month, 1+w.r.IntN(27), w.r.IntN(22)).Add(time.Duration(w.r.IntN(3600)) * time.Second), seconds
}

func (w *wreck) files(month int) (csv, events []byte) {
	const local = "2006-01-02 15:04:05"
	var a, b strings.Builder
	for n := range killLines {
		from, start, seconds := w.drawn(month)
		at := start.Format(local)
		a.WriteString(call{from: from, clid: from, start: at, answer: at, end: start.Add(time.Duration(seconds) * time.Second).Format(local),
			seconds: seconds, unique: fmt.Sprintf("%d.%d", month, n)}.String() + "\n")
		e := w.event(month, fmt.Sprintf("f-%d-%d", month, n))
		fmt.Fprintf(&b, `{"id":"%s","kind":"voice","identity":{"kind":"line","value":"%s"},"start":"%s","end":"%s","quantity":%d,"unit":"second","destination":"+4930901820"}`+"\n",
			e.ID, e.Identity.Value, e.Start, e.End, e.Quantity)
	}
	return []byte(a.String()), []byte(b.String())
}

type event struct {
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	Identity struct {
		Kind  string `json:"kind"`
		Value string `json:"value"`
	} `json:"identity"`
	Start       string `json:"start"`
	End         string `json:"end"`
	Quantity    int    `json:"quantity"`
	Unit        string `json:"unit"`
	Destination string `json:"destination"`
}

func (w *wreck) event(month int, id string) event {
	from, start, seconds := w.drawn(month)
	e := event{ID: id, Kind: "voice", Unit: "second", Quantity: seconds, Destination: "+4930901820",
		Start: start.Format(time.RFC3339), End: start.Add(time.Duration(seconds) * time.Second).Format(time.RFC3339)}
	e.Identity.Kind, e.Identity.Value = "line", from
	return e
}

func (w *wreck) batches(month int) [][]event {
	list := make([][]event, batches)
	for i := range list {
		for k := range batchSize {
			list[i] = append(list[i], w.event(month, fmt.Sprintf("b-%d-%d-%d", month, i, k)))
		}
	}
	return list
}
