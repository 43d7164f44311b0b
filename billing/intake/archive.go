package intake

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// archive is all PDFs of a batch, by name.
type archive struct {
	files    map[string]*packed
	order    []string
	unpacked uint64
	wanted   []wantedFile
}

type packed struct {
	*zip.File
	archive string
}

type wantedFile struct {
	file string
	row
}

// errNotPDF means that a file is none, or larger than it says.
var errNotPDF = errors.New("not a PDF of up to 5 MB")

var pdfMark = []byte("%PDF-")

// add opens a ZIP and looks at each of its files without unpacking it: what
// it says its size is bounds what is ever read of it.
func (a *archive) add(f openFile, found *findings) {
	fault := func(name string, code Code, want string) {
		found.add(Finding{File: f.name, Column: name, Code: code, Value: name, Want: want})
	}
	reader, err := zip.NewReader(bytes.NewReader(f.content), int64(len(f.content)))
	if err != nil {
		fault("", Unreadable, "a ZIP archive")
		return
	}
	for _, file := range reader.File {
		if file.FileInfo().IsDir() {
			continue
		}
		a.unpacked += min(file.UncompressedSize64, MaxUnpacked)
		switch {
		case len(a.order) >= MaxPDFs || a.unpacked > MaxUnpacked:
			fault(file.Name, TooMuch, "at most 20,000 files and 256 MB unpacked: make several batches")
			return
		case a.files[file.Name] != nil:
			fault(file.Name, Twice, "another name for each file")
			continue
		case file.UncompressedSize64 > MaxPDFBytes:
			fault(file.Name, TooMuch, "a PDF of up to 5 MB")
		case !looksLikePDF(file):
			fault(file.Name, Wrong, "a PDF")
		}
		a.files[file.Name] = &packed{file, f.name}
		a.order = append(a.order, file.Name)
	}
}

func looksLikePDF(file *zip.File) bool {
	if !strings.HasSuffix(strings.ToLower(file.Name), ".pdf") {
		return false
	}
	in, err := file.Open()
	if err != nil {
		return false
	}
	defer func() { _ = in.Close() }()
	start := make([]byte, len(pdfMark))
	_, err = io.ReadFull(in, start)
	return err == nil && bytes.Equal(start, pdfMark)
}

// unpack reads one PDF, no further than its bound.
func (a *archive) unpack(name string) ([]byte, error) {
	file := a.files[name]
	if file == nil {
		return nil, fmt.Errorf("%s: %w", name, errNotPDF)
	}
	in, err := file.Open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, errNotPDF, err)
	}
	defer func() { _ = in.Close() }()
	content, err := io.ReadAll(io.LimitReader(in, MaxPDFBytes+1))
	if err != nil || len(content) > MaxPDFBytes || !bytes.HasPrefix(content, pdfMark) {
		return nil, fmt.Errorf("%s: %w", name, errors.Join(errNotPDF, err))
	}
	return content, nil
}
