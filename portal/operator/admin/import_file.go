package admin

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"mime/multipart"
	"path"
	"slices"
	"strings"

	"tollhouse/billing/intake"
	"tollhouse/billing/tenant"
	"tollhouse/portal/web"
)

// maxImportForm bounds the body of one upload: an archive and a few files. More
// come with another upload.
const maxImportForm = intake.MaxArchiveBytes + 2*intake.MaxFileBytes

// uploadFiles stores files of an import, one after the other: each is in memory
// alone, and waits on disk before.
func uploadFiles(v *web.Visit) error {
	b, err := batchOf(v)
	if err != nil {
		return err
	}
	f := sentForm(v)
	files := v.Files("files")
	if len(files) == 0 {
		f.refuse("files", v.Reader.T("admin.import.want.files"))
	}
	for _, file := range files {
		name := path.Base(strings.ReplaceAll(file.Filename, `\`, "/"))
		if err := uploadFile(v, b, file, name, &f); err != nil {
			return err
		}
	}
	if len(f.Faults) > 0 {
		return showImport(v, b, f, totalsForm(b))
	}
	return after(v, "import/"+b.ID.String(), "import.uploaded")
}

func uploadFile(v *web.Visit, b intake.Batch, file *multipart.FileHeader, name string, f *form) error {
	content, err := contentOf(file)
	if err != nil {
		return err
	}
	kind, known := kindOf(name, content)
	if !known {
		f.refuse("files", v.Reader.T("admin.import.want.kind", "file", name))
		return nil
	}
	_, err = oncePart(v, "import.upload", name, func(ctx context.Context, tx tenant.Tx) (act, error) {
		_, err := v.Stack.Intake().Upload(ctx, tx, b.ID, intake.Upload{Kind: kind, Name: name, Content: content})
		return act{"import", b.ID, map[string]any{"file": name, "kind": kind, "bytes": len(content)}}, err
	})
	switch {
	case errors.Is(err, intake.ErrFile):
		f.refuse("files", v.Reader.T("admin.import.want.filename", "file", name))
	case errors.Is(err, intake.ErrFileSize):
		f.refuse("files", v.Reader.T("admin.import.want.size", "file", name))
	case errors.Is(err, intake.ErrFiles):
		f.refuse("files", v.Reader.T("admin.import.want.fewer"))
	case errors.Is(err, intake.ErrState):
		f.refuse("files", v.Reader.T("admin.import.busy"))
	default:
		return err
	}
	return nil
}

// contentOf reads a file, up to what an archive may have and one byte more, by
// which the domain knows that it is too large.
func contentOf(file *multipart.FileHeader) ([]byte, error) {
	opened, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }() // only read
	return io.ReadAll(io.LimitReader(opened, intake.MaxArchiveBytes+1))
}

// kindOf tells what a file holds: an archive by its first bytes, the rest by
// the columns in its header, as people name files as they like. Of kinds that
// fit alike, the one that the name begins with is meant.
func kindOf(name string, content []byte) (intake.Kind, bool) {
	if bytes.HasPrefix(content, []byte("PK\x03\x04")) {
		return intake.Archive, true
	}
	header := headerOf(content)
	best, most := intake.Kind(""), 0
	for _, kind := range intake.Kinds {
		fits := fitting(kind, header)
		if fits > most || fits == most && fits > 0 && strings.HasPrefix(strings.ToLower(name), string(kind)) {
			best, most = kind, fits
		}
	}
	if most > 0 {
		return best, true
	}
	for _, kind := range intake.Kinds { // the check then says which columns it lacks
		if kind != intake.Archive && strings.HasPrefix(strings.ToLower(name), string(kind)) {
			return kind, true
		}
	}
	return "", false
}

// maxHeader bounds what is read of a file to find its columns.
const maxHeader = 64 << 10

func headerOf(content []byte) []string {
	content = bytes.TrimPrefix(content[:min(len(content), maxHeader)], []byte("\xef\xbb\xbf"))
	line, _, _ := bytes.Cut(content, []byte("\n"))
	for _, separator := range []rune{',', ';', '\t'} {
		rows := csv.NewReader(bytes.NewReader(line))
		rows.Comma = separator
		if header, err := rows.Read(); err == nil && len(header) > 1 {
			return header
		}
	}
	return nil
}

// fitting counts the columns of a kind that a header has; none if it lacks one
// that has to be there.
func fitting(kind intake.Kind, header []string) int {
	fits := 0
	for _, column := range intake.Columns(kind) {
		has := slices.ContainsFunc(header, func(name string) bool { return strings.TrimSpace(strings.ToLower(name)) == column.Name })
		if !has && column.Required {
			return 0
		}
		if has {
			fits++
		}
	}
	return fits
}
