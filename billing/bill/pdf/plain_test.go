package pdf_test

import (
	"bytes"
	"compress/zlib"
	"io"
	"regexp"
	"strings"
	"testing"
)

var streams = regexp.MustCompile(`(?s)<<([^\n]*)>>\nstream\n(.*?)\nendstream`)

// plain is a file with its packed objects unpacked, to be searched.
func plain(t *testing.T, file []byte) string {
	t.Helper()
	var out strings.Builder
	for _, found := range streams.FindAllSubmatch(file, -1) {
		if bytes.Contains(found[1], []byte("/XML")) {
			out.Write(found[2])
		}
		if !bytes.Contains(found[1], []byte("/ObjStm")) {
			continue
		}
		r, err := zlib.NewReader(bytes.NewReader(found[2]))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&out, r); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}
