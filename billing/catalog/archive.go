package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"

	"github.com/google/uuid"

	"tollhouse/billing/catalog/document"
	"tollhouse/billing/tenant"
)

// ErrArchive says that a text is no catalog: YAML documents apart from each other
// by lines of "---", or a JSON list.
var ErrArchive = errors.New("not a catalog of offerings")

// maxArchive bounds how many offerings one archive holds.
const maxArchive = 2000

// Archive exports the newest version of each offering, or the open draft, as one
// text: YAML documents, or a JSON list.
func Archive(ctx context.Context, tx tenant.Tx, asJSON bool) ([]byte, error) {
	newest := map[string]uuid.UUID{}
	var codes []string
	q := Query{Limit: 200}
	for {
		page, err := List(ctx, tx, q)
		if err != nil {
			return nil, err
		}
		for _, v := range page {
			if _, known := newest[v.Code]; !known {
				codes = append(codes, v.Code)
			}
			if v.State != Retired || newest[v.Code] == uuid.Nil {
				newest[v.Code] = v.ID
			}
			q.AfterCode, q.AfterNumber = v.Code, v.Number
		}
		if len(page) < q.Limit {
			break
		}
	}
	sort.Strings(codes)
	ids := make([]uuid.UUID, len(codes))
	for i, code := range codes {
		ids[i] = newest[code]
	}
	found, err := LoadVersions(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	offerings := make([]Offering, len(ids))
	for i, id := range ids {
		offerings[i] = found[id]
	}
	return WriteArchive(offerings, asJSON)
}

// WriteArchive is the text of offerings that ReadArchive reads.
func WriteArchive(offerings []Offering, asJSON bool) ([]byte, error) {
	if asJSON {
		return json.MarshalIndent(offerings, "", "  ")
	}
	var out bytes.Buffer
	for _, o := range offerings {
		text, err := o.YAML()
		if err != nil {
			return nil, err
		}
		out.WriteString("---\n")
		out.Write(text)
	}
	return out.Bytes(), nil
}

// IsArchive says whether a text is a list of documents and not one: it need not
// be a right one.
func IsArchive(text []byte) bool {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		return true
	}
	parts, err := partsOf(text)
	return err == nil && len(parts) > 1
}

// ReadArchive reads many offerings. A refused document gives a
// *document.InvalidError whose paths begin with the document's number.
func ReadArchive(text []byte) ([]Offering, error) {
	parts, err := partsOf(text)
	if err != nil {
		return nil, err
	}
	if len(parts) > maxArchive {
		return nil, fmt.Errorf("%w: it holds %d offerings, at most %d are taken", ErrArchive, len(parts), maxArchive)
	}
	var all []Finding
	offerings := make([]Offering, len(parts))
	seen := map[string]int{}
	for i, part := range parts {
		o, err := Parse(part.text)
		var invalid *document.InvalidError
		if errors.As(err, &invalid) {
			for _, f := range invalid.Findings {
				f.Path = fmt.Sprintf("[%d].%s", i, f.Path)
				if f.Line > 0 {
					f.Line += part.line
				}
				all = append(all, f)
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if first, twice := seen[o.Code]; twice {
			all = append(all, Finding{Path: fmt.Sprintf("[%d].code", i), Message: fmt.Sprintf("%q is the code of document %d already", o.Code, first)})
		}
		seen[o.Code], offerings[i] = i, o
	}
	if len(all) > 0 {
		return nil, fmt.Errorf("read catalog: %w", &document.InvalidError{Findings: all})
	}
	if len(offerings) == 0 {
		return nil, ErrArchive
	}
	return offerings, nil
}

// piece is one document of an archive, and how many lines stand before it.
type piece struct {
	text []byte
	line int
}

func partsOf(text []byte) ([]piece, error) {
	if trimmed := bytes.TrimSpace(text); bytes.HasPrefix(trimmed, []byte("[")) {
		var raw []json.RawMessage
		if err := json.Unmarshal(trimmed, &raw); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrArchive, err)
		}
		parts := make([]piece, len(raw))
		for i, one := range raw {
			parts[i].text = one
		}
		return parts, nil
	}
	var parts []piece
	var at piece
	line := 0
	add := func() {
		if len(bytes.TrimSpace(at.text)) > 0 {
			parts = append(parts, at)
		}
	}
	for one := range bytes.Lines(text) {
		line++
		if bytes.Equal(bytes.TrimRight(one, " \r\n"), []byte("---")) {
			add()
			at = piece{line: line}
			continue
		}
		at.text = append(at.text, one...)
	}
	add()
	return parts, nil
}

// SaveDrafts stores offerings as the drafts of their codes, all or none.
func SaveDrafts(ctx context.Context, tx tenant.Tx, offerings []Offering) ([]Version, error) {
	versions := make([]Version, len(offerings))
	for i, o := range offerings {
		var err error
		if versions[i], err = SaveDraft(ctx, tx, o); err != nil {
			return nil, err
		}
	}
	return versions, nil
}
