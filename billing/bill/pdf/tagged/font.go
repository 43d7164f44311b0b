package tagged

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Font is a TrueType font, read once and shared by all documents.
type Font struct {
	name     string
	tables   map[string][]byte
	perEm    int
	bbox     [4]int
	ascent   int
	descent  int
	cap      int
	weight   int
	advances []uint16 // by glyph
	loca     []uint32
	glyphs   map[rune]uint16

	mu      sync.Mutex
	subsets map[string]*subset
}

// ErrFont is returned for a file that is no TrueType font with outlines.
var ErrFont = errors.New("not a TrueType font")

// ParseFont reads a font file. name is its PostScript name.
func ParseFont(name string, file []byte) (*Font, error) {
	f := &Font{name: name, tables: map[string][]byte{}, subsets: map[string]*subset{}}
	if len(file) < 12 {
		return nil, ErrFont
	}
	for i := range int(be16(file, 4)) {
		at := 12 + 16*i
		if len(file) < at+16 {
			return nil, ErrFont
		}
		offset, length := int(be32(file, at+8)), int(be32(file, at+12))
		if offset < 0 || length < 0 || offset+length > len(file) {
			return nil, ErrFont
		}
		f.tables[string(file[at:at+4])] = file[offset : offset+length]
	}
	for _, needed := range []string{"head", "hhea", "maxp", "hmtx", "loca", "glyf", "cmap", "OS/2"} {
		if len(f.tables[needed]) < 6 {
			return nil, fmt.Errorf("%w: no %s", ErrFont, needed)
		}
	}
	head, hhea, os2 := f.tables["head"], f.tables["hhea"], f.tables["OS/2"]
	if len(head) < 54 || len(hhea) < 36 || len(os2) < 78 {
		return nil, ErrFont
	}
	f.perEm = int(be16(head, 18))
	for i := range f.bbox {
		f.bbox[i] = f.scaled(signed(head, 36+2*i))
	}
	f.ascent, f.descent, f.cap, f.weight = f.scaled(signed(hhea, 4)), f.scaled(signed(hhea, 6)), f.scaled(signed(hhea, 4)), int(be16(os2, 4))
	if len(os2) >= 90 {
		f.cap = f.scaled(signed(os2, 88))
	}
	if err := f.readGlyphs(); err != nil {
		return nil, err
	}
	return f, f.readMap()
}

// scaled is a length in thousandths of the type size.
func (f *Font) scaled(units int) int { return units * 1000 / f.perEm }

func (f *Font) readGlyphs() error {
	count, metrics := int(be16(f.tables["maxp"], 4)), int(be16(f.tables["hhea"], 34))
	hmtx, loca := f.tables["hmtx"], f.tables["loca"]
	long := be16(f.tables["head"], 50) == 1
	if metrics == 0 || len(hmtx) < 4*metrics || long && len(loca) < 4*(count+1) || !long && len(loca) < 2*(count+1) {
		return ErrFont
	}
	f.advances, f.loca = make([]uint16, count), make([]uint32, count+1)
	for i := range count {
		f.advances[i] = be16(hmtx, 4*min(i, metrics-1))
	}
	for i := range count + 1 {
		if long {
			f.loca[i] = be32(loca, 4*i)
		} else {
			f.loca[i] = 2 * uint32(be16(loca, 2*i))
		}
		if int(f.loca[i]) > len(f.tables["glyf"]) || i > 0 && f.loca[i] < f.loca[i-1] {
			return ErrFont
		}
	}
	return nil
}

// readMap reads the character map: formats 4 and 12 of Unicode.
func (f *Font) readMap() error {
	cmap := f.tables["cmap"]
	f.glyphs = map[rune]uint16{}
	for i := range int(be16(cmap, 2)) {
		at := 4 + 8*i
		if len(cmap) < at+8 {
			return ErrFont
		}
		platform, offset := be16(cmap, at), int(be32(cmap, at+4))
		if platform != 0 && platform != 3 || offset+8 > len(cmap) {
			continue
		}
		switch table := cmap[offset:]; be16(table, 0) {
		case 4:
			f.readSegments(table)
		case 12:
			f.readGroups(table)
		}
	}
	if len(f.glyphs) == 0 {
		return fmt.Errorf("%w: no character map", ErrFont)
	}
	return nil
}

func (f *Font) readSegments(t []byte) {
	n := int(be16(t, 6)) // twice the number of segments
	if len(t) < 16+4*n {
		return
	}
	for i := 0; i < n; i += 2 {
		end, start := int(be16(t, 14+i)), int(be16(t, 16+n+i))
		delta, offset := int(be16(t, 16+2*n+i)), int(be16(t, 16+3*n+i))
		for c := start; c <= end && c != 0xffff; c++ {
			glyph := (c + delta) & 0xffff
			if offset != 0 {
				at := 16 + 3*n + i + offset + 2*(c-start)
				if at+2 > len(t) {
					break
				}
				if glyph = int(be16(t, at)); glyph != 0 {
					glyph = (glyph + delta) & 0xffff
				}
			}
			f.put(rune(c), glyph)
		}
	}
}

func (f *Font) readGroups(t []byte) {
	for i := range int(be32(t, 12)) {
		at := 16 + 12*i
		if at+12 > len(t) {
			return
		}
		start, end, glyph := be32(t, at), be32(t, at+4), be32(t, at+8)
		for c := start; c <= end && c-start < 0xffff; c++ {
			f.put(rune(c), int(glyph+c-start))
		}
	}
}

func (f *Font) put(c rune, glyph int) {
	if glyph > 0 && glyph < len(f.advances) {
		f.glyphs[c] = uint16(glyph)
	}
}

// glyph is a letter's; one that the font has not is a question mark.
func (f *Font) glyph(c rune) uint16 {
	if g, known := f.glyphs[c]; known {
		return g
	}
	return f.glyphs['?']
}

// Width is a text's at a size.
func (f *Font) Width(size float64, text string) float64 {
	units := 0
	for _, c := range text {
		units += int(f.advances[f.glyph(c)])
	}
	return float64(units) * size / float64(f.perEm)
}

// runes are the font's letters within a block of 128, in order.
func (f *Font) runes(block rune) []rune {
	var list []rune
	for c := block * 128; c < block*128+128; c++ {
		if _, known := f.glyphs[c]; known {
			list = append(list, c)
		}
	}
	slices.Sort(list)
	return list
}

func be16(b []byte, at int) uint16 { return binary.BigEndian.Uint16(b[at:]) }
func be32(b []byte, at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
func signed(b []byte, at int) int  { return int(int16(be16(b, at))) }
