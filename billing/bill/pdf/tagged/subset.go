package tagged

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// subset is what a document embeds of a font, ready to be written.
type subset struct {
	tag       string // six capitals, as the name of a subset begins
	file      []byte // compressed
	length    int    // of the file itself
	toUnicode []byte // compressed
	widths    string
}

// maxSubsets bounds how many are kept; a font has a dozen blocks, and few of
// their combinations are a language.
const maxSubsets = 64

// subsetOf is the font's part with whole blocks of letters.
func (f *Font) subsetOf(blocks map[rune]bool) *subset {
	order := slices.Sorted(maps.Keys(blocks))
	key := fmt.Sprint(order)
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.subsets[key]; s != nil {
		return s
	}
	if len(f.subsets) >= maxSubsets {
		clear(f.subsets)
	}
	var letters []rune
	used := map[uint16]bool{0: true}
	for _, block := range order {
		for _, c := range f.runes(block) {
			letters = append(letters, c)
			used[f.glyphs[c]] = true
		}
	}
	used[f.glyph('?')] = true
	f.close(used)
	file := f.cut(used)
	sum := sha256.Sum256(append([]byte(f.name+key), file...))
	tag := make([]byte, 6)
	for i := range tag {
		tag[i] = 'A' + sum[i]%26
	}
	s := &subset{tag: string(tag), file: deflate(file), length: len(file), toUnicode: deflate(f.toUnicode(letters)), widths: f.widths(used)}
	f.subsets[key] = s
	return s
}

// close adds the glyphs that others are put together of.
func (f *Font) close(used map[uint16]bool) {
	waiting := slices.Collect(maps.Keys(used))
	for len(waiting) > 0 {
		g := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		for _, part := range components(f.outline(g)) {
			if int(part) < len(f.advances) && !used[part] {
				used[part] = true
				waiting = append(waiting, part)
			}
		}
	}
}

func (f *Font) outline(g uint16) []byte { return f.tables["glyf"][f.loca[g]:f.loca[g+1]] }

// components are the glyphs of a composite one.
func components(outline []byte) []uint16 {
	if len(outline) < 10 || signed(outline, 0) >= 0 {
		return nil
	}
	var parts []uint16
	for at := 10; at+4 <= len(outline); {
		flags := be16(outline, at)
		parts = append(parts, be16(outline, at+2))
		at += 6
		if flags&1 != 0 { // two words
			at += 2
		}
		switch {
		case flags&8 != 0:
			at += 2
		case flags&0x40 != 0:
			at += 4
		case flags&0x80 != 0:
			at += 8
		}
		if flags&0x20 == 0 {
			break
		}
	}
	return parts
}

// cut is a font file with the used outlines only; glyphs keep their numbers.
func (f *Font) cut(used map[uint16]bool) []byte {
	var glyf bytes.Buffer
	loca := make([]byte, 4*len(f.loca))
	for g := range len(f.advances) {
		binary.BigEndian.PutUint32(loca[4*g:], uint32(glyf.Len()))
		if used[uint16(g)] {
			glyf.Write(f.outline(uint16(g)))
			for glyf.Len()%4 != 0 {
				glyf.WriteByte(0)
			}
		}
	}
	binary.BigEndian.PutUint32(loca[4*len(f.advances):], uint32(glyf.Len()))
	head := bytes.Clone(f.tables["head"])
	binary.BigEndian.PutUint32(head[8:], 0)
	binary.BigEndian.PutUint16(head[50:], 1) // long offsets
	tables := map[string][]byte{"head": head, "glyf": glyf.Bytes(), "loca": loca}
	for _, name := range []string{"hhea", "hmtx", "maxp", "cvt ", "fpgm", "prep"} {
		if t := f.tables[name]; len(t) > 0 {
			tables[name] = t
		}
	}
	return assemble(tables)
}

// assemble writes tables as a font file, with its checksums.
func assemble(tables map[string][]byte) []byte {
	names := slices.Sorted(maps.Keys(tables))
	n := len(names)
	power, exponent := 1, 0
	for power*2 <= n {
		power, exponent = power*2, exponent+1
	}
	out := binary.BigEndian.AppendUint32(nil, 0x00010000)
	for _, v := range []int{n, power * 16, exponent, n*16 - power*16} {
		out = binary.BigEndian.AppendUint16(out, uint16(v))
	}
	offset, headAt := 12+16*n, 0
	for _, name := range names {
		out = append(out, name...)
		out = binary.BigEndian.AppendUint32(out, checksum(tables[name]))
		out = binary.BigEndian.AppendUint32(out, uint32(offset))
		out = binary.BigEndian.AppendUint32(out, uint32(len(tables[name])))
		if name == "head" {
			headAt = offset
		}
		offset += (len(tables[name]) + 3) &^ 3
	}
	for _, name := range names {
		out = append(out, tables[name]...)
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	binary.BigEndian.PutUint32(out[headAt+8:], 0xB1B0AFBA-checksum(out))
	return out
}

func checksum(b []byte) (sum uint32) {
	for i := 0; i < len(b); i += 4 {
		var word [4]byte
		copy(word[:], b[i:])
		sum += be32(word[:], 0)
	}
	return sum
}

// toUnicode tells which letters the glyphs are, for search and copying.
func (f *Font) toUnicode(letters []rune) []byte {
	var b strings.Builder
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	byGlyph := map[uint16]rune{}
	for _, c := range letters {
		if _, known := byGlyph[f.glyphs[c]]; !known {
			byGlyph[f.glyphs[c]] = c
		}
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(byGlyph)), 100) {
		fmt.Fprintf(&b, "%d beginbfchar\n", len(chunk))
		for _, g := range chunk {
			fmt.Fprintf(&b, "<%04X> <%04X>\n", g, byGlyph[g])
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return []byte(b.String())
}

func (f *Font) widths(used map[uint16]bool) string {
	var b strings.Builder
	b.WriteByte('[')
	for _, g := range slices.Sorted(maps.Keys(used)) {
		fmt.Fprintf(&b, "%d [%s] ", g, number(float64(f.advances[g])*1000/float64(f.perEm)))
	}
	b.WriteByte(']')
	return b.String()
}
