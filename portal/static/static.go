package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed tollhouse.css console.js vendor/*.css vendor/*.js vendor/*.woff2 vendor/licences/*.txt
var files embed.FS

// Prefix is where all assets are, for every tenant alike.
const Prefix = "/static/"

// forEver is for addresses that hold the hash of what they give.
const forEver = "public, max-age=31536000, immutable"

// asset is one file, ready to be sent.
type asset struct {
	kind         string // media type
	plain, small []byte // small is gzip, nil where that gains nothing
}

var (
	assets = load()
	hash   = hashOf(assets)
)

func load() map[string]asset {
	found := map[string]asset{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := files.ReadFile(name)
		found[name] = asset{kind: kindOf(name), plain: text, small: shrink(name, text)}
		return err
	})
	if err != nil {
		panic(err) // the files are in the binary
	}
	return found
}

func kindOf(name string) string {
	if strings.HasSuffix(name, ".woff2") {
		return "font/woff2" // unknown to some systems' tables
	}
	return mime.TypeByExtension(path.Ext(name))
}

// shrink leaves fonts alone: woff2 is compressed already.
func shrink(name string, text []byte) []byte {
	if strings.HasSuffix(name, ".woff2") {
		return nil
	}
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is a constant
	_, _ = w.Write(text)                                    // into memory
	_ = w.Close()
	return out.Bytes()
}

// hashOf covers all files, since style sheets name their fonts by path.
func hashOf(all map[string]asset) string {
	sum := sha256.New()
	_ = fs.WalkDir(files, ".", func(name string, _ fs.DirEntry, _ error) error { // in lexical order
		sum.Write([]byte(name + "\x00"))
		sum.Write(all[name].plain)
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

// URL is the address of a file of this package, such as vendor/htmx.min.js.
func URL(name string) string { return Prefix + hash + "/" + name }

// Weight is what a file takes on the way to a browser, in bytes.
func Weight(name string) int {
	a := assets[name]
	if a.small != nil {
		return len(a.small)
	}
	return len(a.plain)
}

// Serve answers with the file that the address named; false for none.
func Serve(w http.ResponseWriter, r *http.Request, named, name string) bool {
	a, found := assets[name]
	if !found || named != hash {
		return false
	}
	Send(w, r, a.kind, a.plain, a.small)
	return true
}

// Send writes something that never changes under its address. small is the
// same by gzip, or nil.
func Send(w http.ResponseWriter, r *http.Request, kind string, plain, small []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", forEver)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	if small != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		plain = small
	}
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(plain) // who is gone can't be told
	}
}
