package secrets_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"

	"tollhouse/infra/secrets"
)

func sealStream(t interface{ Fatal(...any) }, box *secrets.Box, context string, clear []byte) []byte {
	var sealed bytes.Buffer
	w, err := box.SealStream(context, &sealed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(clear); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	return sealed.Bytes()
}

// What comes out is what went in, and nothing else comes out: not a part, not
// another order, not under another name.
func TestStream_wholeOrNothing(t *testing.T) {
	t.Parallel()
	box, err := secrets.New(bytes.Repeat([]byte{7}, secrets.KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	const chunk = 64<<10 + 16
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.Just(0), rapid.Just(64<<10), rapid.Just(128<<10), rapid.IntRange(1, 200<<10)).Draw(t, "size")
		clear := bytes.Repeat([]byte("tollhouse "), size/10+1)[:size]
		sealed := sealStream(t, box, "a", clear)
		r, err := box.OpenStream("a", bytes.NewReader(sealed))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, clear) {
			t.Fatalf("%d bytes of %d, %v", len(got), size, err)
		}
		if _, err := box.OpenStream("b", bytes.NewReader(sealed)); err == nil {
			t.Fatal("opened under another name")
		}
		cut := rapid.IntRange(0, len(sealed)-1).Draw(t, "cut")
		if size > 64<<10 && rapid.Bool().Draw(t, "at a chunk's end") {
			cut = len(sealed) - (len(sealed)-1)%chunk - 1
		}
		r, err = box.OpenStream("a", bytes.NewReader(sealed[:cut]))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if err == nil {
			t.Fatalf("a stream cut at %d of %d was taken for whole", cut, len(sealed))
		}
	})
}
