package tagged

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
)

// file gathers numbered objects. Those without a stream are packed many to a
// stream of their own, compressed: the structure of a long table is most of it.
type file struct {
	plain   [][]byte // body of object n+1, without stream
	streams map[int]stream
}

type stream struct {
	head string // of its dictionary, but for the length
	data []byte
}

// reserve takes n object numbers and gives the first.
func (f *file) reserve(n int) int {
	first := len(f.plain) + 1
	f.plain = append(f.plain, make([][]byte, n)...)
	return first
}

func (f *file) set(no int, body []byte) { f.plain[no-1] = body }

func (f *file) object(body string) int {
	no := f.reserve(1)
	f.set(no, []byte(body))
	return no
}

func (f *file) stream(head string, data []byte) int {
	no := f.reserve(1)
	f.streams[no] = stream{head, data}
	return no
}

// Write puts the document out as a PDF.
func (d *Document) Write(w io.Writer) error {
	for _, p := range d.pages {
		p.mark(none)
	}
	f := &file{streams: map[int]stream{}}
	catalog, pages := f.reserve(1), f.reserve(1)
	first := f.reserve(len(d.pages))
	resources := d.resources(f)
	kids := make([]string, len(d.pages))
	for i, p := range d.pages {
		content := f.stream("/Filter /FlateDecode", deflate(p.content.Bytes()))
		f.set(first+i, fmt.Appendf(nil, "<</Type /Page /Parent %d 0 R /MediaBox [0 0 %s %s] /Resources %d 0 R /Contents %d 0 R /StructParents %d /Tabs /S>>",
			pages, number(d.width), number(d.height), resources, content, i))
		kids[i] = fmt.Sprintf("%d 0 R", first+i)
	}
	f.set(pages, fmt.Appendf(nil, "<</Type /Pages /Count %d /Kids [%s]>>", len(kids), strings.Join(kids, " ")))
	tree := d.structure(f, first)
	meta := f.stream("/Type /Metadata /Subtype /XML", []byte(d.xmp()))
	info := f.object(fmt.Sprintf("<</Title %s /Author %s /Producer (Tollhouse) /CreationDate %s /ModDate %[3]s>>", textString(d.info.Title), textString(d.info.Author), d.date()))
	f.set(catalog, fmt.Appendf(nil, "<</Type /Catalog /Pages %d 0 R /MarkInfo <</Marked true>> /StructTreeRoot %d 0 R /Lang %s /Metadata %d 0 R /ViewerPreferences <</DisplayDocTitle true>>>>",
		pages, tree, textString(d.info.Language), meta))
	return f.write(w, catalog, info)
}

