package catalog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
)

// errDeckBody says that a stored deck cannot be read.
var errDeckBody = errors.New("stored deck is damaged")

// packDeck writes entries as the body of a version: lines of prefix, zone,
// network and "own" between tabs, packed. A tenth of what rows would take, and
// read at once.
func packDeck(entries []DeckEntry) ([]byte, error) {
	var body bytes.Buffer
	packer, err := gzip.NewWriterLevel(&body, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriterSize(packer, 1<<16)
	for _, e := range entries {
		own := ""
		if e.Own {
			own = "own"
		}
		for _, part := range []string{e.Prefix, "\t", e.Zone, "\t", e.Network, "\t", own, "\n"} {
			if _, err := w.WriteString(part); err != nil {
				return nil, err
			}
		}
	}
	if err := errors.Join(w.Flush(), packer.Close()); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}

func unpackDeck(code string, body []byte) (*Deck, error) {
	packed, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("deck %s: %w: %w", code, errDeckBody, err)
	}
	text, err := io.ReadAll(packed)
	if err != nil {
		return nil, fmt.Errorf("deck %s: %w: %w", code, errDeckBody, err)
	}
	entries := make([]DeckEntry, 0, bytes.Count(text, []byte("\n")))
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 4)
		if len(parts) != 4 {
			return nil, fmt.Errorf("deck %s: %w: %.40q", code, errDeckBody, line)
		}
		entries = append(entries, DeckEntry{parts[0], parts[1], parts[2], parts[3] == "own"})
	}
	return NewDeck(code, entries)
}
