package postgres

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// ErrExport means that an export is not what its manifest says.
var ErrExport = errors.New("the export is not whole")

// CheckExport reads an export through and holds it against its own manifest:
// every table is there with its rows and its digest, and every other file as it
// was written. It reads once, from the beginning: a sealed file can't be read
// otherwise. ErrExport says what is wrong.
func CheckExport(from io.Reader) (Exported, error) {
	type seen struct {
		rows int64
		sum  string
	}
	in, tables, manifest := &exportBytes{in: bufio.NewReader(from)}, map[string]seen{}, []byte(nil)
	for {
		name, err := nextFile(in)
		if err != nil {
			return Exported{}, err
		}
		if name == "" {
			break
		}
		hash, rows, text := sha256.New(), &csvRows{}, &bytes.Buffer{}
		to := []io.Writer{hash, rows}
		if name == "manifest.json" {
			to = append(to, text)
		}
		if err := readFile(in, name, io.MultiWriter(to...)); err != nil {
			return Exported{}, err
		}
		if name == "manifest.json" {
			manifest = text.Bytes()
		}
		tables[name] = seen{rows: rows.n - 1, sum: hex.EncodeToString(hash.Sum(nil))}
	}
	var out Exported
	if err := json.Unmarshal(manifest, &out); err != nil {
		return Exported{}, fmt.Errorf("%w: its manifest cannot be read: %w", ErrExport, err)
	}
	for _, t := range out.Tables {
		is, there := tables[t.File]
		if !there || is.sum != t.SHA256 || is.rows != t.Rows {
			return Exported{}, fmt.Errorf("%w: table %s has %d rows and the digest %q; its manifest says %d and %q", ErrExport, t.Table, is.rows, is.sum, t.Rows, t.SHA256)
		}
	}
	return out, nil
}

// csvRows counts lines that are not within quotes, the first of them the header.
type csvRows struct {
	n      int64
	quoted bool
}

func (c *csvRows) Write(p []byte) (int, error) {
	for _, b := range p {
		switch {
		case b == '"':
			c.quoted = !c.quoted
		case b == '\n' && !c.quoted:
			c.n++
		}
	}
	return len(p), nil
}

// exportBytes counts what is read; it is read byte by byte, so that whoever inflates
// takes nothing that is behind the end of a file.
type exportBytes struct {
	in *bufio.Reader
	n  uint64
}

func (c *exportBytes) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += uint64(n) //nolint:gosec // never negative
	return n, err
}

// ReadByte makes a flate reader read no more than it needs.
func (c *exportBytes) ReadByte() (byte, error) {
	b, err := c.in.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

// Of the ZIP format (APPNOTE.TXT 4.3): what stands before a file, behind it, and
// before the list of all files.
const (
	zipFile    = 0x04034b50
	zipBehind  = 0x08074b50
	zipListing = 0x02014b50
	zipHead    = 30 // bytes before a file, without its name
	// zipSizesBehind is the flag of a file whose sizes stand behind it.
	zipSizesBehind = 1 << 3
	zipDeflated    = 8
)

// nextFile reads on to the next file's content; empty where the list of files begins.
func nextFile(in *exportBytes) (string, error) {
	head := make([]byte, zipHead)
	if _, err := io.ReadFull(in, head[:4]); err != nil {
		return "", fmt.Errorf("%w: it ends early: %w", ErrExport, err)
	}
	switch binary.LittleEndian.Uint32(head) {
	case zipListing:
		return "", nil
	case zipFile:
	default:
		return "", fmt.Errorf("%w: it is no ZIP as we write them", ErrExport)
	}
	if _, err := io.ReadFull(in, head[4:]); err != nil {
		return "", fmt.Errorf("%w: it ends early: %w", ErrExport, err)
	}
	flags, method := binary.LittleEndian.Uint16(head[6:]), binary.LittleEndian.Uint16(head[8:])
	if flags&zipSizesBehind == 0 || method != zipDeflated {
		return "", fmt.Errorf("%w: it is no ZIP as we write them", ErrExport)
	}
	name := make([]byte, binary.LittleEndian.Uint16(head[26:]))
	if _, err := io.ReadFull(in, name); err != nil {
		return "", fmt.Errorf("%w: it ends early: %w", ErrExport, err)
	}
	if _, err := io.CopyN(io.Discard, in, int64(binary.LittleEndian.Uint16(head[28:]))); err != nil {
		return "", fmt.Errorf("%w: it ends early: %w", ErrExport, err)
	}
	return string(name), nil
}

// readFile inflates a file and holds it against what stands behind it.
func readFile(in *exportBytes, name string, to io.Writer) error {
	began, crc := in.n, crc32.NewIEEE()
	inflate := flate.NewReader(in)
	n, err := io.Copy(io.MultiWriter(to, crc), inflate)
	if err = errors.Join(err, inflate.Close()); err != nil {
		return fmt.Errorf("%w: file %s: %w", ErrExport, name, err)
	}
	size, packed, width := uint64(n), in.n-began, 4 //nolint:gosec // never negative
	if packed >= math.MaxUint32 || size >= math.MaxUint32 {
		width = 8
	}
	behind := make([]byte, 8+2*width)
	if _, err := io.ReadFull(in, behind); err != nil {
		return fmt.Errorf("%w: it ends early: %w", ErrExport, err)
	}
	number := func(at int) uint64 {
		if width == 8 {
			return binary.LittleEndian.Uint64(behind[at:])
		}
		return uint64(binary.LittleEndian.Uint32(behind[at:]))
	}
	if binary.LittleEndian.Uint32(behind) != zipBehind || binary.LittleEndian.Uint32(behind[4:]) != crc.Sum32() || number(8) != packed || number(8+width) != size {
		return fmt.Errorf("%w: file %s is not as it was written", ErrExport, name)
	}
	return nil
}