func (d *Document) resources(f *file) int {
	var fonts, pictures strings.Builder
	for i, font := range d.fonts {
		fmt.Fprintf(&fonts, "/F%d %d 0 R ", i+1, font.embed(f, d.blocks[i]))
	}
	for i, p := range d.pictures {
		mask := ""
		if p.alpha != nil {
			mask = fmt.Sprintf(" /SMask %d 0 R", f.stream(fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode", p.width, p.height), p.alpha))
		}
		fmt.Fprintf(&pictures, "/I%d %d 0 R ", i+1, f.stream(fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode%s", p.width, p.height, mask), p.rgb))
	}
	return f.object("<</Font <<" + fonts.String() + ">> /XObject <<" + pictures.String() + ">>>>")
}

// embed writes a font's subset and what a reader needs to know of it.
func (f *Font) embed(to *file, blocks map[rune]bool) int {
	s := f.subsetOf(blocks)
	name := s.tag + "+" + f.name
	data := to.stream(fmt.Sprintf("/Filter /FlateDecode /Length1 %d", s.length), s.file)
	descriptor := to.object(fmt.Sprintf("<</Type /FontDescriptor /FontName /%s /Flags 32 /FontBBox [%d %d %d %d] /ItalicAngle 0 /Ascent %d /Descent %d /CapHeight %d /StemV %d /FontFile2 %d 0 R>>",
		name, f.bbox[0], f.bbox[1], f.bbox[2], f.bbox[3], f.ascent, f.descent, f.cap, 50+f.weight/10, data))
	cid := to.object(fmt.Sprintf("<</Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo <</Registry (Adobe) /Ordering (Identity) /Supplement 0>> /FontDescriptor %d 0 R /W %s /CIDToGIDMap /Identity>>",
		name, descriptor, s.widths))
	unicode := to.stream("/Filter /FlateDecode", s.toUnicode)
	return to.object(fmt.Sprintf("<</Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%d 0 R] /ToUnicode %d 0 R>>", name, cid, unicode))
}

// structure writes the structure tree and, for each page, whose each piece of
// its content is.
func (d *Document) structure(f *file, firstPage int) int {
	root := f.reserve(1)
	first := f.reserve(len(d.elements))
	parents := make([]int, len(d.elements))
	for i := range d.elements {
		for _, k := range d.elements[i].kids {
			if k.element >= 0 {
				parents[k.element] = i
			}
		}
	}
	for i := range d.elements {
		parent := root
		if i > 0 {
			parent = first + parents[i]
		}
		f.set(first+i, d.elements[i].body(parent, first, firstPage))
	}
	var numbers bytes.Buffer
	for i, p := range d.pages {
		fmt.Fprintf(&numbers, "%d [", i)
		for _, e := range p.marks {
			b := strconv.AppendInt(numbers.AvailableBuffer(), int64(first+e), 10)
			numbers.Write(append(b, " 0 R "...))
		}
		numbers.WriteString("] ")
	}
	tree := f.object("<</Nums [" + numbers.String() + "]>>")
	f.set(root, fmt.Appendf(nil, "<</Type /StructTreeRoot /K [%d 0 R] /ParentTree %d 0 R /ParentTreeNextKey %d>>", first, tree, len(d.pages)))
	return root
}

func (e *element) body(parent, first, firstPage int) []byte {
	b := append([]byte("<</Type /StructElem /S /"), e.role...)
	b = append(b, " /P "...)
	b = append(strconv.AppendInt(b, int64(parent), 10), " 0 R"...)
	own := -1
	for _, k := range e.kids {
		if k.element < 0 {
			own = k.page
			b = append(b, " /Pg "...)
			b = append(strconv.AppendInt(b, int64(firstPage+own), 10), " 0 R"...)
			break
		}
	}
	if e.alt != "" {
		b = append(append(b, " /Alt "...), textString(e.alt)...)
	}
	switch {
	case e.scope != "":
		b = append(append(append(b, " /A <</O /Table /Scope /"...), e.scope...), ">>"...)
	case e.box != nil:
		b = fmt.Appendf(b, " /A <</O /Layout /Placement /Block /BBox [%s %s %s %s]>>", number(e.box[0]), number(e.box[1]), number(e.box[2]), number(e.box[3]))
	}
	b = append(b, " /K ["...)
	for _, k := range e.kids {
		switch {
		case k.element >= 0:
			b = append(strconv.AppendInt(b, int64(first+k.element), 10), " 0 R "...)
		case k.page == own:
			b = append(strconv.AppendInt(b, int64(k.mark), 10), ' ')
		default:
			b = fmt.Appendf(b, "<</Type /MCR /Pg %d 0 R /MCID %d>> ", firstPage+k.page, k.mark)
		}
	}
	return append(b, "]>>"...)
}

// perStream bounds the objects that are packed together.
const perStream = 200

// place says where an object is: at an offset, or in a stream of others.
type place struct{ kind, at, index int }

func (f *file) write(w io.Writer, catalog, info int) error {
	var out bytes.Buffer
	out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	places := make([]place, len(f.plain))
	var waiting []int
	pack := func() {
		if len(waiting) == 0 {
			return
		}
		var heads, bodies bytes.Buffer
		no := len(places) + 1
		for i, w := range waiting {
			fmt.Fprintf(&heads, "%d %d ", w, bodies.Len())
			bodies.Write(f.plain[w-1])
			bodies.WriteByte('\n')
			places[w-1] = place{2, no, i}
		}
		places = append(places, place{1, out.Len(), 0})
		head := fmt.Sprintf("/Type /ObjStm /N %d /First %d /Filter /FlateDecode", len(waiting), heads.Len())
		heads.Write(bodies.Bytes())
		writeStream(&out, no, stream{head, deflate(heads.Bytes())})
		waiting = waiting[:0]
	}
	for no := 1; no <= len(f.plain); no++ {
		if s, is := f.streams[no]; is {
			places[no-1] = place{1, out.Len(), 0}
			writeStream(&out, no, s)
			continue
		}
		if waiting = append(waiting, no); len(waiting) == perStream {
			pack()
		}
	}
	pack()
	sum := sha256.Sum256(out.Bytes())
	id := hex.EncodeToString(sum[:16])
	start, no := out.Len(), len(places)+1
	places = append(places, place{1, start, 0})
	table := []byte{0, 0, 0, 0, 0, 0xff, 0xff}
	for _, p := range places {
		table = append(table, byte(p.kind))
		table = binary.BigEndian.AppendUint32(table, uint32(p.at))
		table = binary.BigEndian.AppendUint16(table, uint16(p.index))
	}
	writeStream(&out, no, stream{fmt.Sprintf("/Type /XRef /Size %d /W [1 4 2] /Root %d 0 R /Info %d 0 R /ID [<%s> <%[4]s>] /Filter /FlateDecode", no+1, catalog, info, id), deflate(table)})
	fmt.Fprintf(&out, "startxref\n%d\n%%%%EOF\n", start)
	_, err := out.WriteTo(w)
	return err
}

func writeStream(out *bytes.Buffer, no int, s stream) {
	fmt.Fprintf(out, "%d 0 obj\n<<%s /Length %d>>\nstream\n", no, s.head, len(s.data))
	out.Write(s.data)
	out.WriteString("\nendstream\nendobj\n")
}

// textString writes text for people: ASCII as it is, the rest in UTF-16.
func textString(text string) string {
	plain := true
	for _, c := range text {
		plain = plain && c >= ' ' && c < 0x7f
	}
	if plain {
		return "(" + strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(text) + ")"
	}
	b := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.BigEndian.AppendUint16(b, u)
	}
	return "<" + hex.EncodeToString(b) + ">"
}

func (d *Document) date() string {
	return "(D:" + strings.ReplaceAll(d.info.Created, "-", "") + "000000Z)"
}

// xmp is the file's description as PDF/UA wants it.
func (d *Document) xmp() string {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
	return `<?xpacket begin="` + "\ufeff" + `" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">` + escape(d.info.Title) + `</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>` + escape(d.info.Author) + `</rdf:li></rdf:Seq></dc:creator>
<dc:language><rdf:Bag><rdf:li>` + escape(d.info.Language) + `</rdf:li></rdf:Bag></dc:language>
<pdfuaid:part>1</pdfuaid:part><xmp:CreateDate>` + d.info.Created + `T00:00:00Z</xmp:CreateDate><xmp:ModifyDate>` + d.info.Created + `T00:00:00Z</xmp:ModifyDate><pdf:Producer>Tollhouse</pdf:Producer>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>`
}

var writers = sync.Pool{New: func() any {
	w, err := zlib.NewWriterLevel(io.Discard, zlib.BestSpeed)
	if err != nil {
		panic(err)
	}
	return w
}}

func deflate(data []byte) []byte {
	var out bytes.Buffer
	w := writers.Get().(*zlib.Writer)
	w.Reset(&out)
	_, err := w.Write(data)
	if closed := w.Close(); err == nil {
		err = closed
	}
	if err != nil {
		panic(err) // memory does not fail to be written
	}
	writers.Put(w)
	return out.Bytes()
}
